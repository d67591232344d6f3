#include "daemons/group/jsonl.h"

#include "common/text.h"

#include <czmq.h>
#include <jansson.h>
#include <xxhash.h>

#define MICROS INT64_C (1000000)

static const struct {
    uint64_t type;
    const char *name;
    bool number;
} s_options[] = {
    {RECORD_OPT_GENERATION, "generation", true},
    {RECORD_OPT_INSTANCE, "instance", false},
    {RECORD_OPT_OLDEST, "oldest", true},
    {RECORD_OPT_WHY, "why", true},
    {RECORD_OPT_FROM, "from", true},
    {RECORD_OPT_TO, "to", true},
    {RECORD_OPT_SENDS, "sends", false},
    {RECORD_OPT_CHAIN, "chain", false},
    {RECORD_OPT_SUBJECT, "subject", false},
    {RECORD_OPT_KEY, "key", false},
    {RECORD_OPT_INVITATION, "invitation", false},
    {RECORD_OPT_USES, "uses", true},
    {RECORD_OPT_EXPIRES, "expires", true},
    {RECORD_OPT_STANDING, "standing", true},
};
enum { OPTIONS = sizeof s_options / sizeof s_options[0], TIME_TEXT = 40 };

static uint32_t s_sum (const record_t *record, uint8_t room[BATCH_MAX + 16])
{
    writer_t out = writer (room, BATCH_MAX + 16);
    record_encode (record, 0, NULL, &out);
    return (uint32_t)XXH3_64bits (room, writer_used (&out));
}

// ---- Writing

void jsonl_put_hex (FILE *out, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    putc ('"', out);
    for (size_t i = 0; i < size; i++)
        fprintf (out, "%02x", bytes[i]);
    putc ('"', out);
}

static void s_print_time (int64_t time, char text[TIME_TEXT])
{
    time_t seconds = (time_t)(time / MICROS);
    struct tm when;
    gmtime_r (&seconds, &when);
    size_t used = strftime (text, TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &when);
    snprintf (text + used, TIME_TEXT - used, ".%06dZ", (int)(time % MICROS));
}

void jsonl_put_time (FILE *out, int64_t time)
{
    char text[TIME_TEXT];
    s_print_time (time, text);
    fprintf (out, "\"%s\"", text);
}

void jsonl_put_guid (FILE *out, const guid_t *guid)
{
    char text[GUID_TEXT];
    fprintf (out, "\"%s\"", guid_print (guid, text));
}

// Clean UTF-8 has no controls but newline and tab.
static void s_put_text (FILE *out, const char *key, span_t text)
{
    if (!text_valid ((const char *)text.data, text.size)) {
        fprintf (out, ",\"%s-hex\":", key);
        jsonl_put_hex (out, text.data, text.size);
        return;
    }
    fprintf (out, ",\"%s\":\"", key);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            putc ('\\', out);
        if (text.data[i] == '\n' || text.data[i] == '\t')
            fputs (text.data[i] == '\n' ? "\\n" : "\\t", out);
        else
            putc (text.data[i], out);
    }
    putc ('"', out);
}

static bool s_as_number (span_t value, uint64_t *number)
{
    reader_t in = reader (value.data, value.size);
    *number = reader_varint (&in);
    return !in.failed && reader_left (&in) == 0 && *number <= INT64_MAX;
}

static void s_put_option (FILE *out, uint64_t type, span_t value)
{
    size_t i = 0;
    uint64_t number;
    while (i < OPTIONS && s_options[i].type != type)
        i++;
    if (i < OPTIONS)
        fprintf (out, "[\"%s\",", s_options[i].name);
    else // JSON readers know no larger numbers
        fprintf (out, type <= INT64_MAX ? "[%" PRIu64 "," : "[\"%" PRIu64 "\",", type);
    if (i < OPTIONS && s_options[i].number && s_as_number (value, &number))
        fprintf (out, "%" PRIu64, number);
    else
        jsonl_put_hex (out, value.data, value.size);
    putc (']', out);
}

static void s_put_options (FILE *out, span_t options)
{
    reader_t in = reader (options.data, options.size);
    fputs (",\"options\":", out);
    for (char before = '['; reader_left (&in) > 0 && !in.failed; before = ',') {
        uint64_t type = reader_varint (&in);
        span_t value = reader_bytes (&in, reader_varint (&in));
        putc (before, out);
        s_put_option (out, type, value);
    }
    putc (']', out);
}

void jsonl_put_record (FILE *out, const record_t *record, uint64_t seq)
{
    uint8_t room[BATCH_MAX + 16];
    putc ('{', out);
    if (seq > 0)
        fprintf (out, "\"seq\":%" PRIu64 ",", seq);
    fputs ("\"time\":", out);
    jsonl_put_time (out, record->time);
    if (strcmp (record_kind_name (record->kind), "unknown") != 0)
        fprintf (out, ",\"kind\":\"%s\"", record_kind_name (record->kind));
    else
        fprintf (out, ",\"kind\":%d", (int)record->kind);
    if (!guid_is_null (&record->author)) {
        fputs (",\"author\":", out);
        jsonl_put_guid (out, &record->author);
    }
    if (record->flags & RECORD_VERIFIED)
        fputs (",\"verified\":true", out);
    if (record->send.counter > 0) {
        fputs (",\"device\":", out);
        jsonl_put_hex (out, record->send.device, RECORD_DEVICE);
        fprintf (out, ",\"counter\":%" PRIu64 ",\"random\":%" PRIu32, record->send.counter,
                 record->send.random);
    }
    if (record->nick.size > 0)
        s_put_text (out, "nick", record->nick);
    if (record->text.size > 0)
        s_put_text (out, "text", record->text);
    if (record->options.size > 0)
        s_put_options (out, record->options);
    fprintf (out, ",\"sum\":\"%08" PRIx32 "\"}\n", s_sum (record, room));
}

// ---- Reading

struct jsonl {
    json_t *object;
    size_t asked; // keys that were there and asked for
    const char *wrong;
    uint8_t text[BATCH_MAX];
    uint8_t nick[BATCH_MAX];
    uint8_t options[BATCH_MAX];
    uint8_t room[BATCH_MAX + 16];
};

static void s_fail (jsonl_t *self, const char *why)
{
    if (!self->wrong)
        self->wrong = why;
}

void jsonl_set (jsonl_t *self, const char *line, size_t size)
{
    json_error_t error;
    json_decref (self->object);
    self->asked = 0;
    self->wrong = NULL;
    self->object = json_loadb (line, size, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object (self->object))
        s_fail (self, "not a JSON object");
}

jsonl_t *jsonl_new (const char *line, size_t size)
{
    jsonl_t *self = zmalloc (sizeof *self);
    jsonl_set (self, line, size);
    return self;
}

void jsonl_destroy (jsonl_t **self_p)
{
    if (!*self_p)
        return;
    json_decref ((*self_p)->object);
    free (*self_p);
    *self_p = NULL;
}

bool jsonl_has (const jsonl_t *self, const char *key)
{
    return json_object_get (self->object, key) != NULL;
}

static json_t *s_get (jsonl_t *self, const char *key)
{
    json_t *value = json_object_get (self->object, key);
    self->asked += value != NULL;
    return value;
}

static uint64_t s_number_of (jsonl_t *self, const json_t *value)
{
    if (json_is_integer (value) && json_integer_value (value) >= 0)
        return (uint64_t)json_integer_value (value);
    s_fail (self, "a number is missing or wrong");
    return 0;
}

uint64_t jsonl_number (jsonl_t *self, const char *key)
{
    return s_number_of (self, s_get (self, key));
}

const char *jsonl_text (jsonl_t *self, const char *key)
{
    const json_t *value = s_get (self, key);
    if (json_is_string (value))
        return json_string_value (value);
    s_fail (self, "a text is missing or wrong");
    return "";
}

int64_t jsonl_time (jsonl_t *self, const char *key)
{
    struct tm when = {0};
    int micros = 0;
    char again[TIME_TEXT];
    const char *text = jsonl_text (self, key);
    int fields = sscanf (text, "%d-%2d-%2dT%2d:%2d:%2d.%6dZ", &when.tm_year, &when.tm_mon,
                         &when.tm_mday, &when.tm_hour, &when.tm_min, &when.tm_sec, &micros);
    when.tm_year -= 1900;
    when.tm_mon--;
    int64_t seconds = fields == 7 ? (int64_t)timegm (&when) : -1;
    if (seconds < 0 || micros < 0 || seconds > INT64_MAX / MICROS - 1) {
        s_fail (self, "a time is wrong");
        return 0;
    }
    int64_t time = seconds * MICROS + micros;
    s_print_time (time, again);
    if (!streq (again, text))
        s_fail (self, "a time is wrong");
    return time;
}

guid_t jsonl_guid (jsonl_t *self, const char *key)
{
    guid_t guid = {{0}};
    char again[GUID_TEXT];
    const char *text = jsonl_text (self, key);
    if (guid_parse (&guid, text, strlen (text)) < 0 || !streq (guid_print (&guid, again), text))
        s_fail (self, "a UUID is wrong");
    return guid;
}

static int s_digit (char digit)
{
    const char *digits = "0123456789abcdef", *at = strchr (digits, digit);
    return at ? (int)(at - digits) : -1;
}

// Returns the number of bytes.
static size_t s_read_hex (jsonl_t *self, const char *text, uint8_t *out, size_t room)
{
    size_t size = strlen (text) / 2;
    bool right = strlen (text) % 2 == 0 && size <= room;
    for (size_t i = 0; i < size && right; i++) {
        int high = s_digit (text[2 * i]), low = s_digit (text[2 * i + 1]);
        right = high >= 0 && low >= 0;
        if (right)
            out[i] = (uint8_t)(16 * high + low);
    }
    if (!right)
        s_fail (self, "hexadecimal digits are wrong");
    return right ? size : 0;
}

void jsonl_hex (jsonl_t *self, const char *key, void *out, size_t size)
{
    memset (out, 0, size);
    if (s_read_hex (self, jsonl_text (self, key), out, size) != size)
        s_fail (self, "hexadecimal digits are wrong");
}

static span_t s_read_text (jsonl_t *self, const char *key, const char *key_hex, uint8_t *room)
{
    if (jsonl_has (self, key_hex))
        return span (room, s_read_hex (self, jsonl_text (self, key_hex), room, BATCH_MAX));
    return jsonl_has (self, key) ? span_of (jsonl_text (self, key)) : span (NULL, 0);
}

static void s_read_kind (jsonl_t *self, record_t *record)
{
    const json_t *value = s_get (self, "kind");
    if (!json_is_string (value)) {
        record->kind = (record_kind_t)(s_number_of (self, value) & 0xff);
        return;
    }
    unsigned kind = 0;
    while (kind < 256 && !streq (record_kind_name (kind), json_string_value (value)))
        kind++;
    if (kind == 256 || streq (json_string_value (value), "unknown"))
        s_fail (self, "a kind that is not known");
    record->kind = kind & 0xff;
}

// An option's type by its name, or by its number.
static uint64_t s_read_type (jsonl_t *self, const json_t *type)
{
    if (!json_is_string (type))
        return s_number_of (self, type);
    char again[24];
    const char *name = json_string_value (type);
    for (size_t i = 0; i < OPTIONS; i++)
        if (streq (s_options[i].name, name))
            return s_options[i].type;
    uint64_t number = strtoull (name, NULL, 10);
    snprintf (again, sizeof again, "%" PRIu64, number);
    if (!streq (again, name))
        s_fail (self, "an option that is not known");
    return number;
}

static void s_read_option (jsonl_t *self, const json_t *option, writer_t *out)
{
    const json_t *value = json_array_get (option, 1);
    uint64_t number = s_read_type (self, json_array_get (option, 0));
    if (json_is_string (value)) {
        size_t size = s_read_hex (self, json_string_value (value), self->room, BATCH_MAX);
        record_put_option (out, number, self->room, size);
    } else
        record_put_number (out, number, s_number_of (self, value));
}

static span_t s_read_options (jsonl_t *self)
{
    const json_t *list = s_get (self, "options");
    writer_t out = writer (self->options, sizeof self->options);
    for (size_t i = 0; i < json_array_size (list); i++)
        s_read_option (self, json_array_get (list, i), &out);
    if (list && (json_typeof (list) != JSON_ARRAY || out.failed))
        s_fail (self, "options are wrong");
    return span (self->options, writer_used (&out));
}

void jsonl_record (jsonl_t *self, record_t *record, uint64_t *seq)
{
    uint8_t sum[4];
    memset (record, 0, sizeof *record);
    *seq = jsonl_has (self, "seq") ? jsonl_number (self, "seq") : 0;
    record->time = jsonl_time (self, "time");
    s_read_kind (self, record);
    if (jsonl_has (self, "author"))
        record->author = jsonl_guid (self, "author");
    const json_t *verified = s_get (self, "verified");
    record->flags = json_is_true (verified) ? RECORD_VERIFIED : 0;
    if (jsonl_has (self, "counter")) {
        jsonl_hex (self, "device", record->send.device, RECORD_DEVICE);
        record->send.counter = jsonl_number (self, "counter");
        record->send.random = (uint32_t)jsonl_number (self, "random");
    }
    record->nick = s_read_text (self, "nick", "nick-hex", self->nick);
    record->text = s_read_text (self, "text", "text-hex", self->text);
    record->options = s_read_options (self);
    jsonl_hex (self, "sum", sum, sizeof sum);
    reader_t in = reader (sum, sizeof sum);
    if (record_size (record, 0) > BATCH_MAX)
        s_fail (self, "too long a record");
    else if (!self->wrong && reader_u32 (&in) != s_sum (record, self->room))
        s_fail (self, "the line was changed: it is not what its sum says");
}

const char *jsonl_wrong (jsonl_t *self)
{
    if (self->object && self->asked != json_object_size (self->object))
        s_fail (self, "a key that does not belong there");
    return self->wrong;
}
