#include "tests/bench/process.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PROCESSES 4096

typedef struct {
    pid_t parent;
    double seconds; // its own
    double ended;   // of children that ended
} stat_t;

static bool s_stat (pid_t pid, stat_t *out)
{
    char path[64];
    char text[1024];
    snprintf (path, sizeof (path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen (path, "r");
    if (!file)
        return false;
    size_t size = fread (text, 1, sizeof (text) - 1, file);
    fclose (file);
    text[size] = 0;
    const char *behind = strrchr (text, ')');
    int parent;
    unsigned long user;
    unsigned long system;
    long ended_user;
    long ended_system;
    if (!behind ||
        sscanf (behind + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld", &parent,
                &user, &system, &ended_user, &ended_system) != 5)
        return false;
    double ticks = (double)sysconf (_SC_CLK_TCK);
    out->parent = parent;
    out->seconds = (double)(user + system) / ticks;
    out->ended = (double)(ended_user + ended_system) / ticks;
    return true;
}

// The process and its children: how many.
static size_t s_family (pid_t pid, pid_t out[PROCESSES])
{
    if (pid <= 0)
        return 0;
    size_t count = 1;
    out[0] = pid;
    DIR *folder = opendir ("/proc");
    struct dirent *entry;
    while (folder && (entry = readdir (folder)) && count < PROCESSES) {
        pid_t other = atoi (entry->d_name);
        stat_t stat;
        if (other > 0 && other != pid && s_stat (other, &stat) && stat.parent == pid)
            out[count++] = other;
    }
    if (folder)
        closedir (folder);
    return count;
}

double process_cpu (pid_t pid)
{
    pid_t family[PROCESSES];
    double seconds = 0;
    size_t count = s_family (pid, family);
    for (size_t n = 0; n < count; n++) {
        stat_t stat;
        if (s_stat (family[n], &stat))
            seconds += stat.seconds + (n == 0 ? stat.ended : 0);
    }
    return seconds;
}

double process_own_cpu (void)
{
    struct rusage usage;
    getrusage (RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double s_kilobytes (pid_t pid, const char *file_name, const char *key)
{
    pid_t family[PROCESSES];
    double sum = 0;
    size_t count = s_family (pid, family);
    for (size_t n = 0; n < count; n++) {
        char path[64];
        char line[256];
        snprintf (path, sizeof (path), "/proc/%d/%s", (int)family[n], file_name);
        FILE *file = fopen (path, "r");
        while (file && fgets (line, sizeof (line), file))
            if (strncmp (line, key, strlen (key)) == 0)
                sum += atof (line + strlen (key));
        if (file)
            fclose (file);
    }
    return sum;
}

double process_rss (pid_t pid)
{
    return s_kilobytes (pid, "status", "VmRSS:");
}

double process_pss (pid_t pid)
{
    return s_kilobytes (pid, "smaps_rollup", "Pss:");
}

unsigned process_descriptors (pid_t pid)
{
    char path[64];
    snprintf (path, sizeof (path), "/proc/%d/fd", (int)pid);
    DIR *folder = opendir (path);
    unsigned count = 0;
    while (folder && readdir (folder))
        count++;
    if (folder)
        closedir (folder);
    return count > 2 ? count - 2 : 0;
}
