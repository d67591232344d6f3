// survey: which pieces of a damaged log are whole, and what is lost between them.

#include "daemons/group/survey.h"

#include "tests/faults.h"
#include "tests/logs.h"

#include <unistd.h>

enum { SMALL = 900 }; // bytes of a segment

static logs_t s_logs;
static uint64_t s_firsts[64];
static size_t s_segments;
static guid_t s_id;
static int s_dir = -1;
static survey_t *s_survey;
// The segment at hand
static uint8_t *s_bytes;
static size_t s_size;
static size_t s_ends[64];
static size_t s_batches;

static void s_setup (void)
{
    faults_skip_syncs (true);
    logs_init (&s_logs);
    logs_must_open (&s_logs, SMALL);
    logs_jobs (&s_logs, "a message", 30, 2);
    s_id = *log_id (s_logs.log);
    logs_close (&s_logs);
    s_segments = logs_segments (&s_logs, s_firsts, 64);
    ck_assert_uint_ge (s_segments, 4);
    s_dir = open (s_logs.path, O_RDONLY | O_DIRECTORY);
}

static void s_teardown (void)
{
    survey_destroy (&s_survey);
    free (s_bytes);
    s_bytes = NULL;
    close (s_dir);
    faults_reset ();
    logs_free (&s_logs);
}

static void s_load (size_t position)
{
    free (s_bytes);
    s_bytes = logs_load (logs_segment (&s_logs, s_firsts[position]), &s_size);
    s_batches = logs_ends (s_bytes, s_size, s_ends, 64);
}

static void s_save (size_t position, size_t size)
{
    logs_save (logs_segment (&s_logs, s_firsts[position]), s_bytes, size);
}

static const survey_segment_t *s_look (size_t position)
{
    survey_destroy (&s_survey);
    s_survey = survey_new (s_dir, &s_id, NULL);
    ck_assert_ptr_nonnull (s_survey);
    return &s_survey->list[position];
}

static uint64_t s_first_of (size_t batch)
{
    batch_t head;
    size_t at = s_ends[batch];
    ck_assert_int_eq (batch_peek (&head, span (s_bytes + at, s_size - at)), 0);
    return head.first;
}

// The segment's only hole is this one, between whole pieces.
static void s_has_hole (const survey_segment_t *segment, uint64_t from, uint64_t to)
{
    size_t holes = 0;
    ck_assert (s_survey->damaged && segment->damaged && !*s_survey->refusal);
    for (size_t i = 0; i < segment->count; i++)
        if (segment->pieces[i].is_hole) {
            holes++;
            ck_assert_uint_eq (segment->pieces[i].hole.from, from);
            ck_assert_uint_eq (segment->pieces[i].hole.to, to);
        }
    ck_assert_uint_eq (holes, 1);
    ck_assert_uint_eq (s_survey->lost, to + 1 - from);
}

START_TEST (sound_log_is_all_whole)
{
    s_look (0);
    ck_assert (!s_survey->damaged && !s_survey->torn && !*s_survey->refusal);
    ck_assert_uint_eq (s_survey->count, s_segments);
    ck_assert_uint_eq (s_survey->last, 61);
    ck_assert_uint_eq (s_survey->lost, 0);
    for (size_t i = 0; i < s_segments; i++) {
        const survey_segment_t *segment = &s_survey->list[i];
        ck_assert (segment->begins_whole && !segment->damaged && segment->count == 1);
        ck_assert_uint_eq (segment->pieces[0].offset, segment->start);
        ck_assert_uint_eq (segment->pieces[0].end, segment->used);
    }
}
END_TEST

// Any byte of a batch in the middle: this batch is lost, and no other.
START_TEST (every_rotten_byte_loses_one_batch)
{
    s_load (1);
    ck_assert_uint_ge (s_batches, 3);
    uint64_t from = s_first_of (1), to = s_first_of (2) - 1;
    for (size_t at = s_ends[1]; at < s_ends[2]; at++) {
        s_bytes[at] ^= (uint8_t)(1u << at % 8);
        s_save (1, s_size);
        s_has_hole (s_look (1), from, to);
        const survey_piece_t *hole = &s_survey->list[1].pieces[1];
        ck_assert_uint_eq (hole->offset, s_ends[1]);
        ck_assert_uint_eq (hole->end, s_ends[2]);
        s_bytes[at] ^= (uint8_t)(1u << at % 8);
    }
}
END_TEST

START_TEST (rot_at_a_beginning_loses_nothing)
{
    s_load (1);
    for (size_t at = 0; at < s_ends[0]; at++) {
        s_bytes[at] ^= (uint8_t)(1u << at % 8);
        s_save (1, s_size);
        const survey_segment_t *segment = s_look (1);
        ck_assert_msg (segment->damaged && !*s_survey->refusal, "byte %zu", at);
        ck_assert_uint_eq (s_survey->lost, 0);
        ck_assert_int_eq (segment->header_whole, at >= SEGMENT_HEADER);
        ck_assert_int_eq (segment->state_whole, at < SEGMENT_HEADER);
        ck_assert_uint_eq (segment->start, s_ends[0]);
        ck_assert_uint_eq (segment->header.first, s_firsts[1]);
        s_bytes[at] ^= (uint8_t)(1u << at % 8);
    }
}
END_TEST

START_TEST (lost_end_goes_up_to_the_next_segment)
{
    s_load (1);
    uint64_t from = s_first_of (s_batches - 1);
    s_save (1, s_ends[s_batches - 1] + 10);
    s_has_hole (s_look (1), from, s_firsts[2] - 1);
    s_save (1, s_ends[s_batches - 1]); // nothing tells of it but the sequence
    s_has_hole (s_look (1), from, s_firsts[2] - 1);
}
END_TEST

START_TEST (missing_segment_is_a_hole_in_the_one_before)
{
    remove (logs_segment (&s_logs, s_firsts[1]));
    s_has_hole (s_look (0), s_firsts[1], s_firsts[2] - 1);
}
END_TEST

START_TEST (missing_front_is_a_segment_of_its_own)
{
    remove (logs_segment (&s_logs, s_firsts[0]));
    remove (logs_segment (&s_logs, s_firsts[1]));
    s_has_hole (s_look (0), 1, s_firsts[2] - 1);
    ck_assert_ptr_null (s_survey->list[0].segment);
    ck_assert_uint_eq (s_survey->list[0].first, 1);
}
END_TEST

// It says what is missing in front, wherever it lies.
START_TEST (state_behind_garbage_is_heard)
{
    size_t newest = s_segments - 1;
    s_load (newest);
    uint8_t *all = calloc (1, s_size + 16);
    memset (all, 0xee, SEGMENT_HEADER + 16);
    memcpy (all + SEGMENT_HEADER + 16, s_bytes + SEGMENT_HEADER, s_size - SEGMENT_HEADER);
    logs_save (logs_segment (&s_logs, s_firsts[newest]), all, s_ends[s_batches] + 16);
    free (all);
    for (size_t i = 0; i < newest; i++)
        remove (logs_segment (&s_logs, s_firsts[i]));
    s_has_hole (s_look (0), 1, s_firsts[newest] - 1);
    ck_assert_uint_eq (s_survey->oldest, 1);
}
END_TEST

START_TEST (torn_tail_is_no_damage)
{
    size_t newest = s_segments - 1;
    s_load (newest);
    memset (s_bytes + s_ends[s_batches], 7, 100);
    s_save (newest, s_ends[s_batches] + 100);
    const survey_segment_t *segment = s_look (newest);
    ck_assert (!s_survey->damaged && s_survey->torn);
    ck_assert_uint_eq (segment->torn, 100);
    s_save (newest, 50); // its beginning
    segment = s_look (newest);
    ck_assert (!s_survey->damaged && s_survey->torn && segment->unfinished);
    ck_assert_uint_eq (s_survey->last, s_firsts[newest] - 1);
}
END_TEST

// The write of a segment failed, the file was removed, and the log went on in the one before; then
// the file comes back.
START_TEST (segment_that_the_log_went_on_without_is_no_damage)
{
    size_t size;
    logs_must_open (&s_logs, 1 << 26);
    log_close_segment (s_logs.log);
    logs_job (&s_logs, "begins a segment", 3);
    logs_close (&s_logs);
    size_t newest = logs_segments (&s_logs, s_firsts, 64) - 1;
    uint8_t *bytes = logs_load (logs_segment (&s_logs, s_firsts[newest]), &size);
    unlink (logs_segment (&s_logs, s_firsts[newest]));
    logs_forget (&s_logs);
    logs_must_open (&s_logs, 1 << 26);
    logs_job (&s_logs, "acknowledged", 1);
    uint64_t last = log_last (s_logs.log);
    logs_close (&s_logs);
    logs_save (logs_segment (&s_logs, s_firsts[newest]), bytes, size);
    const survey_segment_t *segment = s_look (newest);
    ck_assert (!*s_survey->refusal && !s_survey->damaged && s_survey->torn && segment->unfinished);
    ck_assert_uint_eq (s_survey->last, last);
    free (bytes);
}
END_TEST

// Its last batch says that what was before it in this segment was durable.
START_TEST (last_batch_of_a_headless_newest_segment_is_kept)
{
    size_t newest = s_segments - 1;
    s_load (newest);
    ck_assert_uint_ge (s_batches, 2);
    memset (s_bytes, 0xee, s_ends[s_batches - 1]);
    s_save (newest, s_ends[s_batches]);
    s_has_hole (s_look (newest), s_firsts[newest], s_first_of (s_batches - 1) - 1);
    ck_assert (!s_survey->torn);
    ck_assert_uint_eq (s_survey->last, 61);
}
END_TEST

// A whole batch that is out of place says nothing of the one behind it.
START_TEST (batch_in_the_wrong_place_costs_no_other)
{
    s_load (1);
    ck_assert_uint_ge (s_batches, 3);
    size_t size = s_ends[2] - s_ends[1];
    uint8_t *all = malloc (s_size);
    memcpy (all, s_bytes, s_size);
    uint64_t from = s_first_of (1), to = s_first_of (2) - 1;
    s_load (2);
    ck_assert_uint_eq (s_ends[2] - s_ends[1], size);
    memcpy (all + s_ends[1], s_bytes + s_ends[1], size);
    logs_save (logs_segment (&s_logs, s_firsts[1]), all, s_size);
    s_has_hole (s_look (1), from, to);
    free (all);
}
END_TEST

// A disk wrote a page of a later segment over whole batches: they are lost, and nothing else.
START_TEST (page_of_a_later_place_costs_no_more_than_it_lies_on)
{
    for (size_t later = 1; later <= 2; later++) {
        s_load (later);
        size_t start = s_ends[1], size = s_ends[2] - s_ends[1];
        uint8_t *page = malloc (size);
        memcpy (page, s_bytes + start, size);
        s_load (0);
        ck_assert_uint_ge (s_batches, 4);
        uint8_t *before = malloc (s_size);
        memcpy (before, s_bytes, s_size);
        uint64_t from = s_first_of (1), to = s_first_of (3) - 1;
        memcpy (s_bytes + s_ends[1] + 9, page, size); // it ends in the batch behind
        s_save (0, s_size);
        s_has_hole (s_look (0), from, to);
        logs_save (logs_segment (&s_logs, s_firsts[0]), before, s_size);
        free (before);
        free (page);
    }
}
END_TEST

// A segment is begun when all before it is durable, so what is bad there then is no torn tail.
START_TEST (begun_segment_tells_what_was_durable)
{
    size_t newest = s_segments - 1;
    s_load (newest);
    s_save (newest, SEGMENT_HEADER);
    s_load (newest - 1);
    uint64_t from = s_first_of (s_batches - 1);
    s_bytes[s_ends[s_batches - 1] + 80] ^= 1;
    s_save (newest - 1, s_size);
    s_has_hole (s_look (newest - 1), from, s_firsts[newest] - 1);
    ck_assert_uint_eq (s_survey->list[newest - 1].torn, 0);
    s_save (newest - 1, s_ends[s_batches - 1]);
    s_has_hole (s_look (newest - 1), from, s_firsts[newest] - 1);
    ck_assert_uint_eq (s_survey->last, s_firsts[newest] - 1);
    for (size_t i = 0; i < newest; i++)
        remove (logs_segment (&s_logs, s_firsts[i]));
    s_look (0);
    ck_assert_ptr_nonnull (strstr (s_survey->refusal, "just begun"));
}
END_TEST

START_TEST (bytes_behind_an_older_segment_are_damage_without_loss)
{
    s_load (1);
    uint8_t *longer = calloc (1, s_size + 20);
    memcpy (longer, s_bytes, s_ends[s_batches]);
    memset (longer + s_ends[s_batches], 7, 20);
    logs_save (logs_segment (&s_logs, s_firsts[1]), longer, s_ends[s_batches] + 20);
    free (longer);
    ck_assert (s_look (1)->damaged);
    ck_assert_uint_eq (s_survey->lost, 0);
    ck_assert_uint_eq (s_survey->list[1].used, s_ends[s_batches] + 20);
}
END_TEST

// The batch with other texts, and a right checksum.
static void s_edit (size_t number)
{
    batch_t batch;
    record_t record;
    batch_writer_t out;
    uint8_t made[BATCH_MAX];
    size_t size = s_ends[number + 1] - s_ends[number];
    ck_assert_int_eq (batch_open (&batch, span (s_bytes + s_ends[number], size), &s_id), 0);
    batch_t head = batch;
    batch_begin (&out, made, &head);
    while (batch_next (&batch, &record) == 1) {
        char text[100] = {0};
        memcpy (text, record.text.data, record.text.size);
        text[0] ^= 1;
        record.text = span (text, record.text.size);
        ck_assert_uint_gt (batch_add (&out, &record), 0);
    }
    memcpy (s_bytes + s_ends[number], batch_end (&out, &s_id).data, size);
}

// A batch that is whole by itself, but another one than the chain behind it knows.
START_TEST (broken_chain_drops_no_batch)
{
    s_load (1);
    s_edit (1);
    s_save (1, s_size);
    uint64_t next = s_first_of (2);
    s_has_hole (s_look (1), next, next - 1);
    s_load (1);
    s_edit (1); // back again
    s_edit (s_batches - 1);
    s_save (1, s_size);
    s_has_hole (s_look (1), s_firsts[2], s_firsts[2] - 1);
    ck_assert_uint_eq (s_survey->last, 61);
}
END_TEST

// A batch that is whole, but of another place in the log.
START_TEST (batches_of_other_places_are_not_taken)
{
    s_load (2);
    uint64_t behind_first = s_first_of (0);
    uint8_t behind[BATCH_MAX];
    size_t behind_size = s_ends[1] - s_ends[0];
    memcpy (behind, s_bytes + s_ends[0], behind_size);
    ck_assert_uint_eq (behind_first, s_firsts[2]);
    s_load (1);
    size_t last = s_batches - 1, size = s_ends[last + 1] - s_ends[last];
    uint64_t from = s_first_of (last);
    ck_assert_uint_eq (size, s_ends[last] - s_ends[last - 1]);
    memcpy (s_bytes + s_ends[last], s_bytes + s_ends[last - 1], size); // the one before, again
    s_save (1, s_size);
    s_has_hole (s_look (1), from, s_firsts[2] - 1);
    uint8_t *longer = calloc (1, s_size + BATCH_MAX);
    memcpy (longer, s_bytes, s_ends[last]);
    memcpy (longer + s_ends[last], behind, behind_size); // the next segment's
    logs_save (logs_segment (&s_logs, s_firsts[1]), longer, s_ends[last] + behind_size);
    free (longer);
    s_has_hole (s_look (1), from, s_firsts[2] - 1);
}
END_TEST

START_TEST (segment_of_another_log_is_refused)
{
    segment_header_t header;
    s_load (1);
    ck_assert_int_eq (segment_header_decode (&header, s_bytes), 0);
    header.log.bytes[0] ^= 1;
    segment_header_encode (&header, s_bytes);
    s_save (1, s_size);
    s_look (1);
    ck_assert_ptr_nonnull (strstr (s_survey->refusal, "another log"));
    header.log.bytes[0] ^= 1;
    header.version = 2;
    segment_header_encode (&header, s_bytes);
    s_save (1, s_size);
    s_look (1);
    ck_assert_ptr_nonnull (strstr (s_survey->refusal, "format version 2"));
}
END_TEST

START_TEST (read_error_is_no_damage)
{
    faults_forget ();
    s_look (0);
    int reads = (int)faults_calls (FAULTS_PREAD);
    for (int skip = 0; skip < reads; skip++) {
        faults_fail (FAULTS_PREAD, skip, 1, EIO);
        survey_destroy (&s_survey);
        s_survey = survey_new (s_dir, &s_id, NULL);
        ck_assert_msg (s_survey == NULL, "read %d of %d", skip, reads);
        ck_assert_int_eq (errno, EIO);
    }
}
END_TEST

START_TEST (any_damage_is_surveyed)
{
    dice_t chance = dice_new ("any_damage_is_surveyed");
    for (int i = 0; i < 300; i++) {
        size_t position = dice (&chance, s_segments);
        s_load (position);
        uint8_t *good = malloc (s_size);
        memcpy (good, s_bytes, s_size);
        for (size_t n = 1 + dice (&chance, 5); n > 0; n--) {
            size_t at = dice (&chance, s_ends[s_batches]), size = dice (&chance, 40);
            for (size_t j = at; j < at + size && j < s_size; j++)
                s_bytes[j] = (uint8_t)dice_u64 (&chance);
        }
        s_save (position, s_size);
        s_look (0);
        // What is kept and what is lost make the whole log.
        uint64_t next = 1;
        for (size_t j = 0; j < s_survey->count && !s_survey->list[j].unfinished; j++)
            for (size_t k = 0; k < s_survey->list[j].count; k++) {
                const survey_piece_t *piece = &s_survey->list[j].pieces[k];
                if (piece->is_hole) {
                    ck_assert_uint_eq (piece->hole.from, next);
                    next = piece->hole.to + 1;
                    continue;
                }
                segment_walk_t *walk =
                    segment_walk_new (segments_fd (s_survey->segments, s_survey->list[j].segment),
                                      &s_id, piece->offset, piece->end);
                segment_walk_expect (walk, next, NULL);
                batch_t batch;
                while (segment_walk_next (walk, &batch) == SEGMENT_BATCH)
                    next = batch_last (&batch) + 1;
                ck_assert_uint_eq (segment_walk_offset (walk), piece->end);
                segment_walk_destroy (&walk);
            }
        ck_assert_uint_eq (next, s_survey->last + 1);
        ck_assert (s_survey->last == 61 || s_survey->torn);
        logs_save (logs_segment (&s_logs, s_firsts[position]), good, s_size);
        free (good);
    }
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("survey");
    tcase_add_checked_fixture (cases, s_setup, s_teardown);
    tcase_add_test (cases, sound_log_is_all_whole);
    tcase_add_test (cases, every_rotten_byte_loses_one_batch);
    tcase_add_test (cases, rot_at_a_beginning_loses_nothing);
    tcase_add_test (cases, lost_end_goes_up_to_the_next_segment);
    tcase_add_test (cases, missing_segment_is_a_hole_in_the_one_before);
    tcase_add_test (cases, missing_front_is_a_segment_of_its_own);
    tcase_add_test (cases, state_behind_garbage_is_heard);
    tcase_add_test (cases, torn_tail_is_no_damage);
    tcase_add_test (cases, segment_that_the_log_went_on_without_is_no_damage);
    tcase_add_test (cases, last_batch_of_a_headless_newest_segment_is_kept);
    tcase_add_test (cases, batch_in_the_wrong_place_costs_no_other);
    tcase_add_test (cases, page_of_a_later_place_costs_no_more_than_it_lies_on);
    tcase_add_test (cases, begun_segment_tells_what_was_durable);
    tcase_add_test (cases, bytes_behind_an_older_segment_are_damage_without_loss);
    tcase_add_test (cases, broken_chain_drops_no_batch);
    tcase_add_test (cases, batches_of_other_places_are_not_taken);
    tcase_add_test (cases, segment_of_another_log_is_refused);
    tcase_add_test (cases, read_error_is_no_damage);
    tcase_add_test (cases, any_damage_is_surveyed);
    return kit_run (cases, "survey");
}
