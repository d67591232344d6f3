// zchat-bench-work: fixed work for the count of instructions, one kind a run. What is counted is
// what runs inside work_<kind>, without the kit's keeping of the frames that went out (desk_keep).

#include "tests/desk_kit.h"

#include "common/batch.h"

enum { PEERS = 1000, SENDERS = 128, TURNS = 10, PAGES = 50, STORED = 20000, TEXT = 100 };

static char s_text[TEXT + 1];
static uint64_t s_counter; // of every sender's sends

void work_take (void);
void work_codec (void);
void work_turn (void);
void work_sends (void);
void work_push (void);
void work_page (void);

// Requests as they come from a socket, until work_take takes them.
static struct {
    pending_t *pending;
    route_t from;
} s_waiting[SENDERS];
static unsigned s_waiting_count;

void work_take (void)
{
    for (unsigned n = 0; n < s_waiting_count; n++)
        desk_take (s_kit.desk, &s_waiting[n].pending, 0, &s_waiting[n].from, s_kit.now, s_kit.mono);
    s_waiting_count = 0;
}

// A request of the n-th client.
static void s_receive (unsigned n, const wire_t *message)
{
    static uint8_t bytes[1 << 15];
    writer_t out = writer (bytes, sizeof bytes);
    route_t from = {5, {0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n}};
    wire_encode (message, &out);
    ck_assert (!out.failed);
    pending_t *pending = pending_new ();
    zmq_msg_init_size (&pending->frame.body, writer_used (&out));
    memcpy (zmq_msg_data (&pending->frame.body), bytes, writer_used (&out));
    pending->frame.complete = true;
    if (s_waiting_count == SENDERS)
        work_take ();
    s_waiting[s_waiting_count].pending = pending;
    s_waiting[s_waiting_count++].from = from;
}

static void s_join (unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        wire_t join = desk_message (WIRE_JOIN, n);
        s_receive (n, &join);
    }
    work_take ();
    desk_settle ();
    desk_forget ();
}

static void s_send_one (unsigned n, uint64_t counter)
{
    wire_t send = desk_send (n, counter, s_text);
    s_receive (n, &send);
}

// ---- Encoding and decoding: a SEND, its record in a batch, and back

static void s_code (batch_writer_t *out, uint64_t n)
{
    uint8_t bytes[512];
    writer_t frame = writer (bytes, sizeof bytes);
    wire_t message = desk_send (1, n + 1, s_text);
    wire_t read;
    wire_encode (&message, &frame);
    wire_decode (&read, span (bytes, writer_used (&frame)));
    record_t record = {.kind = RECORD_MESSAGE,
                       .time = DESK_NOW + (int64_t)n,
                       .author = read.uuid,
                       .nick = span_of ("ann"),
                       .text = wire_bytes (&read, WIRE_F_TEXT)};
    record.send.counter = wire_number (&read, WIRE_F_COUNTER);
    batch_add (out, &record);
}

void work_codec (void)
{
    static uint8_t data[BATCH_MAX];
    const guid_t log = desk_who (1);
    for (int round = 0; round < TURNS; round++) {
        batch_writer_t out;
        const batch_t head = {.type = BATCH_TYPE_RECORDS, .first = 1, .base = DESK_NOW};
        batch_t batch;
        record_t record;
        batch_begin (&out, data, &head);
        for (uint64_t n = 0; n < SENDERS; n++)
            s_code (&out, n);
        ck_assert_int_eq (batch_open (&batch, batch_end (&out, &log), &log), 0);
        while (batch_next (&batch, &record) > 0)
            ;
    }
}

// ---- A turn of 128 sends, one a member

void work_turn (void)
{
    work_take ();
    desk_settle ();
}

static void s_turns (void)
{
    s_join (SENDERS);
    for (int turn = 0; turn < TURNS; turn++) {
        s_counter++;
        for (unsigned n = 0; n < SENDERS; n++)
            s_send_one (n, s_counter);
        work_turn ();
        ck_assert_uint_eq (s_kit.count, SENDERS);
        desk_forget ();
    }
}

// ---- The same number of sends, of one member and in one frame

void work_sends (void)
{
    work_take ();
    desk_settle ();
}

static void s_frames (void)
{
    s_join (1);
    for (int turn = 0; turn < TURNS; turn++) {
        writer_t rows;
        wire_t sends = desk_sends (0, &rows);
        for (uint32_t n = 0; n < SENDERS; n++)
            desk_put_row (&sends, &rows, n + 1, ++s_counter, s_text);
        s_receive (0, &sends);
        work_sends ();
        ck_assert_uint_eq (s_kit.count, 1);
        ck_assert_int_eq (s_kit.frames[0].message.kind, WIRE_ACK);
        desk_forget ();
    }
}

// ---- A batch pushed to 1000 readers

void work_push (void)
{
    work_take ();
    desk_settle ();
}

static void s_pushes (void)
{
    s_join (PEERS);
    for (unsigned n = 0; n < PEERS; n++) {
        wire_t follow = desk_message (WIRE_FOLLOW, n);
        wire_set (&follow, WIRE_F_CREDIT, WIRE_FIRST_CREDIT);
        s_receive (n, &follow);
    }
    work_take ();
    desk_settle ();
    desk_forget ();
    for (uint64_t n = 1; n <= TURNS; n++) {
        s_send_one (0, n);
        work_push ();
        ck_assert_uint_eq (s_kit.count, PEERS + 1);
        desk_forget ();
    }
}

// ---- A page: the first hundred after a time

void work_page (void)
{
    for (unsigned n = 0; n < PAGES; n++) {
        wire_t page = desk_message (WIRE_PAGE, 0);
        wire_set (&page, WIRE_F_AFTER_KIND, WIRE_BOUND_TIME);
        wire_set (&page, WIRE_F_AFTER, (uint64_t)(DESK_NOW + n * STORED / PAGES / 2));
        wire_set (&page, WIRE_F_LIMIT, 100);
        wire_set (&page, WIRE_F_CREDIT, UINT64_C (1) << 40);
        s_receive (0, &page);
        work_take ();
        desk_settle ();
    }
}

static void s_pages (void)
{
    s_join (1);
    for (uint64_t n = 1; n <= STORED; n++) {
        s_kit.now++;
        s_send_one (0, n);
        if (n % SENDERS == 0) {
            work_take ();
            desk_settle ();
        }
    }
    work_take ();
    desk_settle ();
    desk_forget ();
    work_page ();
    ck_assert_uint_ge (s_kit.count, PAGES);
}

static void s_codec (void)
{
    work_codec ();
}

static const struct {
    const char *name;
    void (*run) (void);
} s_kinds[] = {{"codec", s_codec},
               {"turn", s_turns},
               {"sends", s_frames},
               {"push", s_pushes},
               {"page", s_pages}};

enum { KINDS = sizeof s_kinds / sizeof s_kinds[0] };

static const char *s_kind;

START_TEST (the_work)
{
    s_kit.now = DESK_NOW;
    memset (s_text, 'x', TEXT);
    s_kit.folder = folder_new ();
    desk_open ();
    peers_set_limits (s_kit.peers, 2 * PEERS, 2 * PEERS);
    desk_set_limits (s_kit.desk, 16384, 1 << 20);
    desk_settle ();
    desk_forget ();
    for (size_t n = 0; n < KINDS; n++)
        if (strcmp (s_kinds[n].name, s_kind) == 0)
            s_kinds[n].run ();
    desk_close ();
    folder_remove (&s_kit.folder);
}
END_TEST

int main (int argc, char **argv)
{
    s_kind = argc == 2 ? argv[1] : "";
    bool known = false;
    for (size_t n = 0; n < KINDS; n++)
        known = known || strcmp (s_kinds[n].name, s_kind) == 0;
    if (!known) {
        fputs ("usage: zchat-bench-work codec|turn|sends|push|page\n", stderr);
        return 2;
    }
    Suite *suite = suite_create (s_kind);
    TCase *cases = tcase_create (s_kind);
    tcase_set_timeout (cases, 0);
    tcase_add_test (cases, the_work);
    suite_add_tcase (suite, cases);
    SRunner *runner = srunner_create (suite);
    srunner_set_fork_status (runner, CK_NOFORK);
    srunner_run_all (runner, CK_NORMAL);
    int failed = srunner_ntests_failed (runner);
    srunner_free (runner);
    return failed ? 1 : 0;
}
