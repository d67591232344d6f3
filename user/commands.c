#include "user/commands.h"

#include "user/chat.h"
#include "user/follow.h"
#include "user/reading.h"
#include "user/sending.h"
#include "user/writing.h"

static const command_t s_table[] = {
    {.name = "chat",
     .usage = "[GROUP...]",
     .max = COMMAND_MANY,
     .summary = "The conversation, in these groups or those of last time",
     .help = "A typed line is sent to the current group; what comes is shown above it. Lines that "
             "begin\n"
             "with a slash are commands, see /help; two slashes begin a text with one. Offers to "
             "join.\n",
     .run = chat},
    {.name = "groups",
     .usage = "",
     .summary = "List the groups that the registries know",
     .help = "",
     .run = reading_groups},
    {.name = "join",
     .usage = "GROUP",
     .min = 1,
     .max = 1,
     .summary = "Become a member",
     .help = "The nick is your login name, or the next free form of it.\n",
     .run = writing_join},
    {.name = "leave",
     .usage = "GROUP",
     .min = 1,
     .max = 1,
     .summary = "Be no member any more",
     .help = "",
     .run = writing_leave},
    {.name = "send",
     .usage = "GROUP [TEXT...|-|--lines]",
     .min = 2,
     .max = COMMAND_MANY,
     .options = COMMAND_LINES,
     .text = true,
     .summary = "Send a message; done means on disk",
     .help =
         "With - all of stdin is one message (without a final newline), with --lines each line\n"
         "that is not empty. After GROUP only a first -, --lines or -- is an option.\n",
     .run = sending},
    {.name = "messages",
     .usage = "GROUP",
     .min = 1,
     .max = 1,
     .options = COMMAND_AFTER | COMMAND_BEFORE | COMMAND_LIMIT,
     .summary = "Print what was said, oldest first",
     .help = "",
     .run = reading_messages},
    {.name = "follow",
     .usage = "GROUP...",
     .min = 1,
     .max = COMMAND_MANY,
     .options = COMMAND_AFTER | COMMAND_COUNT,
     .summary = "Print what is said as it comes",
     .help = "Begins with the next record, or after WHEN; reconnects for ever.\n",
     .run = follow},
    {.name = "who",
     .usage = "GROUP",
     .min = 1,
     .max = 1,
     .summary = "List the members",
     .help = "",
     .run = reading_who},
    {.name = "nick",
     .usage = "GROUP NICK",
     .min = 2,
     .max = 2,
     .summary = "Change your nick there",
     .help = "A nick is 1 to 32 bytes without blanks; one that is taken is refused.\n",
     .run = writing_nick},
    {.name = "topic",
     .usage = "GROUP [TEXT]",
     .min = 1,
     .max = COMMAND_MANY,
     .summary = "Print the topic, or change it",
     .help = "",
     .run = writing_topic},
    {.name = "whoami",
     .usage = "",
     .summary = "Print your UUID, nick and public key",
     .help = "",
     .run = reading_whoami},
};

const command_t *commands_table (size_t *count)
{
    *count = sizeof s_table / sizeof s_table[0];
    return s_table;
}
