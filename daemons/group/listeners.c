#include "daemons/group/listeners.h"

#include "common/report.h"

#include <czmq.h>

enum { LISTENERS_MAX = 16, TEXT_MAX = LISTENERS_MAX * (ENDPOINT_TEXT + 1) };

typedef struct {
    listeners_t *owner;
    size_t position;
    zsock_t *socket;
} one_t;

struct listeners {
    zloop_t *loop;
    listeners_take_fn *take;
    void *arg;
    one_t list[LISTENERS_MAX];
    size_t count;
    char bound[TEXT_MAX];
    char announced[TEXT_MAX];
};

static int s_readable (zloop_t *loop, zsock_t *socket, void *arg)
{
    (void)loop;
    one_t *one = arg;
    one->owner->take (one->owner->arg, one->position, socket);
    return 0;
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
    for (size_t i = 0; file && i < count; i++)
        fprintf (file, "%u\n", ports[i]);
    if (file && fclose (file) == 0 && rename (fresh, name) < 0)
        unlink (fresh);
    free (fresh);
    free (name);
}

uint16_t listeners_last_port (const char *folder)
{
    uint16_t ports[LISTENERS_MAX];
    s_read_ports (folder, ports);
    return ports[0];
}

// ---- Binding

static zsock_t *s_bind (const endpoint_t *endpoint, uint16_t last_port)
{
    char text[ENDPOINT_TEXT];
    zsock_t *socket = NULL;
    if (endpoint->port == 0 && last_port > 0) {
        endpoint_t again = *endpoint;
        again.port = last_port;
        socket = frame_listen (endpoint_print (&again, text), NULL);
    }
    if (!socket)
        socket = frame_listen (endpoint_print (endpoint, text), NULL);
    return socket;
}

static uint16_t s_bound_port (zsock_t *socket)
{
    const char *bound = zsock_endpoint (socket);
    const char *colon = bound ? strrchr (bound, ':') : NULL;
    return colon ? (uint16_t)strtoul (colon + 1, NULL, 10) : 0;
}

static void s_add_text (char out[TEXT_MAX], const endpoint_t *endpoint)
{
    char text[ENDPOINT_TEXT];
    size_t used = strlen (out);
    snprintf (out + used, TEXT_MAX - used, "%s%s", used > 0 ? " " : "",
              endpoint_print (endpoint, text));
}

// What others are told: the advertised endpoint, or every address as `*`, which a registry fills
// in.
static void s_add_announced (listeners_t *self, const listener_t *listener, uint16_t port)
{
    endpoint_t endpoint = listener->advertised ? listener->advertise : listener->endpoint;
    if (endpoint.port == 0)
        endpoint.port = port;
    if (endpoint_is_any (&endpoint))
        strcpy (endpoint.host, "*");
    s_add_text (self->announced, &endpoint);
}

static int s_open (listeners_t *self, const listener_t *listener, uint16_t *port)
{
    char text[ENDPOINT_TEXT];
    zsock_t *socket = s_bind (&listener->endpoint, *port);
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
    s_add_text (self->bound, &bound);
    s_add_announced (self, listener, *port);
    if (listener->security == LISTENER_NONE && !endpoint_is_loopback (&bound))
        report_warning ("%s is plain and open to the network: anybody can speak as anybody there",
                        endpoint_print (&bound, text));
    zloop_reader (self->loop, socket, s_readable, one);
    zloop_reader_set_tolerant (self->loop, socket);
    return 0;
}

listeners_t *listeners_new (zloop_t *loop, const conf_t *conf, const char *folder,
                            listeners_take_fn *take, void *arg)
{
    listeners_t *self = zmalloc (sizeof *self);
    self->loop = loop;
    self->take = take;
    self->arg = arg;
    uint16_t ports[LISTENERS_MAX];
    s_read_ports (folder, ports);
    size_t count = conf_count (conf, "listen");
    for (size_t i = 0; i < count && i < LISTENERS_MAX && self; i++)
        if (s_open (self, conf_listener (conf, "listen", i), &ports[i]) < 0)
            listeners_destroy (&self);
    if (self)
        s_write_ports (folder, ports, self->count);
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
    free (self);
    *self_p = NULL;
}

void listeners_set_linger (listeners_t *self, int ms)
{
    for (size_t i = 0; i < self->count; i++)
        zsock_set_linger (self->list[i].socket, ms);
}

int listeners_send (listeners_t *self, const peer_t *peer, bool legacy, span_t frame)
{
    return frame_reply (self->list[peer->listener].socket, &peer->route, legacy, frame);
}

int listeners_push (listeners_t *self, const peer_t *peer, const frame_shared_t *frame)
{
    return frame_push (self->list[peer->listener].socket, &peer->route, frame);
}

const char *listeners_bound (const listeners_t *self)
{
    return self->bound;
}

const char *listeners_announced (const listeners_t *self)
{
    return self->announced;
}
