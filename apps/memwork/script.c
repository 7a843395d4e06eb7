/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser: one function for each statement, which reads its words from left to right and looks
 * one token ahead. Blocks are a stack of open `repeat`s, so nothing recurses. The first mistake
 * ends it; functions return false then, and the error is written.
 */

#include "apps/memwork/script.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/string.h"

#include "apps/memwork/parse.h"

#define NS_PER_S UINT64_C(1000000000)
/* Characters of a token that an error shows. */
#define SHOWN_MAX 24

#define COST_DEFAULT    10U
#define COST_MAX        1000000U
#define REPEAT_MAX      1000000000U
#define WAIT_DEFAULT_NS (60 * NS_PER_S)
#define BYTES_MIN       4096U

typedef bool parse_function(struct parser *p, struct statement *s);

/* ---- statements ---- */

static bool parse_alloc(struct parser *p, struct statement *s)
{
    if (!parse_one(p, s)) {
        return false;
    }
    if (parse_is_percent(p)) {
        if (!parse_percent(p, &s->percent)) {
            return false;
        }
    } else {
        struct token at = p->token;

        if (!parse_size(p, &s->bytes)) {
            return false;
        }
        if (s->bytes == 0) {
            return parse_fail(p, &at, "the size is 0; the least is one page, 4K");
        }
    }
    if (!parse_accept(p, "or")) {
        return true;
    }
    s->or_less = true;
    return parse_expect(p, "less", "'less', for 'or less',");
}

static bool parse_cache(struct parser *p, struct statement *s)
{
    s->count = COST_DEFAULT;
    return parse_alloc(p, s) &&
           (!parse_accept(p, "cost") || parse_plain(p, COST_MAX, "a number such as 10", &s->count));
}

static bool parse_churn(struct parser *p, struct statement *s)
{
    static const struct parse_unit units[] = {
        { "K/s", 1U << 10 }, { "M/s", 1U << 20 }, { "G/s", 1U << 30 }, { "", 0 }
    };
    struct token at;

    if (!parse_one(p, s)) {
        return false;
    }
    at = p->token;
    if (!parse_value(p, units, SCRIPT_BYTES_MAX, "a rate such as 100M/s", &s->bytes)) {
        return false;
    }
    if (s->bytes < BYTES_MIN) {
        return parse_fail(p, &at, "the rate is too low; the least is 4K/s");
    }
    return parse_expect(p, "for", "'for' and a time") && parse_duration(p, &s->time_ns) &&
           parse_seed(p, s);
}

static bool parse_fill(struct parser *p, struct statement *s)
{
    return parse_one_or_all(p, s) && parse_seed(p, s);
}

static bool parse_free(struct parser *p, struct statement *s)
{
    s->percent = 100;
    if (!parse_one_or_all(p, s)) {
        return false;
    }
    if (parse_is_percent(p)) {
        if (!parse_percent(p, &s->percent)) {
            return false;
        }
    } else if (p->token.kind == TOKEN_NUMBER) {
        s->percent = 0;
        if (!parse_size(p, &s->bytes)) {
            return false;
        }
    }
    if (!parse_accept(p, "random")) {
        return true;
    }
    s->random = true;
    return parse_seed(p, s);
}

static bool parse_hold(struct parser *p, struct statement *s)
{
    return parse_duration(p, &s->time_ns);
}

static bool parse_print(struct parser *p, struct statement *s)
{
    struct program *program = p->program;
    struct token t = p->token;

    if (t.length > SCRIPT_PRINT_MAX) {
        return parse_fail(p, &t, "one print says at most %u characters", SCRIPT_PRINT_MAX);
    }
    if (t.length >= sizeof(program->printed) - program->printed_used) {
        return parse_fail(p, &t, "all texts to print together are more than %u characters",
                          SCRIPT_PRINTED_MAX);
    }
    char *say = program->printed + program->printed_used;

    memcpy(say, t.text, t.length);
    for (size_t i = 0; i < t.length; i++) {
        /* The answer stands between double quotes. */
        say[i] = say[i] == '"' ? '\'' : say[i];
    }
    say[t.length] = '\0';
    program->printed_used += t.length + 1;
    s->say = say;
    parse_advance(p);
    return true;
}

static bool parse_quit(struct parser *p, struct statement *s)
{
    (void)p;
    (void)s;
    return true;
}

static bool parse_repeat(struct parser *p, struct statement *s)
{
    if (!parse_plain(p, REPEAT_MAX, "how often, such as 3,", &s->count)) {
        return false;
    }
    if (p->token.kind != TOKEN_OPEN) {
        return parse_unexpected(p, "'{'");
    }
    if (p->depth == SCRIPT_DEPTH_MAX) {
        return parse_fail(p, &p->token, "blocks are at most %u deep", SCRIPT_DEPTH_MAX);
    }
    p->open[p->depth++] = p->program->count;
    return true;
}

/* sine and step: NAME LOW..HIGH period TIME for TIME */
static bool parse_wave(struct parser *p, struct statement *s)
{
    struct token at;

    if (!parse_one(p, s)) {
        return false;
    }
    at = p->token;
    if (!parse_size(p, &s->low)) {
        return false;
    }
    if (p->token.kind != TOKEN_RANGE) {
        return parse_unexpected(p, "'..' and the larger size, as in 64M..512M,");
    }
    parse_advance(p);
    if (!parse_size(p, &s->high)) {
        return false;
    }
    if (s->high < s->low) {
        return parse_fail(p, &at, "the smaller size comes first, as in 64M..512M");
    }
    if (!parse_expect(p, "period", "'period' and a time")) {
        return false;
    }
    at = p->token;
    if (!parse_duration(p, &s->period_ns)) {
        return false;
    }
    if (s->period_ns == 0) {
        return parse_fail(p, &at, "a period of 0 is none; the least is 1ms");
    }
    return parse_expect(p, "for", "'for' and a time") && parse_duration(p, &s->time_ns);
}

static bool parse_touch(struct parser *p, struct statement *s)
{
    return parse_one_or_all(p, s);
}

static bool parse_wait(struct parser *p, struct statement *s)
{
    s->time_ns = WAIT_DEFAULT_NS;
    if (parse_accept(p, "balloon")) {
        s->wait_for = WAIT_BALLOON;
    } else if (parse_accept(p, "target")) {
        s->wait_for = WAIT_TARGET;
    } else if (parse_accept(p, "free")) {
        s->wait_for = WAIT_FREE;
    } else {
        return parse_unexpected(p, "'balloon', 'target' or 'free'");
    }
    if (parse_accept(p, "at")) {
        if (parse_accept(p, "least")) {
            s->wait_until = WAIT_AT_LEAST;
        } else if (parse_accept(p, "most")) {
            s->wait_until = WAIT_AT_MOST;
        } else {
            return parse_unexpected(p, "'least' or 'most'");
        }
    }
    return parse_size(p, &s->bytes) &&
           (!parse_accept(p, "within") || parse_duration(p, &s->time_ns));
}

/* ---- the script ---- */

static const struct {
    const char *word;
    parse_function *parse;
} grammar[] = {
    [STATEMENT_ALLOC] = { "alloc", parse_alloc },    [STATEMENT_CACHE] = { "cache", parse_cache },
    [STATEMENT_CHURN] = { "churn", parse_churn },    [STATEMENT_FILL] = { "fill", parse_fill },
    [STATEMENT_FREE] = { "free", parse_free },       [STATEMENT_HOLD] = { "hold", parse_hold },
    [STATEMENT_PRINT] = { "print", parse_print },    [STATEMENT_QUIT] = { "quit", parse_quit },
    [STATEMENT_REPEAT] = { "repeat", parse_repeat }, [STATEMENT_SINE] = { "sine", parse_wave },
    [STATEMENT_STEP] = { "step", parse_wave },       [STATEMENT_TOUCH] = { "touch", parse_touch },
    [STATEMENT_VERIFY] = { "verify", parse_touch },  [STATEMENT_WAIT] = { "wait", parse_wait },
};

const char *statement_word(enum statement_kind kind)
{
    ASSERT(kind <= STATEMENT_END);
    return kind < ARRAY_SIZE(grammar) ? grammar[kind].word : "}";
}

static struct statement *add(struct parser *p, const struct token *at)
{
    struct program *program = p->program;

    if (program->count == SCRIPT_STATEMENTS_MAX) {
        (void)parse_fail(p, at, "a script has at most %u statements, and each '}' is one",
                         SCRIPT_STATEMENTS_MAX);
        return NULL;
    }
    struct statement *s = &program->statements[program->count];

    *s = (struct statement){ .line = at->line, .column = at->column };
    return s;
}

static bool statement(struct parser *p)
{
    struct token at = p->token;
    unsigned kind = 0;

    while (kind < ARRAY_SIZE(grammar) &&
           (at.kind != TOKEN_WORD || !parse_is_text(at.text, at.length, grammar[kind].word))) {
        kind++;
    }
    if (at.kind != TOKEN_WORD) {
        return parse_unexpected(p, "a statement");
    }
    if (kind == ARRAY_SIZE(grammar)) {
        return parse_fail(
            p, &at,
            "'%.*s' is no statement; there are alloc, cache, churn, fill, free, hold, "
            "print, quit, repeat, sine, step, touch, verify, wait",
            (int)min_u64(at.length, SHOWN_MAX), at.text);
    }
    struct statement *s = add(p, &at);

    if (s == NULL) {
        return false;
    }
    s->kind = (enum statement_kind)kind;
    if (s->kind == STATEMENT_PRINT) {
        p->token = lexer_rest(&p->lexer);
        if (p->token.kind == TOKEN_BAD) {
            return parse_unexpected(p, "a text");
        }
    } else {
        parse_advance(p);
    }
    if (!grammar[kind].parse(p, s)) {
        return false;
    }
    p->program->count++;
    return true;
}

static bool close_block(struct parser *p)
{
    if (p->depth == 0) {
        return parse_fail(p, &p->token, "this '}' closes nothing");
    }
    struct statement *end = add(p, &p->token);

    if (end == NULL) {
        return false;
    }
    end->kind = STATEMENT_END;
    end->other = p->open[--p->depth];
    p->program->statements[end->other].other = p->program->count++;
    parse_advance(p);
    return true;
}

/* Behind a statement: its end, or that of the block it stands in. */
static bool separator(struct parser *p, bool after_open)
{
    if (after_open) {
        parse_advance(p); /* the '{' that parse_repeat() has seen */
        return true;
    }
    if (p->token.kind == TOKEN_BREAK) {
        parse_advance(p);
        return true;
    }
    return p->token.kind == TOKEN_END || p->token.kind == TOKEN_CLOSE ||
           parse_unexpected(p, "the end of the statement, a newline or ';',");
}

static bool one_step(struct parser *p)
{
    unsigned depth = p->depth;

    if (p->token.kind == TOKEN_BREAK) {
        parse_advance(p);
        return true;
    }
    if (p->token.kind == TOKEN_CLOSE) {
        return close_block(p) && separator(p, false);
    }
    return statement(p) && separator(p, p->depth > depth);
}

bool script_parse(const char *text, size_t length, unsigned line, struct program *program,
                  struct script_error *error)
{
    struct parser p = { .program = program, .error = error };

    program->count = 0;
    program->printed_used = 0;
    *error = (struct script_error){ .line = line, .column = 1 };
    lexer_init(&p.lexer, text, length, line);
    parse_advance(&p);
    while (p.token.kind != TOKEN_END) {
        if (!one_step(&p)) {
            return false;
        }
    }
    if (p.depth > 0) {
        const struct statement *open = &program->statements[p.open[p.depth - 1]];
        struct token at = { .line = open->line, .column = open->column };

        error->incomplete = true;
        return parse_fail(&p, &at, "the block of this repeat is not closed by a '}'");
    }
    return true;
}
