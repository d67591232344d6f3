#include "user/view.h"

#include "common/text.h"
#include "user/wrap.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NICKS = 256, TIME_TEXT = 40, INDENT = 9, NICK_COLUMN = 16 };

// The last nick seen of an author, to name the old one beside the new. A slot of a fixed table: who
// shares one with another is named by UUID, and nothing grows with the number of authors.
typedef struct {
    guid_t author;
    char nick[TEXT_NICK_MAX + 1];
} known_t;

struct view {
    bool json;
    bool name_groups;
    int width;
    char day[TIME_TEXT]; // of the last record shown, "" before the first
    known_t known[NICKS];
};

view_t *view_new (bool json, int width)
{
    view_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->json = json;
    self->width = width;
    return self;
}

void view_destroy (view_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

void view_set_width (view_t *self, int width)
{
    self->width = width;
}

void view_name_groups (view_t *self, bool on)
{
    self->name_groups = on;
}

// JSON.

static void s_set (json_t *object, const char *key, json_t *value)
{
    json_object_set_new_nocheck (object, key, value);
}

static void s_set_number (json_t *object, const char *key, uint64_t value)
{
    s_set (object, key, json_integer ((json_int_t)value));
}

// What is no UTF-8 is shown as for a terminal: JSON has no other bytes.
static void s_set_text (json_t *object, const char *key, const char *text, size_t size)
{
    json_t *value = json_stringn (text, size);
    if (!value) {
        char *shown = text_for_terminal (text, size, true);
        value = shown ? json_string (shown) : NULL;
        free (shown);
    }
    s_set (object, key, value);
}

static void s_set_span (json_t *object, const char *key, span_t text)
{
    s_set_text (object, key, (const char *)text.data, text.size);
}

static void s_set_string (json_t *object, const char *key, const char *text)
{
    if (text)
        s_set_text (object, key, text, strlen (text));
    else
        s_set (object, key, json_null ());
}

static void s_set_guid (json_t *object, const char *key, const guid_t *guid)
{
    char text[GUID_TEXT];
    s_set (object, key, json_string (guid_print (guid, text)));
}

// RFC 3339, UTC, microseconds.
static void s_set_time (json_t *object, int64_t time)
{
    time_t seconds = time / 1000000;
    struct tm tm;
    char day[TIME_TEXT] = "", text[TIME_TEXT + 16];
    if (gmtime_r (&seconds, &tm))
        strftime (day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf (text, sizeof text, "%s.%06dZ", day, (int)(time % 1000000));
    s_set (object, "time", json_string (text));
}

// Escapes each DEL, the one control that jansson leaves as it is. Takes the line.
static char *s_without_delete (char *line)
{
    size_t size = line ? strlen (line) : 0;
    char *result = line ? malloc (6 * size + 1) : NULL, *out = result;
    for (size_t i = 0; result && i < size; i++)
        if (line[i] == 0x7f)
            out = stpcpy (out, "\\u007F");
        else
            *out++ = line[i];
    if (result)
        *out = 0;
    free (line);
    return result;
}

// The object's line. Characters that a terminal would obey leave escaped, should one read along.
static char *s_line (json_t *object)
{
    char *line = json_dumps (object, JSON_COMPACT);
    if (line && !text_valid (line, strlen (line))) {
        free (line);
        line = s_without_delete (json_dumps (object, JSON_COMPACT | JSON_ENSURE_ASCII));
    }
    json_decref (object);
    size_t size = line ? strlen (line) : 0;
    char *result = line ? realloc (line, size + 2) : NULL;
    if (result)
        strcpy (result + size, "\n");
    else
        free (line);
    return result;
}

static char *s_json_record (const char *group, const record_t *record)
{
    json_t *object = json_object ();
    s_set_number (object, "seq", record->seq);
    s_set_time (object, record->time);
    s_set_string (object, "group", group);
    s_set_string (object, "kind", record_kind_name (record->kind));
    if (guid_is_null (&record->author))
        s_set (object, "author", json_null ());
    else
        s_set_guid (object, "author", &record->author);
    if (record->nick.size == 0)
        s_set (object, "nick", json_null ());
    else
        s_set_span (object, "nick", record->nick);
    if (record->kind == RECORD_MESSAGE)
        s_set_span (object, "text", record->text);
    if (record->kind == RECORD_TOPIC)
        s_set_span (object, "topic", record->text);
    if (record->flags & RECORD_VERIFIED)
        s_set (object, "verified", json_true ());
    return s_line (object);
}

// Text for people.

typedef struct {
    FILE *file;
    char *text;
    size_t size;
} out_t;

static bool s_begin (out_t *self)
{
    memset (self, 0, sizeof *self);
    self->file = open_memstream (&self->text, &self->size);
    return self->file != NULL;
}

static char *s_end (out_t *self)
{
    if (fclose (self->file) == 0)
        return self->text;
    free (self->text);
    return NULL;
}

static void s_put_safe (out_t *out, const void *text, size_t size)
{
    char *shown = text_for_terminal (text, size, false);
    fputs (shown ? shown : "", out->file);
    free (shown);
}

// Text that is padded to so many columns.
static void s_put_column (out_t *out, const char *text, int columns)
{
    char *shown = text_for_terminal (text, strlen (text), false);
    int used = shown ? text_width (shown, strlen (shown)) : 0;
    fprintf (out->file, "%s%*s", shown ? shown : "", used < columns ? columns - used : 0, "");
    free (shown);
}

static known_t *s_slot (view_t *self, const guid_t *author)
{
    // A UUID's last bytes are random in every version that is used here.
    return &self->known[author->bytes[GUID_SIZE - 1] % NICKS];
}

static const char *s_old_nick (view_t *self, const guid_t *author)
{
    known_t *known = s_slot (self, author);
    return guid_equal (&known->author, author) ? known->nick : "";
}

static void s_remember (view_t *self, const record_t *record)
{
    if (record->nick.size == 0 || record->nick.size > TEXT_NICK_MAX)
        return;
    known_t *known = s_slot (self, &record->author);
    known->author = record->author;
    memcpy (known->nick, record->nick.data, record->nick.size);
    known->nick[record->nick.size] = 0;
}

// The author as people know it: the nick, else the UUID's beginning.
static void s_put_author (out_t *out, const record_t *record)
{
    char uuid[GUID_TEXT];
    guid_print (&record->author, uuid);
    if (record->nick.size > 0)
        s_put_safe (out, record->nick.data, record->nick.size);
    else
        fprintf (out->file, "%.8s", guid_is_null (&record->author) ? "?" : uuid);
}

static void s_put_renamed (view_t *self, out_t *out, const record_t *record)
{
    char uuid[GUID_TEXT];
    const char *old = s_old_nick (self, &record->author);
    if (*old)
        s_put_safe (out, old, strlen (old));
    else
        fprintf (out->file, "%.8s", guid_print (&record->author, uuid));
    fputs (" is now ", out->file);
    s_put_author (out, record);
}

static const char *s_why (uint64_t why)
{
    switch (why) {
    case RECORD_WHY_AGE:
        return "too old";
    case RECORD_WHY_SIZE:
        return "the log was too large";
    case RECORD_WHY_COUNT:
        return "there were too many";
    case RECORD_WHY_DAMAGE:
        return "they were damaged";
    }
    return "no reason given";
}

static void s_put_event (view_t *self, out_t *out, const record_t *record)
{
    switch (record->kind) {
    case RECORD_JOIN:
    case RECORD_LEAVE:
        s_put_author (out, record);
        fputs (record->kind == RECORD_JOIN ? " joined" : " left", out->file);
        break;
    case RECORD_NICK:
        s_put_renamed (self, out, record);
        break;
    case RECORD_TOPIC:
        s_put_author (out, record);
        fputs (record->text.size > 0 ? " set the topic: " : " removed the topic", out->file);
        s_put_safe (out, record->text.data, record->text.size);
        break;
    case RECORD_OPEN:
        fputs ("the group was started", out->file);
        break;
    case RECORD_TRIM:
        fprintf (out->file, "what was before #%" PRIu64 " is gone: %s",
                 record_option_number (record, RECORD_OPT_OLDEST, 0),
                 s_why (record_option_number (record, RECORD_OPT_WHY, 0)));
        break;
    case RECORD_ACCEPT:
        fputs ("the operator accepted the log as it is", out->file);
        break;
    case RECORD_HOLE:
        fprintf (out->file, "#%" PRIu64 " to #%" PRIu64 " are damaged and gone",
                 record_option_number (record, RECORD_OPT_FROM, 0),
                 record_option_number (record, RECORD_OPT_TO, 0));
        break;
    default:
        fprintf (out->file, "something this program does not know (kind %d)", (int)record->kind);
    }
}

// The day's line, if it is another than the last record's; then the time and the group.
static void s_put_when (view_t *self, out_t *out, const char *group, int64_t time)
{
    time_t seconds = time / 1000000;
    struct tm tm;
    char day[TIME_TEXT] = "?", clock[TIME_TEXT] = "??:??:??";
    if (localtime_r (&seconds, &tm)) {
        strftime (day, sizeof day, "%Y-%m-%d", &tm);
        strftime (clock, sizeof clock, "%H:%M:%S", &tm);
    }
    if (strcmp (day, self->day) != 0)
        fprintf (out->file, "--- %s ---\n", day);
    strcpy (self->day, day);
    fprintf (out->file, "%s ", clock);
    if (!self->name_groups)
        return;
    fputc ('[', out->file);
    s_put_safe (out, group, strlen (group));
    fputs ("] ", out->file);
}

// Harmless text, broken into indented lines. `column` is where it begins.
static void s_put_wrapped (const view_t *self, out_t *out, const char *text, int column, int indent)
{
    char *lines = wrap_text (text, column, indent, self->width);
    fputs (lines ? lines : "", out->file);
    free (lines);
}

// The same for what another one holds so far, which ends.
static void s_put_out (const view_t *self, out_t *out, out_t *inner, int column, int indent)
{
    char *text = s_end (inner);
    if (text)
        s_put_wrapped (self, out, text, column, indent);
    free (text);
}

static void s_put_text (const view_t *self, out_t *out, const record_t *record, int column)
{
    char *shown = text_for_terminal ((const char *)record->text.data, record->text.size, true);
    if (shown)
        s_put_wrapped (self, out, shown, column, INDENT);
    free (shown);
}

// Columns written since the last newline.
static int s_column (out_t *out)
{
    fflush (out->file);
    const char *line = strrchr (out->text, '\n');
    line = line ? line + 1 : out->text;
    return text_width (line, strlen (line));
}

static char *s_text_record (view_t *self, const char *group, const record_t *record)
{
    out_t out, event;
    if (!s_begin (&out))
        return NULL;
    s_put_when (self, &out, group, record->time);
    if (record->kind == RECORD_MESSAGE) {
        s_put_author (&out, record);
        fputs (": ", out.file);
        s_put_text (self, &out, record, s_column (&out));
    } else if (s_begin (&event)) {
        fputs ("* ", event.file);
        s_put_event (self, &event, record);
        s_put_out (self, &out, &event, s_column (&out), INDENT);
    }
    fputc ('\n', out.file);
    s_remember (self, record);
    return s_end (&out);
}

char *view_record (view_t *self, const char *group, const record_t *record)
{
    return self->json ? s_json_record (group, record) : s_text_record (self, group, record);
}

static char *s_json_group (const view_group_t *group)
{
    json_t *object = json_object (), *endpoints = json_array ();
    s_set_string (object, "name", group->name);
    for (size_t i = 0; i < group->endpoint_count; i++)
        json_array_append_new (endpoints, json_string (group->endpoints[i]));
    s_set (object, "endpoints", endpoints);
    s_set_string (object, "log", group->log);
    const char *const keys[] = {"members", "online", "seq"};
    const uint64_t values[] = {group->members, group->online, group->seq};
    for (size_t i = 0; i < 3; i++)
        if (group->log)
            s_set_number (object, keys[i], values[i]);
        else
            s_set (object, keys[i], json_null ());
    s_set_string (object, "topic", group->log ? group->topic : NULL);
    return s_line (object);
}

static char *s_text_group (const view_t *self, const view_group_t *group)
{
    out_t out, line;
    if (!s_begin (&out) || !s_begin (&line))
        return NULL;
    s_put_column (&line, group->name, NICK_COLUMN);
    if (group->log)
        fprintf (line.file, "  %" PRIu64 " members, %" PRIu64 " online  #%" PRIu64, group->members,
                 group->online, group->seq);
    for (size_t i = 0; i < group->endpoint_count; i++) {
        fputs (i == 0 ? "  " : " ", line.file);
        s_put_safe (&line, group->endpoints[i], strlen (group->endpoints[i]));
    }
    if (*group->state)
        fprintf (line.file, "  (%s)", group->state);
    if (group->log && *group->topic) {
        fputs ("  ", line.file);
        s_put_safe (&line, group->topic, strlen (group->topic));
    }
    s_put_out (self, &out, &line, 0, NICK_COLUMN + 2);
    fputc ('\n', out.file);
    return s_end (&out);
}

char *view_group (const view_t *self, const view_group_t *group)
{
    return self->json ? s_json_group (group) : s_text_group (self, group);
}

static char *s_json_member (const view_member_t *member)
{
    json_t *object = json_object ();
    s_set_guid (object, "uuid", &member->uuid);
    s_set_string (object, "nick", member->nick);
    s_set (object, "online", json_boolean (member->online));
    s_set_string (object, "role", member->role);
    return s_line (object);
}

char *view_member (const view_t *self, const view_member_t *member)
{
    char uuid[GUID_TEXT];
    out_t out;
    if (self->json)
        return s_json_member (member);
    if (!s_begin (&out))
        return NULL;
    s_put_column (&out, member->nick ? member->nick : "-", NICK_COLUMN);
    fprintf (out.file, "  %-7s  %s  %s\n", member->online ? "online" : "away",
             guid_print (&member->uuid, uuid), member->role);
    return s_end (&out);
}

char *view_identity (const view_t *self, const guid_t *uuid, const char *nick,
                     const uint8_t key[32])
{
    char text[GUID_TEXT], hex[65];
    for (size_t i = 0; i < 32; i++)
        sprintf (hex + 2 * i, "%02x", key[i]);
    if (self->json) {
        json_t *object = json_object ();
        s_set_guid (object, "uuid", uuid);
        s_set_string (object, "nick", nick);
        s_set_string (object, "key", hex);
        return s_line (object);
    }
    out_t out;
    if (!s_begin (&out))
        return NULL;
    fprintf (out.file, "uuid  %s\nnick  ", guid_print (uuid, text));
    s_put_safe (&out, nick, strlen (nick));
    fprintf (out.file, "\nkey   %s\n", hex);
    return s_end (&out);
}

static char *s_json_done (const char *group, const char *nick, uint64_t seq, int64_t time)
{
    json_t *object = json_object ();
    s_set_string (object, "group", group);
    if (nick)
        s_set_string (object, "nick", nick);
    // 0: nothing was recorded, or the group would have to search for it.
    if (seq > 0)
        s_set_number (object, "seq", seq);
    else
        json_object_set_new (object, "seq", json_null ());
    if (time > 0)
        s_set_time (object, time);
    else
        json_object_set_new (object, "time", json_null ());
    return s_line (object);
}

static char *s_safe_line (const char *text)
{
    out_t out;
    if (!s_begin (&out))
        return NULL;
    s_put_safe (&out, text, strlen (text));
    fputc ('\n', out.file);
    return s_end (&out);
}

char *view_done (const view_t *self, const char *group, const char *nick, uint64_t seq,
                 int64_t time, const char *sentence)
{
    return self->json ? s_json_done (group, nick, seq, time) : s_safe_line (sentence);
}

char *view_topic (const view_t *self, const char *group, const char *topic)
{
    if (!self->json)
        return *topic ? s_safe_line (topic) : strdup ("");
    json_t *object = json_object ();
    s_set_string (object, "group", group);
    s_set_string (object, "topic", topic);
    return s_line (object);
}

char *view_sent (const view_t *self, const char *group, uint64_t seq, int64_t time)
{
    char *line;
    if (self->json)
        return s_json_done (group, NULL, seq, time);
    return asprintf (&line, "#%" PRIu64 "\n", seq) < 0 ? NULL : line;
}
