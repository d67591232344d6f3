// advice: what to do about a refusal.
//
// Floor 4, pure.

#ifndef ZCHAT_ADVICE_H
#define ZCHAT_ADVICE_H

#include "common/wire.h"

// A sentence for people that says what to do next, without a full stop; "" where the refusal's own
// says it all.
const char *advice (wire_error_t error);

#endif
