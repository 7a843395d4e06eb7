/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Kernel parameters: the command line is read against a table.
 *
 *     line   word word ... [-- words of the application]
 *     word   name=value, or a bare name for a flag
 *
 * Words are separated by blanks (space, tab, newline). Double quotes keep blanks inside a word,
 * `banner="two words"`, and are not part of it; there is no way to write a quote itself. A flag is
 * on, off, yes, no, 1 or 0; a bare name means on. A number is plain decimal or 0x and hexadecimal,
 * in the unit the table states: there are no suffixes, so that one line has one meaning. A choice
 * is one of the listed words. Where a parameter is given twice the last valid one counts.
 *
 * A word that is unknown or malformed is reported and changes nothing: a typing error must not
 * keep a machine from starting.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CMDLINE_WORD_MAX   255 /* characters in one word; a longer one is reported and ignored */
#define CMDLINE_NAME_MAX   31  /* characters in the name of a parameter */
#define CMDLINE_REPORT_MAX 48  /* characters of a bad word that a report shows */
#define CMDLINE_LINE_MAX   256 /* size of a line that cmdline_describe makes, with its zero */

enum param_kind { PARAM_FLAG, PARAM_NUMBER, PARAM_CHOICE, PARAM_TEXT };

struct param {
    const char *name;
    enum param_kind kind;
    uint64_t min; /* PARAM_NUMBER: both ends are allowed values */
    uint64_t max;
    uint64_t default_value;     /* a flag's 0 or 1, a number, the index of a choice */
    const char *default_text;   /* PARAM_TEXT: null counts as "" */
    const char *unit;           /* PARAM_NUMBER: "ms", "MiB"; null for a plain count */
    const char *const *choices; /* PARAM_CHOICE: ends with a null pointer */
    const char *help;           /* one sentence without its full stop */
    uint64_t *value;            /* where a flag, a number or a choice goes */
    char *text;                 /* PARAM_TEXT: where the text goes, always terminated */
    size_t text_size;
};

/* A word that was ignored: the word itself, printable and cut to CMDLINE_REPORT_MAX, and what is
 * wrong with it and what would be right. Both strings live for the call only. */
typedef void cmdline_report_fn(void *context, const char *word, const char *reason);

/* One line of help without a newline; lives for the call only. */
typedef void cmdline_line_fn(void *context, const char *line);

/*
 * Set every parameter of the table to its default, then to what `line` says. Returns the
 * application's part, which begins at the first word behind `--` and is "" when there is none.
 * A table that contradicts itself is the programmer's mistake and panics.
 */
const char *cmdline_parse(const char *line, const struct param *table, size_t count,
                          cmdline_report_fn *report, void *context);

/* The same without the defaults: another line on top of one that was parsed. */
const char *cmdline_apply(const char *line, const struct param *table, size_t count,
                          cmdline_report_fn *report, void *context);

/* Takes the word at *line, which blanks may precede, and leaves *line behind it. The word goes to
 * `text` without its quotes, cut to `size` with its zero. Returns its length uncut, quotes apart;
 * *found is false at the end of the line. *quote_open: its last quote was not closed. */
size_t cmdline_take_word(const char **line, char *text, size_t size, bool *found, bool *quote_open);

/* One line per parameter, in the order of the table: name, values, help, unit, default, range. */
void cmdline_describe(const struct param *table, size_t count, cmdline_line_fn *write,
                      void *context);
