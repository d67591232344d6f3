#include "daemons/group/listeners.h"

#include "common/exits.h"
#include "common/ping.h"
#include "common/report.h"

#include <czmq.h>
#include <poll.h>

enum { LISTENERS_MAX = 16, TEXT_MAX = 2 * LISTENERS_MAX * (ENDPOINT_TEXT + 1) };

typedef struct {
    listeners_t *owner;
    size_t position;
    zsock_t *socket;
} one_t;

struct listeners {
    zloop_t *loop;
    listeners_io_t io;
    one_t list[LISTENERS_MAX];
    size_t count;
    keypair_t keys;
    bool has_keys;
    bool curve; // there is an encrypted listener
    int handshake;
    char bound[TEXT_MAX];
    char announced[TEXT_MAX];
};

static int s_readable (zloop_t *loop, zsock_t *socket, void *arg)
{
    (void)loop;
    one_t *one = arg;
    const listeners_io_t *io = &one->owner->io;
    io->take (io->arg, one->position, socket);
    io->turn (io->arg);
    return 0;
}

void listeners_await (listeners_t *self, int64_t us)
{
    struct pollfd items[LISTENERS_MAX];
    struct timespec time = {us / 1000000, us % 1000000 * 1000};
    for (size_t i = 0; i < self->count; i++) // readable whenever there may be something new
        items[i] = (struct pollfd){zsock_fd (self->list[i].socket), POLLIN, 0};
    if (ppoll (items, self->count, &time, NULL) <= 0)
        return;
    for (size_t i = 0; i < self->count; i++)
        if (items[i].revents)
            self->io.take (self->io.arg, i, self->list[i].socket);
}

// ---- Ports that were had before

static char *s_ports_file (const char *folder)
{
    return zsys_sprintf ("%s/ports", folder);
}

// Reads the ports, one a line; what is missing is 0.
static void s_read_ports (const char *folder, uint16_t ports[LISTENERS_MAX])
{
    memset (ports, 0, LISTENERS_MAX * sizeof ports[0]);
    char *name = s_ports_file (folder);
    FILE *file = fopen (name, "re");
    char line[16];
    for (size_t i = 0; file && i < LISTENERS_MAX && fgets (line, sizeof line, file); i++) {
        char *end;
        unsigned long port = strtoul (line, &end, 10);
        if (*end == '\n' && port > 0 && port <= UINT16_MAX)
            ports[i] = (uint16_t)port;
    }
    if (file)
        fclose (file);
    free (name);
}

// Only a convenience: that it cannot be written is no trouble, and it need not be durable.
static void s_write_ports (const char *folder, const uint16_t *ports, size_t count)
{
    char *name = s_ports_file (folder);
    char *fresh = zsys_sprintf ("%s.new", name);
    FILE *file = fopen (fresh, "we");
    if (file)
        fchmod (fileno (file), 0640); // like the log's, whatever the umask
    for (size_t i = 0; file && i < count; i++)
        fprintf (file, "%u\n", ports[i]);
    if (file && fclose (file) == 0 && rename (fresh, name) < 0)
        unlink (fresh);
    free (fresh);
    free (name);
}

uint16_t listeners_last_port (const char *folder, size_t listener)
{
    uint16_t ports[LISTENERS_MAX];
    s_read_ports (folder, ports);
    return ports[listener];
}

// ---- Keys

static char *s_keys_file (const char *folder)
{
    return zsys_sprintf ("%s/curve", folder);
}

static bool s_needs_keys (const conf_t *conf)
{
    for (size_t i = 0; i < conf_count (conf, "listen"); i++)
        if (conf_listener (conf, "listen", i)->security == LISTENER_CURVE)
            return true;
    for (size_t i = 0; i < conf_count (conf, "registries"); i++)
        if (conf_endpoint (conf, "registries", i)->has_key)
            return true;
    return false;
}

static int s_open_keys (listeners_t *self, const char *folder)
{
    char error[KEYPAIR_ERROR];
    char *file = s_keys_file (folder);
    int rc = keypair_open (&self->keys, file, error);
    if (rc < 0)
        report_error ("%s", error);
    else if (keypair_publish (&self->keys, file) < 0)
        report_warning ("%s.pub cannot be written, --ping will not know the key: %s", file,
                        strerror (errno));
    self->has_keys = rc == 0;
    free (file);
    return rc;
}

// ---- Binding

static zsock_t *s_listen (const listeners_t *self, const endpoint_t *endpoint, bool curve)
{
    char text[ENDPOINT_TEXT];
    frame_guard_t guard = {curve ? &self->keys : NULL, self->handshake, 0};
    return frame_listen (endpoint_print (endpoint, text), &guard);
}

static zsock_t *s_bind (const listeners_t *self, const endpoint_t *endpoint, bool curve,
                        uint16_t last_port)
{
    zsock_t *socket = NULL;
    if (endpoint->port == 0 && last_port > 0) {
        endpoint_t again = *endpoint;
        again.port = last_port;
        socket = s_listen (self, &again, curve);
    }
    if (!socket)
        socket = s_listen (self, endpoint, curve);
    return socket;
}

static uint16_t s_bound_port (zsock_t *socket)
{
    const char *bound = zsock_endpoint (socket);
    const char *colon = bound ? strrchr (bound, ':') : NULL;
    return colon ? (uint16_t)strtoul (colon + 1, NULL, 10) : 0;
}

static void s_add_text (char out[TEXT_MAX], const char *endpoint)
{
    size_t used = strlen (out);
    snprintf (out + used, TEXT_MAX - used, "%s%s", used > 0 ? " " : "", endpoint);
}

static bool s_is_curve (const listener_t *listener)
{
    return listener->security == LISTENER_CURVE;
}

// What others are told: the advertised endpoint, or every address as `*`, which a registry fills
// in; with the key that it has.
static void s_add_announced (listeners_t *self, const listener_t *listener, uint16_t port)
{
    char text[ENDPOINT_TEXT];
    endpoint_t endpoint = listener->advertised ? listener->advertise : listener->endpoint;
    if (endpoint.port == 0)
        endpoint.port = port;
    if (endpoint_is_any (&endpoint))
        strcpy (endpoint.host, "*");
    endpoint.has_key = s_is_curve (listener);
    memcpy (endpoint.key, self->keys.public_key, ENDPOINT_KEY);
    s_add_text (self->announced, endpoint_print_with_key (&endpoint, text));
    if (!listener->advertised || !endpoint.has_key || !endpoint_is_any (&listener->endpoint))
        return;
    strcpy (endpoint.host, "127.0.0.1"); // for this machine, which may not reach that one
    endpoint.port = port;
    s_add_text (self->announced, endpoint_print_with_key (&endpoint, text));
}

static void s_announce_all (listeners_t *self, const conf_t *conf, const uint16_t *ports)
{
    for (int curve = 1; curve >= 0; curve--)
        for (size_t i = 0; i < self->count; i++) {
            const listener_t *listener = conf_listener (conf, "listen", i);
            if (s_is_curve (listener) == curve)
                s_add_announced (self, listener, ports[i]);
        }
}

// Does every registry see this group at a loopback address, which it tells nobody elsewhere?
static bool s_only_local_registries (const conf_t *conf)
{
    size_t count = conf_count (conf, "registries"), local = 0;
    for (size_t i = 0; i < count; i++)
        local += endpoint_is_loopback (conf_endpoint (conf, "registries", i));
    return count > 0 && local == count;
}

// What is to be known of a listener at each start.
static void s_tell (const listeners_t *self, const conf_t *conf, const listener_t *listener,
                    endpoint_t bound)
{
    char text[ENDPOINT_TEXT];
    if (endpoint_is_any (&bound) && !listener->advertised && s_only_local_registries (conf))
        report_warning ("%s: a registry on this machine can tell nobody elsewhere where that is: "
                        "give it advertise = \"tcp://host:port\"",
                        endpoint_print (&bound, text));
    if (s_is_curve (listener)) {
        bound.has_key = true;
        memcpy (bound.key, self->keys.public_key, ENDPOINT_KEY);
        report_notice ("encrypted: %s", endpoint_print_with_key (&bound, text));
    } else if (!endpoint_is_loopback (&bound))
        report_warning ("%s is plain and open to the network: anybody can speak as anybody there",
                        endpoint_print (&bound, text));
}

static int s_open (listeners_t *self, const conf_t *conf, const listener_t *listener,
                   uint16_t *port)
{
    char text[ENDPOINT_TEXT];
    zsock_t *socket = s_bind (self, &listener->endpoint, s_is_curve (listener), *port);
    if (!socket) {
        report_error ("%s cannot be bound: %s", endpoint_print (&listener->endpoint, text),
                      zmq_strerror (errno));
        return -1;
    }
    one_t *one = &self->list[self->count];
    *one = (one_t){self, self->count, socket};
    self->count++;
    *port = s_bound_port (socket);
    endpoint_t bound = listener->endpoint;
    bound.port = *port;
    s_add_text (self->bound, endpoint_print (&bound, text));
    s_tell (self, conf, listener, bound);
    self->curve = self->curve || s_is_curve (listener);
    zloop_reader (self->loop, socket, s_readable, one);
    zloop_reader_set_tolerant (self->loop, socket);
    return 0;
}

listeners_t *listeners_new (zloop_t *loop, const conf_t *conf, const char *folder,
                            const listeners_io_t *io, int *code)
{
    listeners_t *self = zmalloc (sizeof *self);
    *code = EXIT_CONFIG;
    self->loop = loop;
    self->io = *io;
    self->handshake = (int)conf_number (conf, "handshake");
    if (s_needs_keys (conf) && s_open_keys (self, folder) < 0)
        listeners_destroy (&self);
    else
        *code = EXIT_NOT_NOW;
    uint16_t ports[LISTENERS_MAX];
    s_read_ports (folder, ports);
    size_t count = conf_count (conf, "listen");
    for (size_t i = 0; i < count && i < LISTENERS_MAX && self; i++)
        if (s_open (self, conf, conf_listener (conf, "listen", i), &ports[i]) < 0)
            listeners_destroy (&self);
    if (self) {
        s_announce_all (self, conf, ports);
        s_write_ports (folder, ports, self->count);
    }
    return self;
}

void listeners_destroy (listeners_t **self_p)
{
    listeners_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++) {
        zloop_reader_end (self->loop, self->list[i].socket);
        zsock_destroy (&self->list[i].socket);
    }
    keypair_wipe (&self->keys);
    free (self);
    *self_p = NULL;
}

void listeners_set_linger (listeners_t *self, int ms)
{
    for (size_t i = 0; i < self->count; i++)
        zsock_set_linger (self->list[i].socket, ms);
}

// Where another key is in the peer's place it is gone. False with errno.
static bool s_is_there (const peer_t *peer)
{
    if (peer->replaced)
        errno = EHOSTUNREACH;
    return !peer->replaced;
}

static bool s_is_due (const peer_t *peer)
{
    return peer->unmarked >= PEER_UNREAD;
}

// The next frame gets the mark. -1 with errno: the last one that got it is not read yet.
static int s_mark (peer_t *peer)
{
    if (peer_full (peer)) {
        errno = EAGAIN;
        return -1;
    }
    if (!peer->mark)
        peer->mark = frame_mark_new ();
    peer->unmarked = 0;
    return 0;
}

// Counts what went out, as `rc` tells.
static int s_count (peer_t *peer, size_t size, int rc)
{
    peer->unmarked += rc == 0 ? size : 0;
    return rc;
}

static int s_send_marked (listeners_t *self, peer_t *peer, bool legacy, span_t frame)
{
    if (s_mark (peer) < 0)
        return -1;
    frame_shared_t shared;
    void *copy = malloc (frame.size + 1);
    assert (copy);
    memcpy (copy, frame.data, frame.size);
    frame_share (&shared, copy, frame.size, frame_free_hint, copy);
    zsock_t *socket = self->list[peer->listener].socket;
    int rc = frame_push_marked (socket, &peer->route, legacy, &shared, peer->mark);
    int cause = errno;
    frame_unshare (&shared);
    errno = cause;
    return rc;
}

int listeners_send (listeners_t *self, peer_t *peer, bool legacy, span_t frame)
{
    if (!s_is_there (peer))
        return -1;
    if (s_is_due (peer))
        return s_send_marked (self, peer, legacy, frame);
    zsock_t *socket = self->list[peer->listener].socket;
    return s_count (peer, frame.size, frame_reply (socket, &peer->route, legacy, frame));
}

int listeners_push (listeners_t *self, peer_t *peer, const frame_shared_t *frame)
{
    if (!s_is_there (peer))
        return -1;
    zsock_t *socket = self->list[peer->listener].socket;
    if (!s_is_due (peer))
        return s_count (peer, frame_size (frame), frame_push (socket, &peer->route, frame));
    if (s_mark (peer) < 0)
        return -1;
    return frame_push_marked (socket, &peer->route, false, frame, peer->mark);
}

const char *listeners_bound (const listeners_t *self)
{
    return self->bound;
}

const char *listeners_announced (const listeners_t *self)
{
    return self->announced;
}

const keypair_t *listeners_keys (const listeners_t *self)
{
    return self->has_keys ? &self->keys : NULL;
}

const uint8_t *listeners_key (const listeners_t *self)
{
    return self->curve ? self->keys.public_key : NULL;
}

int listeners_ping (const conf_t *conf, const char *folder, int timeout)
{
    uint8_t key[KEYPAIR_KEY];
    char *file = s_keys_file (folder);
    bool has_key = keypair_published (file, key);
    int code = EXIT_UNREACHABLE;
    for (size_t i = 0; i < conf_count (conf, "listen") && code != EXIT_DONE; i++) {
        listener_t listener = *conf_listener (conf, "listen", i);
        if (listener.endpoint.port == 0)
            listener.endpoint.port = listeners_last_port (folder, i);
        code = ping_listener (&listener, has_key ? key : NULL, timeout);
    }
    free (file);
    return code;
}
