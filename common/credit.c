#include "common/credit.h"

credit_t credit_begin (void)
{
    return (credit_t){0, CREDIT_AT_HEAD, 0, 0};
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

uint64_t credit_ask (credit_t *self, int64_t now)
{
    bool quick = self->asks > 0 && now - self->asked < CREDIT_QUICK;
    self->asks = quick ? 2 * self->asks : self->asks / 2;
    if (self->asks < CREDIT_AT_HEAD)
        self->asks = CREDIT_AT_HEAD;
    if (self->asks > CREDIT_BEHIND)
        self->asks = CREDIT_BEHIND;
    self->asked = now;
    if (self->granted < self->received + self->asks)
        self->granted = self->received + self->asks;
    return self->granted;
}
