#include "tests/bench/fill.h"

#include "tests/bench/fail.h"
#include "tests/bench/zchat.h"

#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 4, WINDOW = 256 };

static struct {
    uint64_t left;    // to be sent
    bool answered;    // a page
    uint64_t records; // of it, or of what came of a scan
} s_fill;

static void s_acked (link_t *link, uint64_t index)
{
    (void)index;
    if (s_fill.left > 0) {
        s_fill.left--;
        run_send (link, 0);
    }
}

static void s_answered (link_t *link, uint64_t records)
{
    (void)link;
    s_fill.answered = true;
    s_fill.records += records;
}

static void s_await_acks (run_t *run, uint64_t target)
{
    uint64_t since = run_clock ();
    uint64_t seen = run->acks;
    while (run->acks < target) {
        run_for (run, 0.05);
        if (run->acks != seen)
            since = run->now;
        else if (run->now - since > UINT64_C (60000000000))
            fail ("the server stored %llu messages and no more", (unsigned long long)seen);
        seen = run->acks;
    }
}

double fill (run_t *run, uint64_t count)
{
    link_t links[CLIENTS];
    run_open (run, links, CLIENTS, false);
    uint64_t begin = run_clock ();
    uint64_t target = run->acks + count;
    s_fill.left = count;
    run->acked = s_acked;
    for (size_t n = 0; n < CLIENTS; n++) {
        for (size_t sent = 0; sent < WINDOW && s_fill.left > 0; sent++, s_fill.left--)
            run_send (&links[n], 0);
        link_flush (&links[n]);
    }
    s_await_acks (run, target);
    run->acked = NULL;
    for (size_t n = 0; n < CLIENTS; n++)
        link_close (&links[n]);
    return (double)(run_clock () - begin) / 1e9;
}

void page_expect (run_t *run)
{
    s_fill.answered = false;
    s_fill.records = 0;
    run->answered = s_answered;
}

uint64_t page_wait (run_t *run)
{
    uint64_t since = run_clock ();
    while (!s_fill.answered) {
        run_step (run, 100);
        if (run->now - since > UINT64_C (30000000000))
            fail ("a page was not answered in 30 s");
    }
    uint64_t records = s_fill.records;
    s_fill.answered = false;
    s_fill.records = 0;
    return records;
}

uint64_t scan_all (run_t *run, double *seconds)
{
    link_t link;
    uint64_t sum = 0;
    uint64_t records;
    run_open (run, &link, 1, false);
    page_expect (run);
    uint64_t begin = run_clock ();
    do {
        run->protocol->scan (&link);
        link_flush (&link);
        records = page_wait (run);
        sum += records;
    } while (records > 0);
    *seconds = (double)(run_clock () - begin) / 1e9;
    link_close (&link);
    return sum;
}

void stored_between (run_t *run, link_t *link, double *from, double *to)
{
    zchat_t *self = link->state;
    page_expect (run);
    zchat_page (link, ZCHAT_SEQ, 0, 1);
    link_flush (link);
    if (page_wait (run) == 0)
        fail ("the group has no records");
    *from = (double)self->base_time;
    zchat_last (link, 1);
    link_flush (link);
    page_wait (run);
    *to = (double)self->base_time;
}
