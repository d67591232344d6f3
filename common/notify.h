// notify: what systemd is told. Without systemd every call does nothing.
//
// Floor 1; the only file that touches sd_notify.

#ifndef ZCHAT_NOTIFY_H
#define ZCHAT_NOTIFY_H

#include <stdint.h>

void notify_ready (const char *status);
void notify_status (const char *status);
void notify_stopping (const char *status);
void notify_alive (void); // WATCHDOG=1

// Start or stop may take so many more seconds from now.
void notify_extend (int seconds);

// How often notify_alive must be called at least, in microseconds; 0: nobody waits for it.
uint64_t notify_watchdog (void);

#endif
