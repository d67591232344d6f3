#include "user/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define PASTE_ON  "\x1b[?2004h"
#define PASTE_OFF "\x1b[?2004l"

struct terminal {
    struct termios before;
};

// For exit (): the one that is to be put back.
static terminal_t *s_active;

bool terminal_is_there (void)
{
    return isatty (STDIN_FILENO) && isatty (STDOUT_FILENO);
}

static int s_width (int fd)
{
    struct winsize size;
    return ioctl (fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int terminal_width (void)
{
    return s_width (STDOUT_FILENO);
}

int terminal_error_width (void)
{
    return s_width (STDERR_FILENO);
}

void terminal_write (const char *text)
{
    size_t size = strlen (text);
    while (size > 0) {
        ssize_t put = write (STDOUT_FILENO, text, size);
        if (put < 0 && errno != EINTR)
            return;
        text += put > 0 ? put : 0;
        size -= put > 0 ? (size_t)put : 0;
    }
}

static int s_set (const terminal_t *self)
{
    struct termios raw = self->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IXON | ISTRIP);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr (STDIN_FILENO, TCSADRAIN, &raw) < 0)
        return -1;
    terminal_write (PASTE_ON);
    return 0;
}

static void s_put_back (const terminal_t *self)
{
    terminal_write (PASTE_OFF);
    tcsetattr (STDIN_FILENO, TCSADRAIN, &self->before);
}

static void s_at_exit (void)
{
    if (s_active)
        s_put_back (s_active);
}

terminal_t *terminal_new (void)
{
    static bool registered;
    terminal_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    if (tcgetattr (STDIN_FILENO, &self->before) < 0 || s_set (self) < 0) {
        free (self);
        return NULL;
    }
    s_active = self;
    if (!registered)
        registered = atexit (s_at_exit) == 0;
    return self;
}

void terminal_destroy (terminal_t **self_p)
{
    terminal_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    s_put_back (self);
    s_active = NULL;
    free (self);
}

void terminal_stop (terminal_t *self)
{
    s_put_back (self);
    raise (SIGSTOP);
    // Continued. The shell may have changed the terminal meanwhile: what is there now is put back.
    terminal_renew (self);
}

void terminal_renew (terminal_t *self)
{
    struct termios now;
    // After a plain SIGSTOP the terminal may still be ours: that is not what was before.
    if (tcgetattr (STDIN_FILENO, &now) == 0 && (now.c_lflag & ICANON))
        self->before = now;
    s_set (self);
}
