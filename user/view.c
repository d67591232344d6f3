#include "user/view.h"

#include "common/text.h"
#include "user/jsonline.h"
#include "user/wrap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    NICKS = 256,
    TIME_TEXT = 40,
    INDENT = 9,
    LINE_INDENT = 2,
    NICK_COLUMN = 16,
    KEY_SHOWN = 4 // bytes of a key for people
};

// A nick, and the record that showed it.
typedef struct {
    uint64_t seq;
    char nick[TEXT_NICK_MAX + 1];
} seen_t;

// What was shown of an author in a group, to name the old nick beside the new. Older records may be
// shown behind newer ones (a page of history), so two are kept: the newest, and the one shown last.
// Of so many authors that nothing grows; the one that was not seen for longest gives way.
typedef struct {
    guid_t author; // zeros: nobody
    char group[TEXT_NAME_MAX + 1];
    uint64_t used;
    seen_t newest;
    seen_t latest;
} known_t;

struct view {
    bool json;
    bool name_groups;
    int width;
    char day[TIME_TEXT]; // of the last record shown, "" before the first
    uint64_t clock;      // counts records, to tell which author was not seen for longest
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

static bool s_has_subject (const record_t *record)
{
    return record->kind >= RECORD_INVITE && record->kind <= RECORD_REMOVE_KEY;
}

static guid_t s_subject (const record_t *record)
{
    guid_t subject = {{0}};
    span_t bytes = record_option (record, RECORD_OPT_SUBJECT);
    if (bytes.size == GUID_SIZE)
        memcpy (subject.bytes, bytes.data, GUID_SIZE);
    return subject;
}

static void s_json_subject (jsonline_t *line, const record_t *record)
{
    guid_t subject = s_subject (record);
    if (guid_is_null (&subject))
        jsonline_null (line, "subject");
    else
        jsonline_guid (line, "subject", &subject);
    if (record->kind == RECORD_ADD_KEY || record->kind == RECORD_REMOVE_KEY)
        jsonline_hex (line, "key", record_option (record, RECORD_OPT_KEY));
}

static char *s_json_record (const char *group, const record_t *record)
{
    jsonline_t *line = jsonline_new ();
    jsonline_number (line, "seq", record->seq);
    jsonline_time (line, "time", record->time);
    jsonline_string (line, "group", group);
    jsonline_string (line, "kind", record_kind_name (record->kind));
    if (guid_is_null (&record->author))
        jsonline_null (line, "author");
    else
        jsonline_guid (line, "author", &record->author);
    if (record->nick.size == 0)
        jsonline_null (line, "nick");
    else
        jsonline_text (line, "nick", record->nick);
    if (record->kind == RECORD_MESSAGE)
        jsonline_text (line, "text", record->text);
    if (record->kind == RECORD_TOPIC)
        jsonline_text (line, "topic", record->text);
    if (s_has_subject (record))
        s_json_subject (line, record);
    if (record->flags & RECORD_VERIFIED)
        jsonline_flag (line, "verified", true);
    return jsonline_take (&line);
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

static known_t *s_find (view_t *self, const char *group, const guid_t *author)
{
    for (size_t i = 0; i < NICKS && !guid_is_null (author); i++)
        if (guid_equal (&self->known[i].author, author) &&
            strncmp (self->known[i].group, group, TEXT_NAME_MAX) == 0)
            return &self->known[i];
    return NULL;
}

// The nick that the author had before this record; "" where none was shown.
static const char *s_old_nick (view_t *self, const char *group, const guid_t *author, uint64_t seq)
{
    const known_t *known = s_find (self, group, author);
    if (!known)
        return "";
    bool newest = known->newest.seq < seq, latest = known->latest.seq < seq;
    if (newest && latest)
        return known->newest.nick; // which is never older than the other
    return newest ? known->newest.nick : latest ? known->latest.nick : "";
}

static known_t *s_take_slot (view_t *self, const char *group, const guid_t *author)
{
    known_t *oldest = &self->known[0];
    for (size_t i = 1; i < NICKS; i++)
        if (self->known[i].used < oldest->used)
            oldest = &self->known[i];
    *oldest = (known_t){.author = *author};
    snprintf (oldest->group, sizeof oldest->group, "%s", group);
    return oldest;
}

static void s_remember (view_t *self, const char *group, const record_t *record)
{
    bool useful = record->nick.size > 0 && record->nick.size <= TEXT_NICK_MAX;
    if (!useful || guid_is_null (&record->author))
        return;
    known_t *known = s_find (self, group, &record->author);
    if (!known)
        known = s_take_slot (self, group, &record->author);
    known->used = ++self->clock;
    known->latest.seq = record->seq;
    memcpy (known->latest.nick, record->nick.data, record->nick.size);
    known->latest.nick[record->nick.size] = 0;
    if (record->seq >= known->newest.seq)
        known->newest = known->latest;
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

// Somebody else than the record's author: the nick they had then, else the UUID's beginning.
static void s_put_other (view_t *self, out_t *out, const char *group, const guid_t *who,
                         uint64_t seq)
{
    char uuid[GUID_TEXT];
    const char *nick = s_old_nick (self, group, who, seq);
    if (*nick)
        s_put_safe (out, nick, strlen (nick));
    else
        fprintf (out->file, "%.8s", guid_is_null (who) ? "?" : guid_print (who, uuid));
}

static void s_put_renamed (view_t *self, out_t *out, const char *group, const record_t *record)
{
    s_put_other (self, out, group, &record->author, record->seq);
    fputs (" is now ", out->file);
    s_put_author (out, record);
}

// What is done to somebody: the words before and behind whom it is about.
static const struct {
    record_kind_t kind;
    const char *before;
    const char *behind;
} s_deeds[] = {
    {RECORD_INVITE, " invited ", ""},
    {RECORD_KICK, " removed ", " from the group"},
    {RECORD_BAN, " banned ", ""},
    {RECORD_UNBAN, " lifted the ban on ", ""},
    {RECORD_MUTE, " muted ", ""},
    {RECORD_UNMUTE, " unmuted ", ""},
    {RECORD_OP, " made ", " an operator"},
    {RECORD_DEOP, " made ", " a plain member"},
    {RECORD_ADD_KEY, " added a key for ", ""},
    {RECORD_REMOVE_KEY, " removed a key of ", ""},
};

static void s_put_deed (view_t *self, out_t *out, const char *group, const record_t *record)
{
    guid_t subject = s_subject (record);
    size_t i = 0;
    while (s_deeds[i].kind != record->kind)
        i++;
    s_put_author (out, record);
    fputs (s_deeds[i].before, out->file);
    s_put_other (self, out, group, &subject, record->seq);
    fputs (s_deeds[i].behind, out->file);
    span_t key = record_option (record, RECORD_OPT_KEY);
    for (size_t at = 0; at < key.size && at < KEY_SHOWN; at++)
        fprintf (out->file, "%s%02x", at == 0 ? " (" : "", key.data[at]);
    if (key.size > 0)
        fputs ("...)", out->file);
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

static void s_put_event (view_t *self, out_t *out, const char *group, const record_t *record)
{
    fputs ("* ", out->file);
    if (s_has_subject (record)) {
        s_put_deed (self, out, group, record);
        return;
    }
    switch (record->kind) {
    case RECORD_JOIN:
    case RECORD_LEAVE:
        s_put_author (out, record);
        fputs (record->kind == RECORD_JOIN ? " joined" : " left", out->file);
        break;
    case RECORD_NICK:
        s_put_renamed (self, out, group, record);
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
    return wrap_width (line ? line + 1 : out->text);
}

static void s_put_speaker (out_t *out, const record_t *record, bool proves)
{
    bool proved = (record->flags & RECORD_VERIFIED) != 0;
    s_put_author (out, record);
    fputs (proves && !proved ? " (unverified): " : ": ", out->file);
}

static char *s_text_record (view_t *self, const char *group, bool proves, const record_t *record)
{
    out_t out, inner;
    bool message = record->kind == RECORD_MESSAGE;
    if (!s_begin (&out))
        return NULL;
    s_put_when (self, &out, group, record->time);
    if (s_begin (&inner)) {
        if (message)
            s_put_speaker (&inner, record, proves);
        else
            s_put_event (self, &inner, group, record);
        s_put_out (self, &out, &inner, s_column (&out), INDENT);
    }
    if (message)
        s_put_text (self, &out, record, s_column (&out));
    fputc ('\n', out.file);
    s_remember (self, group, record);
    return s_end (&out);
}

char *view_record (view_t *self, const char *group, bool proves, const record_t *record)
{
    return self->json ? s_json_record (group, record) : s_text_record (self, group, proves, record);
}

static char *s_json_group (const view_group_t *group)
{
    jsonline_t *line = jsonline_new ();
    jsonline_string (line, "name", group->name);
    jsonline_strings (line, "endpoints", group->endpoints, group->endpoint_count);
    jsonline_string (line, "log", group->log);
    const char *const keys[] = {"members", "online", "seq"};
    const uint64_t values[] = {group->members, group->online, group->seq};
    for (size_t i = 0; i < 3; i++)
        if (group->log)
            jsonline_number (line, keys[i], values[i]);
        else
            jsonline_null (line, keys[i]);
    jsonline_string (line, "topic", group->log ? group->topic : NULL);
    jsonline_string (line, "state", group->log ? group->state : NULL);
    jsonline_flag (line, "conflict", group->conflict);
    return jsonline_take (&line);
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
    if (*group->trouble)
        fprintf (line.file, "  (%s)", group->trouble);
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
    jsonline_t *line = jsonline_new ();
    jsonline_guid (line, "uuid", &member->uuid);
    jsonline_string (line, "nick", member->nick);
    jsonline_flag (line, "online", member->online);
    jsonline_string (line, "role", member->role);
    return jsonline_take (&line);
}

char *view_member (const view_t *self, const view_member_t *member)
{
    char uuid[GUID_TEXT];
    out_t out, line;
    if (self->json)
        return s_json_member (member);
    if (!s_begin (&out) || !s_begin (&line))
        return NULL;
    s_put_column (&line, member->nick ? member->nick : "-", NICK_COLUMN);
    fprintf (line.file, "  %-7s  %s  %s", member->online ? "online" : "away",
             guid_print (&member->uuid, uuid), member->role);
    s_put_out (self, &out, &line, 0, NICK_COLUMN + 2);
    fputc ('\n', out.file);
    return s_end (&out);
}

char *view_identity (const view_t *self, const guid_t *uuid, const char *nick,
                     const uint8_t key[32])
{
    char text[GUID_TEXT], hex[65];
    for (size_t i = 0; i < 32; i++)
        sprintf (hex + 2 * i, "%02x", key[i]);
    if (self->json) {
        jsonline_t *line = jsonline_new ();
        jsonline_guid (line, "uuid", uuid);
        jsonline_string (line, "nick", nick);
        jsonline_string (line, "key", hex);
        return jsonline_take (&line);
    }
    out_t out;
    if (!s_begin (&out))
        return NULL;
    fprintf (out.file, "uuid  %s\nnick  ", guid_print (uuid, text));
    s_put_safe (&out, nick, strlen (nick));
    fprintf (out.file, "\nkey   %s\n", hex);
    return s_end (&out);
}

static char *s_json_done (const char *group, const char *nick, const guid_t *subject, uint64_t seq,
                          int64_t time)
{
    jsonline_t *line = jsonline_new ();
    jsonline_string (line, "group", group);
    if (nick)
        jsonline_string (line, "nick", nick);
    if (subject)
        jsonline_guid (line, "subject", subject);
    // 0: nothing was recorded, or the group would have to search for it.
    if (seq > 0)
        jsonline_number (line, "seq", seq);
    else
        jsonline_null (line, "seq");
    if (time > 0)
        jsonline_time (line, "time", time);
    else
        jsonline_null (line, "time");
    return jsonline_take (&line);
}

// One line, broken where the terminal ends; what is left of it is indented.
static char *s_safe_line (const view_t *self, const char *text)
{
    out_t out, line;
    if (!s_begin (&out) || !s_begin (&line))
        return NULL;
    s_put_safe (&line, text, strlen (text));
    s_put_out (self, &out, &line, 0, LINE_INDENT);
    fputc ('\n', out.file);
    return s_end (&out);
}

char *view_done (const view_t *self, const char *group, const char *nick, uint64_t seq,
                 int64_t time, const char *sentence)
{
    return self->json ? s_json_done (group, nick, NULL, seq, time) : s_safe_line (self, sentence);
}

char *view_deed (const view_t *self, const char *group, const guid_t *subject, uint64_t seq,
                 int64_t time, const char *sentence)
{
    return self->json ? s_json_done (group, NULL, subject, seq, time)
                      : s_safe_line (self, sentence);
}

char *view_topic (const view_t *self, const char *group, const char *topic)
{
    if (!self->json)
        return *topic ? s_safe_line (self, topic) : strdup ("");
    jsonline_t *line = jsonline_new ();
    jsonline_string (line, "group", group);
    jsonline_string (line, "topic", topic);
    return jsonline_take (&line);
}

char *view_sent (const view_t *self, const char *group, uint64_t seq, int64_t time)
{
    char *line;
    if (self->json)
        return s_json_done (group, NULL, NULL, seq, time);
    return asprintf (&line, "#%" PRIu64 "\n", seq) < 0 ? NULL : line;
}
