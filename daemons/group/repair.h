// repair: makes the damaged segments of a log anew, from what a survey found whole.
//
// Daemon floor 4. No whole batch is dropped: each stays as it is, byte by byte, and holes (hole.h)
// stand for what is lost between them. A segment whose header or STATE is damaged gets them again:
// exactly, where the digest in its first batch proves that, else as the records before it make
// them, with an empty hole in front. Each segment is written as a new file and renamed over the old
// one, which stays as `damaged-<microseconds>-<first sequence>`; so a crash leaves each segment old
// or new, and the next repair goes on.

#ifndef ZCHAT_REPAIR_H
#define ZCHAT_REPAIR_H

#include "daemons/group/recovery.h"
#include "daemons/group/survey.h"

// A line about what is wrong or what is done.
typedef void (repair_tell_fn) (void *arg, const char *line);

// Tells what is damaged and, behind a semicolon, what repair_run would do.
void repair_explain (const survey_t *survey, repair_tell_fn *tell, void *arg);

// Does it in the folder `dir`, which the caller has locked since before the survey. Then cuts off
// or sets aside what was never durable, as an opening would. Returns 0, or -1 with trouble set.
int repair_run (int dir, const survey_t *survey, repair_tell_fn *tell, void *arg,
                trouble_t *trouble);

#endif
