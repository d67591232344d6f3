// The two faces of a roster, its STATE, and random lives against a model.

#include "daemons/group/roster.h"

#include "tests/roster_kit.h"

static wire_error_t s_error; // of the last send

// 1 ann with a device, 2 bob; a topic. Durable.
static book_t s_group (void)
{
    book_t book = book_new ();
    book_join (&book, 1, "ann");
    book_join (&book, 2, "bob");
    book_topic (&book, 1, "cats");
    book_send (&book, 1, kit_send (5, 1, 11), &s_error);
    book_send (&book, 1, kit_send (5, 2, 12), &s_error);
    roster_commit (book.roster);
    return book;
}

// Everything that a job can do.
static void s_do_all (book_t *book)
{
    book_join (book, 3, "cat");
    book_nick (book, 3, "lion");
    book_send (book, 3, kit_send (6, 1, 13), &s_error);
    book_send (book, 1, kit_send (5, 3, 13), &s_error);
    book_send (book, 1, kit_send (6, 1, 13), &s_error);
    book_nick (book, 1, "dan");
    book_nick (book, 2, "ann");
    book_nick (book, 2, "eve");
    book_topic (book, 2, "dogs");
    book_topic (book, 1, "");
    book_topic (book, 1, "birds");
    book_leave (book, 1);
    book_join (book, 4, "bob");
    book_leave (book, 4);
    book_join (book, 1, "bob");
    book_send (book, 1, kit_send (6, 1, 14), &s_error);
    book_leave (book, 2);
}

START_TEST (nothing_under_way_is_shown)
{
    book_t book = s_group (), same = s_group ();
    s_do_all (&book);
    guid_t ann = kit_who (1), bob = kit_who (2), cat = kit_who (3), at = {{0}};
    ck_assert_uint_eq (roster_count (book.roster), 2);
    ck_assert_str_eq (roster_topic (book.roster), "cats");
    ck_assert_str_eq (roster_nick (book.roster, &ann), "ann");
    ck_assert_str_eq (roster_nick (book.roster, &bob), "bob");
    ck_assert (roster_is_member (book.roster, &bob));
    ck_assert (!roster_is_member (book.roster, &cat));
    ck_assert_ptr_null (roster_nick (book.roster, &cat));
    ck_assert_int_eq (roster_seen (book.roster, &cat), 0);
    ck_assert_int_eq (roster_seen (book.roster, &ann), roster_seen (same.roster, &ann));
    ck_assert (roster_next (book.roster, &at, &at) && guid_equal (&at, &ann));
    ck_assert (roster_next (book.roster, &at, &at) && guid_equal (&at, &bob));
    ck_assert (!roster_next (book.roster, &at, &at));
    ck_assert (kit_same_roster (book.roster, same.roster));
    roster_destroy (&book.roster);
    roster_destroy (&same.roster);
}
END_TEST

START_TEST (discard_leaves_no_trace)
{
    book_t book = s_group (), same = s_group ();
    for (int i = 0; i < 3; i++) {
        s_do_all (&book);
        roster_discard (book.roster);
        ck_assert (kit_same_roster (book.roster, same.roster));
    }
    // Nicks, places and counters are as they were for who comes next, too.
    ck_assert_int_eq (book_nick (&book, 2, "ANN"), WIRE_ERR_NICK_TAKEN);
    ck_assert_int_eq (book_nick (&book, 1, "Bob"), WIRE_ERR_NICK_TAKEN);
    ck_assert_int_eq (book_nick (&book, 1, "lion"), WIRE_ERR_NONE);
    ck_assert_int_eq (book_nick (&book, 1, "eve"), WIRE_ERR_NONE);
    ck_assert_int_eq (book_nick (&book, 1, "dan"), WIRE_ERR_NONE);
    ck_assert_uint_eq (book_topic (&book, 1, "cats"), 0);
    book_send (&book, 3, kit_send (6, 2, 1), &s_error);
    ck_assert_int_eq (s_error, WIRE_ERR_NOT_MEMBER);
    book_send (&book, 1, kit_send (6, 2, 1), &s_error);
    ck_assert_int_eq (s_error, WIRE_ERR_UNKNOWN_DEVICE);
    ck_assert_uint_eq (book_send (&book, 1, kit_send (5, 2, 12), &s_error), 5);
    book_send (&book, 1, kit_send (5, 4, 1), &s_error);
    ck_assert_int_eq (s_error, WIRE_ERR_OUT_OF_ORDER);
    roster_destroy (&book.roster);
    roster_destroy (&same.roster);
}
END_TEST

START_TEST (commit_shows_all_of_it)
{
    book_t book = s_group ();
    s_do_all (&book);
    roster_commit (book.roster);
    guid_t ann = kit_who (1), bob = kit_who (2), cat = kit_who (3), dan = kit_who (4);
    ck_assert_uint_eq (roster_count (book.roster), 2);
    ck_assert_str_eq (roster_topic (book.roster), "birds");
    ck_assert_str_eq (roster_nick (book.roster, &ann), "bob"); // 4 had left
    ck_assert (!roster_is_member (book.roster, &bob));
    ck_assert_str_eq (roster_nick (book.roster, &cat), "lion");
    ck_assert (!roster_is_member (book.roster, &dan));
    ck_assert_int_eq (roster_seen (book.roster, &bob), 0);
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (discard_and_commit_of_nothing_change_nothing)
{
    book_t book = s_group (), same = s_group ();
    roster_commit (book.roster);
    roster_discard (book.roster);
    roster_discard (book.roster);
    ck_assert (kit_same_roster (book.roster, same.roster));
    roster_destroy (&book.roster);
    roster_destroy (&same.roster);
}
END_TEST

START_TEST (nicks_swapped_in_a_job_are_swapped_back)
{
    book_t book = s_group ();
    book_nick (&book, 1, "tmp");
    book_nick (&book, 2, "ann");
    book_nick (&book, 1, "bob");
    roster_discard (book.roster);
    ck_assert_int_eq (book_nick (&book, 1, "bob"), WIRE_ERR_NICK_TAKEN);
    ck_assert_int_eq (book_nick (&book, 2, "ann"), WIRE_ERR_NICK_TAKEN);
    ck_assert_int_eq (book_nick (&book, 1, "tmp"), WIRE_ERR_NONE);
    roster_destroy (&book.roster);
}
END_TEST

// What the log says is the same whether a start replays it record by record or it came in one job.
START_TEST (leave_forgets_the_devices_even_if_a_join_follows_in_the_job)
{
    book_t book = s_group ();
    book_leave (&book, 1);
    book_join (&book, 1, "ann");
    book_send (&book, 1, kit_send (5, 3, 13), &s_error);
    ck_assert_int_eq (s_error, WIRE_ERR_UNKNOWN_DEVICE);
    book_send (&book, 1, kit_send (5, 1, 99), &s_error); // begins anew
    ck_assert_int_eq (s_error, WIRE_ERR_NONE);
    roster_discard (book.roster);
    ck_assert_uint_eq (book_send (&book, 1, kit_send (5, 1, 11), &s_error), 4);
    book_leave (&book, 1);
    book_join (&book, 1, "ann");
    uint64_t seq = book_send (&book, 1, kit_send (5, 1, 99), &s_error);
    roster_commit (book.roster);
    ck_assert_uint_eq (book_send (&book, 1, kit_send (5, 1, 99), &s_error), seq);
    book_send (&book, 1, kit_send (5, 2, 12), &s_error);
    ck_assert_uint_gt (book_send (&book, 1, kit_send (5, 2, 12), &s_error), seq);
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (leave_and_rejoin_in_two_jobs_is_the_same)
{
    book_t one = s_group (), two = s_group ();
    book_t *books[] = {&one, &two};
    for (int i = 0; i < 2; i++) {
        book_send (books[i], 1, kit_send (5, 3, 13), &s_error);
        book_leave (books[i], 1);
        if (i == 1)
            roster_commit (books[i]->roster);
        book_join (books[i], 1, "cat");
        book_send (books[i], 1, kit_send (8, 1, 13), &s_error);
        roster_commit (books[i]->roster);
    }
    ck_assert (kit_same_roster (one.roster, two.roster));
    roster_destroy (&one.roster);
    roster_destroy (&two.roster);
}
END_TEST

// ---- STATE

START_TEST (state_makes_an_equal_roster)
{
    book_t book = book_new ();
    for (unsigned n = 1; n <= 300; n++) {
        book_join (&book, n, n % 3 ? "root" : "");
        for (unsigned d = 0; d < n % 5; d++)
            for (uint64_t c = 1; c <= n * 7; c++)
                book_send (&book, n, kit_send (d, c, (uint32_t)c * n), &s_error);
    }
    book_topic (&book, 7, "a topic");
    roster_commit (book.roster);
    for (int pass = 0; pass < 2; pass++) {
        roster_t *again = kit_through_state (book.roster);
        ck_assert (kit_same_roster (book.roster, again));
        ck_assert_uint_eq (roster_count (again), 300 - 100 * pass);
        roster_destroy (&again);
        for (unsigned n = 1; n <= 100; n++)
            book_leave (&book, n);
        book_topic (&book, 200, "");
        roster_commit (book.roster);
    }
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (topic_outlives_its_author_in_state)
{
    book_t book = s_group ();
    book_leave (&book, 1);
    roster_commit (book.roster);
    roster_t *again = kit_through_state (book.roster);
    ck_assert_str_eq (roster_topic (again), "cats");
    ck_assert (kit_same_roster (book.roster, again));
    roster_destroy (&again);
    roster_destroy (&book.roster);
}
END_TEST

START_TEST (records_of_strangers_and_unknown_kinds_change_nothing)
{
    book_t book = s_group (), same = s_group ();
    static const int kinds[] = {RECORD_MESSAGE, RECORD_LEAVE, RECORD_NICK,         RECORD_OPEN,
                                RECORD_TRIM,    RECORD_HOLE,  RECORD_STATE_DEVICE, 200};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        record_t record = {.kind = (record_kind_t)kinds[i],
                           .author = kit_who (77),
                           .time = book.time,
                           .send = kit_send (1, 9, 9),
                           .nick = span_of ("zoe")};
        roster_put (book.roster, &record);
        record.author = (guid_t){{0}};
        roster_put (book.roster, &record);
        roster_commit (book.roster);
    }
    ck_assert (kit_same_roster (book.roster, same.roster));
    roster_destroy (&book.roster);
    roster_destroy (&same.roster);
}
END_TEST

START_TEST (impossible_nick_in_a_log_is_none)
{
    book_t book = s_group ();
    record_t record = {.kind = RECORD_NICK,
                       .author = kit_who (1),
                       .nick = span_of ("1234567890123456789012345678901234567890")};
    roster_put (book.roster, &record);
    record.kind = RECORD_TOPIC;
    record.text = span_of ("x");
    roster_put (book.roster, &record);
    roster_commit (book.roster);
    guid_t ann = kit_who (1);
    ck_assert_str_eq (roster_nick (book.roster, &ann), "");
    roster_destroy (&book.roster);
}
END_TEST

// ---- Random lives

enum { PEOPLE = 6, DEVICES = 3, COUNTERS = 40 };

typedef struct {
    uint64_t last;
    uint32_t random[COUNTERS + 1];
    uint64_t seq[COUNTERS + 1];
} device_model_t;

typedef struct {
    bool joined;
    char nick[40];
    int64_t seen;
    device_model_t devices[DEVICES];
} person_model_t;

typedef struct {
    person_model_t people[PEOPLE];
    char topic[20];
} model_t;

typedef struct {
    book_t book;
    model_t now, next;
    dice_t *chance;
    image_t *log; // all durable records
    image_t *job;
} life_t;

static bool s_taken (const model_t *model, const char *nick, int but)
{
    for (int i = 0; i < PEOPLE; i++)
        if (i != but && model->people[i].joined && strcasecmp (model->people[i].nick, nick) == 0)
            return true;
    return false;
}

// The verdict's record goes into the roster and the job, if it is to be appended.
static void s_append (life_t *life, verdict_t *verdict, person_model_t *person)
{
    person->seen = life->book.time;
    book_append (&life->book, verdict);
    image_put (life->job, &verdict->record);
}

static void s_life_join (life_t *life, int i, const guid_t *who, const char *nick)
{
    person_model_t *person = &life->next.people[i];
    char wanted[40];
    snprintf (wanted, sizeof wanted, "%s", nick);
    for (int n = 2; s_taken (&life->next, wanted, -1); n++)
        snprintf (wanted, sizeof wanted, "%s-%d", nick, n);
    verdict_t verdict;
    roster_judge_join (life->book.roster, who, span_of (nick), PEOPLE, &verdict);
    ck_assert_int_eq (verdict.error, WIRE_ERR_NONE);
    ck_assert (verdict.append != person->joined);
    ck_assert_str_eq (verdict.nick, person->joined ? person->nick : wanted);
    if (person->joined)
        return;
    memset (person, 0, sizeof *person);
    person->joined = true;
    strcpy (person->nick, wanted);
    s_append (life, &verdict, person);
}

static void s_life_nick (life_t *life, int i, const guid_t *who, const char *nick)
{
    person_model_t *person = &life->next.people[i];
    verdict_t verdict;
    roster_judge_nick (life->book.roster, who, span_of (nick), &verdict);
    if (!person->joined) {
        ck_assert_int_eq (verdict.error, WIRE_ERR_NOT_MEMBER);
    } else if (strcmp (person->nick, nick) == 0) {
        ck_assert (verdict.error == WIRE_ERR_NONE && !verdict.append);
    } else if (s_taken (&life->next, nick, i)) {
        ck_assert_int_eq (verdict.error, WIRE_ERR_NICK_TAKEN);
    } else {
        ck_assert (verdict.append);
        strcpy (person->nick, nick);
        s_append (life, &verdict, person);
    }
}

static void s_life_topic (life_t *life, int i, const guid_t *who, const char *topic)
{
    person_model_t *person = &life->next.people[i];
    verdict_t verdict;
    roster_judge_topic (life->book.roster, who, span_of (topic), &verdict);
    bool changes = person->joined && strcmp (life->next.topic, topic) != 0;
    ck_assert_int_eq (verdict.error, person->joined ? WIRE_ERR_NONE : WIRE_ERR_NOT_MEMBER);
    ck_assert_int_eq (verdict.append, changes);
    if (!changes)
        return;
    strcpy (life->next.topic, topic);
    s_append (life, &verdict, person);
}

static void s_life_send (life_t *life, int i, const guid_t *who)
{
    person_model_t *person = &life->next.people[i];
    unsigned d = (unsigned)dice (life->chance, DEVICES);
    device_model_t *device = &person->devices[d];
    uint64_t c = 1 + dice (life->chance, device->last + 2);
    if (dice (life->chance, 2))
        c = device->last + 1;
    if (c > COUNTERS)
        return;
    uint32_t random = (uint32_t)dice (life->chance, 3);
    record_send_t send = kit_send (d, c, random);
    verdict_t verdict;
    roster_judge_send (life->book.roster, who, &send, span_of ("hi"), &verdict);
    if (!person->joined) {
        ck_assert_int_eq (verdict.error, WIRE_ERR_NOT_MEMBER);
    } else if (c == device->last + 1) {
        ck_assert (verdict.append);
        s_append (life, &verdict, person);
        device->last = c;
        device->random[c] = random;
        device->seq[c] = verdict.record.seq;
    } else if (c > device->last) {
        wire_error_t wanted = device->last ? WIRE_ERR_OUT_OF_ORDER : WIRE_ERR_UNKNOWN_DEVICE;
        ck_assert_int_eq (verdict.error, wanted);
    } else if (device->random[c] != random) {
        ck_assert_int_eq (verdict.error, WIRE_ERR_REUSED);
    } else {
        ck_assert (verdict.error == WIRE_ERR_NONE && !verdict.append);
        ck_assert_uint_eq (verdict.seq, device->seq[c]);
    }
}

static void s_life_leave (life_t *life, int i, const guid_t *who)
{
    person_model_t *person = &life->next.people[i];
    verdict_t verdict;
    roster_judge_leave (life->book.roster, who, &verdict);
    ck_assert_int_eq (verdict.append, person->joined);
    if (!person->joined)
        return;
    s_append (life, &verdict, person);
    memset (person, 0, sizeof *person);
}

static void s_life_request (life_t *life)
{
    static const char *const nicks[] = {"ann", "Ann", "ANN", "bob", "bob-2", "ann-2", "cat"};
    static const char *const topics[] = {"", "cats", "dogs"};
    int i = (int)dice (life->chance, PEOPLE);
    guid_t who = kit_who ((unsigned)i + 1);
    switch (dice (life->chance, 9)) {
    case 0:
    case 1:
        s_life_join (life, i, &who, nicks[dice (life->chance, 7)]);
        break;
    case 2:
        s_life_leave (life, i, &who);
        break;
    case 3:
    case 4:
        s_life_nick (life, i, &who, nicks[dice (life->chance, 7)]);
        break;
    case 5:
        s_life_topic (life, i, &who, topics[dice (life->chance, 3)]);
        break;
    default:
        s_life_send (life, i, &who);
    }
}

static void s_life_check (life_t *life)
{
    roster_t *roster = life->book.roster;
    guid_t at = {{0}};
    size_t count = 0;
    for (unsigned i = 0; i < PEOPLE; i++) {
        const person_model_t *person = &life->now.people[i];
        guid_t who = kit_who (i + 1);
        ck_assert_int_eq (roster_is_member (roster, &who), person->joined);
        ck_assert_int_eq (roster_seen (roster, &who), person->seen);
        if (!person->joined) {
            ck_assert_ptr_null (roster_nick (roster, &who));
            continue;
        }
        count++;
        ck_assert_str_eq (roster_nick (roster, &who), person->nick);
        ck_assert (roster_next (roster, &at, &at) && guid_equal (&at, &who));
    }
    ck_assert (!roster_next (roster, &at, &at));
    ck_assert_uint_eq (roster_count (roster), count);
    ck_assert_str_eq (roster_topic (roster), life->now.topic);
}

// A start: what STATE gives, and what replaying the whole log record by record gives, is the same.
static void s_life_start (life_t *life)
{
    roster_t *from_state = kit_through_state (life->book.roster);
    roster_t *replayed = roster_new ();
    for (size_t i = 0; i < life->log->count; i++) {
        reader_t in = reader (life->log->records[i], life->log->sizes[i]);
        record_t record;
        ck_assert_int_eq (record_decode (&record, 0, NULL, &in), 0);
        record.seq = i + 1;
        roster_put (replayed, &record);
        roster_commit (replayed);
    }
    ck_assert (kit_same_roster (life->book.roster, from_state));
    ck_assert (kit_same_roster (life->book.roster, replayed));
    roster_destroy (&replayed);
    roster_discard (life->book.roster);
    roster_destroy (&life->book.roster);
    life->book.roster = from_state;
}

static void s_life_end_job (life_t *life, bool durable)
{
    if (durable) {
        roster_commit (life->book.roster);
        life->now = life->next;
        for (size_t i = 0; i < life->job->count; i++) {
            life->log->records[life->log->count] = life->job->records[i];
            life->log->sizes[life->log->count++] = life->job->sizes[i];
        }
        life->job->count = 0;
    } else {
        roster_discard (life->book.roster);
        life->next = life->now;
        life->book.seq -= life->job->count;
        image_free (life->job);
        life->job = calloc (1, sizeof *life->job);
    }
}

START_TEST (random_lives_agree_with_a_model)
{
    dice_t chance = dice_new ("random_lives_agree_with_a_model");
    for (int round = 0; round < 4; round++) {
        life_t *life = calloc (1, sizeof *life);
        life->book = book_new ();
        life->chance = &chance;
        life->log = calloc (1, sizeof *life->log);
        life->job = calloc (1, sizeof *life->job);
        while (life->log->count + life->job->count < 700) {
            s_life_request (life);
            s_life_check (life);
            size_t what = dice (&chance, 40);
            if (what < 12)
                s_life_end_job (life, what < 8);
            else if (what == 12) {
                s_life_start (life);
                s_life_end_job (life, false);
            }
        }
        roster_destroy (&life->book.roster);
        image_free (life->log);
        image_free (life->job);
        free (life);
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("roster_overlay");
    tcase_add_test (cases, nothing_under_way_is_shown);
    tcase_add_test (cases, discard_leaves_no_trace);
    tcase_add_test (cases, commit_shows_all_of_it);
    tcase_add_test (cases, discard_and_commit_of_nothing_change_nothing);
    tcase_add_test (cases, nicks_swapped_in_a_job_are_swapped_back);
    tcase_add_test (cases, leave_forgets_the_devices_even_if_a_join_follows_in_the_job);
    tcase_add_test (cases, leave_and_rejoin_in_two_jobs_is_the_same);
    tcase_add_test (cases, state_makes_an_equal_roster);
    tcase_add_test (cases, topic_outlives_its_author_in_state);
    tcase_add_test (cases, records_of_strangers_and_unknown_kinds_change_nothing);
    tcase_add_test (cases, impossible_nick_in_a_log_is_none);
    tcase_add_test (cases, random_lives_agree_with_a_model);
    return kit_run (cases, "roster_overlay");
}
