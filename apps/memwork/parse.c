/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tokens and values of the language: what stands between the words of a statement. Every function
 * that fails has written the error before.
 */

#include "apps/memwork/parse.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/bits.h"
#include "base/string.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)
/* Characters of a token that an error shows. */
#define SHOWN_MAX 24

#define SEED_DEFAULT 1U

/* ---- errors and tokens ---- */

__attribute__((format(printf, 3, 4))) bool parse_fail(struct parser *p, const struct token *at,
                                                      const char *format, ...)
{
    va_list args;

    p->error->line = at->line;
    p->error->column = at->column;
    va_start(args, format);
    (void)vsnprintf(p->error->text, sizeof(p->error->text), format, args);
    va_end(args);
    return false;
}

void parse_advance(struct parser *p)
{
    p->token = lexer_next(&p->lexer);
}

/* What was expected is not there: says what is there instead. */
bool parse_unexpected(struct parser *p, const char *expected)
{
    const struct token *t = &p->token;

    switch (t->kind) {
    case TOKEN_END:
    case TOKEN_BREAK:
        return parse_fail(p, t, "%s is missing before the end of the statement", expected);
    case TOKEN_BAD:
        return parse_fail(p, t, "%s", t->problem);
    case TOKEN_WORD:
    case TOKEN_NUMBER:
    case TOKEN_RANGE:
    case TOKEN_OPEN:
    case TOKEN_CLOSE:
        break;
    }
    return parse_fail(p, t, "%s is expected here, not '%.*s'", expected,
                      (int)min_u64(t->length, SHOWN_MAX), t->text);
}

bool parse_is_text(const char *text, size_t length, const char *other)
{
    return length == strlen(other) && memcmp(text, other, length) == 0;
}

bool parse_accept(struct parser *p, const char *word)
{
    if (p->token.kind != TOKEN_WORD || !parse_is_text(p->token.text, p->token.length, word)) {
        return false;
    }
    parse_advance(p);
    return true;
}

bool parse_expect(struct parser *p, const char *word, const char *example)
{
    return parse_accept(p, word) || parse_unexpected(p, example);
}

/* ---- values ---- */

/* The number times its unit, one of `units`, the last of which has an empty name. `example` is a
 * phrase such as "a size such as 64M". */
bool parse_value(struct parser *p, const struct parse_unit *units, uint64_t max,
                 const char *example, uint64_t *out)
{
    const struct token *t = &p->token;
    const struct parse_unit *unit = units;

    if (t->kind != TOKEN_NUMBER) {
        return parse_unexpected(p, example);
    }
    while (unit->name[0] != '\0' && !parse_is_text(t->unit, t->unit_length, unit->name)) {
        unit++;
    }
    if ((unit->name[0] == '\0' && t->unit_length != 0) || unit->factor == 0) {
        return parse_unexpected(p, example);
    }
    if (t->value > max / unit->factor) {
        return parse_fail(p, t, "'%.*s' is too large", (int)min_u64(t->length, SHOWN_MAX), t->text);
    }
    *out = t->value * unit->factor;
    parse_advance(p);
    return true;
}

bool parse_size(struct parser *p, uint64_t *bytes)
{
    static const struct parse_unit units[] = {
        { "K", 1U << 10 }, { "M", 1U << 20 }, { "G", 1U << 30 }, { "", 1 }
    };

    return parse_value(p, units, SCRIPT_BYTES_MAX, "a size such as 64M", bytes);
}

/* A time without a unit is refused: nobody would agree what it is. */
bool parse_duration(struct parser *p, uint64_t *ns)
{
    static const struct parse_unit units[] = { { "ms", NS_PER_MS }, { "s", NS_PER_S }, { "", 0 } };

    return parse_value(p, units, SCRIPT_TIME_NS_MAX, "a time such as 500ms or 2s", ns);
}

bool parse_plain(struct parser *p, uint64_t max, const char *example, uint64_t *number)
{
    static const struct parse_unit units[] = { { "", 1 } };

    return parse_value(p, units, max, example, number);
}

bool parse_is_percent(const struct parser *p)
{
    return p->token.kind == TOKEN_NUMBER && parse_is_text(p->token.unit, p->token.unit_length, "%");
}

bool parse_percent(struct parser *p, unsigned *share)
{
    if (p->token.value > 100) {
        return parse_fail(p, &p->token, "a share is at most 100%%");
    }
    *share = (unsigned)p->token.value;
    parse_advance(p);
    return true;
}

static bool name(struct parser *p, struct statement *s)
{
    const struct token *t = &p->token;

    if (t->kind != TOKEN_WORD) {
        return parse_unexpected(p, "the name of a region");
    }
    if (t->length > SCRIPT_NAME_MAX) {
        return parse_fail(p, t, "a name has at most %u characters", SCRIPT_NAME_MAX);
    }
    memcpy(s->name, t->text, t->length);
    s->name[t->length] = '\0';
    parse_advance(p);
    return true;
}

/* One region; `all` is none. */
bool parse_one(struct parser *p, struct statement *s)
{
    if (p->token.kind == TOKEN_WORD && parse_is_text(p->token.text, p->token.length, "all")) {
        return parse_fail(p, &p->token, "'all' means all regions; one of them is wanted here");
    }
    return name(p, s);
}

bool parse_one_or_all(struct parser *p, struct statement *s)
{
    return parse_accept(p, "all") || name(p, s);
}

bool parse_seed(struct parser *p, struct statement *s)
{
    s->seed = SEED_DEFAULT;
    return !parse_accept(p, "seed") || parse_plain(p, UINT64_MAX, "a number such as 7", &s->seed);
}
