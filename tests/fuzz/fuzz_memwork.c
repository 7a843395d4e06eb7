/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any text as a memwork script. When it is none, the error stands inside of the text and its
 * sentence can be printed; when it is one, it runs on the fake machine, whose memory may be short
 * and whose balloon may move, and then: nothing it holds is wrong, it does not fail for any other
 * reason than memory, names, limits or time, and everything is free at the end.
 *
 * The first three bytes are the machine: its pages, the most it gives at once, the target. The
 * fourth says whether the rest is the text itself or, since few random texts are scripts, picks
 * words of the language.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "tests/fakes/memwork/fake_machine.h"

#define MACHINE_BYTES 4
#define TEXT_MAX      4096U
/* Looks at the clock or the power button before somebody presses it. */
#define CALLS_MAX 300U

/* Words in the order in which they often follow one another. */
static const char *const words[] = {
    "alloc a",
    "cache b",
    "fill",
    "verify",
    "free",
    "touch",
    "churn a",
    "sine a",
    "step b",
    "wait",
    "repeat 3",
    "repeat",
    "hold",
    "print",
    "a",
    "b",
    "all",
    "c",
    "64K",
    "1M",
    "4K",
    "3%",
    "50%",
    "random",
    "seed 7",
    "or less",
    "cost 5",
    "for",
    "period",
    "10ms",
    "1s",
    "within",
    "0..1M",
    "64K..2M",
    "100M/s",
    "4K/s",
    "balloon",
    "target",
    "free",
    "at least",
    "at most",
    "{",
    "}",
    ";",
    "\n",
    "quit",
    "#",
    "\"",
    "alloc a 1M;",
    "cache b 1M;",
    "fill all;",
    "verify all;",
    "free a 50% random;",
    "churn b 9M/s for 1s;",
    "sine a 0..2M period 50ms for 300ms;",
    "free all;",
    "step c 0..9M period 9ms for 99ms;",
    "hold 20ms;",
    "wait balloon 64K within 1s;",
    "}",
};

static uint64_t target;

static void move_balloon(void)
{
    fake_machine_set_target(target);
}

static void empty_balloon(void)
{
    fake_machine_set_target(0);
}

/* The place of an error exists: line and column of some byte, or of the end of the text. */
static void check_place(const char *text, size_t length, const struct script_error *error)
{
    unsigned line = 1;
    unsigned column = 1;

    for (size_t i = 0; i <= length; i++) {
        if (line == error->line && column == error->column) {
            return;
        }
        if (i < length && text[i] == '\n') {
            line++;
            column = 1;
        } else {
            column++;
        }
    }
    panic("line %u, column %u is not in the text", error->line, error->column);
}

static void check_error(const char *text, size_t length, const struct script_error *error)
{
    check_place(text, length, error);
    ASSERT(error->text[0] != '\0');
    ASSERT(memchr(error->text, '\0', sizeof(error->text)) != NULL);
    for (const char *c = error->text; *c != '\0'; c++) {
        ASSERT(*c >= ' ' && *c <= '~' && *c != '"');
    }
}

static void check_program(const struct program *program, const char *text, size_t length)
{
    for (unsigned i = 0; i < program->count; i++) {
        const struct statement *s = &program->statements[i];
        const struct script_error place = { .line = s->line, .column = s->column };

        check_place(text, length, &place);
        ASSERT(s->percent <= 100);
        ASSERT(s->low <= s->high);
        ASSERT(strlen(s->name) <= SCRIPT_NAME_MAX);
        if (s->kind == STATEMENT_REPEAT) {
            ASSERT(s->other > i && s->other < program->count);
            ASSERT(program->statements[s->other].other == i);
        }
    }
}

static void run(const uint8_t *machine, const struct program *program)
{
    fake_machine_start(16U + machine[0] * 8U);
    fake_machine.run_max = 1U + machine[1] * 4U;
    fake_machine.calls_left = CALLS_MAX;
    target = machine[2] * 8U;
    fake_machine_at(1, move_balloon);
    fake_machine_at(500, empty_balloon);
    bool good = engine_run(&fake_machine.engine, program);

    ASSERT(good == !fake_machine.engine.failed);
    ASSERT(engine_end(&fake_machine.engine) == (good ? 0 : 1));
    ASSERT(!fake_machine_ever_said("why=wrong"));
    ASSERT(fake_machine_ever_said("memwork end ") ||
           fake_machine.lines_count > FAKE_MACHINE_LINES_MAX);
    fake_machine_set_target(0);
    fake_machine.host.pause(NULL);
    fake_machine_end();
}

/* A text of the exact size on the heap, so that a read behind its end is seen. */
static char *make_text(const uint8_t *data, size_t size, bool pick, size_t *length)
{
    static char picked[TEXT_MAX];
    const void *from = pick ? (const void *)picked : (const void *)data;

    *length = size;
    if (pick) {
        *length = 0;
        for (size_t i = 0; i < size; i++) {
            const char *word = words[data[i] % (sizeof(words) / sizeof(words[0]))];

            if (*length + strlen(word) + 1 > sizeof(picked)) {
                break;
            }
            memcpy(picked + *length, word, strlen(word));
            *length += strlen(word);
            picked[(*length)++] = ' ';
        }
    }
    char *text = malloc(*length + (*length == 0));

    ASSERT(text != NULL);
    memcpy(text, from, *length);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct program program;
    struct script_error error;

    if (size < MACHINE_BYTES) {
        return 0;
    }
    size_t length;
    char *text = make_text(data + MACHINE_BYTES, size - MACHINE_BYTES, data[3] % 4 != 0, &length);

    if (script_parse(text, length, 1, &program, &error)) {
        check_program(&program, text, length);
        free(text);
        run(data, &program);
    } else {
        check_error(text, length, &error);
        free(text);
    }
    return 0;
}
