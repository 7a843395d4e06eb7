/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes from outside: the time of day, and random bytes. */

#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/string.h"

#include "arch/x86_64/clock.h"
#include "kernel/entropy.h"
#include "kernel/real_time.h"
#include "kernel/task.h"
#include "tests/guest/scenarios.h"

#define NS_PER_MS    UINT64_C(1000000)
#define RANDOM_BYTES 4096U
#define STATUS_BAD   10

/* The time of day, twice, and the pause between on the other clock. */
int scenario_time(void)
{
    uint64_t before_ns = clock_now_ns();
    uint64_t first = real_time_now_ns();

    task_sleep_until(clock_now_ns() + 20 * NS_PER_MS);
    uint64_t second = real_time_now_ns();
    uint64_t passed = clock_now_ns() - before_ns;

    result_line("time seconds=%llu", (unsigned long long)(first / (1000 * NS_PER_MS)));
    return second - first >= 20 * NS_PER_MS && second - first <= passed ? 0 : STATUS_BAD;
}

/* Bits that are set in what two fills have in common: a half of them, give or take little. */
static unsigned bits_equal(const uint8_t *a, const uint8_t *b)
{
    unsigned equal = 0;

    for (size_t i = 0; i < RANDOM_BYTES; i++) {
        for (unsigned same = (unsigned)(a[i] ^ b[i]) ^ 0xffU; same != 0; same &= same - 1) {
            equal++;
        }
    }
    return equal;
}

int scenario_random(void)
{
    static uint8_t fills[2][RANDOM_BYTES];
    err_t err = entropy_fill(fills[0], RANDOM_BYTES);

    if (err == OK) {
        err = entropy_fill(fills[1], RANDOM_BYTES);
    }
    result_line("random result=%s equal=%u of=%u", err == OK ? "ok" : "none",
                bits_equal(fills[0], fills[1]), 8 * RANDOM_BYTES);
    return 0;
}
