#include "user/keys.h"

#include <string.h>
#include <unistr.h>

enum { ESCAPE = 0x1b };

static const struct {
    const char *sequence; // behind the escape
    key_kind_t kind;
} s_sequences[] = {
    {"[A", KEY_UP},
    {"OA", KEY_UP},
    {"[B", KEY_DOWN},
    {"OB", KEY_DOWN},
    {"[C", KEY_RIGHT},
    {"OC", KEY_RIGHT},
    {"[D", KEY_LEFT},
    {"OD", KEY_LEFT},
    {"[H", KEY_HOME},
    {"OH", KEY_HOME},
    {"[1~", KEY_HOME},
    {"[7~", KEY_HOME},
    {"[F", KEY_END},
    {"OF", KEY_END},
    {"[4~", KEY_END},
    {"[8~", KEY_END},
    {"[3~", KEY_DELETE},
    {"[1;5C", KEY_WORD_RIGHT},
    {"[1;3C", KEY_WORD_RIGHT},
    {"f", KEY_WORD_RIGHT},
    {"[1;5D", KEY_WORD_LEFT},
    {"[1;3D", KEY_WORD_LEFT},
    {"b", KEY_WORD_LEFT},
    {"d", KEY_KILL_NEXT_WORD},
    {"\x7f", KEY_KILL_WORD},
    {"\b", KEY_KILL_WORD},
};

static const struct {
    uint8_t byte;
    key_kind_t kind;
} s_controls[] = {
    {0x01, KEY_HOME},  {0x02, KEY_LEFT},      {0x03, KEY_INTERRUPT}, {0x04, KEY_EOF},
    {0x05, KEY_END},   {0x06, KEY_RIGHT},     {0x08, KEY_BACKSPACE}, {0x09, KEY_TAB},
    {0x0a, KEY_ENTER}, {0x0b, KEY_KILL_REST}, {0x0c, KEY_REDRAW},    {0x0d, KEY_ENTER},
    {0x0e, KEY_DOWN},  {0x10, KEY_UP},        {0x15, KEY_KILL_LINE}, {0x17, KEY_KILL_WORD},
    {0x19, KEY_YANK},  {0x1a, KEY_SUSPEND},   {0x7f, KEY_BACKSPACE},
};

static key_press_t s_key (key_kind_t kind)
{
    return (key_press_t){kind, ""};
}

static key_press_t s_text (const void *bytes, size_t size)
{
    key_press_t key = {KEY_TEXT, ""};
    memcpy (key.text, bytes, size);
    return key;
}

static bool s_is (const keys_t *self, const char *sequence)
{
    return self->size == strlen (sequence) && memcmp (self->bytes, sequence, self->size) == 0;
}

// A whole sequence is there.
static key_press_t s_finish (keys_t *self)
{
    key_press_t key = s_key (KEY_NONE);
    if (s_is (self, "\x1b[200~"))
        self->pasting = true;
    else if (s_is (self, "\x1b[201~"))
        self->pasting = false;
    else if (!self->pasting)
        for (size_t i = 0; i < sizeof s_sequences / sizeof s_sequences[0]; i++)
            if (self->size == strlen (s_sequences[i].sequence) + 1 &&
                memcmp (self->bytes + 1, s_sequences[i].sequence, self->size - 1) == 0)
                key.kind = s_sequences[i].kind;
    self->size = 0;
    return key;
}

// In an escape sequence: ESC x, ESC O x, or ESC [ with parameters up to a final byte from '@' on.
static key_press_t s_feed_sequence (keys_t *self, uint8_t byte)
{
    if (byte == ESCAPE) {
        self->size = 1;
        return s_key (KEY_NONE);
    }
    // An endless sequence is no sequence; its bytes are still swallowed up to the final one.
    if (self->size < sizeof self->bytes)
        self->bytes[self->size++] = byte;
    if (self->size == 2 && (byte == '[' || byte == 'O'))
        return s_key (KEY_NONE);
    if (self->size > 2 && self->bytes[1] == '[' && byte >= 0x20 && byte < 0x40)
        return s_key (KEY_NONE);
    return s_finish (self);
}

static key_press_t s_feed_pasted (keys_t *self, uint8_t byte)
{
    bool after_return = self->after_return;
    self->after_return = byte == '\r';
    if (byte == '\r' || (byte == '\n' && !after_return))
        return s_text ("\n", 1);
    return byte == '\t' ? s_text ("\t", 1) : s_key (KEY_NONE);
}

static key_press_t s_feed_control (keys_t *self, uint8_t byte)
{
    self->size = 0; // a character that was begun is none
    if (byte == ESCAPE) {
        self->bytes[self->size++] = byte;
        return s_key (KEY_NONE);
    }
    if (self->pasting)
        return s_feed_pasted (self, byte);
    for (size_t i = 0; i < sizeof s_controls / sizeof s_controls[0]; i++)
        if (s_controls[i].byte == byte)
            return s_key (s_controls[i].kind);
    return s_key (KEY_NONE);
}

static key_press_t s_feed_character (keys_t *self, uint8_t byte)
{
    ucs4_t c;
    self->after_return = false;
    if (byte < 0x80 || byte >= 0xc0)
        self->size = 0; // begins a character, whatever came before
    self->bytes[self->size++] = byte;
    int used = u8_mbtoucr (&c, self->bytes, self->size);
    if (used == -2)
        return s_key (KEY_NONE); // not whole yet
    size_t size = self->size;
    self->size = 0;
    // C1 controls are no text.
    return used < 0 || (c >= 0x80 && c < 0xa0) ? s_key (KEY_NONE) : s_text (self->bytes, size);
}

key_press_t keys_feed (keys_t *self, uint8_t byte)
{
    if (self->size > 0 && self->bytes[0] == ESCAPE)
        return s_feed_sequence (self, byte);
    if (byte < 0x20 || byte == 0x7f)
        return s_feed_control (self, byte);
    return s_feed_character (self, byte);
}
