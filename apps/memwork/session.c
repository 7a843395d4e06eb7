/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Collects text until it is a script and has the engine run it. A line is a script of its own, but
 * one that leaves a block open waits for its end; so does what is collected in between.
 */

#include "apps/memwork/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"

void session_init(struct session *s)
{
    s->used = 0;
    s->begin = 1;
    s->now = 1;
}

bool session_append(struct session *s, const char *from, size_t bytes)
{
    if (bytes > sizeof(s->text) - s->used) {
        return false;
    }
    memcpy(s->text + s->used, from, bytes);
    s->used += bytes;
    return true;
}

void session_complain(struct session *s, const char *format, ...)
{
    struct script_error error = { .line = s->begin, .column = 1 };
    va_list args;

    va_start(args, format);
    (void)vsnprintf(error.text, sizeof(error.text), format, args);
    va_end(args);
    engine_script_error(&s->engine, &error);
}

/* False: a block is open, which may be closed yet. */
static bool run(struct session *s, bool may_go_on)
{
    struct script_error error;

    if (script_parse(s->text, s->used, s->begin, &s->program, &error)) {
        (void)engine_run(&s->engine, &s->program);
    } else if (error.incomplete && may_go_on) {
        return false;
    } else {
        engine_script_error(&s->engine, &error);
    }
    return true;
}

void session_run(struct session *s)
{
    (void)run(s, false);
}

/* ---- live ---- */

bool session_is_over(const struct session *s)
{
    const struct memwork_host *host = s->engine.host;

    return s->engine.quit || host->stopped(host->context);
}

static void end_line(struct session *s, bool may_go_on)
{
    ASSERT(s->now >= s->begin);
    if (run(s, may_go_on)) {
        s->used = 0;
        s->begin = s->now + 1;
    }
    s->now++;
}

void session_type(struct session *s, const char *typed, size_t bytes)
{
    for (size_t i = 0; i < bytes && !session_is_over(s); i++) {
        if (!session_append(s, &typed[i], 1)) {
            session_complain(s, "the lines are too long: a block has at most %u bytes",
                             SESSION_TEXT_MAX);
            s->used = 0;
            s->begin = s->now;
        }
        if (typed[i] == '\n') {
            end_line(s, true);
        }
    }
}

void session_type_end(struct session *s)
{
    if (s->used > 0 && !session_is_over(s)) {
        end_line(s, false);
    }
}
