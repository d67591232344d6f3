// What is read at the desk, receipts that are shown there, and the original wire.

#include "daemons/group/desk.h"

#include "tests/desk_kit.h"
#include "tests/faults.h"

static void s_setup (void)
{
    setenv ("TZ", "UTC", 1);
    tzset ();
    faults_skip_syncs (true);
    desk_begin ();
}

static void s_teardown (void)
{
    faults_reset ();
    desk_end ();
}

static void s_say (unsigned who, uint64_t counter, const char *text)
{
    wire_t send = desk_send (who, counter, text);
    desk_ask (1, &send, WIRE_ROW_ACK);
}

// ---- WHO

static size_t s_largest; // frame of a page of WHO

// Bytes of the reply without its rows.
static size_t s_head (const wire_t *reply)
{
    uint8_t bytes[20000];
    wire_t bare = *reply;
    writer_t out = writer (bytes, sizeof bytes);
    wire_set_bytes (&bare, WIRE_F_ROWS, span (NULL, 0));
    wire_encode (&bare, &out);
    return writer_used (&out);
}

// Reads all pages of WHO; every member must come once, in order.
static size_t s_read_members (uint32_t limit)
{
    size_t seen = 0;
    guid_t after = {{0}};
    for (bool more = true; more;) {
        wire_t who = desk_message (WIRE_WHO, 1);
        wire_set_bytes (&who, WIRE_F_MEMBER, span (after.bytes, GUID_SIZE));
        wire_set (&who, WIRE_F_LIMIT, limit);
        wire_t reply = desk_ask (1, &who, WIRE_MEMBERS);
        ck_assert_uint_eq (wire_number (&reply, WIRE_F_MEMBERS), roster_count (s_kit.roster));
        more = wire_number (&reply, WIRE_F_MORE);
        span_t rows = wire_bytes (&reply, WIRE_F_ROWS);
        s_largest =
            rows.size + s_head (&reply) > s_largest ? rows.size + s_head (&reply) : s_largest;
        reader_t in = reader (rows.data, rows.size);
        wire_t row;
        size_t page = 0;
        int rc;
        while ((rc = wire_next_row (&row, WIRE_ROW_MEMBER, &in)) == 1) {
            guid_t member = wire_guid (&row, WIRE_F_MEMBER);
            ck_assert_int_gt (memcmp (member.bytes, after.bytes, GUID_SIZE), 0);
            span_t nick = wire_bytes (&row, WIRE_F_NICK);
            ck_assert (span_equal (nick, span_of (roster_nick (s_kit.roster, &member))));
            after = member;
            page++;
        }
        ck_assert_int_eq (rc, 0);
        ck_assert (page <= limit || limit == 0);
        ck_assert (page > 0 || !more);
        seen += page;
    }
    return seen;
}

static void s_join_300 (void)
{
    for (unsigned n = 2; n <= 300; n++) {
        char nick[20];
        snprintf (nick, sizeof nick, "member-%u", n);
        wire_t join = desk_message (WIRE_JOIN, n);
        wire_set_bytes (&join, WIRE_F_NICK, span_of (n % 5 ? nick : ""));
        desk_request (2, &join);
    }
    desk_settle ();
}

START_TEST (members_come_in_pages)
{
    ck_assert_uint_eq (s_read_members (10), 1);
    s_join_300 ();
    ck_assert_uint_eq (s_read_members (1), 300);
    ck_assert_uint_eq (s_read_members (100), 300);
    ck_assert_uint_eq (s_read_members (1000), 300); // as many as fit into max_reply
}
END_TEST

// Rows have 34 bytes at most here.
START_TEST (page_of_members_is_as_long_as_a_reply_may_be_with_its_topic)
{
    static char text[6001];
    static const size_t sizes[] = {0, 500, 1000, 4000, 4090, 6000};
    s_join_300 ();
    desk_set_limits (s_kit.desk, sizeof text, DESK_MAX_REPLY);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        wire_t topic = desk_message (WIRE_TOPIC, 1);
        memset (text, 'x', sizes[i]);
        text[sizes[i]] = 0;
        wire_set_bytes (&topic, WIRE_F_TEXT, span_of (text));
        desk_ask (1, &topic, WIRE_ROW_ACK);
        s_largest = 0;
        ck_assert_uint_eq (s_read_members (0), 300);
        if (sizes[i] < 4000)
            ck_assert (s_largest <= DESK_MAX_REPLY && s_largest > DESK_MAX_REPLY - 40);
        else // a row at least
            ck_assert_uint_le (s_largest, (size_t)sizes[i] + 200);
    }
}
END_TEST

START_TEST (who_tells_topic_and_presence)
{
    wire_t topic = desk_message (WIRE_TOPIC, 1), who = desk_message (WIRE_WHO, 1);
    wire_set_bytes (&topic, WIRE_F_TEXT, span_of ("cats"));
    desk_ask (1, &topic, WIRE_ROW_ACK);
    desk_join (2, 2, "bob");
    wire_set (&who, WIRE_F_LIMIT, 1000);
    wire_t reply = desk_ask (1, &who, WIRE_MEMBERS);
    ck_assert (span_equal (wire_bytes (&reply, WIRE_F_TOPIC), span_of ("cats")));
    ck_assert_uint_eq (wire_number (&reply, WIRE_F_ONLINE), 2);
    span_t rows = wire_bytes (&reply, WIRE_F_ROWS);
    reader_t in = reader (rows.data, rows.size);
    wire_t row;
    for (unsigned n = 1; n <= 2; n++) {
        ck_assert_int_eq (wire_next_row (&row, WIRE_ROW_MEMBER, &in), 1);
        ck_assert_uint_eq (wire_number (&row, WIRE_F_PRESENT), 1); // JOIN begins it
    }
}
END_TEST

// ---- PAGE and FOLLOW

static const desk_frame_t *s_pushed (uint8_t route, size_t which)
{
    for (size_t i = 0; i < s_kit.count; i++)
        if (s_kit.frames[i].route == route && s_kit.frames[i].message.tag == 0 &&
            s_kit.frames[i].message.kind >= WIRE_RECORDS && which-- == 0)
            return &s_kit.frames[i];
    return NULL;
}

START_TEST (page_is_answered_with_its_tag)
{
    s_say (1, 1, "hello");
    wire_t page = desk_message (WIRE_PAGE, 1);
    wire_t reply = desk_ask (1, &page, WIRE_RECORDS);
    ck_assert_uint_eq (wire_number (&reply, WIRE_F_FIRST), 1);
    ck_assert_uint_eq (wire_number (&reply, WIRE_F_LAST), 3);
    page = desk_message (WIRE_PAGE, 1);
    wire_set (&page, WIRE_F_AFTER_KIND, 9);
    desk_refused (1, &page, WIRE_ERR_BAD_REQUEST);
    page = desk_message (WIRE_PAGE, 1);
    wire_set (&page, WIRE_F_AFTER_KIND, WIRE_BOUND_SEQ);
    wire_set (&page, WIRE_F_AFTER, 7);
    desk_ask (1, &page, WIRE_LOST);
}
END_TEST

START_TEST (second_page_is_refused_by_its_limit)
{
    wire_t follow = desk_message (WIRE_FOLLOW, 1);
    desk_ask (1, &follow, WIRE_FOLLOWING); // grants nothing: pages wait
    wire_t first = desk_message (WIRE_PAGE, 1), second = desk_message (WIRE_PAGE, 1);
    desk_request (1, &first);
    wire_t row = desk_refused (1, &second, WIRE_ERR_BUSY);
    desk_names (&row, "one PAGE");
    wire_t credit = desk_message (WIRE_CREDIT, 1);
    wire_set (&credit, WIRE_F_CREDIT, 1000);
    desk_request (1, &credit);
    desk_settle ();
    ck_assert_int_eq (desk_answers (1, first.tag).count, 1);
}
END_TEST

START_TEST (follower_gets_what_comes)
{
    wire_t follow = desk_message (WIRE_FOLLOW, 1);
    wire_set (&follow, WIRE_F_CREDIT, 100000);
    wire_t reply = desk_ask (1, &follow, WIRE_FOLLOWING);
    ck_assert_uint_eq (wire_number (&reply, WIRE_F_FROM), 3);
    ck_assert_uint_eq (wire_number (&reply, WIRE_F_LAST), 2);
    ck_assert_uint_eq (wire_number (&reply, WIRE_F_OLDEST), 1);
    s_say (1, 1, "hello");
    const desk_frame_t *pushed = s_pushed (1, 0);
    ck_assert_ptr_nonnull (pushed);
    ck_assert_int_eq (pushed->message.kind, WIRE_RECORDS);
    ck_assert_uint_eq (wire_number (&pushed->message, WIRE_F_FIRST), 3);
    ck_assert (s_kit.frames[0].message.kind == WIRE_ACK || pushed == &s_kit.frames[0]);
}
END_TEST

START_TEST (follower_catches_up_from_where_it_says)
{
    s_say (1, 1, "one");
    s_say (1, 2, "two");
    wire_t follow = desk_message (WIRE_FOLLOW, 1);
    wire_set (&follow, WIRE_F_FROM, 3);
    wire_set (&follow, WIRE_F_CREDIT, 100000);
    wire_t reply = desk_ask (1, &follow, WIRE_FOLLOWING);
    ck_assert_uint_eq (wire_number (&reply, WIRE_F_FROM), 3);
    const desk_frame_t *pushed = s_pushed (1, 0);
    ck_assert_ptr_nonnull (pushed);
    ck_assert_uint_eq (wire_number (&pushed->message, WIRE_F_FIRST), 3);
    ck_assert_uint_eq (wire_number (&pushed->message, WIRE_F_LAST), 4);
}
END_TEST

START_TEST (follow_beyond_the_head_is_lost)
{
    wire_t follow = desk_message (WIRE_FOLLOW, 1);
    wire_set (&follow, WIRE_F_FROM, 4);
    wire_t reply = desk_ask (1, &follow, WIRE_LOST);
    ck_assert_uint_eq (wire_number (&reply, WIRE_F_FROM), 3);
    ck_assert_uint_eq (wire_number (&reply, WIRE_F_TO), 3);
    ck_assert_uint_eq (delivery_count (s_kit.delivery), 0);
    wire_set (&follow, WIRE_F_FROM, UINT64_MAX);
    follow.tag = ++s_kit.tag;
    desk_ask (1, &follow, WIRE_LOST);
    wire_set (&follow, WIRE_F_FROM, 3); // the head itself is no loss
    follow.tag = ++s_kit.tag;
    desk_ask (1, &follow, WIRE_FOLLOWING);
}
END_TEST

START_TEST (who_leaves_gets_its_leave_and_an_end)
{
    wire_t follow = desk_message (WIRE_FOLLOW, 1), leave = desk_message (WIRE_LEAVE, 1);
    wire_set (&follow, WIRE_F_CREDIT, 100000);
    desk_join (2, 2, "bob");
    desk_ask (1, &follow, WIRE_FOLLOWING);
    desk_forget ();
    desk_request (2, &leave); // by another connection
    wire_t send = desk_send (2, 1, "not for ann");
    desk_request (2, &send);
    desk_settle ();
    const desk_frame_t *records = s_pushed (1, 0), *end = s_pushed (1, 1);
    ck_assert (records && end && !s_pushed (1, 2));
    ck_assert_uint_eq (wire_number (&records->message, WIRE_F_LAST), 4);
    ck_assert_int_eq (end->message.kind, WIRE_END);
    ck_assert_uint_eq (wire_number (&end->message, WIRE_F_WHY), WIRE_ERR_NOT_MEMBER);
    ck_assert_ptr_null (memmem (records->bytes, records->size, "not for ann", 11));
}
END_TEST

// ---- Receipts

static void s_show (const receipt_t *receipt)
{
    uint8_t bytes[PROOF_RECEIPT];
    receipt_encode (receipt, bytes);
    wire_t ping = desk_message (WIRE_PING, 1);
    wire_set_bytes (&ping, WIRE_F_RECEIPT, span (bytes, sizeof bytes));
    desk_ask (1, &ping, WIRE_PONG);
}

START_TEST (receipts_that_agree_change_nothing)
{
    s_say (1, 1, "one");
    s_show (log_receipt (s_kit.log));
    receipt_t before = *log_receipt (s_kit.log);
    s_say (1, 2, "two");
    s_show (&before);
    ck_assert_int_eq (desk_state (s_kit.desk), WIRE_STATE_OK);
}
END_TEST

START_TEST (forged_receipts_change_nothing)
{
    receipt_t receipt = *log_receipt (s_kit.log);
    receipt.seq = 1000;
    s_show (&receipt);
    memset (&receipt, 0xff, sizeof receipt);
    s_show (&receipt);
    ck_assert_int_eq (desk_state (s_kit.desk), WIRE_STATE_OK);
}
END_TEST

START_TEST (genuine_receipt_beyond_the_head_is_doubt)
{
    chain_t chain = log_receipt (s_kit.log)->chain;
    receipt_t receipt = log_receipt_at (s_kit.log, log_last (s_kit.log) + 5, &chain);
    s_show (&receipt);
    ck_assert_int_eq (desk_state (s_kit.desk), WIRE_STATE_DOUBT);
    wire_t send = desk_send (1, 1, "x");
    desk_refused (1, &send, WIRE_ERR_DOUBT);
}
END_TEST

START_TEST (genuine_receipt_of_another_chain_is_doubt)
{
    s_say (1, 1, "one");
    chain_t chain = {{1, 2, 3}};
    receipt_t receipt = log_receipt_at (s_kit.log, 2, &chain);
    s_show (&receipt);
    ck_assert_int_eq (desk_state (s_kit.desk), WIRE_STATE_DOUBT);
}
END_TEST

// ---- The original wire

#define ANN "20000100-0000-0000-0000-000000000000"
#define BOB "20000200-0000-0000-0000-000000000000"

static const char *s_original (const char *request)
{
    desk_forget ();
    desk_receive (7, true, true, span_of (request));
    desk_settle ();
    size_t answers = 0;
    const char *text = NULL;
    for (size_t i = 0; i < s_kit.count; i++)
        if (s_kit.frames[i].legacy) {
            ck_assert_uint_eq (s_kit.frames[i].route, 7);
            text = (const char *)s_kit.frames[i].bytes;
            answers++;
        }
    ck_assert_msg (answers == 1, "%s: %zu answers", request, answers);
    return text;
}

START_TEST (original_requests_are_answered)
{
    ck_assert_str_eq (s_original ("JOIN REQUEST FROM " BOB), "SUCCESS");
    ck_assert_str_eq (s_original ("JOIN REQUEST FROM " BOB), "SUCCESS");
    ck_assert_str_eq (s_original ("MESSAGE REQUEST FROM " BOB " "), "");
    ck_assert_str_eq (s_original ("MESSAGE SEND FROM " BOB " hello all of you"), "SUCCESS");
    ck_assert_str_eq (s_original ("MESSAGE REQUEST FROM " BOB),
                      "07:00:00 - " BOB ": hello all of you");
    ck_assert_str_eq (s_original ("MESSAGE REQUEST FROM " BOB " 07:00:00"),
                      "07:00:00 - " BOB ": hello all of you");
    ck_assert_str_eq (s_original ("MESSAGE REQUEST FROM " BOB " 07:00:01"), "");
    ck_assert_str_eq (s_original ("LEAVE REQUEST FROM " BOB), "SUCCESS");
    ck_assert_str_eq (s_original ("LEAVE REQUEST FROM " BOB), "FAIL");
}
END_TEST

START_TEST (original_strangers_and_bad_texts_fail)
{
    ck_assert_str_eq (s_original ("MESSAGE SEND FROM " BOB " hello"), "FAIL");
    ck_assert_str_eq (s_original ("MESSAGE REQUEST FROM " BOB " "), "FAIL");
    ck_assert_str_eq (s_original ("MESSAGE SEND FROM " ANN " "), "FAIL");
    ck_assert_str_eq (s_original ("MESSAGE SEND FROM " ANN), "FAIL");
    ck_assert_str_eq (s_original ("MESSAGE SEND FROM " ANN " bell \a"), "FAIL");
    ck_assert_str_eq (s_original ("JOIN REQUEST FROM 00000000-0000-0000-0000-000000000000"),
                      "Invalid Request");
    static char large[DESK_MAX_MESSAGE + 100];
    snprintf (large, sizeof large, "MESSAGE SEND FROM " ANN " %0*d", DESK_MAX_MESSAGE + 1, 0);
    ck_assert_str_eq (s_original (large), "FAIL");
    ck_assert_str_eq (s_original ("MESSAGE SEND FROM " ANN " JOIN REQUEST FROM x"), "SUCCESS");
}
END_TEST

START_TEST (original_nonsense_is_invalid)
{
    static const char *const bad[] = {
        "",
        "hello",
        "JOIN REQUEST FROM",
        "JOIN REQUEST FROM 1234",
        "JOIN REQUEST FROM " ANN " ",
        "join request from " ANN,
        "MESSAGE REQUEST FROM " ANN " 25:00:00",
        "MESSAGE REQUEST FROM " ANN " yesterday",
        "MESSAGE SEND FROM " ANN "hello",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_str_eq (s_original (bad[i]), "Invalid Request");
    desk_forget ();
    desk_receive (7, true, false, span_of ("JOIN REQUEST FROM " ANN)); // several frames
    desk_settle ();
    ck_assert_uint_eq (s_kit.count, 1);
    ck_assert_str_eq ((const char *)s_kit.frames[0].bytes, "Invalid Request");
}
END_TEST

START_TEST (original_history_takes_turns)
{
    for (uint64_t counter = 1; counter <= 20; counter++)
        s_say (1, counter, "hello");
    desk_forget ();
    for (uint8_t route = 10; route < 20; route++)
        desk_receive (route, true, true, span_of ("MESSAGE REQUEST FROM " ANN));
    desk_settle ();
    ck_assert_uint_eq (s_kit.count, 10);
    for (size_t i = 0; i < 10; i++)
        ck_assert_uint_eq (s_kit.frames[i].size, s_kit.frames[0].size);
}
END_TEST

START_TEST (original_answers_come_while_the_disk_is_full)
{
    faults_fail (FAULTS_PWRITE, 0, -1, ENOSPC);
    ck_assert_str_eq (s_original ("MESSAGE SEND FROM " ANN " hello"), "FAIL");
    ck_assert_str_eq (s_original ("JOIN REQUEST FROM " BOB), "FAIL");
    ck_assert_str_eq (s_original ("JOIN REQUEST FROM " ANN), "SUCCESS"); // is a member
}
END_TEST

static void s_add_rest (TCase *cases)
{
    tcase_add_test (cases, receipts_that_agree_change_nothing);
    tcase_add_test (cases, forged_receipts_change_nothing);
    tcase_add_test (cases, genuine_receipt_beyond_the_head_is_doubt);
    tcase_add_test (cases, genuine_receipt_of_another_chain_is_doubt);
    tcase_add_test (cases, original_requests_are_answered);
    tcase_add_test (cases, original_strangers_and_bad_texts_fail);
    tcase_add_test (cases, original_nonsense_is_invalid);
    tcase_add_test (cases, original_history_takes_turns);
    tcase_add_test (cases, original_answers_come_while_the_disk_is_full);
}

int main (void)
{
    TCase *cases = tcase_create ("desk_reading");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, members_come_in_pages);
    tcase_add_test (cases, page_of_members_is_as_long_as_a_reply_may_be_with_its_topic);
    tcase_add_test (cases, who_tells_topic_and_presence);
    tcase_add_test (cases, page_is_answered_with_its_tag);
    tcase_add_test (cases, second_page_is_refused_by_its_limit);
    tcase_add_test (cases, follower_gets_what_comes);
    tcase_add_test (cases, follower_catches_up_from_where_it_says);
    tcase_add_test (cases, follow_beyond_the_head_is_lost);
    tcase_add_test (cases, who_leaves_gets_its_leave_and_an_end);
    s_add_rest (cases);
    return kit_run (cases, "desk_reading");
}
