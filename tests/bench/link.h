// link: one connection of the driver: a socket, what waits to be written, the beginning of what is
// not whole yet. Handshakes wait; from link_listen on nothing does.

#ifndef BENCH_LINK_H
#define BENCH_LINK_H

#include "tests/bench/endian.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct run run_t;

typedef struct link {
    run_t *run;
    int fd;
    uint32_t id; // 1, 2, 3 …
    bool reader; // is delivered messages; else it sends and is answered
    bool ready;  // may send, or is delivered
    bool armed;  // waits for room in the socket
    bool hailed; // the handshake's first bytes are out
    void *state; // the protocol's
    uint8_t *in; // what is not whole yet
    size_t in_size;
    size_t in_room;
    uint8_t *out;
    size_t out_at;
    size_t out_size;
    size_t out_room;
    uint8_t *held_rows; // messages that are held, as the protocol packs them
    size_t held_size;
    unsigned held_count;
    uint64_t sent;     // messages
    uint64_t acked;    // of them
    uint64_t got;      // messages delivered
    uint64_t asked_at; // ns, of the page under way
    uint64_t *times;   // ns, of the sends under way
    uint64_t mask;     // their ring's size - 1
} link_t;

// Connects, with TCP_NODELAY; waits 20 s at most.
void link_connect (link_t *self, const char *host, uint16_t port);

// Handshakes: exactly so many bytes, or the end of the program.
void link_write_all (link_t *self, const void *data, size_t size);
void link_read_all (link_t *self, void *data, size_t size);
// A line of text with its end, and a final zero. Returns its size.
size_t link_read_line (link_t *self, char *out, size_t room);

// From here on the loop serves it.
void link_listen (link_t *self);

// Appends to what will be written; link_flush writes what the socket takes.
void link_put (link_t *self, const void *data, size_t size);
uint8_t *link_room (link_t *self, size_t size); // the same; the caller fills the bytes
void link_flush (link_t *self);

// Reads once and hands it to the protocol.
void link_pull (link_t *self);

// Room for the times of so many sends under way.
void link_set_window (link_t *self, size_t window);

void link_close (link_t *self);
// Closes the socket and forgets what was under way; who it is and what it got stay.
void link_cut (link_t *self);

#endif
