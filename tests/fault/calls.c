// Every system call of the log fails, each time it is made, in each way it can: and at each of them
// the power goes.

#include "common/exits.h"
#include "tests/fault/disk.h"
#include "tests/fault/rigs.h"
#include "tests/fault/world.h"

#include <czmq.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { TRIES = 8, WORKERS = 2, PLANS = 1 << 20, PROGRESS = 1000 };

typedef struct {
    disk_plan_t plan;
    unsigned percent; // of what is not synced, kept at a cut
} run_t;

static struct {
    uint64_t seed;
    char base[200];
    run_t *runs;
    size_t count;
} s_rig;

static const int s_errors[] = {EIO, ENOSPC, EDQUOT, EINTR, EROFS, EACCES, EMFILE};
enum { ERRORS = sizeof s_errors / sizeof s_errors[0] };

// ---- One run

// An end of the daemon that the fault explains.
static void s_judge_exit (world_t *world, const disk_plan_t *plan, int code)
{
    bool sync = plan->call == DISK_FDATASYNC || plan->call == DISK_FSYNC;
    bool broken = sync || plan->call == DISK_PREAD;
    const char *text = world_trouble (world)->text;
    if (disk_fired () == 0)
        world_blame (world, "ended with %d without a fault: %s", code, text);
    if (code != EXIT_SYNC && code != EXIT_NOT_NOW && code != EXIT_CONFIG)
        world_blame (world, "ended with %d: %s", code, text);
    if (broken && plan->error == EIO && code != EXIT_SYNC)
        world_blame (world, "a broken disk, and exit %d: %s", code, text);
    if (*text && plan->error && !disk_is_off () && !strstr (text, strerror (plan->error)))
        world_blame (world, "the reason (%s) is not told: %s", strerror (plan->error), text);
}

// After a cut of the power, or after the process was killed.
static void s_start_again (world_t *world, uint64_t seed, unsigned percent)
{
    world_close (world);
    if (disk_is_killed ())
        disk_revive ();
    else
        disk_cut (seed, percent);
    disk_disarm ();
}

// Starts the daemon until the first `count` requests are done. The fault goes away by itself after
// it ended the daemon twice, as if somebody had mended the disk.
static void s_work (world_t *world, const run_t *run, size_t count)
{
    int ended = 0;
    for (int try = 0; try < TRIES && !*world_wrong (world); try++) {
        int rc = world_log (world) ? 0 : world_open (world);
        if (rc == 0)
            rc = world_work (world, count);
        if (rc == 0)
            return;
        if (disk_is_off ()) {
            s_start_again (world, s_rig.seed + (uint64_t)try, run->percent);
            continue;
        }
        s_judge_exit (world, &run->plan, rc);
        if (++ended == 2)
            disk_disarm ();
    }
    if (!*world_wrong (world))
        world_blame (world, "%d starts and no end", TRIES);
}

static span_t s_torn (size_t step)
{
    static uint8_t bytes[600];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * step + 1);
    return span (bytes, sizeof bytes);
}

// What a cut may leave behind, so that the next opening has something to set aside: a torn tail,
// and a segment that was begun.
static void s_tear (uint64_t last, const char *folder)
{
    char name[SEGMENT_NAME];
    rigs_newest (folder, name);
    disk_put (name, rigs_end (folder, name), s_torn (7));
    segment_name (last + 1, name);
    disk_put (name, 0, s_torn (11));
}

// From then on it is on the disk: in its place, or set aside.
static void s_check_torn (world_t *world)
{
    if (!disk_holds (s_torn (7)))
        world_blame (world, "the torn tail that was cut is not kept on the disk");
    if (!disk_holds (s_torn (11)))
        world_blame (world, "the unfinished segment that was set aside is not kept on the disk");
}

static void s_stop (world_t *world)
{
    if (disk_is_off ())
        s_start_again (world, s_rig.seed, 0);
    world_close (world);
}

static void s_run (const run_t *run, const char *folder, char wrong[400])
{
    rigs_remove (folder);
    disk_begin (folder);
    world_t *world = world_new (folder, s_rig.seed, true);
    disk_arm (&run->plan);
    s_work (world, run, world_requests () / 2);
    if (!*world_wrong (world)) {
        uint64_t last = log_last (world_log (world));
        s_stop (world);
        s_tear (last, folder);
        s_work (world, run, world_requests ());
    }
    s_stop (world);
    disk_disarm ();
    disk_cut (s_rig.seed, 0);
    if (!*world_wrong (world))
        s_check_torn (world);
    if (!*world_wrong (world) && world_open (world) == 0) {
        world_read (world);
        world_close (world);
    } else if (!*world_wrong (world))
        world_blame (world, "the last opening: %s", world_trouble (world)->text);
    memcpy (wrong, world_wrong (world), 400);
    world_destroy (&world);
    disk_end ();
}

// ---- Which runs

static void s_add (disk_call_t call, int at, disk_fault_t fault, int error, bool stays,
                   unsigned percent)
{
    if (s_rig.count < PLANS)
        s_rig.runs[s_rig.count++] = (run_t){{call, at, stays, fault, error}, percent};
}

static void s_add_call (disk_call_t call, int at)
{
    for (size_t i = 0; i < ERRORS; i++) {
        s_add (call, at, DISK_ERROR, s_errors[i], false, 0);
        s_add (call, at, DISK_ERROR, s_errors[i], true, 0);
    }
    if (call == DISK_PREAD || call == DISK_PWRITE || call == DISK_WRITE) {
        s_add (call, at, DISK_SHORT, 0, false, 0);
        s_add (call, at, DISK_SHORT, 0, true, 0);
        s_add (call, at, DISK_SHORT, ENOSPC, false, 0);
        s_add (call, at, DISK_SHORT, EIO, false, 0);
    }
    s_add (call, at, DISK_KILL, 0, false, 0);
    for (unsigned percent = 0; percent <= 100; percent += 25)
        s_add (call, at, DISK_POWER, 0, false, percent);
}

enum { SYNCS, OTHERS, READS, SORTS };

// Cuts at each write and sync, and each failed sync; other faults; those of reads, which are many.
static size_t s_sort (const run_t *run)
{
    disk_call_t call = run->plan.call;
    bool sync = call == DISK_FDATASYNC || call == DISK_FSYNC;
    bool ends = run->plan.fault == DISK_POWER || run->plan.fault == DISK_KILL;
    if ((sync && (ends || run->plan.error == EIO)) || (call == DISK_PWRITE && ends))
        return SYNCS;
    return call == DISK_PREAD ? READS : OTHERS;
}

static void s_shuffle (void)
{
    uint64_t dice = (s_rig.seed + 1) * 0x9e3779b97f4a7c15u | 1;
    for (size_t i = s_rig.count; i > 1; i--) {
        dice = dice * 6364136223846793005u + 1442695040888963407u;
        size_t other = (size_t)((dice >> 33) % i);
        run_t one = s_rig.runs[i - 1];
        s_rig.runs[i - 1] = s_rig.runs[other];
        s_rig.runs[other] = one;
    }
}

// Puts the runs in an order by chance, the sorts in turn: so any part of them, from the front, has
// some of each sort.
static void s_order (void)
{
    static const size_t turn[] = {SYNCS, OTHERS, SYNCS, OTHERS, READS};
    run_t *ordered = calloc (s_rig.count, sizeof *ordered);
    size_t at[SORTS] = {0}, count = 0;
    s_shuffle ();
    for (size_t i = 0; count < s_rig.count; i++) {
        size_t sort = turn[i % 5], *next = &at[sort];
        while (*next < s_rig.count && s_sort (&s_rig.runs[*next]) != sort)
            ++*next;
        if (*next < s_rig.count)
            ordered[count++] = s_rig.runs[(*next)++];
    }
    free (s_rig.runs);
    s_rig.runs = ordered;
}

static void s_plan (void)
{
    char folder[256], wrong[400];
    run_t none = {.plan = {.at = 0}};
    snprintf (folder, sizeof folder, "%s/plan", s_rig.base);
    s_run (&none, folder, wrong);
    if (*wrong) {
        printf ("wrong without any fault: %s\n", wrong);
        exit (1);
    }
    s_rig.runs = calloc (PLANS, sizeof *s_rig.runs);
    printf ("calls of a run:");
    for (disk_call_t call = 0; call < DISK_CALLS; call++) {
        int calls = disk_calls (call);
        printf (" %s %d", disk_call_name (call), calls);
        for (int at = 1; at <= calls; at++)
            s_add_call (call, at);
    }
    printf (": %zu faults\n", s_rig.count);
    s_order ();
}

static void s_tell (const run_t *run, const char *wrong)
{
    static const char *const faults[] = {"error", "short", "power", "kill"};
    const disk_plan_t *plan = &run->plan;
    printf ("WRONG: %s\n  fault_log calls --seed %" PRIu64
            " --one %d,%d,%d,%d,%d,%u   # %s %d: %s %s%s\n",
            wrong, s_rig.seed, (int)plan->call, plan->at, (int)plan->fault, plan->error,
            (int)plan->stays, run->percent, disk_call_name (plan->call), plan->at,
            faults[plan->fault], plan->error ? strerror (plan->error) : "",
            plan->stays ? ", stays" : "");
}

// Returns how many runs it made. *bad counts those of all workers that went wrong.
static size_t s_worker (size_t number, int64_t until, size_t enough, volatile size_t *bad)
{
    char folder[256], wrong[400];
    size_t made = 0;
    snprintf (folder, sizeof folder, "%s/%zu", s_rig.base, number);
    for (size_t i = number; i < s_rig.count && zclock_mono () < until && *bad < enough;
         i += WORKERS) {
        s_run (&s_rig.runs[i], folder, wrong);
        if (++made % PROGRESS == 0 && number == 0 && until == INT64_MAX)
            printf ("%zu of %zu\n", i, s_rig.count);
        if (!*wrong)
            continue;
        s_tell (&s_rig.runs[i], wrong);
        ++*bad;
    }
    fflush (stdout);
    return made;
}

static int s_one (const char *text)
{
    int call, at, fault, error, stays;
    char folder[256], wrong[400];
    run_t run = {.percent = 0};
    if (sscanf (text, "%d,%d,%d,%d,%d,%u", &call, &at, &fault, &error, &stays, &run.percent) != 6)
        return EXIT_USAGE;
    run.plan = (disk_plan_t){(disk_call_t)call, at, stays != 0, (disk_fault_t)fault, error};
    snprintf (folder, sizeof folder, "%s/one", s_rig.base);
    s_run (&run, folder, wrong);
    if (*wrong)
        s_tell (&run, wrong);
    return *wrong != 0;
}

int rigs_calls (const rigs_options_t *options)
{
    s_rig.seed = options->seed;
    snprintf (s_rig.base, sizeof s_rig.base, "%s", options->folder);
    if (options->one)
        return s_one (options->one);
    s_plan ();
    fflush (stdout);
    void *shared = mmap (NULL, 2 * WORKERS * sizeof (size_t), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return EXIT_NOT_NOW;
    size_t *made = shared, *bad = made + WORKERS, died = 0;
    int64_t until =
        options->seconds ? zclock_mono () + (int64_t)options->seconds * 1000 : INT64_MAX;
    for (size_t i = 0; i < WORKERS; i++)
        if (fork () == 0) {
            made[i] = s_worker (i, until, options->enough, bad);
            _exit (0);
        }
    int status;
    while (wait (&status) > 0)
        died += status != 0;
    if (died > 0)
        printf ("WRONG: a worker died\n");
    printf ("%zu of %zu faults, %zu wrong\n", made[0] + made[1], s_rig.count, *bad + died);
    return *bad + died > 0;
}
