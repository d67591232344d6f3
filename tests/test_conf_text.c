#include "common/conf_text.h"

#include "tests/folder.h"
#include "tests/kit.h"

static folder_t s_folder;
static zlist_t *s_errors;
static conf_text_t *s_text;

static void s_set_up (void)
{
    s_folder = folder_new ();
    s_errors = zlist_new ();
    zlist_autofree (s_errors);
}

static void s_tear_down (void)
{
    conf_text_destroy (&s_text);
    zlist_destroy (&s_errors);
    folder_remove (&s_folder);
}

static const char *s_read (const char *text)
{
    conf_text_destroy (&s_text);
    s_text = conf_text_new (folder_put (&s_folder, "main.cfg", text), s_errors);
    ck_assert_ptr_nonnull (s_text);
    return conf_text_string (s_text);
}

// The only error, without the folder's path.
static const char *s_only_error (void)
{
    ck_assert_uint_eq (zlist_size (s_errors), 1);
    const char *line = zlist_first (s_errors);
    size_t size = strlen (s_folder.path);
    ck_assert_int_eq (strncmp (line, s_folder.path, size), 0);
    return line + size + 1;
}

START_TEST (plain_text_stays_as_it_is)
{
    static const char text[] =
        "a = 1; # x\nb = \"3000000000 \\\" @include\";\n/* 3000000000\n"
        "@include \"x\" */ c = -2147483648; d3000000000 = 2.5; // 3000000000\n";
    ck_assert_str_eq (s_read (text), text);
    ck_assert_uint_eq (zlist_size (s_errors), 0);
}
END_TEST

START_TEST (integers_beyond_32_bits_are_marked)
{
    ck_assert_str_eq (s_read ("a = 2147483648;\n"), "a = 2147483648L;\n");
    ck_assert_str_eq (s_read ("a = -2147483649;\n"), "a = -2147483649L;\n");
    ck_assert_str_eq (s_read ("a = 0xffffffff;\n"), "a = 0xffffffffL;\n");
    ck_assert_str_eq (s_read ("a = 3000000000L;\n"), "a = 3000000000L;\n");
    ck_assert_str_eq (s_read ("a = 3000000000.5;\n"), "a = 3000000000.5;\n");
    ck_assert_uint_eq (zlist_size (s_errors), 0);
}
END_TEST

START_TEST (integers_beyond_64_bits_are_errors)
{
    s_read ("\na = 9223372036854775808;\n");
    ck_assert_str_eq (s_only_error (), "main.cfg:2: 9223372036854775808 is too large");
}
END_TEST

START_TEST (included_lines_know_where_they_came_from)
{
    unsigned line;
    folder_put (&s_folder, "other.cfg", "x = 1;\ny = 2;");
    ck_assert_str_eq (s_read ("a = 1;\n  @include \"other.cfg\" # yes\nb = 2;\n"),
                      "a = 1;\nx = 1;\ny = 2;\nb = 2;\n");
    ck_assert_str_eq (conf_text_where (s_text, 1, &line), folder_path (&s_folder, "main.cfg"));
    ck_assert_uint_eq (line, 1);
    ck_assert_str_eq (conf_text_where (s_text, 3, &line), folder_path (&s_folder, "other.cfg"));
    ck_assert_uint_eq (line, 2);
    ck_assert_str_eq (conf_text_where (s_text, 4, &line), folder_path (&s_folder, "main.cfg"));
    ck_assert_uint_eq (line, 3);
}
END_TEST

START_TEST (include_that_cannot_be_read_is_an_error_of_its_line)
{
    ck_assert_str_eq (s_read ("a = 1;\n@include \"none.cfg\"\nb = 2;\n"), "a = 1;\nb = 2;\n");
    ck_assert_str_eq (s_only_error (),
                      "main.cfg:2: @include \"none.cfg\": No such file or directory");
}
END_TEST

START_TEST (include_of_a_folder_is_an_error)
{
    s_read ("@include \"/tmp\"\n");
    ck_assert_str_eq (s_only_error (), "main.cfg:1: @include \"/tmp\": it is no file");
}
END_TEST

START_TEST (include_of_itself_ends)
{
    s_read ("a = 1;\n@include \"main.cfg\"\n");
    ck_assert_ptr_nonnull (strstr (s_only_error (), "nested too deep"));
}
END_TEST

START_TEST (broken_include_lines_are_errors)
{
    static const char *const lines[] = {
        "@include",       "@include x", "@include \"x", "@include \"\"", "@include \"a\" b = 1;",
        "@included \"x\""};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        s_read (lines[i]);
        ck_assert_uint_eq (zlist_size (s_errors), i + 1);
    }
}
END_TEST

START_TEST (file_that_cannot_be_read_gives_none)
{
    ck_assert_ptr_null (conf_text_new (folder_path (&s_folder, "none"), s_errors));
    ck_assert_str_eq (s_only_error (), "none:0: cannot be read: No such file or directory");
    ck_assert_ptr_null (conf_text_new (s_folder.path, s_errors));
    ck_assert_uint_eq (zlist_size (s_errors), 2);
}
END_TEST

START_TEST (zero_byte_is_an_error)
{
    s_text = conf_text_new (folder_write (&s_folder, "main.cfg", "a\0b", 3), s_errors);
    ck_assert_ptr_nonnull (strstr (s_only_error (), "zero byte"));
}
END_TEST

START_TEST (huge_file_is_refused)
{
    size_t size = (2 << 20);
    char *text = malloc (size);
    memset (text, '\n', size);
    ck_assert_ptr_null (conf_text_new (folder_write (&s_folder, "main.cfg", text, size), s_errors));
    s_text = conf_text_new (folder_write (&s_folder, "main.cfg", text, 70000), s_errors);
    ck_assert_ptr_nonnull (strstr (zlist_last (s_errors), "more than 65535 lines"));
    free (text);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("conf_text");
    tcase_add_checked_fixture (cases, s_set_up, s_tear_down);
    tcase_add_test (cases, plain_text_stays_as_it_is);
    tcase_add_test (cases, integers_beyond_32_bits_are_marked);
    tcase_add_test (cases, integers_beyond_64_bits_are_errors);
    tcase_add_test (cases, included_lines_know_where_they_came_from);
    tcase_add_test (cases, include_that_cannot_be_read_is_an_error_of_its_line);
    tcase_add_test (cases, include_of_a_folder_is_an_error);
    tcase_add_test (cases, include_of_itself_ends);
    tcase_add_test (cases, broken_include_lines_are_errors);
    tcase_add_test (cases, file_that_cannot_be_read_gives_none);
    tcase_add_test (cases, zero_byte_is_an_error);
    tcase_add_test (cases, huge_file_is_refused);
    return kit_run (cases, "conf_text");
}
