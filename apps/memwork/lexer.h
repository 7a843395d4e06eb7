/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The words of memwork's language (docs/MEMWORK.md). Pure: reads a text that need not end with a
 * zero and may hold any bytes, and allocates nothing. Columns count from 1; a column is a byte.
 */

#include <stddef.h>
#include <stdint.h>

enum token_kind {
    TOKEN_END,    /* of the text */
    TOKEN_BREAK,  /* end of a statement: a newline or ';' */
    TOKEN_WORD,   /* a letter, then letters, digits, '_' and '-' */
    TOKEN_NUMBER, /* digits, and a unit close behind them: 64M 2s 50% 100M/s */
    TOKEN_RANGE,  /* ".." */
    TOKEN_OPEN,   /* "{" */
    TOKEN_CLOSE,  /* "}" */
    TOKEN_BAD,    /* `problem` says what is wrong with it */
};

struct token {
    enum token_kind kind;
    const char *text;
    size_t length;
    unsigned line;
    unsigned column;
    uint64_t value;   /* TOKEN_NUMBER, without its unit */
    const char *unit; /* TOKEN_NUMBER, "" for none; the rest of the token, not terminated */
    size_t unit_length;
    const char *problem;
};

struct lexer {
    const char *text;
    size_t length;
    size_t at;
    unsigned line;
    unsigned column;
};

/* `line` is the number of the first line. */
void lexer_init(struct lexer *lexer, const char *text, size_t length, unsigned line);

/* The next token. At the end of the text: TOKEN_END, again and again. */
struct token lexer_next(struct lexer *lexer);

/*
 * The rest of the statement as it stands, for text that is not of the language: up to a newline,
 * ';', '}' or '#', without blanks at its ends, or what is between two double quotes. A TOKEN_WORD,
 * which may be empty, or TOKEN_BAD when a quote is not closed or a byte cannot be printed.
 */
struct token lexer_rest(struct lexer *lexer);
