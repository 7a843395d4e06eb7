/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link-time seams for host tests: panic aborts (or, when a test expects it, jumps back), the
 * log goes to stderr when AEROSTAT_TEST_LOG is set and is counted always.
 */

#include "tests/fakes/fake_seams.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/log.h"

struct fake_seams fake_seams;

void panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(fake_seams.panic_text, sizeof(fake_seams.panic_text), format, args);
    va_end(args);
    if (fake_seams.expects_panic) {
        fake_seams.expects_panic = false;
        longjmp(fake_seams.panic_return, 1);
    }
    fprintf(stderr, "panic: %s\n", fake_seams.panic_text);
    abort();
}

bool panics(void (*mistake)(void))
{
    return EXPECT_PANIC(mistake());
}

void log_write(enum log_level level, const char *format, ...)
{
    va_list args;

    if (level <= LOG_DEBUG) {
        fake_seams.log_lines[level]++;
    }
    va_start(args, format);
    vsnprintf(fake_seams.last_log, sizeof(fake_seams.last_log), format, args);
    va_end(args);
    if (getenv("AEROSTAT_TEST_LOG") != NULL) {
        fprintf(stderr, "[%d] %s\n", (int)level, fake_seams.last_log);
    }
}

void result_line(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(fake_seams.last_result, sizeof(fake_seams.last_result), format, args);
    va_end(args);
}
