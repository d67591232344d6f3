#include "common/conf.h"

#include "common/conf_check.h"
#include "common/conf_text.h"
#include "common/text.h"

#include <assert.h>
#include <libconfig.h>
#include <sodium.h>

typedef struct {
    bool given;
    char *file; // that gave it, and the line there
    unsigned line;
    int64_t number; // also flags
    char *string;
    size_t count; // of what the arrays hold
    endpoint_t *endpoints;
    listener_t *listeners;
    conf_name_t *names;
    uint8_t *keys;
} value_t;

struct conf {
    const conf_key_t *keys;
    size_t count;
    value_t *values; // a key each
    zlist_t *errors;
};

// One loading: where lines came from and where complaints go.
typedef struct {
    conf_t *conf;
    const conf_text_t *text; // NULL for a default of the table
    size_t errors;
} load_t;

static void s_complain (load_t *load, const config_setting_t *setting, const char *path,
                        const char *format, ...) __attribute__ ((format (printf, 4, 5)));

static void s_complain (load_t *load, const config_setting_t *setting, const char *path,
                        const char *format, ...)
{
    va_list args;
    va_start (args, format);
    char *what = zsys_vprintf (format, args);
    va_end (args);
    unsigned line = 0;
    const char *file = "default";
    if (load->text)
        file = conf_text_where (load->text, config_setting_source_line (setting), &line);
    conf_text_error (load->conf->errors, file, line, "%s: %s", path, what);
    load->errors++;
    free (what);
}

// What a setting is, for people.
static const char *s_type_name (const config_setting_t *setting)
{
    switch (config_setting_type (setting)) {
    case CONFIG_TYPE_GROUP:
        return "a group { }";
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "an integer";
    case CONFIG_TYPE_FLOAT:
        return "a number with a fraction";
    case CONFIG_TYPE_STRING:
        return "a text";
    case CONFIG_TYPE_BOOL:
        return "true or false";
    case CONFIG_TYPE_ARRAY:
        return "an array [ ]";
    default:
        return "a list ( )";
    }
}

static bool s_expect (load_t *load, const config_setting_t *setting, const char *path, bool right,
                      const char *expected)
{
    if (!right)
        s_complain (load, setting, path, "%s is expected here, not %s", expected,
                    s_type_name (setting));
    return right;
}

static bool s_is (const config_setting_t *setting, int type)
{
    return config_setting_type (setting) == type;
}

static void s_take_number (load_t *load, const conf_key_t *key, value_t *value,
                           const config_setting_t *setting)
{
    bool is_long = s_is (setting, CONFIG_TYPE_INT64);
    if (!s_expect (load, setting, key->path, is_long || s_is (setting, CONFIG_TYPE_INT),
                   "an integer"))
        return;
    int64_t number =
        is_long ? config_setting_get_int64 (setting) : config_setting_get_int (setting);
    if (number >= key->min && number <= key->max)
        value->number = number;
    else
        s_complain (load, setting, key->path, "%" PRId64 " is not within %" PRId64 " to %" PRId64,
                    number, key->min, key->max);
}

static void s_take_flag (load_t *load, const conf_key_t *key, value_t *value,
                         const config_setting_t *setting)
{
    if (s_expect (load, setting, key->path, s_is (setting, CONFIG_TYPE_BOOL), "true or false"))
        value->number = config_setting_get_bool (setting) != 0;
}

static void s_take_string (load_t *load, const conf_key_t *key, value_t *value,
                           const config_setting_t *setting)
{
    if (!s_expect (load, setting, key->path, s_is (setting, CONFIG_TYPE_STRING), "a text"))
        return;
    const char *text = config_setting_get_string (setting);
    const char *wrong = key->type == CONF_CHOICE
                            ? (conf_check_choice (key->choices, text) ? NULL : "is none of")
                            : conf_check_text (text, key->min, key->max, key->type == CONF_PATH);
    if (wrong) {
        s_complain (load, setting, key->path, "\"%s\" %s%s%s", text, wrong,
                    key->type == CONF_CHOICE ? ": " : "",
                    key->type == CONF_CHOICE ? key->choices : "");
        return;
    }
    free (value->string);
    value->string = strdup (text);
}

static bool s_expect_list (load_t *load, const conf_key_t *key, const config_setting_t *setting,
                           const char *expected)
{
    bool right = s_is (setting, CONFIG_TYPE_LIST) || s_is (setting, CONFIG_TYPE_ARRAY);
    if (!s_expect (load, setting, key->path, right, expected))
        return false;
    int count = config_setting_length (setting);
    if (count >= key->min && count <= key->max)
        return true;
    s_complain (load, setting, key->path,
                "%d entries, where %" PRId64 " to %" PRId64 " are allowed", count, key->min,
                key->max);
    return false;
}

// The list to keep: the fresh one if no entry of it was wrong. The other is freed.
static void *s_settle (const load_t *load, size_t before, value_t *value, void *old, void *fresh,
                       size_t count)
{
    bool right = load->errors == before;
    free (right ? old : fresh);
    if (right)
        value->count = count;
    return right ? fresh : old;
}

static void s_take_endpoint (load_t *load, const char *path, const config_setting_t *setting,
                             endpoint_use_t use, endpoint_t *endpoint)
{
    if (!s_expect (load, setting, path, s_is (setting, CONFIG_TYPE_STRING), "an endpoint"))
        return;
    const char *text = config_setting_get_string (setting);
    const char *wrong = endpoint_parse (endpoint, text, strlen (text), use);
    if (wrong)
        s_complain (load, setting, path, "\"%s\": %s", text, wrong);
}

static void s_take_endpoints (load_t *load, const conf_key_t *key, value_t *value,
                              const config_setting_t *setting)
{
    if (!s_expect_list (load, key, setting, "a list of endpoints [ \"tcp://host:port\" ]"))
        return;
    size_t before = load->errors, count = (size_t)config_setting_length (setting);
    endpoint_t *list = zmalloc (sizeof *list * (count + 1));
    for (size_t i = 0; i < count; i++)
        s_take_endpoint (load, key->path, config_setting_get_elem (setting, (unsigned)i),
                         ENDPOINT_CONNECT, &list[i]);
    value->endpoints = s_settle (load, before, value, value->endpoints, list, count);
}

static void s_take_key (load_t *load, const char *path, const config_setting_t *setting,
                        uint8_t key[CONF_KEY])
{
    static const char expected[] = "a key of 64 hex digits";
    if (!s_expect (load, setting, path, s_is (setting, CONFIG_TYPE_STRING), expected))
        return;
    const char *text = config_setting_get_string (setting);
    size_t size;
    if (sodium_hex2bin (key, CONF_KEY, text, strlen (text), NULL, &size, NULL) != 0 ||
        size != CONF_KEY)
        s_complain (load, setting, path, "\"%s\" is not %s", text, expected);
}

static void s_take_keys (load_t *load, const conf_key_t *key, value_t *value,
                         const config_setting_t *setting)
{
    if (!s_expect_list (load, key, setting, "a list of keys [ \"<64 hex digits>\" ]"))
        return;
    size_t before = load->errors, count = (size_t)config_setting_length (setting);
    uint8_t *list = zmalloc (CONF_KEY * (count + 1));
    for (size_t i = 0; i < count; i++)
        s_take_key (load, key->path, config_setting_get_elem (setting, (unsigned)i),
                    list + i * CONF_KEY);
    value->keys = s_settle (load, before, value, value->keys, list, count);
}

static void s_take_name (load_t *load, const char *path, const config_setting_t *setting,
                         conf_name_t *out)
{
    const char *name = NULL;
    const config_setting_t *key = NULL;
    if (s_is (setting, CONFIG_TYPE_GROUP) && config_setting_length (setting) == 2) {
        config_setting_lookup_string (setting, "name", &name);
        key = config_setting_get_member (setting, "key");
    }
    if (!name || !key || !text_legacy_name_valid (name, strlen (name))) {
        s_complain (load, setting, path,
                    "{ name = \"cats\"; key = \"<64 hex digits>\"; } is expected");
        return;
    }
    strcpy (out->name, name);
    s_take_key (load, path, key, out->key);
}

static void s_take_names (load_t *load, const conf_key_t *key, value_t *value,
                          const config_setting_t *setting)
{
    if (!s_expect_list (load, key, setting, "a list of names ( { name = ...; key = ...; } )"))
        return;
    size_t before = load->errors, count = (size_t)config_setting_length (setting);
    conf_name_t *list = zmalloc (sizeof *list * (count + 1));
    for (size_t i = 0; i < count; i++)
        s_take_name (load, key->path, config_setting_get_elem (setting, (unsigned)i), &list[i]);
    value->names = s_settle (load, before, value, value->names, list, count);
}

static void s_take_security (load_t *load, const char *path, const config_setting_t *setting,
                             listener_t *listener)
{
    if (!s_expect (load, setting, path, s_is (setting, CONFIG_TYPE_STRING), "a text"))
        return;
    const char *text = config_setting_get_string (setting);
    if (strcmp (text, "curve") == 0)
        listener->security = LISTENER_CURVE;
    else if (strcmp (text, "none") != 0)
        s_complain (load, setting, path, "\"%s\" is none of: none curve", text);
}

// One `name = value` of a listener.
static void s_take_member (load_t *load, const char *path, const config_setting_t *setting,
                           listener_t *listener)
{
    const char *name = config_setting_name (setting);
    char *whole = zsys_sprintf ("%s.%s", path, name);
    if (strcmp (name, "endpoint") == 0)
        s_take_endpoint (load, whole, setting, ENDPOINT_BIND, &listener->endpoint);
    else if (strcmp (name, "security") == 0)
        s_take_security (load, whole, setting, listener);
    else if (strcmp (name, "advertise") == 0) {
        listener->advertised = true;
        s_take_endpoint (load, whole, setting, ENDPOINT_CONNECT, &listener->advertise);
    } else if (strcmp (name, "allow_plain") == 0) {
        if (s_expect (load, setting, whole, s_is (setting, CONFIG_TYPE_BOOL), "true or false"))
            listener->allow_plain = config_setting_get_bool (setting) != 0;
    } else
        s_complain (load, setting, whole, "unknown key");
    free (whole);
}

static void s_take_listener (load_t *load, const char *path, const config_setting_t *setting,
                             listener_t *listener)
{
    if (!s_expect (load, setting, path, s_is (setting, CONFIG_TYPE_GROUP),
                   "a listener { endpoint = \"tcp://host:port\"; }"))
        return;
    size_t before = load->errors;
    for (int i = 0; i < config_setting_length (setting); i++)
        s_take_member (load, path, config_setting_get_elem (setting, (unsigned)i), listener);
    const config_setting_t *endpoint = config_setting_get_member (setting, "endpoint");
    if (!endpoint)
        s_complain (load, setting, path, "a listener needs an endpoint");
    else if (load->errors == before && listener->security == LISTENER_NONE &&
             !listener->allow_plain && !endpoint_is_loopback (&listener->endpoint))
        s_complain (load, endpoint, path,
                    "\"%s\" is open to the network without protection: use security = \"curve\", "
                    "or write allow_plain = true",
                    config_setting_get_string (endpoint));
}

static void s_refuse_doubles (load_t *load, const conf_key_t *key, const config_setting_t *setting,
                              const listener_t *list, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (list[i].endpoint.port > 0 &&
                endpoint_equal (&list[i].endpoint, &list[j].endpoint)) {
                s_complain (load, config_setting_get_elem (setting, (unsigned)i), key->path,
                            "the same endpoint as in an earlier listener");
                break;
            }
}

static void s_take_listeners (load_t *load, const conf_key_t *key, value_t *value,
                              const config_setting_t *setting)
{
    if (!s_expect_list (load, key, setting, "a list of listeners ( { endpoint = \"...\"; } )"))
        return;
    size_t before = load->errors, count = (size_t)config_setting_length (setting);
    listener_t *list = zmalloc (sizeof *list * (count + 1));
    for (size_t i = 0; i < count; i++)
        s_take_listener (load, key->path, config_setting_get_elem (setting, (unsigned)i), &list[i]);
    if (load->errors == before)
        s_refuse_doubles (load, key, setting, list, count);
    value->listeners = s_settle (load, before, value, value->listeners, list, count);
}

static void s_take (load_t *load, size_t index, const config_setting_t *setting)
{
    const conf_key_t *key = &load->conf->keys[index];
    value_t *value = &load->conf->values[index];
    if (load->text) {
        unsigned line = config_setting_source_line (setting);
        value->given = true;
        free (value->file);
        value->file = strdup (conf_text_where (load->text, line, &value->line));
    }
    switch (key->type) {
    case CONF_NUMBER:
        s_take_number (load, key, value, setting);
        break;
    case CONF_FLAG:
        s_take_flag (load, key, value, setting);
        break;
    case CONF_STRING:
    case CONF_PATH:
    case CONF_CHOICE:
        s_take_string (load, key, value, setting);
        break;
    case CONF_ENDPOINTS:
        s_take_endpoints (load, key, value, setting);
        break;
    case CONF_KEYS:
        s_take_keys (load, key, value, setting);
        break;
    case CONF_NAMES:
        s_take_names (load, key, value, setting);
        break;
    case CONF_LISTENERS:
        s_take_listeners (load, key, value, setting);
        break;
    }
}

// The key of that path, or `count`; *inside is set when keys lie below the path.
static size_t s_find (const conf_t *self, const char *path, bool *inside)
{
    size_t size = strlen (path), found = self->count;
    *inside = false;
    for (size_t i = 0; i < self->count; i++) {
        if (strncmp (self->keys[i].path, path, size) != 0)
            continue;
        if (self->keys[i].path[size] == 0)
            found = i;
        *inside = *inside || self->keys[i].path[size] == '.';
    }
    return found;
}

// Takes what a group holds; `prefix` is its path, "" for the file. No deeper than the table's keys.
static void s_walk (load_t *load, const config_setting_t *group, const char *prefix)
{
    for (int i = 0; i < config_setting_length (group); i++) {
        const config_setting_t *setting = config_setting_get_elem (group, (unsigned)i);
        char *path =
            zsys_sprintf ("%s%s%s", prefix, *prefix ? "." : "", config_setting_name (setting));
        bool inside;
        size_t index = s_find (load->conf, path, &inside);
        if (index < load->conf->count)
            s_take (load, index, setting);
        else if (!inside)
            s_complain (load, setting, path, "unknown key");
        else if (s_expect (load, setting, path, s_is (setting, CONFIG_TYPE_GROUP), "a group { }"))
            s_walk (load, setting, path);
        free (path);
    }
}

// Parses the string; false with *line and *why when it is none.
static bool s_parse (config_t *config, const char *string, unsigned *line, const char **why)
{
    config_init (config);
    // All includes are done already; were one left, libconfig must find no file for it.
    config_set_include_dir (config, "/dev/null");
    if (config_read_string (config, string))
        return true;
    *line = (unsigned)config_error_line (config);
    *why = config_error_text (config);
    return false;
}

static void s_take_default (conf_t *self, size_t index)
{
    load_t load = {self, NULL, 0};
    char *string = zsys_sprintf ("value = %s;", self->keys[index].standard);
    config_t config;
    unsigned line;
    const char *why = NULL;
    bool parsed = s_parse (&config, string, &line, &why);
    if (parsed)
        s_take (&load, index, config_lookup (&config, "value"));
    config_destroy (&config);
    free (string);
    assert (parsed && load.errors == 0);
}

conf_t *conf_new (const conf_key_t *keys, size_t count)
{
    conf_t *self = zmalloc (sizeof *self);
    self->keys = keys;
    self->count = count;
    self->values = zmalloc (sizeof *self->values * (count + 1));
    self->errors = zlist_new ();
    zlist_autofree (self->errors);
    for (size_t i = 0; i < count; i++)
        s_take_default (self, i);
    return self;
}

void conf_destroy (conf_t **self_p)
{
    conf_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++) {
        free (self->values[i].file);
        free (self->values[i].string);
        free (self->values[i].endpoints);
        free (self->values[i].listeners);
        free (self->values[i].keys);
        free (self->values[i].names);
    }
    free (self->values);
    zlist_destroy (&self->errors);
    freen (*self_p);
}

static void s_load_text (load_t *load)
{
    config_t config;
    unsigned line = 0, file_line = 0;
    const char *why = NULL;
    if (s_parse (&config, conf_text_string (load->text), &line, &why))
        s_walk (load, config_root_setting (&config), "");
    else {
        const char *file = conf_text_where (load->text, line, &file_line);
        conf_text_error (load->conf->errors, file, file_line, "%s", why ? why : "syntax error");
    }
    config_destroy (&config);
}

int conf_load (conf_t *self, const char *file, bool optional)
{
    if (optional && access (file, F_OK) < 0 && errno == ENOENT)
        return 1;
    size_t before = zlist_size (self->errors);
    conf_text_t *text = conf_text_new (file, self->errors);
    if (text) {
        load_t load = {self, text, 0};
        s_load_text (&load);
        conf_text_destroy (&text);
    }
    return zlist_size (self->errors) == before ? 0 : -1;
}

size_t conf_error_count (const conf_t *self)
{
    return zlist_size (self->errors);
}

const char *conf_error (const conf_t *self, size_t index)
{
    const char *line = zlist_first (self->errors);
    while (line && index-- > 0)
        line = zlist_next (self->errors);
    return line;
}

static const value_t *s_value (const conf_t *self, const char *path)
{
    bool inside;
    size_t index = s_find (self, path, &inside);
    assert (index < self->count); // a key that is not in the table is our own mistake
    return &self->values[index];
}

void conf_complain (conf_t *self, const char *path, const char *format, ...)
{
    const value_t *value = s_value (self, path);
    va_list args;
    va_start (args, format);
    char *what = zsys_vprintf (format, args);
    va_end (args);
    conf_text_error (self->errors, value->given ? value->file : "default", value->line, "%s: %s",
                     path, what);
    free (what);
}

int64_t conf_number (const conf_t *self, const char *path)
{
    return s_value (self, path)->number;
}

bool conf_flag (const conf_t *self, const char *path)
{
    return s_value (self, path)->number != 0;
}

const char *conf_string (const conf_t *self, const char *path)
{
    const value_t *value = s_value (self, path);
    assert (value->string);
    return value->string;
}

size_t conf_count (const conf_t *self, const char *path)
{
    return s_value (self, path)->count;
}

const endpoint_t *conf_endpoint (const conf_t *self, const char *path, size_t index)
{
    const value_t *value = s_value (self, path);
    assert (value->endpoints && index < value->count);
    return &value->endpoints[index];
}

const listener_t *conf_listener (const conf_t *self, const char *path, size_t index)
{
    const value_t *value = s_value (self, path);
    assert (value->listeners && index < value->count);
    return &value->listeners[index];
}

const uint8_t *conf_keys (const conf_t *self, const char *path)
{
    const value_t *value = s_value (self, path);
    assert (value->keys);
    return value->keys;
}

const conf_name_t *conf_names (const conf_t *self, const char *path)
{
    return s_value (self, path)->names;
}

bool conf_given (const conf_t *self, const char *path)
{
    return s_value (self, path)->given;
}

static bool s_same_listener (const listener_t *a, const listener_t *b)
{
    return endpoint_equal (&a->endpoint, &b->endpoint) && a->security == b->security &&
           a->advertised == b->advertised && endpoint_equal (&a->advertise, &b->advertise) &&
           a->allow_plain == b->allow_plain;
}

bool conf_same (const conf_t *self, const conf_t *other, const char *path)
{
    const value_t *a = s_value (self, path), *b = s_value (other, path);
    bool same = a->number == b->number && a->count == b->count &&
                strcmp (a->string ? a->string : "", b->string ? b->string : "") == 0;
    if (same && a->keys)
        return memcmp (a->keys, b->keys, a->count * CONF_KEY) == 0;
    if (same && a->names)
        return memcmp (a->names, b->names, a->count * sizeof *a->names) == 0;
    for (size_t i = 0; same && i < a->count; i++)
        same = a->endpoints ? endpoint_equal (&a->endpoints[i], &b->endpoints[i])
                            : s_same_listener (&a->listeners[i], &b->listeners[i]);
    return same;
}

void conf_update (conf_t *self, conf_t **fresh_p)
{
    conf_t *fresh = *fresh_p;
    assert (fresh->keys == self->keys);
    for (size_t i = 0; i < self->count; i++)
        if (self->keys[i].reload) {
            value_t old = self->values[i];
            self->values[i] = fresh->values[i];
            fresh->values[i] = old;
        }
    conf_destroy (fresh_p);
}
