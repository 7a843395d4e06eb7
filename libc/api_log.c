/* SPDX-License-Identifier: BSD-2-Clause */
/* aerostat.h: the log. The text is put together by the C library, which knows more formats than the
 * kernel. */

#include <stdarg.h>
#include <stdio.h>

#include "aerostat.h"

#include "base/assert.h"
#include "base/log.h"

#include "kernel/log.h"

#define LINE_MAX_BYTES 320

STATIC_ASSERT((int)AEROSTAT_ERROR == (int)LOG_ERROR && (int)AEROSTAT_DEBUG == (int)LOG_DEBUG,
              "the levels in the public header");

void aerostat_log(enum aerostat_level level, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    log_write((enum log_level)level, "%s", line);
}

void aerostat_result(const char *format, ...)
{
    char line[LINE_MAX_BYTES] = "@";
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line + 1, sizeof(line) - 1, format, args);
    va_end(args);
    log_plain(line);
}
