/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads one token after the other and keeps line and column. It knows how words look, not what they
 * mean: units and the order of words are script.c's matter.
 */

#include "apps/memwork/lexer.h"

#include <stdbool.h>

#include "base/assert.h"

/* What stands at the end of the text instead of a character. */
#define NOTHING (-1)

static int peek(const struct lexer *lexer)
{
    return lexer->at < lexer->length ? (unsigned char)lexer->text[lexer->at] : NOTHING;
}

static void skip(struct lexer *lexer)
{
    ASSERT(lexer->at < lexer->length);
    if (lexer->text[lexer->at] == '\n') {
        lexer->line++;
        lexer->column = 0;
    }
    lexer->column++;
    lexer->at++;
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_printable(int c)
{
    return c >= ' ' && c <= '~';
}

void lexer_init(struct lexer *lexer, const char *text, size_t length, unsigned line)
{
    ASSERT(text != NULL || length == 0);
    *lexer = (struct lexer){ .text = text, .length = length, .line = line, .column = 1 };
}

static struct token begin(const struct lexer *lexer)
{
    return (struct token){
        .text = lexer->text + lexer->at, .line = lexer->line, .column = lexer->column, .unit = ""
    };
}

static struct token finish(const struct lexer *lexer, struct token token, enum token_kind kind)
{
    token.kind = kind;
    token.length = (size_t)(lexer->text + lexer->at - token.text);
    return token;
}

static struct token bad(const struct lexer *lexer, struct token token, const char *problem)
{
    token.problem = problem;
    return finish(lexer, token, TOKEN_BAD);
}

static void skip_blanks(struct lexer *lexer)
{
    while (is_blank(peek(lexer))) {
        skip(lexer);
    }
    if (peek(lexer) == '#') {
        while (peek(lexer) != NOTHING && peek(lexer) != '\n') {
            skip(lexer);
        }
    }
}

static struct token word(struct lexer *lexer, struct token token)
{
    while (is_letter(peek(lexer)) || is_digit(peek(lexer)) || peek(lexer) == '-') {
        skip(lexer);
    }
    return finish(lexer, token, TOKEN_WORD);
}

static struct token number(struct lexer *lexer, struct token token)
{
    bool overflow = false;

    for (; is_digit(peek(lexer)); skip(lexer)) {
        unsigned digit = (unsigned)(peek(lexer) - '0');

        overflow |= token.value > (UINT64_MAX - digit) / 10;
        token.value = token.value * 10 + digit;
    }
    token.unit = lexer->text + lexer->at;
    while (is_letter(peek(lexer)) || is_digit(peek(lexer)) || peek(lexer) == '%' ||
           peek(lexer) == '/') {
        skip(lexer);
    }
    token.unit_length = (size_t)(lexer->text + lexer->at - token.unit);
    if (overflow) {
        return bad(lexer, token, "the number is too large");
    }
    /* A range may follow, "64M..1G", but no fraction. */
    if (peek(lexer) == '.' && lexer->at + 1 < lexer->length &&
        is_digit((unsigned char)lexer->text[lexer->at + 1])) {
        return bad(lexer, token, "whole numbers only: write 1536M for 1.5 times 1G");
    }
    return finish(lexer, token, TOKEN_NUMBER);
}

static struct token range(struct lexer *lexer, struct token token)
{
    skip(lexer);
    if (peek(lexer) != '.') {
        return bad(lexer, token, "a single '.' means nothing; a range has two: 64M..512M");
    }
    skip(lexer);
    return finish(lexer, token, TOKEN_RANGE);
}

static struct token single(struct lexer *lexer, struct token token, enum token_kind kind)
{
    skip(lexer);
    return finish(lexer, token, kind);
}

struct token lexer_next(struct lexer *lexer)
{
    skip_blanks(lexer);
    struct token token = begin(lexer);
    int c = peek(lexer);

    if (is_letter(c)) {
        return word(lexer, token);
    }
    if (is_digit(c)) {
        return number(lexer, token);
    }
    switch (c) {
    case NOTHING:
        return finish(lexer, token, TOKEN_END);
    case '\n':
    case ';':
        return single(lexer, token, TOKEN_BREAK);
    case '{':
        return single(lexer, token, TOKEN_OPEN);
    case '}':
        return single(lexer, token, TOKEN_CLOSE);
    case '.':
        return range(lexer, token);
    default:
        skip(lexer);
        return bad(lexer, token, "this character means nothing here");
    }
}

static struct token quoted(struct lexer *lexer)
{
    struct token token = begin(lexer);

    skip(lexer);
    while (is_printable(peek(lexer)) && peek(lexer) != '"') {
        skip(lexer);
    }
    if (peek(lexer) != '"') {
        return bad(lexer, token, "the text is not closed by a double quote on its line");
    }
    token = finish(lexer, token, TOKEN_WORD);
    token.text++;
    token.length--;
    skip(lexer);
    return token;
}

struct token lexer_rest(struct lexer *lexer)
{
    skip_blanks(lexer);
    if (peek(lexer) == '"') {
        return quoted(lexer);
    }
    struct token token = begin(lexer);
    size_t length = 0;

    for (int c = peek(lexer); is_printable(c) || c == '\t'; c = peek(lexer)) {
        if (c == ';' || c == '}' || c == '#') {
            break;
        }
        skip(lexer);
        if (!is_blank(c)) {
            length = (size_t)(lexer->text + lexer->at - token.text);
        }
    }
    while (peek(lexer) == '\r') {
        skip(lexer);
    }
    if (peek(lexer) != NOTHING && peek(lexer) != '\n' && !is_printable(peek(lexer))) {
        token = begin(lexer);
        return bad(lexer, token, "only printable characters of ASCII can be printed");
    }
    token.kind = TOKEN_WORD;
    token.length = length;
    return token;
}
