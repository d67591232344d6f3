#include "user/commands.h"

#include "tests/kit.h"
#include "user/slash.h"

START_TEST (every_row_is_whole)
{
    size_t count;
    const command_t *table = commands_table (&count);
    ck_assert_uint_eq (count, 22);
    for (size_t i = 0; i < count; i++) {
        ck_assert_ptr_nonnull (table[i].run);
        ck_assert (table[i].min <= table[i].max);
        ck_assert (*table[i].name && *table[i].summary);
        size_t help = strlen (table[i].help);
        ck_assert (help == 0 || table[i].help[help - 1] == '\n');
        // The first row of that name is this one: no name is there twice.
        ck_assert_ptr_eq (command_find (table, count, table[i].name), &table[i]);
    }
}
END_TEST

START_TEST (usage_says_how_many_arguments_there_are)
{
    size_t count;
    const command_t *table = commands_table (&count);
    for (size_t i = 0; i < count; i++) {
        size_t words = 0, optional = 0;
        bool many = strstr (table[i].usage, "...") != NULL;
        for (const char *at = table[i].usage; *at; at += strspn (at, " ")) {
            size_t size = strcspn (at, " ");
            words++;
            optional += *at == '[';
            at += size;
        }
        // `send` takes a text or what stands for it: one of them is needed.
        size_t min = table[i].text ? words : words - optional;
        ck_assert_msg (table[i].min == min, "%s %s", table[i].name, table[i].usage);
        ck_assert_msg (many || table[i].max == words || table[i].max == COMMAND_MANY, "%s %s",
                       table[i].name, table[i].usage);
        ck_assert_msg (!many || table[i].max == COMMAND_MANY, "%s", table[i].name);
    }
}
END_TEST

// docs/man/zchat.1.scd, found beside the folder of this source.
static const char *s_manual (void)
{
    static char path[1024], text[65536];
    const char *slash = strrchr (__FILE__, '/');
    snprintf (path, sizeof path, "%.*s../docs/man/zchat.1.scd",
              slash ? (int)(slash + 1 - __FILE__) : 0, __FILE__);
    FILE *file = fopen (path, "rb");
    ck_assert_msg (file != NULL, "%s", path);
    text[fread (text, 1, sizeof text - 1, file)] = 0;
    fclose (file);
    return text;
}

static void s_must_tell (const char *manual, const char *before, const char *name,
                         const char *after)
{
    char wanted[100];
    snprintf (wanted, sizeof wanted, "%s%s%s", before, name, after);
    ck_assert_msg (strstr (manual, wanted) != NULL, "the manual has no %s", wanted);
}

START_TEST (manual_tells_of_every_command_and_option)
{
    size_t count;
    const command_t *table = commands_table (&count);
    const char *manual = s_manual (), *name;
    for (size_t i = 0; i < count; i++)
        s_must_tell (manual, "\n*", table[i].name, "*");
    for (size_t i = 0; (name = command_option (i)); i++)
        s_must_tell (manual, "*--", name, "*");
    for (size_t i = 0; (name = slash_help (i)); i++) {
        char word[20];
        snprintf (word, sizeof word, "%.*s", (int)strcspn (name, " "), name);
        s_must_tell (manual, "*", word, "*");
    }
}
END_TEST

START_TEST (standard_is_the_conversation)
{
    size_t count;
    ck_assert_str_eq (commands_table (&count)[0].name, "chat");
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("commands");
    tcase_add_test (cases, every_row_is_whole);
    tcase_add_test (cases, usage_says_how_many_arguments_there_are);
    tcase_add_test (cases, manual_tells_of_every_command_and_option);
    tcase_add_test (cases, standard_is_the_conversation);
    return kit_run (cases, "commands");
}
