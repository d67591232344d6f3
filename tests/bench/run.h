// run: what all modes share: the connections, the loop, the clock, the counts.

#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "tests/bench/histogram.h"
#include "tests/bench/link.h"
#include "tests/bench/options.h"
#include "tests/bench/protocol.h"

struct run {
    const options_t *options;
    const protocol_t *protocol;
    char host[256];
    uint16_t port;
    bool curve;
    uint8_t server_key[32];
    pid_t pid; // the server's, 0: not known
    int epoll;
    int timer;       // -1: none
    uint32_t links;  // how many were opened
    uint64_t now;    // ns, as of the last read
    uint64_t pinged; // ns, when the sessions were renewed last
    link_t *all;     // of the fleet that is kept alive
    size_t all_count;
    // what the mode is told
    void (*acked) (link_t *link, uint64_t index); // the index-th send was answered
    void (*delivered) (link_t *link, uint64_t count);
    void (*stamped) (link_t *link, uint64_t sent); // a delivery that says when it was sent (mixed)
    void (*answered) (link_t *link, uint64_t records); // a page
    void (*ticked) (run_t *run);                       // the timer
    void (*stepped) (run_t *run);                      // behind each round of the loop
    // counts
    uint64_t acks;
    uint64_t deliveries;
    uint64_t batch_bytes; // of pages
    uint64_t ready;       // connections that became ready
};

void run_init (run_t *self, const options_t *options);

// Sets host, port and key from `tcp://host:port[?key=…]`.
void run_aim (run_t *self, const char *endpoint);

void run_tick (run_t *self); // reads the clock
uint64_t run_clock (void);   // ns, monotonic
int64_t run_wall (void);     // microseconds since 1970

// Opens `count` connections and waits until each may send or is delivered. They enter (JOIN) all at
// once, and the readers follow when all have entered.
void run_open (run_t *self, link_t *links, size_t count, bool readers);
void run_follow (run_t *self, link_t *links, size_t count);
// Until `ready` has come to this.
void run_await_ready (run_t *self, uint64_t target);

// One round of the loop.
void run_step (run_t *self, int timeout_ms);
// Rounds until nothing has come for `quiet` seconds.
void run_settle (run_t *self, double quiet);

// Rounds for so long, with a line of progress on a terminal.
void run_for (run_t *self, double seconds);

// SIGINT and SIGTERM end the program in the loop, cleanly.
void run_catch_signals (void);

// A timer that calls `ticked`: every `period` ns from now on.
void run_start_timer (run_t *self, uint64_t period);
void run_stop_timer (run_t *self);

// Sends the link's next message; `when`: ns that count as its time.
void run_send (link_t *link, uint64_t when);

// Called by protocols: the next send in order, or the one with this index, was answered.
void run_ack (link_t *link);
void run_ack_index (link_t *link, uint64_t index);
void run_deliver (link_t *link, uint64_t count);
void run_answer (link_t *link, uint64_t records);
void run_is_ready (link_t *link);

// Keeps these connections' sessions alive from now on.
void run_keep (run_t *self, link_t *links, size_t count);

#endif
