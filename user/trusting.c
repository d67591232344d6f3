#include "user/trusting.h"

#include "user/accepting.h"
#include "user/card.h"
#include "user/trusted.h"
#include "user/writing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { TYPED_MAX = 2 * INVITATION_TEXT };

static int64_t s_now (void)
{
    struct timeval now;
    gettimeofday (&now, NULL);
    return (int64_t)now.tv_sec * 1000000 + now.tv_usec;
}

// stdin as text; "" when nothing can be read.
static char *s_read_stdin (void)
{
    char *text = calloc (1, TYPED_MAX + 1);
    size_t used = 0;
    ssize_t got = 1;
    while (text && got > 0 && used < TYPED_MAX) {
        got = read (STDIN_FILENO, text + used, TYPED_MAX - used);
        if (got < 0 && errno == EINTR)
            got = 1;
        else
            used += got > 0 ? (size_t)got : 0;
    }
    return text;
}

// Why it is not to be trusted, as a sentence; NULL: it may be.
static const char *s_wrong (invitation_t *invitation, span_t bytes, int64_t now)
{
    if (bytes.size == 0)
        return "this is no invitation: one begins with zchat1. and is copied as a whole";
    const char *wrong = invitation_parse (invitation, bytes);
    if (wrong)
        return wrong;
    if (!invitation_is_signed (invitation))
        return invitation_verdict_text (INVITATION_FORGED);
    return invitation_is_expired (invitation, now)
               ? "the invitation is expired: ask for a new one, and see that this clock is right"
               : NULL;
}

static void s_print (context_t *context, const invitation_t *invitation, bool new)
{
    endpoint_t endpoint;
    char place[ENDPOINT_TEXT], *line = NULL;
    if (context_line (context)->json) {
        context_print (context, card_json (invitation, NULL));
        return;
    }
    char *sentence = card_sentence (invitation);
    if (!sentence || asprintf (&line, "%s %s\n", new ? "trusted" : "known already:", sentence) < 0)
        line = NULL;
    free (sentence);
    context_print (context, line);
    for (size_t i = 0; invitation_registry (invitation, i, &endpoint) == 0; i++)
        if (asprintf (&line, "registry %s\n", endpoint_print (&endpoint, place)) >= 0)
            context_print (context, line);
}

static int s_trust (context_t *context, const char *text)
{
    uint8_t bytes[INVITATION_MAX];
    invitation_t invitation;
    int64_t now = s_now ();
    const identity_t *identity = context_lasting_identity (context);
    if (!identity || !identity_path (identity))
        return EXIT_CONFIG;
    const char *wrong =
        s_wrong (&invitation, span (bytes, invitation_scan (text, strlen (text), bytes)), now);
    if (wrong) {
        context_say (context, "%s", wrong);
        return EXIT_REFUSED;
    }
    int kept = trusted_keep (identity_path (identity), &invitation, now);
    if (kept < 0) {
        context_say (context, "%s: %s", identity_path (identity), strerror (errno));
        return EXIT_NOT_NOW;
    }
    s_print (context, &invitation, kept > 0);
    context_flush (context);
    return EXIT_DONE;
}

int trusting (context_t *context)
{
    const command_line_t *line = context_line (context);
    if (line->accept)
        return accepting (context);
    bool from_stdin = line->arg_count == 1 && strcmp (line->args[0], "-") == 0;
    char *text = from_stdin ? s_read_stdin () : writing_words (line->args, line->arg_count);
    if (!text)
        return EXIT_NOT_NOW;
    int code = s_trust (context, text);
    free (text);
    return code;
}
