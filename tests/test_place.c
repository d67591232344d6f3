#include "user/place.h"

#include "tests/user_call.h"

static console_t *s_console;
static context_t *s_context;
static place_t *s_place;
static void (*s_then) (void); // once the place is here
static int s_changes;

static void s_ignore (void *arg)
{
    (void)arg;
}

static void s_ignore_line (void *arg, const char *line)
{
    (void)arg, (void)line;
}

static void s_on_changed (void *arg, place_t *place)
{
    ck_assert_ptr_eq (arg, &s_changes);
    s_changes++;
    if (!s_place)
        return; // place_new is at work
    ck_assert_ptr_eq (place, s_place);
    if (place_state (place) == PLACE_HERE && s_then) {
        void (*then) (void) = s_then;
        s_then = NULL;
        then ();
    }
    if (place_state (place) == PLACE_GONE ||
        (place_state (place) == PLACE_HERE && place_is_settled (place)))
        context_end (s_context, place_code (place));
}

static int s_run (context_t *context, bool join)
{
    const console_handlers_t handlers = {
        .line = s_ignore_line, .next = s_ignore, .end = s_ignore, .interrupt = s_ignore};
    s_context = context;
    ck_assert_ptr_nonnull (context_identity (context));
    s_console = console_new (context, 100, &handlers);
    s_place = place_new (context, s_console, context_line (context)->args[0], join, s_on_changed,
                         &s_changes);
    ck_assert_ptr_nonnull (s_place);
    int code = context_run (context);
    int changes = s_changes;
    place_destroy (&s_place);
    ck_assert_int_eq (changes, s_changes); // nothing is told while it ends
    console_destroy (&s_console);
    return code;
}

static int s_open (context_t *context)
{
    return s_run (context, false);
}

static int s_open_and_join (context_t *context)
{
    return s_run (context, true);
}

static bool s_recent (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_PAGE)
        return false;
    ck_assert_uint_eq (wire_number (request, WIRE_F_LIMIT), 20);
    fake_records (self, request->tag, 28, 30, 9, 1);
    return true;
}

START_TEST (recent_records_come_first)
{
    call_t *call = call_of (s_open, "@ --json", s_recent, EXIT_DONE);
    ck_assert_int_eq (strncmp (call->out, "{\"seq\":28,", 10), 0);
    ck_assert_int_eq (call->group->counts[WIRE_JOIN], 0);
    call_destroy (&call);
}
END_TEST

START_TEST (stranger_is_refused_where_nobody_can_be_asked)
{
    call_t *call = call_of (s_open, "@", call_refuse_strangers, EXIT_REFUSED);
    ck_assert_str_eq (call->err, "zchat: cats: not a member of this group: join it first\n");
    call_destroy (&call);
}
END_TEST

START_TEST (group_that_does_not_answer_is_given_up)
{
    call_t *call = call_of (s_open, "@ --timeout 0.2", call_say_nothing, EXIT_UNREACHABLE);
    call_destroy (&call);
}
END_TEST

START_TEST (joining_comes_before_reading)
{
    call_t *call = call_of (s_open_and_join, "@ --json", s_recent, EXIT_DONE);
    ck_assert_int_eq (call->group->counts[WIRE_JOIN], 1);
    ck_assert_ptr_nonnull (strstr (call->out, "{\"seq\":30,"));
    call_destroy (&call);
}
END_TEST

static void s_send (void)
{
    place_send (s_place, "hi");
    ck_assert (!place_is_settled (s_place));
}

START_TEST (sent_text_is_settled_when_it_was_shown)
{
    s_then = s_send;
    call_t *call = call_of (s_open, "@ --json", s_recent, EXIT_DONE);
    ck_assert_int_eq (call->group->counts[WIRE_SEND], 1);
    ck_assert_ptr_nonnull (strstr (call->out, "{\"seq\":31,"));
    call_destroy (&call);
}
END_TEST

static bool s_refuse_sends (fake_t *self, const wire_t *request)
{
    if (request->kind != WIRE_SEND)
        return s_recent (self, request);
    fake_error (self, request->tag, WIRE_ERR_TOO_LONG, 0);
    return true;
}

START_TEST (refused_text_is_given_back)
{
    s_then = s_send;
    call_t *call = call_of (s_open, "@", s_refuse_sends, EXIT_REFUSED);
    ck_assert_str_eq (call->err,
                      "zchat: cats: not sent: the text is longer than this group takes: hi\n");
    call_destroy (&call);
}
END_TEST

static void s_ask_all (void)
{
    place_who (s_place);
    place_topic (s_place, "");
    place_topic (s_place, "fur");
    place_nick (s_place, "anna");
}

START_TEST (requests_are_made)
{
    s_then = s_ask_all;
    call_t *call = call_of (s_open, "@", s_recent, EXIT_DONE);
    ck_assert_int_eq (call->group->counts[WIRE_WHO], 2);
    ck_assert_int_eq (call->group->counts[WIRE_TOPIC], 1);
    ck_assert_int_eq (call->group->counts[WIRE_NICK], 1);
    ck_assert_str_eq (call->err, "cats: there is no topic\n");
    call_destroy (&call);
}
END_TEST

static int s_pages;

static bool s_count_pages (fake_t *self, const wire_t *request)
{
    (void)self;
    if (request->kind == WIRE_PAGE)
        s_pages++;
    if (request->kind == WIRE_JOIN)
        ck_assert_int_eq (s_pages, 0);
    return false;
}

static int s_open_and_ask (context_t *context, bool join)
{
    const console_handlers_t handlers = {
        .line = s_ignore_line, .next = s_ignore, .end = s_ignore, .interrupt = s_ignore};
    const session_range_t range = {.limit = 2};
    s_pages = 0;
    s_then = NULL;
    s_context = context;
    context_identity (context);
    s_console = console_new (context, 100, &handlers);
    s_place = place_new (context, s_console, context_line (context)->args[0], join, s_on_changed,
                         &s_changes);
    for (int i = 0; i < 3; i++)
        place_history (s_place, &range);
    ck_assert (!place_is_settled (s_place));
    int code = context_run (context);
    place_destroy (&s_place);
    console_destroy (&s_console);
    return code;
}

static int s_ask_while_loading (context_t *context)
{
    return s_open_and_ask (context, false);
}

static int s_ask_while_joining (context_t *context)
{
    return s_open_and_ask (context, true);
}

START_TEST (histories_wait_for_each_other)
{
    call_t *call = call_of (s_ask_while_loading, "@ --json", s_count_pages, EXIT_DONE);
    ck_assert_int_ge (s_pages, 4);
    ck_assert_str_eq (call->err, "");
    call_destroy (&call);
    call = call_of (s_ask_while_joining, "@ --json", s_count_pages, EXIT_DONE);
    ck_assert_int_ge (s_pages, 4);
    ck_assert_str_eq (call->err, "");
    call_destroy (&call);
}
END_TEST

static void s_leave (void)
{
    place_leave (s_place);
}

START_TEST (left_group_is_gone)
{
    s_then = s_leave;
    call_t *call = call_of (s_open, "@", s_recent, EXIT_DONE);
    ck_assert_int_eq (call->group->counts[WIRE_LEAVE], 1);
    call_destroy (&call);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("place");
    tcase_add_test (cases, recent_records_come_first);
    tcase_add_test (cases, stranger_is_refused_where_nobody_can_be_asked);
    tcase_add_test (cases, group_that_does_not_answer_is_given_up);
    tcase_add_test (cases, joining_comes_before_reading);
    tcase_add_test (cases, sent_text_is_settled_when_it_was_shown);
    tcase_add_test (cases, refused_text_is_given_back);
    tcase_add_test (cases, requests_are_made);
    tcase_add_test (cases, histories_wait_for_each_other);
    tcase_add_test (cases, left_group_is_gone);
    return kit_run (cases, "place");
}
