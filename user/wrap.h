// wrap: break text into lines of a terminal.
//
// Floor 1, pure. A terminal breaks long lines by itself and begins the rest at its left edge, where
// a text padded with blanks could imitate another line. So lines are broken here, and every line
// but the first is indented.

#ifndef ZCHAT_WRAP_H
#define ZCHAT_WRAP_H

// Takes valid UTF-8 without controls but newline and tab, as text_for_terminal gives it. The first
// line begins at `column`; every further one gets `indent` blanks. Lines are broken at blanks so
// that none passes `width` columns, and words longer than a line are broken inside; 0: only where
// the text breaks them. Tabs become blanks when `width` is not 0. The caller frees the result,
// which ends without a newline; NULL when memory is out.
char *wrap_text (const char *text, int column, int indent, int width);

// Columns of such text, without newlines and tabs: rather too many than too few, since terminals
// differ in what they show wide.
int wrap_width (const char *text);

#endif
