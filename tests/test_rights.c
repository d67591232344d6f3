#include "daemons/group/rights.h"

#include "daemons/group/settings.h"
#include "tests/standing_kit.h"

#define NOW INT64_C (1795330800000000)

// Who they are, by number; the table of test cases calls them by letter.
enum { OWNER = 1, CHIEF, OTHER, MEMBER, STRANGER, BANNED, GATEWAY, ROOT };

static roster_t *s_roster;
static rights_t *s_rights;
static uint8_t s_keys[3][32]; // owners: OWNER, ROOT; gateway

static void s_put (record_kind_t kind, unsigned author, unsigned subject, unsigned key)
{
    deed_t deed;
    deed_make (&deed, kind, author, subject, key);
    roster_put (s_roster, &deed.record);
    roster_commit (s_roster);
}

static void s_rule (rights_access_t access, bool topics)
{
    memcpy (s_keys[0], people_key (OWNER), 32);
    memcpy (s_keys[1], people_key (ROOT), 32);
    memcpy (s_keys[2], people_key (GATEWAY), 32);
    static uint8_t operator_key[32], signing[64];
    static const uint8_t secret[32] = {5};
    invitation_operator (secret, operator_key, signing);
    rights_rules_t rules = {.access = access,
                            .topics_by_operators = topics,
                            .owners = s_keys[0],
                            .owner_count = 2,
                            .gateways = s_keys[2],
                            .gateway_count = 1,
                            .operators = operator_key,
                            .operator_count = 1};
    rights_set (s_rights, &rules);
}

static void s_setup (void)
{
    s_roster = roster_new ();
    s_rights = rights_new ("cats", s_roster);
    s_rule (RIGHTS_OPEN, false);
    static const unsigned members[] = {OWNER, ROOT, CHIEF, OTHER, MEMBER};
    for (size_t i = 0; i < 5; i++)
        s_put (RECORD_JOIN, members[i], 0, 0);
    s_put (RECORD_OP, OWNER, CHIEF, 0);
    s_put (RECORD_OP, OWNER, OTHER, 0);
    s_put (RECORD_BAN, OWNER, BANNED, 0);
}

static void s_teardown (void)
{
    rights_destroy (&s_rights);
    roster_destroy (&s_roster);
}

// ---- Who x action x subject

static wire_error_t s_act (unsigned who, record_kind_t kind, unsigned subject, unsigned key,
                           bool *done)
{
    const char *why;
    guid_t author = people_who (who);
    rights_action_t action = {kind, people_who (subject), key ? people_key (key) : NULL};
    return rights_act (s_rights, &author, &action, done, &why);
}

// What becomes of an action: + is done, = is so already, - is not allowed, or another refusal.
static char s_outcome (unsigned who, record_kind_t kind, unsigned subject)
{
    bool done;
    switch (s_act (who, kind, subject, 77, &done)) {
    case WIRE_ERR_NONE:
        return done ? '=' : '+';
    case WIRE_ERR_NOT_ALLOWED:
        return '-';
    case WIRE_ERR_NOT_MEMBER:
        return 'm';
    case WIRE_ERR_BANNED:
        return 'b';
    default:
        return '?';
    }
}

START_TEST (table_of_who_may_do_what_to_whom)
{
    // subjects:   OWNER CHIEF OTHER MEMBER STRANGER BANNED, and ROOT, the other owner
    static const unsigned subjects[] = {OWNER, CHIEF, OTHER, MEMBER, STRANGER, BANNED, ROOT};
    static const struct {
        record_kind_t kind;
        const char *owner;
        const char *chief; // an operator
        const char *member;
        const char *stranger;
    } rows[] = {
        {RECORD_INVITE, "-++++b-", "---++b-", "-------", "-------"},
        {RECORD_KICK, "-+++==-", "---+==-", "-------", "-------"},
        {RECORD_BAN, "-++++=-", "---++=-", "-------", "-------"},
        {RECORD_UNBAN, "-====+-", "---==+-", "-------", "-------"},
        {RECORD_MUTE, "-+++++-", "---+++-", "-------", "-------"},
        {RECORD_UNMUTE, "-=====-", "---===-", "-------", "-------"},
        {RECORD_OP, "-==+mm-", "-------", "-------", "-------"},
        {RECORD_DEOP, "-++===-", "-------", "-------", "-------"},
        {RECORD_ADD_KEY, "++++++-", "-+-+++-", "---+---", "----+--"},
        {RECORD_REMOVE_KEY, "======-", "-=-===-", "---=---", "----=--"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t j = 0; j < 7; j++) {
            const char *wanted[] = {rows[i].owner, rows[i].chief, rows[i].member, rows[i].stranger};
            static const unsigned actors[] = {OWNER, CHIEF, MEMBER, STRANGER};
            for (size_t a = 0; a < 4; a++) {
                char got = s_outcome (actors[a], rows[i].kind, subjects[j]);
                ck_assert_msg (got == wanted[a][j], "%s by %u of %u: %c, not %c",
                               record_kind_name (rows[i].kind), actors[a], subjects[j], got,
                               wanted[a][j]);
            }
        }
}
END_TEST

START_TEST (what_is_no_action_is_a_bad_request)
{
    bool done;
    const char *why;
    guid_t owner = people_who (OWNER), who = people_who (MEMBER);
    static const uint8_t zeros[32];
    for (unsigned kind = 0; kind < 256; kind++) {
        rights_action_t action = {(record_kind_t)kind, who, people_key (77)};
        bool known = kind >= RECORD_INVITE && kind <= RECORD_REMOVE_KEY;
        ck_assert_int_eq (
            rights_act (s_rights, &owner, &action, &done, &why) == WIRE_ERR_BAD_REQUEST, !known);
    }
    rights_action_t nobody = {RECORD_BAN, {{0}}, NULL};
    ck_assert_int_eq (rights_act (s_rights, &owner, &nobody, &done, &why), WIRE_ERR_BAD_REQUEST);
    rights_action_t keyless = {RECORD_ADD_KEY, who, NULL};
    ck_assert_int_eq (rights_act (s_rights, &owner, &keyless, &done, &why), WIRE_ERR_BAD_REQUEST);
    keyless.key = zeros;
    ck_assert_int_eq (rights_act (s_rights, &owner, &keyless, &done, &why), WIRE_ERR_BAD_REQUEST);
}
END_TEST

START_TEST (keys_have_a_limit_that_is_named)
{
    bool done;
    const char *why;
    guid_t member = people_who (MEMBER);
    for (unsigned n = 0; n < STANDING_KEYS; n++)
        s_put (RECORD_ADD_KEY, MEMBER, MEMBER, 100 + n);
    rights_action_t action = {RECORD_ADD_KEY, member, people_key (99)};
    ck_assert_int_eq (rights_act (s_rights, &member, &action, &done, &why), WIRE_ERR_LIMIT);
    ck_assert_ptr_nonnull (strstr (why, "16"));
    s_put (RECORD_REMOVE_KEY, MEMBER, MEMBER, MEMBER);
    action.key = people_key (MEMBER); // its first one has a place of its own
    ck_assert_int_eq (rights_act (s_rights, &member, &action, &done, &why), WIRE_ERR_NONE);
    ck_assert (!done);
}
END_TEST

// ---- Speakers

static wire_error_t s_speak (unsigned key, unsigned who, rights_voice_t *voice)
{
    speaker_t speaker = speaker_of (key ? people_key (key) : NULL);
    guid_t guid = people_who (who);
    return rights_speak (s_rights, false, &speaker, &guid, voice);
}

static void s_may_speak (unsigned key, unsigned who, rights_voice_t wanted)
{
    rights_voice_t voice;
    ck_assert_int_eq (s_speak (key, who, &voice), WIRE_ERR_NONE);
    ck_assert_int_eq (voice, wanted);
}

static void s_may_not_speak (unsigned key, unsigned who, wire_error_t wanted)
{
    rights_voice_t voice;
    ck_assert_int_eq (s_speak (key, who, &voice), wanted);
}

START_TEST (key_speaks_for_the_uuid_made_from_it_and_those_it_was_added_to)
{
    s_may_speak (MEMBER, MEMBER, RIGHTS_PROVED);
    s_may_speak (STRANGER, STRANGER, RIGHTS_PROVED);
    s_may_not_speak (STRANGER, MEMBER, WIRE_ERR_WRONG_KEY);
    s_may_not_speak (STRANGER, 44, WIRE_ERR_WRONG_KEY); // nor for one that nobody knows
    s_put (RECORD_ADD_KEY, MEMBER, MEMBER, STRANGER);
    s_may_speak (STRANGER, MEMBER, RIGHTS_PROVED);
    s_put (RECORD_REMOVE_KEY, MEMBER, MEMBER, STRANGER);
    s_may_not_speak (STRANGER, MEMBER, WIRE_ERR_WRONG_KEY);
    s_put (RECORD_REMOVE_KEY, MEMBER, MEMBER, MEMBER);
    s_may_not_speak (MEMBER, MEMBER, WIRE_ERR_WRONG_KEY);
}
END_TEST

START_TEST (plain_speaks_for_whom_no_key_was_proved)
{
    s_may_speak (0, STRANGER, RIGHTS_PLAIN);
    s_may_not_speak (0, MEMBER, WIRE_ERR_KEY_NEEDED); // joined with a key
    s_put (RECORD_LEAVE, MEMBER, 0, 0);
    s_may_not_speak (0, MEMBER, WIRE_ERR_KEY_NEEDED); // for ever
    s_put (RECORD_LEAVE, OWNER, 0, 0);
    s_may_not_speak (0, OWNER, WIRE_ERR_KEY_NEEDED);
}
END_TEST

START_TEST (owner_needs_a_key_from_the_start)
{
    roster_t *empty = roster_new ();
    rights_t *rights = rights_new ("cats", empty);
    rights_rules_t rules = {.owners = people_key (OWNER), .owner_count = 1};
    rights_set (rights, &rules);
    rights_voice_t voice;
    speaker_t plain = speaker_of (NULL);
    guid_t owner = people_who (OWNER), member = people_who (MEMBER);
    ck_assert_int_eq (rights_speak (rights, false, &plain, &owner, &voice), WIRE_ERR_KEY_NEEDED);
    ck_assert_int_eq (rights_speak (rights, false, &plain, &member, &voice), WIRE_ERR_NONE);
    rights_destroy (&rights);
    roster_destroy (&empty);
}
END_TEST

START_TEST (plain_says_nothing_in_a_group_that_is_not_open)
{
    s_rule (RIGHTS_INVITED, false);
    s_may_not_speak (0, STRANGER, WIRE_ERR_KEY_NEEDED);
    s_rule (RIGHTS_LISTED, false);
    s_may_not_speak (0, STRANGER, WIRE_ERR_KEY_NEEDED);
    s_may_speak (STRANGER, STRANGER, RIGHTS_PROVED);
}
END_TEST

START_TEST (gateway_speaks_for_all_but_those_with_a_key)
{
    for (unsigned n = 30; n < 60; n++)
        s_may_speak (GATEWAY, n, RIGHTS_GATEWAY);
    s_may_speak (GATEWAY, GATEWAY, RIGHTS_PROVED);
    s_may_not_speak (GATEWAY, MEMBER, WIRE_ERR_WRONG_KEY);
    s_may_not_speak (GATEWAY, OWNER, WIRE_ERR_WRONG_KEY);
    s_put (RECORD_JOIN, 30, 0, 0);
    s_may_not_speak (GATEWAY, 30, WIRE_ERR_WRONG_KEY);
}
END_TEST

START_TEST (next_counts_where_requests_are_judged)
{
    deed_t deed;
    rights_voice_t voice;
    speaker_t speaker = speaker_of (people_key (MEMBER));
    guid_t member = people_who (MEMBER);
    deed_make (&deed, RECORD_REMOVE_KEY, CHIEF, MEMBER, MEMBER);
    roster_put (s_roster, &deed.record);
    ck_assert_int_eq (rights_speak (s_rights, false, &speaker, &member, &voice), WIRE_ERR_NONE);
    ck_assert_int_eq (rights_speak (s_rights, true, &speaker, &member, &voice), WIRE_ERR_WRONG_KEY);
    roster_discard (s_roster);
    ck_assert_int_eq (rights_speak (s_rights, true, &speaker, &member, &voice), WIRE_ERR_NONE);
}
END_TEST

// ---- Saying, roles

START_TEST (muted_say_nothing_and_topics_may_be_the_operators_alone)
{
    guid_t member = people_who (MEMBER), chief = people_who (CHIEF), owner = people_who (OWNER);
    s_put (RECORD_MUTE, OWNER, MEMBER, 0);
    static const record_kind_t kinds[] = {RECORD_MESSAGE, RECORD_NICK, RECORD_TOPIC};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq (rights_say (s_rights, kinds[i], &member, RIGHTS_PROVED), WIRE_ERR_MUTED);
        ck_assert_int_eq (rights_say (s_rights, kinds[i], &chief, RIGHTS_PLAIN), WIRE_ERR_NONE);
    }
    s_put (RECORD_UNMUTE, OWNER, MEMBER, 0);
    s_rule (RIGHTS_OPEN, true);
    ck_assert_int_eq (rights_say (s_rights, RECORD_NICK, &member, RIGHTS_PROVED), WIRE_ERR_NONE);
    ck_assert_int_eq (rights_say (s_rights, RECORD_TOPIC, &member, RIGHTS_PROVED),
                      WIRE_ERR_NOT_ALLOWED);
    ck_assert_int_eq (rights_say (s_rights, RECORD_TOPIC, &chief, RIGHTS_PROVED), WIRE_ERR_NONE);
    ck_assert_int_eq (rights_say (s_rights, RECORD_TOPIC, &owner, RIGHTS_PROVED), WIRE_ERR_NONE);
    ck_assert_int_eq (rights_say (s_rights, RECORD_TOPIC, &chief, RIGHTS_GATEWAY),
                      WIRE_ERR_KEY_NEEDED);
}
END_TEST

START_TEST (roles_are_shown)
{
    static const struct {
        unsigned who;
        wire_role_t role;
    } rows[] = {{OWNER, WIRE_ROLE_OWNER},
                {ROOT, WIRE_ROLE_OWNER},
                {CHIEF, WIRE_ROLE_OPERATOR},
                {MEMBER, WIRE_ROLE_MEMBER}};
    for (size_t i = 0; i < 4; i++) {
        guid_t who = people_who (rows[i].who);
        ck_assert_int_eq (rights_role (s_rights, &who), rows[i].role);
    }
    guid_t member = people_who (MEMBER);
    s_put (RECORD_MUTE, OWNER, MEMBER, 0);
    ck_assert_int_eq (rights_role (s_rights, &member), WIRE_ROLE_MUTED);
}
END_TEST

// ---- Joining

typedef struct {
    uint8_t bytes[INVITATION_FIELD];
    size_t size;
} shown_t;

static invitation_draft_t s_draft (unsigned id)
{
    return (invitation_draft_t){.id = {{0x30, (uint8_t)id}}};
}

// Signed by the operator whose secret begins with `secret`; ours is 5.
static void s_show (shown_t *shown, const invitation_draft_t *draft, uint8_t secret)
{
    uint8_t made[INVITATION_MAX], public_key[32], signing[64], from[32] = {secret};
    invitation_operator (from, public_key, signing);
    size_t size = invitation_make (draft, signing, made);
    ck_assert_uint_gt (size, 0);
    writer_t out = writer (shown->bytes + shown->size, sizeof shown->bytes - shown->size);
    invitation_put (&out, span (made, size));
    shown->size += writer_used (&out);
}

static const char *s_why;
static invitation_t s_redeems;

static wire_error_t s_join (unsigned who, const shown_t *shown)
{
    guid_t guid = people_who (who);
    span_t field = shown ? span (shown->bytes, shown->size) : span (NULL, 0);
    return rights_join (s_rights, &guid, field, NOW, &s_redeems, &s_why);
}

START_TEST (access_says_who_may_join)
{
    static const struct {
        rights_access_t access;
        wire_error_t stranger;
        wire_error_t invited;
        wire_error_t owner;
        wire_error_t banned;
    } rows[] = {
        {RIGHTS_OPEN, WIRE_ERR_NONE, WIRE_ERR_NONE, WIRE_ERR_NONE, WIRE_ERR_BANNED},
        {RIGHTS_INVITED, WIRE_ERR_NOT_INVITED, WIRE_ERR_NONE, WIRE_ERR_NONE, WIRE_ERR_BANNED},
        {RIGHTS_LISTED, WIRE_ERR_NOT_INVITED, WIRE_ERR_NONE, WIRE_ERR_NONE, WIRE_ERR_BANNED},
    };
    s_put (RECORD_INVITE, OWNER, 20, 0);
    s_put (RECORD_LEAVE, OWNER, 0, 0);
    for (size_t i = 0; i < 3; i++) {
        s_rule (rows[i].access, false);
        ck_assert_int_eq (s_join (STRANGER, NULL), rows[i].stranger);
        ck_assert_int_eq (s_join (20, NULL), rows[i].invited);
        ck_assert_int_eq (s_join (OWNER, NULL), rows[i].owner);
        ck_assert_int_eq (s_join (BANNED, NULL), rows[i].banned);
        ck_assert (guid_is_null (&s_redeems.id));
    }
}
END_TEST

START_TEST (good_invitation_lets_in_where_the_group_takes_them)
{
    shown_t shown = {.size = 0};
    invitation_draft_t draft = s_draft (1);
    s_show (&shown, &draft, 5);
    s_rule (RIGHTS_INVITED, false);
    ck_assert_int_eq (s_join (STRANGER, &shown), WIRE_ERR_NONE);
    ck_assert (guid_equal (&s_redeems.id, &draft.id));
    ck_assert_int_eq (s_join (BANNED, &shown), WIRE_ERR_BANNED);
    s_rule (RIGHTS_LISTED, false);
    ck_assert_int_eq (s_join (STRANGER, &shown), WIRE_ERR_NOT_INVITED);
    s_rule (RIGHTS_OPEN, false); // is not used up where it is not needed
    ck_assert_int_eq (s_join (STRANGER, &shown), WIRE_ERR_NONE);
    ck_assert (guid_is_null (&s_redeems.id));
}
END_TEST

START_TEST (bad_invitations_let_nobody_in_and_say_why)
{
    static const char *const dogs[] = {"dogs"};
    static const char *const cats[] = {"dogs", "cats"};
    invitation_draft_t good = s_draft (1), over = s_draft (2), elsewhere = s_draft (3);
    over.expires = NOW - 1;
    elsewhere.groups = dogs;
    elsewhere.group_count = 1;
    good.groups = cats;
    good.group_count = 2;
    good.expires = NOW + 1;
    s_rule (RIGHTS_INVITED, false);
    shown_t expired = {.size = 0}, foreign = {.size = 0}, other = {.size = 0}, forged = {.size = 0};
    s_show (&expired, &over, 5);
    s_show (&other, &elsewhere, 5);
    s_show (&foreign, &good, 6); // signed by nobody we know
    s_show (&forged, &good, 5);
    forged.bytes[forged.size - 1] ^= 1;
    shown_t noise = {.bytes = {0, 3, 1, 2, 3}, .size = 5};
    const shown_t *bad[] = {&expired, &foreign, &other, &forged, &noise};
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq (s_join (STRANGER, bad[i]), WIRE_ERR_BAD_INVITATION);
        ck_assert (bad[i] == &noise || strstr (s_why, "invitation"));
        ck_assert (guid_is_null (&s_redeems.id));
    }
    s_show (&foreign, &good, 5); // a good one among bad ones
    ck_assert_int_eq (s_join (STRANGER, &foreign), WIRE_ERR_NONE);
    s_show (&forged, &good, 5); // but not behind a forged one
    ck_assert_int_eq (s_join (STRANGER, &forged), WIRE_ERR_BAD_INVITATION);
}
END_TEST

static void s_redeem (unsigned who, const invitation_draft_t *draft)
{
    deed_t deed;
    deed_make (&deed, RECORD_JOIN, who, 0, 0);
    writer_t options = writer (deed.options, sizeof deed.options);
    record_put_option (&options, RECORD_OPT_INVITATION, draft->id.bytes, GUID_SIZE);
    if (draft->uses)
        record_put_number (&options, RECORD_OPT_USES, draft->uses);
    deed.record.options = span (deed.options, writer_used (&options));
    roster_put (s_roster, &deed.record);
    roster_commit (s_roster);
}

START_TEST (uses_are_counted_and_a_uuid_comes_with_one_once)
{
    shown_t shown = {.size = 0};
    invitation_draft_t draft = s_draft (1);
    draft.uses = 2;
    s_show (&shown, &draft, 5);
    s_rule (RIGHTS_INVITED, false);
    s_redeem (40, &draft);
    ck_assert_int_eq (s_join (41, &shown), WIRE_ERR_NONE);
    s_redeem (41, &draft);
    ck_assert_int_eq (s_join (42, &shown), WIRE_ERR_BAD_INVITATION);
    ck_assert_str_eq (s_why, "the invitation is used up");
    s_put (RECORD_LEAVE, 40, 0, 0); // was let in, and may come back without it
    ck_assert_int_eq (s_join (40, NULL), WIRE_ERR_NONE);
    s_put (RECORD_KICK, OWNER, 41, 0);
    ck_assert_int_eq (s_join (41, NULL), WIRE_ERR_NOT_INVITED);
    ck_assert_int_eq (s_join (41, &shown), WIRE_ERR_BAD_INVITATION);
}
END_TEST

START_TEST (kicked_one_is_let_in_by_another_invitation_or_a_name)
{
    shown_t first = {.size = 0}, second = {.size = 0};
    invitation_draft_t one = s_draft (1), two = s_draft (2);
    s_show (&first, &one, 5);
    s_show (&second, &two, 5);
    s_rule (RIGHTS_INVITED, false);
    s_redeem (40, &one);
    s_put (RECORD_KICK, OWNER, 40, 0);
    ck_assert_int_eq (s_join (40, &first), WIRE_ERR_BAD_INVITATION);
    ck_assert_int_eq (s_join (40, &second), WIRE_ERR_NONE);
    ck_assert (guid_equal (&s_redeems.id, &two.id));
    s_put (RECORD_INVITE, OWNER, 40, 0);
    ck_assert_int_eq (s_join (40, NULL), WIRE_ERR_NONE);
    s_put (RECORD_BAN, OWNER, 40, 0);
    ck_assert_int_eq (s_join (40, &second), WIRE_ERR_BANNED);
    s_put (RECORD_UNBAN, OWNER, 40, 0);
    ck_assert_int_eq (s_join (40, NULL), WIRE_ERR_NOT_INVITED);
}
END_TEST

START_TEST (rules_are_read_from_a_configuration)
{
    size_t count;
    const conf_key_t *keys = group_settings (&count);
    conf_t *conf = conf_new (keys, count);
    rights_rules_t rules = rights_rules_of (conf);
    ck_assert_int_eq (rules.access, RIGHTS_OPEN);
    ck_assert (!rules.topics_by_operators);
    ck_assert_uint_eq (rules.owner_count + rules.gateway_count + rules.operator_count, 0);
    conf_destroy (&conf);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("rights");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, table_of_who_may_do_what_to_whom);
    tcase_add_test (cases, what_is_no_action_is_a_bad_request);
    tcase_add_test (cases, keys_have_a_limit_that_is_named);
    tcase_add_test (cases, key_speaks_for_the_uuid_made_from_it_and_those_it_was_added_to);
    tcase_add_test (cases, plain_speaks_for_whom_no_key_was_proved);
    tcase_add_test (cases, owner_needs_a_key_from_the_start);
    tcase_add_test (cases, plain_says_nothing_in_a_group_that_is_not_open);
    tcase_add_test (cases, gateway_speaks_for_all_but_those_with_a_key);
    tcase_add_test (cases, next_counts_where_requests_are_judged);
    tcase_add_test (cases, muted_say_nothing_and_topics_may_be_the_operators_alone);
    tcase_add_test (cases, roles_are_shown);
    tcase_add_test (cases, access_says_who_may_join);
    tcase_add_test (cases, good_invitation_lets_in_where_the_group_takes_them);
    tcase_add_test (cases, bad_invitations_let_nobody_in_and_say_why);
    tcase_add_test (cases, uses_are_counted_and_a_uuid_comes_with_one_once);
    tcase_add_test (cases, kicked_one_is_let_in_by_another_invitation_or_a_name);
    tcase_add_test (cases, rules_are_read_from_a_configuration);
    return kit_run (cases, "rights");
}
