#include "user/slash.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    slash_kind_t kind;
    bool needs; // an argument
    const char *help;
} s_table[] = {
    {"who", SLASH_WHO, false, "/who               who is a member, and who of them is present"},
    {"nick", SLASH_NICK, true, "/nick NICK         change your nick here"},
    {"topic", SLASH_TOPIC, false, "/topic [TEXT]      print the topic, or change it"},
    {"messages", SLASH_MESSAGES, false,
     "/messages [N|WHEN] the last N records (20), or those since: -15m, 07:00:00, #7"},
    {"join", SLASH_JOIN, true, "/join GROUP        join a group and talk there"},
    {"leave", SLASH_LEAVE, false, "/leave             be no member of this group any more"},
    {"group", SLASH_GROUP, true, "/group GROUP       talk in that group (also: Tab)"},
    {"groups", SLASH_GROUPS, false, "/groups            the groups that the registries know"},
    {"invite", SLASH_DEED, true, "/invite UUID       let somebody join here"},
    {"kick", SLASH_DEED, true,
     "/kick WHO          end somebody's membership; WHO: a nick or a UUID"},
    {"ban", SLASH_DEED, true, "/ban WHO           the same, and they cannot join again"},
    {"unban", SLASH_DEED, true, "/unban WHO         they can"},
    {"mute", SLASH_DEED, true, "/mute WHO          let somebody read, but not send"},
    {"unmute", SLASH_DEED, true, "/unmute WHO        let them send again"},
    {"op", SLASH_DEED, true, "/op WHO            make a member an operator"},
    {"deop", SLASH_DEED, true, "/deop WHO          make an operator a plain member"},
    {"help", SLASH_HELP, false, "/help              print this"},
    {"quit", SLASH_QUIT, false, "/quit              end (also: Ctrl-D); you stay a member"},
};

enum { ROWS = sizeof s_table / sizeof s_table[0] };

const char *slash_help (size_t index)
{
    return index < ROWS ? s_table[index].help : NULL;
}

static void s_fail (slash_t *self, const char *before, const char *word, size_t size,
                    const char *after)
{
    self->kind = SLASH_UNKNOWN;
    snprintf (self->error, SLASH_ERROR, "%s/%.*s%s, see /help", before, size < 30 ? (int)size : 30,
              word, after);
    self->argument = self->error;
}

void slash_parse (slash_t *self, const char *line)
{
    self->kind = *line ? SLASH_TEXT : SLASH_NOTHING;
    self->argument = line;
    self->word[0] = 0;
    if (line[0] != '/')
        return;
    self->argument = line + 1;
    if (line[1] == '/')
        return;
    const char *word = line + 1;
    size_t size = strcspn (word, " \t\n");
    for (size_t i = 0; i < ROWS; i++)
        if (strlen (s_table[i].name) == size && memcmp (s_table[i].name, word, size) == 0) {
            self->kind = s_table[i].kind;
            snprintf (self->word, SLASH_WORD, "%s", s_table[i].name);
            self->argument = word + size + strspn (word + size, " \t\n");
            if (s_table[i].needs && !*self->argument)
                s_fail (self, "", word, size, " needs a word behind it");
            return;
        }
    s_fail (self, "there is no ", word, size, "");
}
