// shelf: which file of a log's folder holds which segment.
//
// Daemon floor 1. That is what a file's name says, but files can be renamed, exchanged or copied,
// and a page of one can come to lie in another. A file whose beginning is whole is what its header
// says; a copy of another one counts for nothing; of any other one with a strange header its name
// says what it is, and the header is damaged.

#ifndef ZCHAT_SHELF_H
#define ZCHAT_SHELF_H

#include "daemons/group/segment.h"

typedef struct {
    uint64_t name; // what the file's name says
    segment_header_t
        header;   // its first sequence and, if that is not `name`, where the file belongs
    bool whole;   // the header is one, and of this log; else only its `first` counts
    bool foreign; // it is one of another log
} shelf_file_t;

typedef struct {
    int dir;
    shelf_file_t *files; // by first sequence
    size_t count;
    uint64_t *copies; // names of files that hold the same as another one
    size_t copy_count;
} shelf_t;

// Reads the headers of all segments in the folder `dir`, which is borrowed. NULL with errno.
shelf_t *shelf_new (int dir, const guid_t *log);
void shelf_destroy (shelf_t **self_p);

// A sentence about a file.
typedef void (shelf_tell_fn) (void *arg, const char *line);

// Whether there are files with a wrong name, or copies. Tells of each, unless `tell` is NULL.
bool shelf_astray (const shelf_t *self, shelf_tell_fn *tell, void *arg);

// Gives each file its name, durably; at no time is one missing. Copies become
// damaged-<microseconds>-<name>. Tells what it did. -1 with errno.
int shelf_put_right (shelf_t *self, shelf_tell_fn *tell, void *arg);

#endif
