// Any bytes typed at the terminal, received as a record, or given as a moment: what is shown is
// harmless and fits, and nothing breaks.

#include "common/text.h"
#include "user/edit.h"
#include "user/moment.h"
#include "user/slash.h"
#include "user/view.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

enum { WIDTH = 30, INDENT = 9, LINE_MAX_BYTES = 200 };

static void s_must (bool fine)
{
    if (!fine)
        abort ();
}

// Every line begins as one of ours, is harmless, and no wider than the terminal.
static void s_check_text (const char *text, bool wrapped)
{
    s_must (text_valid (text, strlen (text)) && !strchr (text, '\x1b'));
    while (*text) {
        const char *end = strchr (text, '\n');
        s_must (end != NULL);
        bool further = strncmp (text, "         ", INDENT) == 0;
        bool day = strncmp (text, "--- ", 4) == 0;
        s_must (further || day || (text[0] >= '0' && text[0] <= '9' && text[2] == ':'));
        s_must (!wrapped || text_width (text, (size_t)(end - text)) <= WIDTH);
        text = end + 1;
    }
}

static void s_view (const uint8_t *data, size_t size)
{
    size_t nick = size > 0 ? data[0] % 33u : 0;
    if (size < nick + 2)
        return;
    record_t record = {.kind = (record_kind_t)(data[size - 1] % 12),
                       .seq = 7,
                       .time = 1795330800123456,
                       .author = {{1}},
                       .nick = {data + 1, nick},
                       .text = {data + 1 + nick, size - nick - 1}};
    for (int width = 0; width <= WIDTH; width += WIDTH) {
        view_t *view = view_new (false, width);
        char *text = view_record (view, "cats", true, &record);
        // A nick is no text: it is not broken, so its line may be wider.
        s_check_text (text, width > 0 && nick == 0);
        free (text);
        view_destroy (&view);
    }
    view_t *view = view_new (true, 0);
    char *line = view_record (view, "cats", true, &record);
    s_must (text_valid (line, strlen (line)) && strchr (line, '\n') == line + strlen (line) - 1);
    free (line);
    view_destroy (&view);
}

static void s_edit (const uint8_t *data, size_t size)
{
    keys_t keys = {0};
    edit_t *edit = edit_new (LINE_MAX_BYTES);
    int column;
    for (size_t i = 0; i < size; i++) {
        key_press_t key = keys_feed (&keys, data[i]);
        if (key.kind != KEY_NONE && edit_key (edit, &key) == EDIT_LINE)
            free (edit_take (edit));
        if (i % 16 != 0)
            continue;
        size_t length = strlen (edit_text (edit));
        s_must (length <= LINE_MAX_BYTES);
        s_must (length == 0 || text_valid (edit_text (edit), length));
        char *shown = edit_view (edit, WIDTH, &column);
        s_must (column >= 0 && column < WIDTH && text_width (shown, strlen (shown)) < WIDTH);
        free (shown);
    }
    edit_destroy (&edit);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    char error[MOMENT_ERROR];
    moment_t moment;
    slash_t slash;
    char *text = strndup ((const char *)data, size);
    if (moment_parse (&moment, text, 1795347000000000, error) < 0)
        s_must (strlen (error) > 0);
    else
        s_must (moment.time >= 0);
    slash_parse (&slash, text);
    s_must (slash.argument != NULL);
    free (text);
    s_view (data, size);
    s_edit (data, size);
    return 0;
}
