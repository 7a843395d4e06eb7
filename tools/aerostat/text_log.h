/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* A stream of bytes kept as lines. Lines never move once they are whole. */

#include <stddef.h>

/* Lines kept; what comes after them is thrown away. No sane guest prints a tenth of it. */
#define TEXT_LOG_LINES_MAX ((size_t)1 << 20)

/* All zero is the empty log. */
struct text_log {
    char **lines;
    size_t count;
    size_t capacity;
    size_t taken; /* lines that text_log_take() gave out */
    char *part;   /* the line that has not ended yet */
    size_t part_length;
    size_t part_capacity;
};

/* Appends bytes. Carriage returns are left out, zero bytes become '?'. */
void text_log_feed(struct text_log *log, const char *bytes, size_t count);

/* The stream has ended: what is left over becomes the last line. */
void text_log_finish(struct text_log *log);

/* Line `index`, or NULL behind the last. Valid until text_log_free(). */
const char *text_log_line(const struct text_log *log, size_t index);

/* The next line nobody took, or NULL. */
const char *text_log_take(struct text_log *log);

/* All lines with a newline between each two, to be given to free(). */
char *text_log_join(const struct text_log *log);

void text_log_free(struct text_log *log);
