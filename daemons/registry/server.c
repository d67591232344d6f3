#include "daemons/registry/server.h"

#include "common/exits.h"
#include "common/frame.h"
#include "common/keypair.h"
#include "common/report.h"
#include "common/wallclock.h"
#include "daemons/registry/access.h"
#include "daemons/registry/directory.h"
#include "daemons/registry/gates.h"
#include "daemons/registry/legacy.h"
#include "daemons/registry/names.h"

enum {
    DRAIN_MAX = 256,      // messages of one listener in one turn of the loop
    LOOK_MS = 500,        // how often the directory is cleaned up
    PAGE_BYTES = 1 << 18, // of one reply to LIST
    FULL_WAIT_MS = 10000, // when somebody who was refused for a limit should ask again
    ERROR_BYTES = 1024,   // of an ERROR
    SHOWN_TEXT = 80       // bytes of others' texts in a log line
};

struct server {
    zloop_t *loop;
    gates_t *gates;
    access_t *access;
    names_t *names;
    directory_t *directory;
    int64_t lease;
    int timer;
    uint64_t dropped;      // replies, since trouble began; 0: no trouble
    uint64_t dropped_then; // at the last look
    uint8_t *page;         // where replies are made; as large as the largest
    size_t page_size;
};

// A message being answered.
typedef struct {
    server_t *server;
    zsock_t *socket;
    const route_t *route;
    entry_caller_t caller;
    int64_t now;
    const wire_t *request; // native only
} call_t;

// A row for people: `cats` of log 7b..., generation 3.
static void s_tell (void *context, directory_event_t event, const entry_t *entry,
                    const entry_t *other)
{
    (void)context;
    char log[GUID_TEXT] = "the original system";
    guid_t id = {{0}};
    if (entry && !entry_legacy (entry)) {
        id = entry_log (entry);
        guid_print (&id, log);
    }
    const char *name = entry ? entry_name (entry) : "";
    switch (event) {
    case DIRECTORY_REGISTERED:
        report_notice ("group %s: registered by %s", name, log);
        break;
    case DIRECTORY_TAKEN_OVER:
        report_notice ("group %s: taken over by generation %" PRIu64 " of %s", name,
                       entry_generation (entry), log);
        break;
    case DIRECTORY_WITHDRAWN:
        report_notice ("group %s: withdrawn", name);
        break;
    case DIRECTORY_EXPIRED:
        report_notice ("group %s: silent for too long, no longer listed", name);
        break;
    case DIRECTORY_CONTESTED:
        report_warning ("group %s: held by %s; %s and others that want the name are refused", name,
                        log, other ? entry_peer (other) : "");
        break;
    case DIRECTORY_CONTEST_OVER:
        report_notice ("group %s: nobody else wants the name any more", name);
        break;
    case DIRECTORY_FULL:
        report_warning ("group %s: refused, a limit is reached (max_groups)", name);
        break;
    case DIRECTORY_FULL_OVER:
        report_notice ("there is room for groups again");
        break;
    }
}

// A reply that cannot be sent is dropped: its asker asks again, or does not read, or is gone.
static void s_send (const call_t *call, bool legacy, span_t body)
{
    if (frame_reply (call->socket, call->route, legacy, body) == 0 || errno == EHOSTUNREACH)
        return;
    if (call->server->dropped++ == 0)
        report_warning ("replies are dropped, the first to %s: %s", call->caller.peer,
                        zmq_strerror (errno));
}

static void s_reply (const call_t *call, const wire_t *reply)
{
    server_t *self = call->server;
    writer_t out = writer (self->page, self->page_size);
    wire_encode (reply, &out);
    if (!out.failed)
        s_send (call, false, span (self->page, writer_used (&out)));
}

static void s_reply_text (const call_t *call, span_t text)
{
    s_send (call, true, text);
}

// --- The native wire ---------------------------------------------------------------------------

static const char *s_sentence (const call_t *call, wire_error_t error)
{
    const char *limit = directory_limit (call->server->directory);
    if (error == WIRE_ERR_LIMIT && limit && call->request->kind == WIRE_ANNOUNCE)
        return streq (limit, "max_groups")
                   ? "the registry is full (max_groups)"
                   : "too many groups of one caller (max_groups_per_caller)";
    return wire_error_text (error);
}

static wire_t s_error_row (const call_t *call, wire_error_t error)
{
    wire_t row = wire (WIRE_ROW_ERROR, 0, NULL);
    wire_set (&row, WIRE_F_TAG, call->request->tag);
    wire_set (&row, WIRE_F_NUMBER, error);
    wire_set_bytes (&row, WIRE_F_TEXT, span_of (s_sentence (call, error)));
    if (error == WIRE_ERR_VERSION) {
        wire_set (&row, WIRE_F_VERSION_LOW, WIRE_VERSION);
        wire_set (&row, WIRE_F_VERSION_HIGH, WIRE_VERSION);
    } else if (error == WIRE_ERR_LIMIT)
        wire_set (&row, WIRE_F_WAIT, FULL_WAIT_MS);
    return row;
}

static void s_reply_row (const call_t *call, const wire_t *row)
{
    uint8_t bytes[ERROR_BYTES];
    writer_t rows = writer (bytes, sizeof bytes);
    wire_put_row (row, &rows);
    wire_t reply = wire (WIRE_ERROR, call->request->tag, NULL);
    wire_set_bytes (&reply, WIRE_F_ROWS, span (bytes, writer_used (&rows)));
    s_reply (call, &reply);
}

static void s_reply_error (const call_t *call, wire_error_t error)
{
    wire_t row = s_error_row (call, error);
    s_reply_row (call, &row);
}

static void s_reply_lease (const call_t *call, int64_t lease)
{
    wire_t reply = wire (WIRE_LEASE, call->request->tag, NULL);
    wire_set (&reply, WIRE_F_LEASE, (uint64_t)lease);
    s_reply (call, &reply);
}

static void s_reply_superseded (const call_t *call, const entry_t *holder)
{
    guid_t instance = entry_instance (holder);
    wire_t row = s_error_row (call, WIRE_ERR_SUPERSEDED);
    wire_set (&row, WIRE_F_GENERATION, entry_generation (holder));
    wire_set_bytes (&row, WIRE_F_INSTANCE, span (instance.bytes, GUID_SIZE));
    wire_set_bytes (&row, WIRE_F_CLAIM, span (entry_claim (holder), ENTRY_CLAIM));
    s_reply_row (call, &row);
}

// Somebody wants a name that another owns: refused, and told of.
static void s_defend (const call_t *call, span_t name)
{
    server_t *self = call->server;
    if (!names_contest (self->names, name, call->now, 2 * self->lease))
        return;
    char *shown = text_for_log ((const char *)name.data, name.size, SHOWN_TEXT);
    report_warning ("group %s: the name has an owner; %s and others that want it are refused",
                    shown ? shown : "", call->caller.peer);
    free (shown);
}

static void s_announce (const call_t *call)
{
    wire_error_t error;
    server_t *self = call->server;
    span_t name = wire_bytes (call->request, WIRE_F_NAME);
    names_verdict_t verdict = names_judge (self->names, name, call->caller.key);
    const entry_t *holder = NULL;
    entry_t *entry = entry_new (call->request, &call->caller, &error);
    if (entry && verdict == NAMES_TAKEN) {
        error = WIRE_ERR_NAME_TAKEN;
        entry_destroy (&entry);
        s_defend (call, name);
    } else if (entry)
        error =
            directory_announce (self->directory, &entry, verdict == NAMES_OWN, call->now, &holder);
    if (error == WIRE_ERR_NONE)
        s_reply_lease (call, call->server->lease);
    else if (error == WIRE_ERR_SUPERSEDED)
        s_reply_superseded (call, holder);
    else
        s_reply_error (call, error);
}

static void s_withdraw (const call_t *call)
{
    guid_t log = wire_guid (call->request, WIRE_F_LOG);
    guid_t instance = wire_guid (call->request, WIRE_F_INSTANCE);
    directory_withdraw (call->server->directory, wire_bytes (call->request, WIRE_F_NAME), &log,
                        &instance, call->caller.key, call->now);
    s_reply_lease (call, 0);
}

// One reply to LIST, while it is made.
typedef struct {
    const call_t *call;
    writer_t rows;
    uint64_t left;
    bool more;
} page_t;

static bool s_put_group (void *context, const entry_t *entry)
{
    page_t *page = context;
    if (!entry_shown (entry, &page->call->caller))
        return true;
    const char *endpoints = entry_endpoints (entry, page->call->caller.peer);
    if (!*endpoints) // nothing that this caller could reach
        return true;
    writer_t before = page->rows;
    if (page->left > 0) {
        wire_t row;
        entry_describe (entry, endpoints, &row);
        wire_put_row (&row, &page->rows);
        page->left--;
    } else
        page->rows.failed = true;
    page->more = page->rows.failed;
    if (page->more)
        page->rows = before;
    return !page->more;
}

static void s_list (const call_t *call)
{
    uint64_t limit = wire_number (call->request, WIRE_F_LIMIT);
    uint8_t *bytes = malloc (PAGE_BYTES);
    page_t page = {call, writer (bytes, bytes ? PAGE_BYTES : 0), limit ? limit : UINT64_MAX, false};
    directory_page (call->server->directory, wire_bytes (call->request, WIRE_F_NAME), call->now,
                    s_put_group, &page);
    wire_t reply = wire (WIRE_GROUPS, call->request->tag, NULL);
    wire_set (&reply, WIRE_F_MORE, page.more);
    wire_set_bytes (&reply, WIRE_F_ROWS, span (bytes, writer_used (&page.rows)));
    s_reply (call, &reply);
    free (bytes);
}

static void s_ping (const call_t *call)
{
    wire_t reply = wire (WIRE_PONG, call->request->tag, NULL);
    wire_set (&reply, WIRE_F_TIME, (uint64_t)wallclock_now ());
    const uint8_t *key = gates_key (call->server->gates);
    const char *endpoints = gates_public (call->server->gates);
    if (key)
        wire_set_bytes (&reply, WIRE_F_KEY, span (key, KEYPAIR_KEY));
    if (endpoints)
        wire_set_bytes (&reply, WIRE_F_ENDPOINTS, span_of (endpoints));
    s_reply (call, &reply);
}

static void s_answer_native (call_t *call, span_t body, bool complete)
{
    wire_t request;
    wire_error_t error = wire_decode (&request, body);
    call->request = &request;
    if (error == WIRE_ERR_NONE && !complete)
        error = WIRE_ERR_BAD_REQUEST;
    if (error == WIRE_ERR_NONE)
        error = access_judge (call->server->access, &call->caller,
                              wire_bytes (&request, WIRE_F_INVITATIONS), wallclock_now ());
    if (error != WIRE_ERR_NONE)
        s_reply_error (call, error);
    else if (request.kind == WIRE_ANNOUNCE)
        s_announce (call);
    else if (request.kind == WIRE_WITHDRAW)
        s_withdraw (call);
    else if (request.kind == WIRE_LIST)
        s_list (call);
    else if (request.kind == WIRE_PING)
        s_ping (call);
    else
        s_reply_error (call, WIRE_ERR_UNKNOWN_KIND);
}

// --- The original system's wire ----------------------------------------------------------------

static void s_register (const call_t *call, const legacy_request_t *request)
{
    const char *peer = call->caller.peer;
    bool brackets = strchr (peer, ':') != NULL;
    report_info ("JOIN REQUEST FROM %s%s%s:%u", brackets ? "[" : "", peer, brackets ? "]" : "",
                 (unsigned)request->port);
    entry_t *entry = entry_new_legacy (request->name, request->port, peer);
    int rc = -1;
    if (entry && names_judge (call->server->names, request->name, NULL) == NAMES_TAKEN) {
        s_defend (call, request->name);
        entry_destroy (&entry);
    } else if (entry)
        rc = directory_register (call->server->directory, &entry, call->now);
    s_reply_text (call, span_of (rc == 0 ? "SUCCESS" : "FAIL"));
}

// The original system's list, while it is made.
typedef struct {
    const char *peer;
    writer_t rows;
} text_list_t;

static bool s_put_text_row (void *context, const entry_t *entry)
{
    text_list_t *list = context;
    uint16_t port = entry_plain_port (entry, list->peer);
    if (port > 0)
        legacy_put_row (&list->rows, entry_name (entry), port);
    return true;
}

static void s_list_text (const call_t *call, const legacy_request_t *request)
{
    char user[GUID_TEXT];
    report_info ("GROUP LIST REQUEST FROM %s", guid_print (&request->user, user));
    const directory_t *directory = call->server->directory;
    size_t size = directory_count (directory) * LEGACY_ROW + 1;
    uint8_t *bytes = malloc (size);
    text_list_t list = {call->caller.peer, writer (bytes, bytes ? size : 0)};
    directory_list (directory, call->now, s_put_text_row, &list);
    s_reply_text (call, span (bytes, writer_used (&list.rows)));
    free (bytes);
}

static void s_answer_text (const call_t *call, span_t text, bool complete)
{
    legacy_request_t request = {.kind = LEGACY_INVALID};
    if (complete)
        request = legacy_parse (text);
    if (access_judge (call->server->access, &call->caller, span (NULL, 0), wallclock_now ()) !=
        WIRE_ERR_NONE) {
        s_reply_text (call, span_of ("FAIL")); // its wire knows no reason
        return;
    }
    if (request.kind == LEGACY_REGISTER)
        s_register (call, &request);
    else if (request.kind == LEGACY_LIST)
        s_list_text (call, &request);
    else {
        char *shown = text_for_log ((const char *)text.data, text.size, SHOWN_TEXT);
        report_debug ("Invalid Request FROM %s: %s", call->caller.peer, shown ? shown : "");
        free (shown);
        s_reply_text (call, span_of ("Invalid Request"));
    }
}

// --- Sockets -----------------------------------------------------------------------------------

static int s_take_messages (zloop_t *loop, zsock_t *socket, void *argument)
{
    (void)loop;
    route_t route;
    frame_t frame;
    frame_init (&frame);
    for (int i = 0; i < DRAIN_MAX && frame_take (socket, &route, &frame) == 1; i++) {
        uint8_t key[KEYPAIR_KEY];
        entry_caller_t caller = {frame_peer (&frame), frame_key (&frame, key) ? key : NULL};
        call_t call = {argument, socket, &route, caller, zclock_mono (), NULL};
        if (frame.legacy)
            s_answer_text (&call, frame_body (&frame), frame.complete);
        else
            s_answer_native (&call, frame_body (&frame), frame.complete);
    }
    frame_close (&frame);
    return 0;
}

static int s_look (zloop_t *loop, int timer, void *argument)
{
    (void)loop, (void)timer;
    server_t *self = argument;
    directory_expire (self->directory, zclock_mono ());
    if (self->dropped > 0 && self->dropped == self->dropped_then) {
        report_notice ("replies are sent again; %" PRIu64 " were dropped", self->dropped);
        self->dropped = 0;
    }
    self->dropped_then = self->dropped;
    return 0;
}

static directory_limits_t s_limits (const conf_t *conf)
{
    return (directory_limits_t){conf_number (conf, "lease") * 1000,
                                conf_number (conf, "legacy_keep") * 1000,
                                (size_t)conf_number (conf, "max_groups"),
                                (size_t)conf_number (conf, "max_groups_per_caller")};
}

server_t *server_new (zloop_t *loop, const conf_t *conf, int *code)
{
    directory_limits_t limits = s_limits (conf);
    server_t *self = zmalloc (sizeof *self);
    char *file = gates_file (conf, "admitted");
    *code = EXIT_NOT_NOW;
    self->loop = loop;
    self->lease = limits.lease;
    self->timer = -1;
    self->directory = directory_new (&limits, s_tell, self);
    self->names = names_new (conf_names (conf, "names"), conf_count (conf, "names"));
    self->access = access_new (conf, file);
    self->page_size = PAGE_BYTES + ERROR_BYTES;
    self->page = zmalloc (self->page_size);
    free (file);
    if (self->directory && self->names && self->access)
        self->gates = gates_new (loop, conf, s_take_messages, self, code);
    if (self->gates)
        self->timer = zloop_timer (loop, LOOK_MS, 0, s_look, self);
    else
        server_destroy (&self);
    return self;
}

void server_destroy (server_t **self_p)
{
    server_t *self = *self_p;
    if (!self)
        return;
    if (self->timer >= 0)
        zloop_timer_end (self->loop, self->timer);
    gates_destroy (&self->gates);
    access_destroy (&self->access);
    names_destroy (&self->names);
    directory_destroy (&self->directory);
    free (self->page);
    freen (*self_p);
}

void server_configure (server_t *self, const conf_t *conf)
{
    directory_limits_t limits = s_limits (conf);
    self->lease = limits.lease;
    directory_set_limits (self->directory, &limits);
    access_configure (self->access, conf);
    names_t *fresh = names_new (conf_names (conf, "names"), conf_count (conf, "names"));
    if (fresh) {
        names_destroy (&self->names);
        self->names = fresh;
    }
}

const char *server_endpoints (const server_t *self)
{
    return gates_bound (self->gates);
}
