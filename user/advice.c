#include "user/advice.h"

const char *advice (wire_error_t error)
{
    switch (error) {
    case WIRE_ERR_NOT_ALLOWED:
        return "an operator or owner may: zchat who GROUP shows who is one";
    case WIRE_ERR_KEY_NEEDED:
        return "take part over an endpoint with ?key=, which zchat does by itself with a registry "
               "that lists one; an operator's invitation names such: zchat trust INVITATION";
    case WIRE_ERR_WRONG_KEY:
        return "speak as yourself, without --uuid or `zchat key use`; or let a key that is known "
               "there add this one: zchat key add GROUP KEY (zchat whoami shows it)";
    case WIRE_ERR_NOT_INVITED:
        return "ask one of its operators for an invitation, and give it to zchat trust; or let "
               "them invite the UUID that zchat whoami shows";
    case WIRE_ERR_BANNED:
        return "only an operator of the group can lift that: zchat unban GROUP UUID";
    case WIRE_ERR_MUTED:
        return "you may read on; only an operator of the group can lift that";
    case WIRE_ERR_RATE:
        return "it was tried for as long as --timeout allows: send less at once, or allow more";
    case WIRE_ERR_BAD_INVITATION:
        return "ask one of its operators for a new one, and give it to zchat trust";
    default:
        return "";
    }
}
