#include "common/credit.h"

credit_t credit_begin (void)
{
    return (credit_t){0, CREDIT_AT_HEAD, CREDIT_AT_HEAD};
}

bool credit_received (credit_t *self, uint64_t bytes, bool behind)
{
    uint64_t window = behind ? CREDIT_BEHIND : CREDIT_AT_HEAD;
    self->received += bytes;
    if (self->granted >= self->received + window / 2)
        return false;
    self->granted = self->received + window;
    return true;
}

uint64_t credit_ask (credit_t *self)
{
    if (self->granted < self->received + self->asks)
        self->granted = self->received + self->asks;
    if (self->asks < CREDIT_BEHIND)
        self->asks *= 2;
    return self->granted;
}
