// transcript: the original wire's history reply: the newest lines that fit.
//
// Daemon floor 6, pure but for the log. Made in steps of about 1 MiB: from a place far enough back
// it goes forward and keeps the newest lines; if they do not fill the reply and there is more
// before, from further back again.

#ifndef ZCHAT_TRANSCRIPT_H
#define ZCHAT_TRANSCRIPT_H

#include "daemons/group/log.h"

typedef struct transcript transcript_t;

typedef enum { TRANSCRIPT_MORE, TRANSCRIPT_DONE, TRANSCRIPT_FAILED } transcript_step_t;

// Messages at or after `since` (microseconds; 0: all), at most `max` bytes of lines.
transcript_t *transcript_new (int64_t since, size_t max);
void transcript_destroy (transcript_t **self_p);

transcript_step_t transcript_step (transcript_t *self, log_t *log);

// When done: the lines, joined by newlines. Owned by the transcript.
span_t transcript_text (const transcript_t *self);

#endif
