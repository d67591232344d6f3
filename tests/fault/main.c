// fault_log RIG [--seed N] [--seconds N] [--enough N] [--one RUN] [--folder F]: see the rigs' own
// files.

#include "daemons/group/segment.h"
#include "tests/fault/rigs.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int s_remove_one (const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove (path);
}

void rigs_remove (const char *folder)
{
    nftw (folder, s_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void rigs_newest (const char *folder, char name[])
{
    uint64_t first, most = 0;
    DIR *dir = opendir (folder);
    struct dirent *entry;
    *name = 0;
    while (dir && (entry = readdir (dir)))
        if (segment_name_parse (entry->d_name, &first) && first > most) {
            most = first;
            segment_name (first, name);
        }
    if (dir)
        closedir (dir);
}

long rigs_end (const char *folder, const char *name)
{
    char path[600];
    static uint8_t bytes[16 << 20];
    snprintf (path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen (path, "rb");
    size_t size = file ? fread (bytes, 1, sizeof bytes, file) : 0;
    if (file)
        fclose (file);
    size_t end = size, whole = SEGMENT_HEADER;
    while (end > 0 && bytes[end - 1] == 0)
        end--;
    segment_header_t header;
    batch_t batch;
    if (size < SEGMENT_HEADER || segment_header_decode (&header, bytes) < 0)
        return (long)end;
    while (batch_open (&batch, span (bytes + whole, size - whole), &header.log) == 0)
        whole += batch.bytes.size;
    return (long)(end > whole ? end : whole);
}

typedef struct {
    const char *name;
    int (*run) (const rigs_options_t *options);
    const char *help;
} rig_t;

static const rig_t s_rigs[] = {
    {"calls", rigs_calls, "each system call fails, or the power goes at it"},
    {"bytes", rigs_bytes, "bytes of the log are changed"},
    {"write", rigs_write, "works in the folder; waits for a line after each record it tells of"},
    {"append", rigs_append, "appends to the log in the folder, and prints what it serves"},
    {"read", rigs_read, "opens the log in the folder and prints what it serves"},
};

static int s_usage (void)
{
    fprintf (stderr, "usage: fault_log RIG [--seed N] [--seconds N] [--one RUN] [--folder F]\n");
    for (size_t i = 0; i < sizeof s_rigs / sizeof s_rigs[0]; i++)
        fprintf (stderr, "  %-8s %s\n", s_rigs[i].name, s_rigs[i].help);
    return 2;
}

static int s_options (int argc, char **argv, rigs_options_t *options)
{
    for (int i = 2; i + 1 < argc; i += 2) {
        if (strcmp (argv[i], "--seed") == 0)
            options->seed = strtoull (argv[i + 1], NULL, 10);
        else if (strcmp (argv[i], "--seconds") == 0)
            options->seconds = strtoull (argv[i + 1], NULL, 10);
        else if (strcmp (argv[i], "--enough") == 0)
            options->enough = strtoull (argv[i + 1], NULL, 10);
        else if (strcmp (argv[i], "--one") == 0)
            options->one = argv[i + 1];
        else if (strcmp (argv[i], "--folder") == 0)
            options->folder = argv[i + 1];
        else
            return -1;
    }
    return argc % 2 == 0 ? 0 : -1;
}

static int s_run (const rig_t *rig, rigs_options_t *options)
{
    char own[64] = "";
    if (!options->folder) {
        snprintf (own, sizeof own, "%s/zchat-fault-XXXXXX",
                  access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        options->folder = mkdtemp (own);
    }
    if (!options->folder)
        return 2;
    int rc = rig->run (options);
    if (*own)
        rigs_remove (own);
    return rc;
}

int main (int argc, char **argv)
{
    rigs_options_t options = {.seed = 1, .enough = 10};
    if (argc < 2 || s_options (argc, argv, &options) < 0)
        return s_usage ();
    for (size_t i = 0; i < sizeof s_rigs / sizeof s_rigs[0]; i++)
        if (strcmp (argv[1], s_rigs[i].name) == 0)
            return s_run (&s_rigs[i], &options);
    return s_usage ();
}
