/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The console: what a program reads and writes as its standard input and output. It is the serial
 * port, which the log has too.
 */

#include <stdbool.h>
#include <stddef.h>

/* Writes bytes as they are, except that '\n' becomes "\r\n" as in the log. A line of the log never
 * stands in the middle of a piece: a piece ends behind each '\n', and after CONSOLE_PIECE_MAX
 * bytes. Callable from everywhere. */
#define CONSOLE_PIECE_MAX 256U
void console_write(const char *text, size_t bytes);

/* Reads of the console that were ended by console_interrupt(). */
#define CONSOLE_INTERRUPTED (-1)

/*
 * Waits until something was typed and reads at most `bytes` of it. Returns how many bytes. In line
 * mode (at first) that is one line, edited and shown as kernel/line_edit.h says, or what is left of
 * it; 0 at the end of the input, which is typed, or when there is no serial port. In raw mode it is
 * what was typed, at least one byte, as it is and without echo. CONSOLE_INTERRUPTED when
 * console_interrupt() came first. Called from tasks. (The type is what POSIX calls ssize_t, which
 * freestanding headers do not have.)
 */
ptrdiff_t console_read(char *buffer, size_t bytes);

/* Switches raw mode on or off for the reads to come. What was typed of a line is read first. */
void console_set_raw(bool on);

/* Ends the reads that wait. Callable from everywhere. */
void console_interrupt(void);
