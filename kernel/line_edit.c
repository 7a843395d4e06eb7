/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One line and what of it shows. Every character shows in as many columns as are needed to rub it
 * out again: control characters as ^X in two, a tab as one blank, a character of UTF-8 in one.
 * Where the cursor stood before the line is the terminal's matter.
 *
 * Invariant: a line that is not done has room for its '\n'.
 */

#include "kernel/line_edit.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/string.h"

#define CTRL(letter) ((letter)&0x1f)
#define DEL          0x7f

void line_edit_init(struct line_edit *edit, void (*echo)(const char *text, size_t bytes))
{
    ASSERT(echo != NULL);
    edit->echo = echo;
    edit->length = 0;
    edit->taken = 0;
    edit->done = false;
}

static bool is_control(char byte)
{
    return ((unsigned char)byte < ' ' && byte != '\t') || byte == DEL;
}

/* A byte of UTF-8 that does not begin a character. */
static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0U) == 0x80U;
}

static void show(const struct line_edit *edit, char byte)
{
    char shown[] = { '^', (char)(byte ^ 0x40) };

    if (is_control(byte)) {
        edit->echo(shown, sizeof(shown));
    } else {
        edit->echo(byte == '\t' ? " " : &byte, 1);
    }
}

static void rub_out(struct line_edit *edit)
{
    static const char columns[] = "\b \b\b \b";
    bool wide;

    ASSERT(edit->length > 0);
    do {
        edit->length--;
    } while (edit->length > 0 && is_continuation(edit->line[edit->length]));
    wide = is_control(edit->line[edit->length]);
    edit->echo(columns, wide ? 6 : 3);
}

static void add(struct line_edit *edit, char byte)
{
    if (edit->length == LINE_EDIT_MAX - 1) {
        edit->echo("\a", 1);
        return;
    }
    edit->line[edit->length++] = byte;
    show(edit, byte);
}

void line_edit_type(struct line_edit *edit, char byte)
{
    ASSERT(!edit->done);
    ASSERT(edit->length < LINE_EDIT_MAX);
    switch (byte) {
    case '\r':
    case '\n':
        edit->line[edit->length++] = '\n';
        edit->echo("\n", 1);
        edit->done = true;
        break;
    case CTRL('D'):
        edit->done = true;
        break;
    case CTRL('U'):
        while (edit->length > 0) {
            rub_out(edit);
        }
        break;
    case '\b':
    case DEL:
        if (edit->length > 0) {
            rub_out(edit);
        }
        break;
    default:
        add(edit, byte);
    }
}

void line_edit_finish(struct line_edit *edit)
{
    edit->done = edit->done || edit->length > 0;
}

bool line_edit_is_done(const struct line_edit *edit)
{
    return edit->done;
}

size_t line_edit_take(struct line_edit *edit, char *out, size_t bytes)
{
    ASSERT(edit->done);
    ASSERT(edit->taken <= edit->length);
    size_t count = (size_t)min_u64(bytes, edit->length - edit->taken);

    memcpy(out, edit->line + edit->taken, count);
    edit->taken += count;
    if (edit->taken == edit->length) {
        line_edit_init(edit, edit->echo);
    }
    return count;
}
