/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the console and tells what it got, for tests/qemu/test_console.c to compare. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/string.h"

#include "arch/x86_64/clock.h"
#include "kernel/app_words.h"
#include "kernel/console.h"
#include "kernel/task.h"
#include "tests/guest/scenarios.h"

#define NS_PER_MS UINT64_C(1000000)
#define READ_MAX  256U

static uint64_t interrupt_at_ms;

static void interrupter(void *argument)
{
    (void)argument;
    task_sleep_until(clock_now_ns() + interrupt_at_ms * NS_PER_MS);
    console_interrupt();
}

/* A line as text; of raw input the bytes in hexadecimal. */
static void tell(const char *got, ptrdiff_t count, bool raw)
{
    char text[2 * READ_MAX + 1] = "";

    for (ptrdiff_t i = 0; i < count; i++) {
        static const char digits[] = "0123456789abcdef";
        unsigned byte = (unsigned char)got[i];

        if (raw) {
            text[2 * i] = digits[byte >> 4];
            text[2 * i + 1] = digits[byte & 0xf];
            text[2 * i + 2] = '\0';
        } else if (byte != '\n') {
            text[i] = got[i];
            text[i + 1] = '\0';
        }
    }
    result_line("console bytes=%d text='%s'", (int)count, text);
}

static bool is_end(const char *got, ptrdiff_t count, bool raw)
{
    return raw ? count > 0 && got[count - 1] == '.' : count >= 3 && memcmp(got, "end", 3) == 0;
}

/* Until the end of input, a line that begins with "end", or a full stop that is read raw. Large
 * inputs are only added up (sum=1). Begins to read after late=MS; a read is interrupted after
 * interrupt=MS. */
int scenario_console(void)
{
    char got[READ_MAX];
    bool raw = app_word_number("raw", 0) != 0;
    bool sum_only = app_word_number("sum", 0) != 0;
    uint64_t bytes = 0;
    uint64_t sum = 0;
    ptrdiff_t count;

    interrupt_at_ms = app_word_number("interrupt", 0);
    if (interrupt_at_ms != 0 && task_create("interrupter", interrupter, NULL) != OK) {
        return 1;
    }
    result_line("console state=ready");
    task_sleep_until(clock_now_ns() + app_word_number("late", 0) * NS_PER_MS);
    console_set_raw(raw);
    do {
        count = console_read(got, sizeof(got));
        for (ptrdiff_t i = 0; i < count; i++) {
            sum = sum * 31 + (unsigned char)got[i];
            bytes++;
        }
        if (!sum_only) {
            tell(got, count, raw);
        }
    } while (count != 0 && !is_end(got, count, raw));
    result_line("console state=end bytes=%llu sum=%llu", (unsigned long long)bytes,
                (unsigned long long)sum);
    return 0;
}
