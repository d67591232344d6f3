// truth: a log as it was written, in memory, and what its rules say of any other bytes in its
// place.
//
// Nothing here reads a batch: a whole batch is one whose bytes are those that were written.

#ifndef ZCHAT_TESTS_TRUTH_H
#define ZCHAT_TESTS_TRUTH_H

#include "daemons/group/segment.h"

enum { TRUTH_BATCHES = 512, TRUTH_SEGMENTS = 16, TRUTH_JOBS = 128, TRUTH_SEQS = 1024 };
enum { TRUTH_FILES = TRUTH_SEGMENTS + 4 }; // of a folder

typedef struct {
    uint64_t first;
    uint64_t last;
    uint64_t durable; // the last record that was durable when it was written
    const uint8_t *data;
    size_t size;
    size_t segment;
    size_t offset;
} truth_batch_t;

// A file of the log: a segment's bytes, or whatever stands in its place.
typedef struct {
    uint64_t first; // its name
    uint8_t *data;
    size_t size;
} truth_file_t;

typedef struct {
    guid_t id;
    truth_batch_t batches[TRUTH_BATCHES];
    size_t count;
    truth_file_t files[TRUTH_SEGMENTS]; // without zeros at their ends
    size_t starts[TRUTH_SEGMENTS];      // offset of the first batch
    size_t segments;
    uint64_t last;
    int64_t times[TRUTH_SEQS];       // of each record
    truth_file_t before[TRUTH_JOBS]; // the newest segment after each job, for old pages
    size_t jobs;
} truth_t;

// What is to be written.
typedef struct {
    uint64_t seed;
    size_t segment; // bytes
    size_t older;   // segments before the newest
    size_t records; // of the newest
    size_t text;    // bytes of a text, about
    bool images;    // texts hold images of batches
} truth_shape_t;

// Writes a log in the folder, which is made, and reads its bytes.
truth_t *truth_new (const char *folder, const truth_shape_t *shape);
void truth_destroy (truth_t **self_p);

// The batch whose bytes are here, NULL: none.
const truth_batch_t *truth_at (const truth_t *self, const uint8_t *data, size_t size);

typedef enum { TRUTH_SOUND, TRUTH_TORN, TRUTH_DAMAGED } truth_verdict_t;

// What must become of a folder with these files.
typedef struct {
    bool opens; // else it must be refused
    bool read_only;
    uint64_t last;
    size_t torn;             // files set aside
    bool astray;             // files have wrong names, or are copies
    bool served[TRUTH_SEQS]; // records that must be served
    truth_verdict_t verdict; // of zchat-log verify
} truth_fate_t;

void truth_judge (const truth_t *self, const truth_file_t *files, size_t count, truth_fate_t *fate);

#endif
