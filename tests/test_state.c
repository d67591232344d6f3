// state: a segment's header and STATE batches, made and read again.

#include "daemons/group/state.h"

#include "tests/folder.h"
#include "tests/kit.h"

#include <fcntl.h>
#include <unistd.h>

static const guid_t s_log = {{7}};

// All records of the STATE batches in these bytes, joined by sizes of nicks and sends.
static size_t s_count (span_t bytes, size_t *batches)
{
    size_t records = 0;
    batch_t batch;
    record_t record;
    for (*batches = 0; bytes.size > 0; (*batches)++) {
        ck_assert_int_eq (batch_open (&batch, bytes, &s_log), 0);
        ck_assert_int_eq (batch.type, BATCH_TYPE_STATE);
        ck_assert_uint_eq (batch.first, 42);
        while (batch_next (&batch, &record) == 1)
            records++;
        bytes = span (bytes.data + batch.bytes.size, bytes.size - batch.bytes.size);
    }
    return records;
}

START_TEST (header_and_state_can_be_read)
{
    state_t *state = state_new (&s_log, 42);
    record_t join = {.kind = RECORD_JOIN, .author = {{1}}, .nick = span_of ("ann"), .time = 5};
    segment_header_t header = {.time = 99}, read;
    uint8_t digest[BATCH_DIGEST];
    size_t batches;
    header.chain.bytes[0] = 3;
    state_put_log (state, 4, 17, RECORD_WHY_AGE, 99);
    state_put (state, &join);
    span_t bytes = state_end (state, &header, digest);
    ck_assert_int_eq (segment_header_decode (&read, bytes.data), 0);
    ck_assert_uint_eq (read.first, 42);
    ck_assert_int_eq (read.time, 99);
    ck_assert_uint_eq (read.state_size, bytes.size - SEGMENT_HEADER);
    ck_assert (guid_equal (&read.log, &s_log) && chain_equal (&read.chain, &header.chain));
    span_t rest = span (bytes.data + SEGMENT_HEADER, bytes.size - SEGMENT_HEADER);
    ck_assert_uint_eq (s_count (rest, &batches), 2);
    ck_assert_uint_eq (batches, 1);
    batch_t batch;
    record_t record;
    ck_assert_int_eq (batch_open (&batch, rest, &s_log), 0);
    ck_assert_int_eq (batch_next (&batch, &record), 1);
    ck_assert_int_eq (record.kind, RECORD_STATE_LOG);
    ck_assert_uint_eq (record_option_number (&record, RECORD_OPT_GENERATION, 0), 4);
    ck_assert_uint_eq (record_option_number (&record, RECORD_OPT_OLDEST, 0), 17);
    ck_assert_uint_eq (record_option_number (&record, RECORD_OPT_WHY, 0), RECORD_WHY_AGE);
    state_destroy (&state);
    ck_assert_ptr_null (state);
}
END_TEST

START_TEST (state_takes_as_many_batches_as_it_needs)
{
    uint8_t bytes[9000] = {1};
    uint8_t options[9010];
    writer_t put = writer (options, sizeof options);
    record_put_option (&put, RECORD_OPT_SENDS, bytes, sizeof bytes);
    record_t device = {.kind = RECORD_STATE_DEVICE,
                       .author = {{1}},
                       .options = span (options, writer_used (&put))};
    state_t *state = state_new (&s_log, 42);
    segment_header_t header = {.time = 0};
    uint8_t digest[BATCH_DIGEST];
    size_t batches;
    for (int i = 0; i < 2500; i++)
        state_put (state, &device);
    span_t all = state_end (state, &header, digest);
    ck_assert_uint_eq (
        s_count (span (all.data + SEGMENT_HEADER, all.size - SEGMENT_HEADER), &batches), 2500);
    ck_assert_uint_gt (batches, 2500 / 8);
    state_destroy (&state);
}
END_TEST

START_TEST (digest_is_that_of_the_file)
{
    folder_t folder = folder_new ();
    state_t *state = state_new (&s_log, 42);
    segment_header_t header = {.time = 99};
    uint8_t digest[BATCH_DIGEST], read[BATCH_DIGEST];
    state_put_log (state, 1, 1, RECORD_WHY_NONE, 0);
    span_t bytes = state_end (state, &header, digest);
    int fd = open (folder_write (&folder, "segment", bytes.data, bytes.size), O_RDONLY);
    ck_assert_int_ge (fd, 0);
    ck_assert_int_eq (segment_digest (fd, bytes.size, read), 0);
    ck_assert_mem_eq (digest, read, sizeof digest);
    close (fd);
    state_destroy (&state);
    folder_remove (&folder);
}
END_TEST

int main (void)
{
    TCase *cases = tcase_create ("state");
    tcase_add_test (cases, header_and_state_can_be_read);
    tcase_add_test (cases, state_takes_as_many_batches_as_it_needs);
    tcase_add_test (cases, digest_is_that_of_the_file);
    return kit_run (cases, "state");
}
