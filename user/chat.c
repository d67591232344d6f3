#include "user/chat.h"

int chat (context_t *context)
{
    context_say (context, "not there yet");
    return EXIT_USAGE;
}
