#include "common/conf_text.h"

#include <ctype.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 8, FILE_MAX = 1 << 20, TEXT_MAX = 1 << 22 };

typedef enum { CODE, STRING, LINE_COMMENT, BLOCK_COMMENT } state_t;

// From this line of the text on, lines are those of this file.
typedef struct {
    unsigned line;
    unsigned file_line;
    char *file;
} span_of_lines_t;

struct conf_text {
    char *text;
    size_t size;
    size_t capacity;
    unsigned line; // of the text, while it is put together
    state_t state;
    span_of_lines_t *spans;
    size_t span_count;
    zlist_t *errors; // borrowed, while it is put together
};

// The file being read, at its current place.
typedef struct {
    const char *name;
    const char *at;
    unsigned line;
    int depth;
} source_t;

void conf_text_error (zlist_t *errors, const char *file, unsigned line, const char *format, ...)
{
    char *what = NULL, *whole = NULL;
    va_list args;
    va_start (args, format);
    if (vasprintf (&what, format, args) < 0)
        what = NULL;
    va_end (args);
    if (asprintf (&whole, "%s:%u: %s", file, line, what ? what : "wrong") >= 0)
        zlist_append (errors, whole); // a copy
    free (whole);
    free (what);
}

static void s_put (conf_text_t *self, const char *data, size_t size)
{
    if (self->size + size + 1 > self->capacity) {
        self->capacity = 2 * self->capacity + size + 1;
        char *bigger = realloc (self->text, self->capacity);
        if (!bigger)
            abort (); // as zmalloc does
        self->text = bigger;
    }
    memcpy (self->text + self->size, data, size);
    self->size += size;
    self->text[self->size] = 0;
    for (size_t i = 0; i < size; i++)
        self->line += data[i] == '\n';
}

static void s_begin_span (conf_text_t *self, const source_t *source)
{
    size_t bytes = (self->span_count + 1) * sizeof *self->spans;
    span_of_lines_t *bigger = realloc (self->spans, bytes);
    if (!bigger)
        abort ();
    self->spans = bigger;
    self->spans[self->span_count++] =
        (span_of_lines_t){self->line, source->line, strdup (source->name)};
}

// The whole file, zero-terminated; NULL with the reason in *why.
static char *s_read_file (const char *name, size_t *size, const char **why)
{
    // Not blocking: a pipe without a writer must not hold a daemon up.
    int fd = open (name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    *why = NULL;
    if (fd < 0 || fstat (fd, &status) < 0)
        *why = strerror (errno);
    else if (!S_ISREG (status.st_mode))
        *why = "it is no file";
    else if (status.st_size > FILE_MAX)
        *why = "it is larger than 1 MiB";
    char *text = *why ? NULL : zmalloc (FILE_MAX + 1);
    *size = 0;
    ssize_t got = 0;
    while (text && *size < FILE_MAX && (got = read (fd, text + *size, FILE_MAX - *size)) > 0)
        *size += (size_t)got;
    if (got < 0) {
        *why = strerror (errno);
        freen (text);
    }
    if (fd >= 0)
        close (fd);
    return text;
}

static bool s_read_source (conf_text_t *self, const char *name, int depth, const char **why);

// Copies a number; source->at is at its first digit.
static void s_number (conf_text_t *self, source_t *source)
{
    const char *start = source->at;
    bool hex = start[0] == '0' && (start[1] == 'x' || start[1] == 'X');
    size_t size =
        hex ? 2 + strspn (start + 2, "0123456789abcdefABCDEF") : strspn (start, "0123456789");
    if (!hex && start[size] && strchr (".eE", start[size]))
        size += strspn (start + size, "0123456789.eE+-"); // a float: libconfig's own business
    else {
        bool negative = !hex && self->size > 0 && self->text[self->size - 1] == '-';
        errno = 0;
        unsigned long long value = strtoull (start, NULL, hex ? 16 : 10);
        unsigned long long limit = (unsigned long long)INT64_MAX + (negative ? 1 : 0);
        bool marked = start[size] == 'L';
        if (errno == ERANGE || value > limit) {
            conf_text_error (self->errors, source->name, source->line, "%.*s is too large",
                             (int)size, start);
            s_put (self, "9223372036854775807", 19); // goes on, as an error
        } else
            s_put (self, start, size);
        if (!marked && value > (unsigned long long)INT32_MAX + (negative ? 1 : 0))
            s_put (self, "L", 1);
        source->at += size;
        return;
    }
    s_put (self, start, size);
    source->at += size;
}

static void s_code (conf_text_t *self, source_t *source)
{
    const char *at = source->at;
    size_t size = 1;
    if (*at == '"')
        self->state = STRING;
    else if (*at == '#' || (at[0] == '/' && at[1] == '/'))
        self->state = LINE_COMMENT;
    else if (at[0] == '/' && at[1] == '*') {
        self->state = BLOCK_COMMENT;
        size = 2;
    } else if (isalpha ((unsigned char)*at) || *at == '*' || *at == '_') {
        while (isalnum ((unsigned char)at[size]) || (at[size] && strchr ("-_*", at[size])))
            size++;
    } else if (isdigit ((unsigned char)*at)) {
        s_number (self, source);
        return;
    }
    s_put (self, at, size);
    source->at += size;
}

// Copies one thing of the source's text, a whole number, name or character.
static void s_step (conf_text_t *self, source_t *source)
{
    const char *at = source->at;
    size_t size = 1;
    if (self->state == CODE && *at != '\n') {
        s_code (self, source);
        return;
    }
    if (self->state == STRING && *at == '\\' && at[1] && at[1] != '\n')
        size = 2;
    else if (self->state == STRING && *at == '"')
        self->state = CODE;
    else if (self->state == LINE_COMMENT && *at == '\n')
        self->state = CODE;
    else if (self->state == BLOCK_COMMENT && at[0] == '*' && at[1] == '/') {
        self->state = CODE;
        size = 2;
    }
    source->line += *at == '\n';
    s_put (self, at, size);
    source->at += size;
}

// The path that an include means: relative to the folder of the file that holds it.
static char *s_include_path (const char *file, const char *name)
{
    const char *slash = strrchr (file, '/');
    if (*name == '/' || !slash)
        return strdup (name);
    return zsys_sprintf ("%.*s/%s", (int)(slash - file), file, name);
}

// Reads the included file in place of the line, which is `@include` and `rest`.
static void s_include (conf_text_t *self, source_t *source, const char *rest, size_t size)
{
    char name[PATH_MAX] = "";
    int used = 0;
    char line[PATH_MAX + 64];
    snprintf (line, sizeof line, "%.*s", (int)size, rest);
    bool right = isblank ((unsigned char)*line) &&
                 sscanf (line, " \"%4095[^\"]\" %n", name, &used) == 1 && used > 0 &&
                 (line[used] == 0 || line[used] == '#' || strncmp (line + used, "//", 2) == 0);
    const char *why = "an include is a line of its own: @include \"file\"";
    char *path = s_include_path (source->name, name);
    if (right)
        right = s_read_source (self, path, source->depth + 1, &why);
    if (!right)
        conf_text_error (self->errors, source->name, source->line, "@include \"%s\": %s", name,
                         why);
    free (path);
}

// At the start of a line: an include is done; true if the line was one.
static bool s_line_is_include (conf_text_t *self, source_t *source)
{
    static const char word[] = "@include";
    const char *at = source->at + strspn (source->at, " \t");
    if (self->state != CODE || strncmp (at, word, strlen (word)) != 0)
        return false;
    const char *rest = at + strlen (word);
    size_t size = strcspn (rest, "\r\n");
    s_include (self, source, rest, size);
    source->at = rest + size + strspn (rest + size, "\r");
    if (*source->at == '\n')
        source->at++;
    source->line++;
    s_begin_span (self, source);
    return true;
}

// Adds the file's text. False with the reason in *why when it cannot be read.
static bool s_read_source (conf_text_t *self, const char *name, int depth, const char **why)
{
    size_t size = 0;
    *why = "includes are nested too deep";
    char *text = depth > DEPTH_MAX ? NULL : s_read_file (name, &size, why);
    if (text && self->size + size > TEXT_MAX) {
        *why = "all files together are larger than 4 MiB";
        freen (text);
    }
    if (!text)
        return false;
    source_t source = {name, text, 1, depth};
    if (strlen (text) < size)
        conf_text_error (self->errors, name, 1, "it holds a zero byte: this is no text");
    s_begin_span (self, &source);
    bool fresh_line = true;
    while (*source.at) {
        if (fresh_line && s_line_is_include (self, &source))
            continue;
        fresh_line = *source.at == '\n';
        s_step (self, &source);
    }
    if (!fresh_line)
        s_put (self, "\n", 1);
    if (self->state == LINE_COMMENT)
        self->state = CODE;
    freen (text);
    return true;
}

conf_text_t *conf_text_new (const char *file, zlist_t *errors)
{
    conf_text_t *self = zmalloc (sizeof *self);
    self->line = 1;
    self->errors = errors;
    const char *why = NULL;
    s_put (self, "", 0);
    if (!s_read_source (self, file, 0, &why)) {
        conf_text_error (errors, file, 0, "cannot be read: %s", why);
        conf_text_destroy (&self);
    } else if (self->line > UINT16_MAX) // libconfig counts no further
        conf_text_error (errors, file, 0, "it has more than 65535 lines");
    return self;
}

void conf_text_destroy (conf_text_t **self_p)
{
    conf_text_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->span_count; i++)
        free (self->spans[i].file);
    free (self->spans);
    free (self->text);
    freen (*self_p);
}

const char *conf_text_string (const conf_text_t *self)
{
    return self->text;
}

const char *conf_text_where (const conf_text_t *self, unsigned line, unsigned *file_line)
{
    size_t found = 0;
    for (size_t i = 1; i < self->span_count; i++)
        if (self->spans[i].line <= line)
            found = i;
    const span_of_lines_t *span = &self->spans[found];
    *file_line = span->file_line + (line > span->line ? line - span->line : 0);
    return span->file;
}
