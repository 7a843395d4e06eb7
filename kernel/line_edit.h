/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The line that is being typed on a terminal, as a terminal's line mode has it: what is typed
 * shows, can be rubbed out, and is handed over as a whole. Pure: bytes in, echo out.
 *
 *   backspace, DEL   rubs out one character (of UTF-8 too)
 *   ctrl-U           rubs out all of them
 *   return           ends the line with '\n'
 *   ctrl-D           hands over what is there, without '\n'; nothing is there: the end of input
 */

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a line with its '\n'. Further ones are refused with a beep; ending the line is not. */
#define LINE_EDIT_MAX 1024U

struct line_edit {
    void (*echo)(const char *text, size_t bytes);
    /* private */
    char line[LINE_EDIT_MAX];
    size_t length;
    size_t taken;
    bool done;
};

/* Starts an empty line. */
void line_edit_init(struct line_edit *edit, void (*echo)(const char *text, size_t bytes));

/* A byte was typed. Only while the line is not done. */
void line_edit_type(struct line_edit *edit, char byte);

/* Hands over what is there, if anything is, as ctrl-D does. */
void line_edit_finish(struct line_edit *edit);

/* The line can be taken. */
bool line_edit_is_done(const struct line_edit *edit);

/* Takes up to `bytes` of a line that is done; when all of it has been taken the next one begins. 0
 * for `bytes` not 0: the end of input was typed. */
size_t line_edit_take(struct line_edit *edit, char *out, size_t bytes);
