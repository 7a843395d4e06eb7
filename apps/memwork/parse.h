/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The parser's tools: the next token, the error, and the values that statements are made of. Each
 * function that reads something stands behind it afterwards and returns true, or writes the error
 * and returns false. An `example` is a phrase for the error, such as "a size such as 64M".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apps/memwork/lexer.h"
#include "apps/memwork/script.h"

struct parser {
    struct lexer lexer;
    struct token token; /* the next one */
    struct program *program;
    struct script_error *error;
    unsigned open[SCRIPT_DEPTH_MAX]; /* the repeats we are in */
    unsigned depth;
};

/* Writes the error and returns false. */
bool parse_fail(struct parser *p, const struct token *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What was expected is not there: says what is there instead, and returns false. */
bool parse_unexpected(struct parser *p, const char *expected);

void parse_advance(struct parser *p);
bool parse_is_text(const char *text, size_t length, const char *other);

/* Reads the word if it is the next; false is no error here. */
bool parse_accept(struct parser *p, const char *word);
bool parse_expect(struct parser *p, const char *word, const char *example);

/* A list of units ends with an empty name, whose factor is 0 when a unit must be there. */
struct parse_unit {
    const char *name;
    uint64_t factor;
};
bool parse_value(struct parser *p, const struct parse_unit *units, uint64_t max,
                 const char *example, uint64_t *out);

bool parse_size(struct parser *p, uint64_t *bytes);
bool parse_duration(struct parser *p, uint64_t *ns);
bool parse_plain(struct parser *p, uint64_t max, const char *example, uint64_t *number);

/* A share: is it one, and which. */
bool parse_is_percent(const struct parser *p);
bool parse_percent(struct parser *p, unsigned *share);

/* The name of one region, and that or `all`. */
bool parse_one(struct parser *p, struct statement *s);
bool parse_one_or_all(struct parser *p, struct statement *s);

/* `seed N`, or the default when it is not there. */
bool parse_seed(struct parser *p, struct statement *s);
