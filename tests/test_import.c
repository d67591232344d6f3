// import: the same log again, or nothing.

#include "daemons/group/import.h"

#include "common/exits.h"
#include "daemons/group/export.h"
#include "tests/faults.h"
#include "tests/logs.h"

#include <sys/stat.h>
#include <unistd.h>

enum { SMALL = 900, LAST = 61 };

static logs_t s_logs;
static char *s_text;
static size_t s_size;
static import_t s_import;
static trouble_t s_trouble;

static void s_setup (void)
{
    audit_t audit;
    faults_skip_syncs (true);
    logs_init (&s_logs);
    logs_must_open (&s_logs, SMALL);
    logs_jobs (&s_logs, "a message", 30, 2);
    logs_close (&s_logs);
    FILE *out = open_memstream (&s_text, &s_size);
    ck_assert_int_eq (export_run (s_logs.path, out, &audit, NULL), 0);
    fclose (out);
    ck_assert_int_eq (audit.verdict, AUDIT_SOUND);
}

static void s_teardown (void)
{
    free (s_text);
    faults_reset ();
    logs_free (&s_logs);
}

static const char *s_copy (void)
{
    static char path[300];
    snprintf (path, sizeof path, "%s/copy", s_logs.folder.path);
    return path;
}

static int s_take (const char *text, size_t size, const char *key)
{
    memset (&s_trouble, 0, sizeof s_trouble);
    FILE *in = size > 0 ? fmemopen ((void *)text, size, "r") : fopen ("/dev/null", "r");
    ck_assert_ptr_nonnull (in);
    int rc = import_run (&s_import, in, s_copy (), key, NULL, &s_trouble);
    fclose (in);
    return rc;
}

// Nothing is left of what failed.
static void s_nothing_is_left (void)
{
    struct stat status;
    char path[400];
    ck_assert_int_lt (stat (s_copy (), &status), 0);
    snprintf (path, sizeof path, "%s/.copy.import", s_logs.folder.path);
    ck_assert_int_lt (stat (path, &status), 0);
}

static void s_is_refused (const char *text, size_t size, const char *part)
{
    ck_assert_int_eq (s_take (text, size, NULL), -1);
    ck_assert_int_eq (s_trouble.exit, EXIT_REFUSED);
    ck_assert_msg (strstr (s_trouble.text, part) != NULL, "%s, not %s", s_trouble.text, part);
    s_nothing_is_left ();
}

static void s_is_the_same (void)
{
    uint64_t firsts[64];
    size_t count = logs_segments (&s_logs, firsts, 64);
    for (size_t i = 0; i < count; i++) {
        size_t size, copied, ends[64];
        char name[SEGMENT_NAME], path[400];
        segment_name (firsts[i], name);
        snprintf (path, sizeof path, "%s/%s", s_copy (), name);
        uint8_t *bytes = logs_load (logs_segment (&s_logs, firsts[i]), &size);
        uint8_t *copy = logs_load (path, &copied);
        size = ends[logs_ends (bytes, size, ends, 64)];
        ck_assert_uint_eq (copied, size);
        ck_assert_mem_eq (copy, bytes, size);
        free (bytes);
        free (copy);
    }
}

START_TEST (log_is_made_again_byte_by_byte)
{
    ck_assert_msg (s_take (s_text, s_size, NULL) == 0, "%s", s_trouble.text);
    s_is_the_same ();
    ck_assert_uint_eq (s_import.last, LAST);
    ck_assert_uint_eq (s_import.records, LAST);
    audit_t audit;
    audit_io_t io = {0};
    audit_run (&audit, s_copy (), &io);
    ck_assert_msg (audit.verdict == AUDIT_SOUND, "%s", audit.place);
    ck_assert (guid_equal (&audit.log, &s_import.log));
}
END_TEST

START_TEST (new_key_names_the_log_and_has_another_secret)
{
    log_key_t old, made;
    ck_assert_int_eq (s_take (s_text, s_size, NULL), 0);
    int dir = open (s_copy (), O_RDONLY | O_DIRECTORY), from = open (s_logs.path, O_RDONLY);
    ck_assert_int_eq (folder_read_key (dir, &made), 0);
    ck_assert_int_eq (folder_read_key (from, &old), 0);
    ck_assert (guid_equal (&old.id, &made.id));
    ck_assert (memcmp (old.secret, made.secret, PROOF_KEY) != 0);
    close (dir);
    close (from);
}
END_TEST

START_TEST (given_key_is_taken)
{
    log_key_t old, made;
    char path[400];
    snprintf (path, sizeof path, "%s/key", s_logs.path);
    ck_assert_msg (s_take (s_text, s_size, path) == 0, "%s", s_trouble.text);
    int dir = open (s_copy (), O_RDONLY | O_DIRECTORY), from = open (s_logs.path, O_RDONLY);
    ck_assert_int_eq (folder_read_key (dir, &made), 0);
    ck_assert_int_eq (folder_read_key (from, &old), 0);
    ck_assert_mem_eq (&old, &made, sizeof old);
    close (dir);
    close (from);
}
END_TEST

START_TEST (key_of_another_log_is_refused)
{
    char path[400];
    uint8_t bytes[48] = {0};
    folder_write (&s_logs.folder, "key", bytes, sizeof bytes);
    snprintf (path, sizeof path, "%s/key", s_logs.folder.path);
    chmod (path, 0600);
    ck_assert_int_eq (s_take (s_text, s_size, path), -1);
    ck_assert_int_eq (s_trouble.exit, EXIT_CONFIG);
    s_nothing_is_left ();
    chmod (path, 0644);
    ck_assert_int_eq (s_take (s_text, s_size, path), -1);
    ck_assert_ptr_nonnull (strstr (s_trouble.text, "chmod 600"));
}
END_TEST

START_TEST (empty_folder_is_taken_and_a_full_one_is_not)
{
    ck_assert_int_eq (mkdir (s_copy (), 0750), 0);
    ck_assert_int_eq (s_take (s_text, s_size, NULL), 0);
    s_is_the_same ();
    ck_assert_int_eq (s_take (s_text, s_size, NULL), -1);
    ck_assert_int_eq (s_trouble.exit, EXIT_REFUSED);
    ck_assert_ptr_nonnull (strstr (s_trouble.text, "not empty"));
    s_is_the_same ();
}
END_TEST

// Line `number` (1 is the first) of the export; its length without the newline.
static const char *s_line (size_t number, size_t *length)
{
    const char *at = s_text;
    while (--number > 0)
        at = strchr (at, '\n') + 1;
    *length = strcspn (at, "\n");
    return at;
}

START_TEST (any_missing_line_is_noticed)
{
    size_t lines = 0, length;
    for (const char *at = s_text; *at; at++)
        lines += *at == '\n';
    char *cut = malloc (s_size);
    for (size_t i = 1; i <= lines; i++) {
        const char *line = s_line (i, &length);
        size_t before = (size_t)(line - s_text);
        memcpy (cut, s_text, before);
        memcpy (cut + before, line + length + 1, s_size - before - length - 1);
        s_is_refused (cut, s_size - length - 1, "line");
    }
    free (cut);
}
END_TEST

START_TEST (any_changed_line_is_named)
{
    dice_t chance = dice_new ("any_changed_line_is_named");
    size_t lines = 0, length;
    for (const char *at = s_text; *at; at++)
        lines += *at == '\n';
    for (size_t i = 1; i <= lines; i++) {
        char *line = (char *)s_line (i, &length), wanted[40];
        char *digit = line + dice (&chance, length);
        while (*digit < '0' || *digit > '9')
            digit = line + dice (&chance, length);
        char good = *digit;
        *digit = good == '9' ? '8' : (char)(good + 1);
        snprintf (wanted, sizeof wanted, "line");
        if (strstr (line, "\"kind\"") && strstr (line, "\"kind\"") < line + length)
            snprintf (wanted, sizeof wanted, "line %zu: ", i);
        s_is_refused (s_text, s_size, wanted);
        *digit = good;
    }
    ck_assert_int_eq (s_take (s_text, s_size, NULL), 0);
}
END_TEST

START_TEST (what_ends_early_is_not_complete)
{
    s_is_refused (s_text, 0, "not an export");
    for (size_t size = 1; size + 1 < s_size; size += 197)
        s_is_refused (s_text, size, "line");
}
END_TEST

// It is not read to its end, wherever that is.
START_TEST (endless_line_is_refused)
{
    FILE *zeros = fopen ("/dev/zero", "r");
    import_t import;
    trouble_t trouble;
    ck_assert_int_eq (import_run (&import, zeros, s_copy (), NULL, NULL, &trouble), -1);
    ck_assert_str_eq (trouble.text, "line 1: longer than any line of an export");
    s_nothing_is_left ();
    fclose (zeros);
}
END_TEST

START_TEST (garbage_is_refused)
{
    dice_t chance = dice_new ("garbage_is_refused");
    char *text = malloc (s_size);
    for (int i = 0; i < 300; i++) {
        memcpy (text, s_text, s_size);
        text[dice (&chance, s_size - 1)] ^= (char)(1 + dice (&chance, 255));
        s_take (text, s_size, NULL); // a changed blank or digit's case may be as good
        folder_t copy;
        snprintf (copy.path, sizeof copy.path, "%.250s", s_copy ());
        if (!*s_trouble.text)
            folder_remove (&copy);
        s_nothing_is_left ();
    }
    free (text);
}
END_TEST

// Whatever call fails: nothing is left, and nothing is said to be done.
START_TEST (failed_write_leaves_nothing)
{
    static const faults_call_t calls[] = {FAULTS_PWRITE, FAULTS_FSYNC, FAULTS_OPENAT};
    for (size_t c = 0; c < 3; c++)
        for (int skip = 0;; skip++) {
            faults_fail (calls[c], skip, 1, c == 0 ? ENOSPC : EIO);
            int rc = s_take (s_text, s_size, NULL);
            faults_fail (calls[c], 0, 0, 0);
            struct stat status;
            bool last_sync = c == 1 && stat (s_copy (), &status) == 0; // that of the folder above
            if (rc == 0 || last_sync) {
                folder_t copy;
                snprintf (copy.path, sizeof copy.path, "%.250s", s_copy ());
                folder_remove (&copy);
            }
            if (rc == 0)
                break;
            ck_assert_int_eq (s_trouble.exit, c == 0 ? EXIT_NOT_NOW : EXIT_SYNC);
            s_nothing_is_left ();
        }
}
END_TEST

START_TEST (everything_is_synced_before_it_counts)
{
    uint64_t firsts[64];
    size_t segments = logs_segments (&s_logs, firsts, 64);
    faults_forget ();
    ck_assert_int_eq (s_take (s_text, s_size, NULL), 0);
    // Each file and the folder behind it; the folder above at the end.
    ck_assert_uint_ge (faults_calls (FAULTS_FSYNC), 2 * (segments + 1) + 1);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("import");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 20);
    tcase_add_test (cases, log_is_made_again_byte_by_byte);
    tcase_add_test (cases, new_key_names_the_log_and_has_another_secret);
    tcase_add_test (cases, given_key_is_taken);
    tcase_add_test (cases, key_of_another_log_is_refused);
    tcase_add_test (cases, empty_folder_is_taken_and_a_full_one_is_not);
    tcase_add_test (cases, any_missing_line_is_noticed);
    tcase_add_test (cases, any_changed_line_is_named);
    tcase_add_test (cases, what_ends_early_is_not_complete);
    tcase_add_test (cases, endless_line_is_refused);
    tcase_add_test (cases, garbage_is_refused);
    tcase_add_test (cases, failed_write_leaves_nothing);
    tcase_add_test (cases, everything_is_synced_before_it_counts);
    return kit_run (cases, "import");
}
