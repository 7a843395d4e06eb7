/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log on the serial port: "[    0.001234] info: text". A line is put together on the stack and
 * written with interrupts off, so that lines never mix. Longer lines are cut at LINE_MAX.
 */

#include "kernel/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/serial.h"
#include "kernel/format.h"

#define LINE_MAX  320U
#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_US 1000U

static enum log_level level_shown = LOG_INFO;
static bool results_shown = true;

void log_set_level(enum log_level level)
{
    level_shown = level;
}

void log_set_results(bool shown)
{
    results_shown = shown;
}

static size_t fit(int length, size_t room)
{
    return length < 0 ? 0 : (size_t)length < room ? (size_t)length : room - 1;
}

static void write_line(char *line, size_t length)
{
    line[length] = '\n';
    bool on = interrupts_save_off();

    serial_write(line, length + 1);
    interrupts_restore(on);
}

void log_write(enum log_level level, const char *format, ...)
{
    static const char *const names[] = { "error", "warning", "info", "debug" };
    char line[LINE_MAX + 1];

    if (level > level_shown) {
        return;
    }
    uint64_t now = clock_now_ns();
    size_t length =
        fit(format_print(line, LINE_MAX, "[%5llu.%06u] %s: ", (unsigned long long)(now / NS_PER_S),
                         (unsigned)(now % NS_PER_S / NS_PER_US), names[level]),
            LINE_MAX);
    va_list args;

    va_start(args, format);
    length += fit(format_text(line + length, LINE_MAX - length, format, args), LINE_MAX - length);
    va_end(args);
    write_line(line, length);
}

void result_line(const char *format, ...)
{
    char line[LINE_MAX + 1];
    va_list args;

    if (!results_shown) {
        return;
    }
    line[0] = '@';
    va_start(args, format);
    size_t length = 1 + fit(format_text(line + 1, LINE_MAX - 1, format, args), LINE_MAX - 1);

    va_end(args);
    write_line(line, length);
}

void log_plain(const char *text)
{
    char line[LINE_MAX + 1];

    write_line(line, fit(format_print(line, LINE_MAX, "%s", text), LINE_MAX));
}
