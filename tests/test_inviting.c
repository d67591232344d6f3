#include "user/inviting.h"

#include "tests/user_call.h"

#define KEY    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PLACE  "tcp://chat.example.org:2001?key=" KEY
#define NEARBY "tcp://127.0.0.1:2001?key=" KEY

static const char *s_endpoints; // that the registry tells of

static bool s_tell (fake_t *self, const wire_t *request)
{
    wire_t pong = wire (WIRE_PONG, request->tag, NULL);
    if (s_endpoints)
        wire_set_bytes (&pong, WIRE_F_ENDPOINTS, span_of (s_endpoints));
    fake_reply (self, &pong);
    return true;
}

static call_t *s_run (call_t *call, int code)
{
    call_run (call, inviting);
    ck_assert_msg (call->code == code, "exit %d\n%s%s", call->code, call->out, call->err);
    return call;
}

static call_t *s_invite (const char *words, int code)
{
    return s_run (call_new (NULL, words), code);
}

// The same with a registry to ask: it must be there before the command line is.
static call_t *s_invite_by_registry (const char *endpoints, int code)
{
    char words[100];
    zloop_t *loop = zloop_new ();
    fake_t *registry = fake_new (loop, "registry", NULL);
    s_endpoints = endpoints;
    registry->meddle = s_tell;
    snprintf (words, sizeof words, "-r %s", registry->endpoint);
    call_t *call = call_new (NULL, words);
    zloop_reader (context_loop (call->context), registry->router, fake_read, registry);
    s_run (call, code);
    zloop_reader_end (context_loop (call->context), registry->router);
    fake_destroy (&registry);
    zloop_destroy (&loop);
    return call;
}

static invitation_t s_read (const call_t *call, uint8_t bytes[INVITATION_MAX])
{
    invitation_t made;
    size_t size = invitation_scan (call->out, strlen (call->out), bytes);
    ck_assert_ptr_null (invitation_parse (&made, span (bytes, size)));
    ck_assert (invitation_is_signed (&made));
    return made;
}

START_TEST (what_was_asked_for_is_in_it)
{
    uint8_t bytes[INVITATION_MAX];
    endpoint_t endpoint;
    char text[ENDPOINT_TEXT];
    call_t *call = s_invite ("--group cats --uses 3 --expires @2000000000 --at " PLACE, EXIT_DONE);
    invitation_t made = s_read (call, bytes);
    ck_assert (span_equal (invitation_group (&made, 0), span_of ("cats")));
    ck_assert_uint_eq (made.uses, 3);
    ck_assert_int_eq (made.expires, INT64_C (2000000000000000));
    ck_assert_int_eq (invitation_registry (&made, 0, &endpoint), 0);
    ck_assert_str_eq (endpoint_print_with_key (&endpoint, text), PLACE);
    ck_assert_str_eq (call->err, "");
    guid_t id = made.id;
    call_destroy (&call);
    call = s_invite ("--at " PLACE, EXIT_DONE);
    made = s_read (call, bytes);
    ck_assert (!guid_equal (&made.id, &id));
    ck_assert_uint_eq (made.group_count, 0);
    call_destroy (&call);
}
END_TEST

START_TEST (operators_line_is_of_the_key_that_signs)
{
    uint8_t bytes[INVITATION_MAX];
    char wanted[100] = "operators = [ \"", *at = wanted + strlen (wanted);
    call_t *call = s_invite ("--at " PLACE, EXIT_DONE);
    invitation_t made = s_read (call, bytes);
    for (size_t i = 0; i < INVITATION_KEY; i++)
        at += sprintf (at, "%02x", made.operator_key[i]);
    strcpy (at, "\" ];\n");
    call->line.key = true;
    call->line.place_count = 0;
    call_run (call, inviting);
    ck_assert_int_eq (strncmp (call->out, wanted, strlen (wanted)), 0); // over what was before
    call_destroy (&call);
}
END_TEST

START_TEST (registries_are_asked_where_others_reach_them)
{
    uint8_t bytes[INVITATION_MAX];
    endpoint_t endpoint;
    char text[ENDPOINT_TEXT];
    call_t *call = s_invite_by_registry (PLACE " tcp://x:1 rubbish " NEARBY " " PLACE, EXIT_DONE);
    invitation_t made = s_read (call, bytes);
    ck_assert_uint_eq (made.registry_count, 2);
    invitation_registry (&made, 0, &endpoint);
    ck_assert_str_eq (endpoint_print_with_key (&endpoint, text), PLACE);
    ck_assert_str_eq (call->err,
                      "zchat: tcp://127.0.0.1:2001 can be reached on this machine alone\n");
    call_destroy (&call);
}
END_TEST

START_TEST (without_a_place_it_says_what_to_set)
{
    call_t *call = s_invite_by_registry (NULL, EXIT_REFUSED);
    ck_assert_str_eq (call->out, "");
    ck_assert_ptr_nonnull (strstr (call->err, "no registry says how others reach it with a key"));
    ck_assert_ptr_nonnull (strstr (call->err, "`advertise` in registry.cfg"));
    call_destroy (&call);
    call = s_invite ("-r tcp://127.0.0.1:1 --timeout 0.3", EXIT_UNREACHABLE);
    ck_assert_ptr_nonnull (strstr (call->err, "no registry answered"));
    call_destroy (&call);
}
END_TEST

START_TEST (json_has_the_text_too)
{
    call_t *call = s_invite ("--json --at " PLACE, EXIT_DONE);
    ck_assert_int_eq (strncmp (call->out, "{\"text\":\"zchat1.", 16), 0);
    call_destroy (&call);
    call = s_invite ("--json --key", EXIT_DONE);
    ck_assert_int_eq (strncmp (call->out, "{\"operator\":\"", 13), 0);
    call_destroy (&call);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("inviting");
    tcase_add_test (cases, what_was_asked_for_is_in_it);
    tcase_add_test (cases, operators_line_is_of_the_key_that_signs);
    tcase_add_test (cases, registries_are_asked_where_others_reach_them);
    tcase_add_test (cases, without_a_place_it_says_what_to_set);
    tcase_add_test (cases, json_has_the_text_too);
    return kit_run (cases, "inviting");
}
