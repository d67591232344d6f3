#include "daemons/registry/gates.h"

#include "common/exits.h"
#include "common/frame.h"
#include "common/report.h"

#include <sys/stat.h>

// Replies that wait for who does not read; each may be a page of the list. Not fewer: libzmq looks
// only each 3 ms how many of them have left.
enum { QUEUE = 512 };

struct gates {
    zloop_t *loop;
    zlistx_t *sockets;
    char *bound;
    char *others; // public_endpoints
    keypair_t keys;
    bool curve;
};

static bool s_is_curve (const listener_t *listener)
{
    return listener->security == LISTENER_CURVE;
}

// Makes the registry's folder, and opens or makes its keys there.
static int s_open_keys (gates_t *self, const conf_t *conf)
{
    char error[KEYPAIR_ERROR];
    const char *state = conf_string (conf, "state_dir");
    char *folder = zsys_sprintf ("%s/registry", state), *file = gates_file (conf, "curve");
    if (mkdir (state, 0750) < 0 && errno != EEXIST)
        report_error ("%s cannot be made: %s", state, strerror (errno));
    else if (mkdir (folder, 0750) < 0 && errno != EEXIST)
        report_error ("%s cannot be made: %s", folder, strerror (errno));
    int rc = keypair_open (&self->keys, file, error);
    if (rc < 0)
        report_error ("%s", error);
    else if (keypair_publish (&self->keys, file) < 0)
        report_warning ("%s.pub cannot be written, --ping will not know the key: %s", file,
                        strerror (errno));
    free (folder);
    free (file);
    return rc;
}

static void s_append (char **list, const char *text)
{
    char *grown = zsys_sprintf ("%s%s%s", *list ? *list : "", *list ? " " : "", text);
    free (*list);
    *list = grown;
}

// What is to be known of a listener at each start.
static void s_tell_listener (gates_t *self, const listener_t *listener, const char *bound)
{
    char text[ENDPOINT_TEXT];
    endpoint_t endpoint = listener->endpoint;
    const char *colon = strrchr (bound, ':');
    endpoint.port = (uint16_t)(colon ? atoi (colon + 1) : 0);
    if (!s_is_curve (listener)) {
        if (!endpoint_is_loopback (&endpoint))
            report_warning ("%s is plain and open to the network: anybody there can announce "
                            "groups and read who announces which",
                            endpoint_print (&endpoint, text));
        return;
    }
    endpoint.has_key = true;
    memcpy (endpoint.key, self->keys.public_key, ENDPOINT_KEY);
    report_notice ("encrypted: %s", endpoint_print_with_key (&endpoint, text));
    if (listener->advertised) {
        strcpy (endpoint.host, listener->advertise.host);
        endpoint.port = listener->advertise.port;
    }
    if (!endpoint_is_any (&endpoint))
        s_append (&self->others, endpoint_print_with_key (&endpoint, text));
}

static int s_listen (gates_t *self, const listener_t *listener, int handshake,
                     zloop_reader_fn *take, void *arg)
{
    char text[ENDPOINT_TEXT];
    endpoint_print (&listener->endpoint, text);
    frame_guard_t guard = {s_is_curve (listener) ? &self->keys : NULL, handshake, QUEUE};
    zsock_t *socket = frame_listen (text, &guard);
    if (!socket || zloop_reader (self->loop, socket, take, arg) < 0) {
        report_error ("cannot listen on %s: %s", text, zmq_strerror (errno));
        zsock_destroy (&socket);
        return -1;
    }
    zloop_reader_set_tolerant (self->loop, socket);
    zlistx_add_end (self->sockets, socket);
    s_append (&self->bound, zsock_endpoint (socket));
    s_tell_listener (self, listener, zsock_endpoint (socket));
    return 0;
}

static bool s_needs_keys (const conf_t *conf)
{
    for (size_t i = 0; i < conf_count (conf, "listen"); i++)
        if (s_is_curve (conf_listener (conf, "listen", i)))
            return true;
    return false;
}

char *gates_file (const conf_t *conf, const char *name)
{
    return zsys_sprintf ("%s/registry/%s", conf_string (conf, "state_dir"), name);
}

gates_t *gates_new (zloop_t *loop, const conf_t *conf, zloop_reader_fn *take, void *arg, int *code)
{
    gates_t *self = zmalloc (sizeof *self);
    int rc = 0, handshake = (int)conf_number (conf, "handshake");
    self->loop = loop;
    self->sockets = zlistx_new ();
    self->curve = s_needs_keys (conf);
    *code = EXIT_CONFIG;
    if (self->curve)
        rc = s_open_keys (self, conf);
    if (rc == 0)
        *code = EXIT_NOT_NOW;
    for (size_t i = 0; rc == 0 && i < conf_count (conf, "listen"); i++)
        rc = s_listen (self, conf_listener (conf, "listen", i), handshake, take, arg);
    if (rc < 0)
        gates_destroy (&self);
    return self;
}

void gates_destroy (gates_t **self_p)
{
    gates_t *self = *self_p;
    if (!self)
        return;
    zsock_t *socket;
    while ((socket = zlistx_detach (self->sockets, NULL)) != NULL) {
        zloop_reader_end (self->loop, socket);
        zsock_destroy (&socket);
    }
    zlistx_destroy (&self->sockets);
    keypair_wipe (&self->keys);
    free (self->bound);
    free (self->others);
    freen (*self_p);
}

const char *gates_bound (const gates_t *self)
{
    return self->bound;
}

const uint8_t *gates_key (const gates_t *self)
{
    return self->curve ? self->keys.public_key : NULL;
}

const char *gates_public (const gates_t *self)
{
    return self->others;
}
