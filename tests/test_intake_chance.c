// Requests, faults and ends by chance: each request has one answer, and the log agrees with it.

#include "daemons/group/intake.h"

#include "tests/faults.h"
#include "tests/intake_kit.h"

// A record in the log for every request that was stored, of it and nothing else.
static void s_log_agrees (void)
{
    static uint32_t by_seq[TAGS];
    memset (by_seq, 0, sizeof by_seq);
    for (uint32_t tag = 1; tag <= s_tags; tag++) {
        if (!s_fates[tag].appended)
            continue;
        ck_assert_uint_lt (s_fates[tag].seq, TAGS);
        ck_assert_uint_eq (by_seq[s_fates[tag].seq], 0);
        by_seq[s_fates[tag].seq] = tag;
    }
    segments_page_t page;
    for (uint64_t seq = 1; seq <= log_last (s_log); seq = page.last + 1) {
        record_why_t why;
        batch_t batch;
        record_t record;
        segments_read_t rc;
        while ((rc = log_read (s_log, seq, UINT64_MAX, 1, &page, &why)) == SEGMENTS_LATER)
            ;
        ck_assert_int_eq (rc, SEGMENTS_PAGE);
        ck_assert_int_eq (batch_open (&batch, page.batches, log_id (s_log)), 0);
        while (batch_next (&batch, &record) == 1) {
            const fate_t *fate = &s_fates[by_seq[record.seq]];
            guid_t who = s_who (fate->who);
            if (record.kind == RECORD_OPEN)
                continue;
            ck_assert_msg (by_seq[record.seq] > 0, "nobody was told of record %d", (int)record.seq);
            ck_assert (guid_equal (&record.author, &who));
            ck_assert_int_eq (record.time, fate->time);
            if (fate->kind == WIRE_SEND || fate->kind == WIRE_TOPIC)
                ck_assert (span_equal (record.text, span_of (fate->text)));
        }
        free (page.buffer);
    }
}

static bool s_left_between (unsigned who, uint64_t from, uint64_t to)
{
    for (uint32_t tag = 1; tag <= s_tags; tag++) {
        const fate_t *fate = &s_fates[tag];
        if (fate->kind == WIRE_LEAVE && fate->appended && fate->who == who && from < fate->seq &&
            fate->seq < to)
            return true;
    }
    return false;
}

// As long as its author is a member, the same send is stored once.
static void s_stored_once (void)
{
    for (uint32_t a = 1; a <= s_tags; a++)
        for (uint32_t b = a + 1; b <= s_tags; b++) {
            const fate_t *one = &s_fates[a], *two = &s_fates[b];
            if (one->kind == WIRE_SEND && two->kind == WIRE_SEND && one->who == two->who &&
                one->send.counter > 0 && one->send.counter == two->send.counter && one->appended &&
                two->appended)
                ck_assert (s_left_between (one->who, one->seq, two->seq));
        }
}

static void s_random_fault (dice_t *chance)
{
    static const int errors[] = {ENOSPC, EIO, EDQUOT};
    int skip = (int)dice (chance, 3), count = 1 + (int)dice (chance, 3);
    int error = errors[dice (chance, 3)];
    switch (dice (chance, 6)) {
    case 0:
        faults_fail (FAULTS_PWRITE, skip, count, error);
        break;
    case 1:
        faults_shorten (FAULTS_PWRITE, skip, count, dice (chance, 40));
        break;
    case 2:
        faults_set_space (dice (chance, 500));
        faults_grow_space_after_failure (dice (chance, 2) ? 1 << 20 : 0);
        break;
    case 3:
        faults_fail (FAULTS_FALLOCATE, 0, count, error);
        break;
    case 4:
        faults_fail (FAULTS_OPENAT, 0, 1, error);
        break;
    default:
        faults_fail (FAULTS_PWRITE, 0, 0, 0);
        faults_fail (FAULTS_FALLOCATE, 0, 0, 0);
        faults_fail (FAULTS_OPENAT, 0, 0, 0);
        faults_set_space (UINT64_MAX);
    }
}

static void s_random_request (dice_t *chance, uint64_t counters[8])
{
    static const char *const nicks[] = {"ann", "bob", "Ann", "cat", "dog"};
    unsigned who = (unsigned)dice (chance, 6);
    char text[20];
    snprintf (text, sizeof text, "t%u", s_tags);
    switch (dice (chance, 10)) {
    case 0:
    case 1:
        s_ask (WIRE_JOIN, who, nicks[dice (chance, 5)]);
        break;
    case 2:
        s_ask (WIRE_LEAVE, who, "");
        break;
    case 3:
        s_ask (WIRE_NICK, who, nicks[dice (chance, 5)]);
        break;
    case 4:
        s_ask (WIRE_TOPIC, who, text);
        break;
    case 5:
        s_send (who, 0, 0);
        break;
    default: // the next one of its device, or one of the last again
        if (dice (chance, 3))
            counters[who]++;
        s_send (who, counters[who] ? counters[who] : 1, 99);
    }
}

static void s_heal (void)
{
    faults_reset ();
    faults_skip_syncs (true);
    s_mono += INTAKE_RETRY;
}

static void s_random_life (dice_t *chance, bool ends)
{
    uint64_t counters[8] = {0};
    bool ended = false;
    intake_open (s_intake, s_now);
    for (int i = 0; i < 60 && !ended; i++) {
        size_t what = dice (chance, 10);
        if (what == 0)
            s_random_fault (chance);
        else if (what < 6)
            s_random_request (chance, counters);
        else if (what == 6)
            s_mono += (int64_t)dice (chance, 2 * INTAKE_RETRY);
        else
            s_turn (dice (chance, 2) ? -1 : 0);
        if (ends && s_finals == 0 && dice (chance, 40) == 0)
            faults_fail (FAULTS_FDATASYNC, 0, 1, EIO);
        if (ends && dice (chance, 60) == 0) {
            intake_stop (s_intake);
            ended = true;
        }
        ended = ended || s_finals > 0;
    }
}

static void s_is_over (void)
{
    s_heal ();
    s_until_idle ();
    for (uint32_t tag = 1; tag <= s_tags; tag++)
        ck_assert_msg (s_fates[tag].answers == 1, "request %u was answered %d times", tag,
                       s_fates[tag].answers);
    s_log_agrees ();
    s_stored_once ();
    if (s_finals > 0)
        return; // the last job may be on disk or not
    // What the group knows is what its log says.
    size_t members = roster_count (s_roster);
    char *topic = strdup (roster_topic (s_roster));
    s_close ();
    s_open (LARGE);
    ck_assert_uint_eq (roster_count (s_roster), members);
    ck_assert_str_eq (roster_topic (s_roster), topic);
    ck_assert_str_eq (log_notice (s_log), "");
    free (topic);
}

static void s_live_often (const char *name, int lives, bool ends)
{
    dice_t chance = dice_new (name);
    for (int i = 0; i < lives; i++) {
        s_close ();
        folder_remove (&s_folder);
        s_folder = folder_new ();
        s_tags = 0;
        s_answered = 0;
        s_troubles = s_trouble_error = s_finals = 0;
        s_open (500 + dice (&chance, 3000));
        s_random_life (&chance, ends);
        s_is_over ();
    }
}

START_TEST (every_request_has_one_answer_on_a_faulty_disk)
{
    s_live_often ("every_request_has_one_answer_on_a_faulty_disk", 150, false);
}
END_TEST

START_TEST (every_request_has_one_answer_when_it_ends)
{
    s_live_often ("every_request_has_one_answer_when_it_ends", 150, true);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("intake_chance");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_set_timeout (cases, 30);
    tcase_add_test (cases, every_request_has_one_answer_on_a_faulty_disk);
    tcase_add_test (cases, every_request_has_one_answer_when_it_ends);
    return kit_run (cases, "intake_chance");
}
