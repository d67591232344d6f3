#include "tests/fault/states.h"

#include <czmq.h>

enum { PAGE = 4096, SECTOR = 512, ROOM = 8 * PAGE, TWICE = 10000 };

uint64_t states_dice (states_t *self)
{
    self->dice ^= self->dice << 13;
    self->dice ^= self->dice >> 7;
    self->dice ^= self->dice << 17;
    return self->dice;
}

static truth_file_t s_copy (const truth_file_t *file, size_t room)
{
    truth_file_t copy = {.first = file->first, .size = file->size};
    copy.data = calloc (1, file->size + room + 1);
    assert (copy.data);
    memcpy (copy.data, file->data, file->size);
    return copy;
}

void states_clear (states_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        free (self->files[i].data);
    self->count = 0;
}

// Counts a state. True: it is to be made, from the log as it was written; the newest file has room
// behind its end.
static bool s_next (states_t *self)
{
    bool wanted = self->wanted (self->arg);
    self->at++;
    if (!wanted)
        return false;
    states_clear (self);
    self->dice = (self->seed + self->at) * 0x9e3779b97f4a7c15u | 1;
    self->count = self->truth->segments;
    for (size_t i = 0; i < self->count; i++)
        self->files[i] = s_copy (&self->truth->files[i], i + 1 == self->count ? ROOM : 0);
    return true;
}

static void s_made (states_t *self, const char *what, size_t number)
{
    self->what = what;
    self->number = number;
    self->made (self->arg);
}

static truth_file_t *s_newest (states_t *self)
{
    return &self->files[self->count - 1];
}

static const truth_file_t *s_newest_written (const states_t *self)
{
    return &self->truth->files[self->truth->segments - 1];
}

static void s_garbage (states_t *self, uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)states_dice (self);
}

static void s_remove_file (states_t *self, size_t at)
{
    free (self->files[at].data);
    self->count--;
    memmove (&self->files[at], &self->files[at + 1], (self->count - at) * sizeof self->files[0]);
}

// A file of this name in its place in the order; it takes the place of one that has it.
static void s_add_file (states_t *self, const truth_file_t *file, uint64_t first)
{
    size_t at = 0;
    while (at < self->count && self->files[at].first < first)
        at++;
    if (at < self->count && self->files[at].first == first)
        s_remove_file (self, at);
    memmove (&self->files[at + 1], &self->files[at], (self->count - at) * sizeof self->files[0]);
    self->files[at] = s_copy (file, 0);
    self->files[at].first = first;
    self->count++;
}

static void s_flip (states_t *self, size_t file, const char *what)
{
    for (size_t bit = 0; bit < self->truth->files[file].size * 8; bit++)
        if (s_next (self)) {
            self->files[file].data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            s_made (self, what, bit);
        }
}

void states_of_bits (states_t *self)
{
    s_flip (self, self->truth->segments - 1, "bit of the newest segment");
    s_flip (self, 0, "bit of the first segment");
}

// Alone, with zeros and with garbage behind.
void states_of_cuts (states_t *self)
{
    size_t end = s_newest_written (self)->size;
    for (size_t size = self->truth->batches[self->truth->count - 3].offset; size < end; size++) {
        if (s_next (self)) {
            s_newest (self)->size = size;
            s_made (self, "truncated to", size);
        }
        if (s_next (self)) {
            memset (s_newest (self)->data + size, 0, end - size);
            s_newest (self)->size = end + SECTOR;
            s_made (self, "truncated, zeros behind, to", size);
        }
        if (s_next (self)) {
            s_newest (self)->size = end + SECTOR;
            s_garbage (self, s_newest (self)->data + size, end + SECTOR - size);
            s_made (self, "truncated, garbage behind, to", size);
        }
    }
}

void states_of_junk (states_t *self)
{
    size_t end = s_newest_written (self)->size;
    for (size_t size = 1; size < 6 * PAGE; size += size < 300 ? 1 : 97)
        for (size_t zeros = 0; zeros < 3; zeros++)
            if (s_next (self)) {
                static const char *const names[] = {"appended garbage", "zeros and garbage",
                                                    "appended zeros"};
                truth_file_t *newest = s_newest (self);
                newest->size += size;
                s_garbage (self, newest->data + end + zeros * size / 2, size - zeros * size / 2);
                s_made (self, names[zeros], size);
            }
}

void states_of_sectors (states_t *self)
{
    for (size_t file = 0; file < self->truth->segments; file++)
        for (size_t at = 0; at < self->truth->files[file].size; at += SECTOR)
            if (s_next (self)) {
                size_t left = self->files[file].size - at;
                memset (self->files[file].data + at, 0, left < SECTOR ? left : SECTOR);
                s_made (self, "zeroed sector at", file * 10000000 + at);
            }
}

// Puts what lies there in `from` into the file's page.
static void s_put_page (truth_file_t *file, size_t page, const truth_file_t *from, size_t at)
{
    size_t place = page * PAGE, size = from->size > at ? from->size - at : 0;
    size_t room = file->size - place < PAGE ? file->size - place : PAGE;
    memset (file->data + place, 0, room);
    memcpy (file->data + place, from->data + at, size < room ? size : room);
}

static void s_old_pages (states_t *self)
{
    const truth_t *truth = self->truth;
    const truth_file_t *file = s_newest_written (self);
    for (size_t page = 0; page * PAGE < file->size; page++)
        for (size_t job = 0; job < truth->jobs; job++)
            if (truth->before[job].first == file->first && s_next (self)) {
                s_put_page (s_newest (self), page, &truth->before[job], page * PAGE);
                s_made (self, "page as it was", page * 1000 + job);
            }
}

static void s_other_pages (states_t *self, size_t file, size_t page)
{
    const truth_t *truth = self->truth;
    for (size_t segment = 0; segment < truth->segments; segment++)
        for (size_t at = 0; at < truth->files[segment].size; at += PAGE)
            if (s_next (self)) {
                size_t number = ((file * 100 + page) * 100 + segment) * 100000 + at;
                s_put_page (&self->files[file], page, &truth->files[segment], at);
                s_made (self, "page of another place", number);
            }
}

void states_of_pages (states_t *self)
{
    const truth_t *truth = self->truth;
    s_old_pages (self);
    for (size_t file = 0; file < truth->segments; file++)
        for (size_t page = 0; page * PAGE < truth->files[file].size; page++)
            s_other_pages (self, file, page);
}

// Segments that are missing or short.
static void s_files_less (states_t *self)
{
    static const size_t sizes[] = {
        0, 1, 40, SEGMENT_HEADER - 1, SEGMENT_HEADER, SEGMENT_HEADER + 1, 300, 1000};
    for (size_t i = 0; i < self->truth->segments; i++) {
        for (size_t j = i; j < self->truth->segments; j++)
            if (s_next (self)) {
                for (size_t lost = i; lost <= j; lost++)
                    s_remove_file (self, i);
                s_made (self, "missing segments", i * 100 + j);
            }
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
            if (s_next (self)) {
                self->files[i].size = sizes[s];
                s_made (self, "short segment", i * 10000 + sizes[s]);
            }
    }
}

// Segments that are too many, or others than they should be.
static void s_files_more (states_t *self, size_t i)
{
    const truth_t *truth = self->truth;
    uint64_t first = truth->files[i].first;
    truth_file_t empty = {.data = (uint8_t *)"", .size = 0};
    if (s_next (self)) {
        s_add_file (self, &self->other->files[0], first);
        s_made (self, "segment of another log for", i);
    }
    if (s_next (self)) {
        s_add_file (self, &empty, first + 1);
        s_made (self, "empty segment behind the beginning of", i);
    }
    if (s_next (self)) {
        s_add_file (self, &truth->files[i], truth->last + 1);
        s_made (self, "doubled segment behind", i);
    }
    if (s_next (self)) {
        s_add_file (self, &truth->files[i], truth->last + 1);
        s_newest (self)->size = 60;
        s_made (self, "begun segment behind", i);
    }
    for (size_t j = 0; j < truth->segments; j++) {
        if (s_next (self)) {
            s_add_file (self, &truth->files[j], first);
            s_made (self, "segment under another's name", i * 100 + j);
        }
        if (s_next (self)) {
            s_add_file (self, &truth->files[j], first + 1);
            s_made (self, "doubled segment between", i * 100 + j);
        }
    }
}

void states_of_files (states_t *self)
{
    s_files_less (self);
    for (size_t i = 0; i < self->truth->segments; i++)
        s_files_more (self, i);
    if (s_next (self)) {
        truth_file_t empty = {.data = (uint8_t *)"", .size = 0};
        s_add_file (self, &empty, self->truth->last + 1);
        s_made (self, "empty segment behind the end", 0);
    }
}

// One change by chance.
static void s_hurt (states_t *self)
{
    if (self->count == 0)
        return;
    truth_file_t *file = &self->files[states_dice (self) % self->count];
    if (file->size == 0)
        return;
    size_t at = states_dice (self) % file->size, left = file->size - at;
    switch (states_dice (self) % 5) {
    case 0:
        file->data[at] ^= (uint8_t)(1u << states_dice (self) % 8);
        break;
    case 1:
        memset (file->data + at, 0, left < SECTOR ? left : SECTOR);
        break;
    case 2:
        file->size = at;
        break;
    case 3: {
        size_t from = states_dice (self) % file->size, size = 1 + states_dice (self) % 2000;
        size_t most = left < file->size - from ? left : file->size - from;
        memmove (file->data + at, file->data + from, size < most ? size : most);
        break;
    }
    default:
        if (self->count > 1)
            s_remove_file (self, states_dice (self) % self->count);
    }
}

void states_of_two (states_t *self)
{
    for (size_t i = 0; i < TWICE; i++)
        if (s_next (self)) {
            s_hurt (self);
            s_hurt (self);
            s_made (self, "two changes by chance", i);
        }
}
