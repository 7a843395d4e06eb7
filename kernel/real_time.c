/* SPDX-License-Identifier: BSD-2-Clause */
/* The real-time clock, read once, and the monotonic clock from there on. */

#include "kernel/real_time.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/bits.h"
#include "base/log.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/rtc.h"
#include "kernel/calendar.h"
#include "kernel/machine.h"

#define NS_PER_S UINT64_C(1000000000)

static bool known;
static uint64_t start_ns; /* the time of day when clock_now_ns() was 0 */

/* Where the century is stands in the FADT, if it is anywhere [ACPI 6.5 §5.2.9]. */
static err_t read_clock(uint64_t *seconds)
{
    const uint8_t century = machine_acpi()->century_register;
    const uint8_t numbers[] = { RTC_SECOND, RTC_MINUTE, RTC_HOUR,    RTC_DAY,
                                RTC_MONTH,  RTC_YEAR,   RTC_CONTROL, century };
    uint8_t values[ARRAY_SIZE(numbers)];

    if (!rtc_read(numbers, ARRAY_SIZE(numbers) - (century == 0 ? 1 : 0), values)) {
        return ERR_UNSUPPORTED;
    }
    struct calendar_registers registers = {
        .second = values[0],
        .minute = values[1],
        .hour = values[2],
        .day = values[3],
        .month = values[4],
        .year = values[5],
        .control = values[6],
        .has_century = century != 0,
    };

    if (registers.has_century) {
        registers.century = values[7];
    }
    return calendar_read(&registers, seconds);
}

uint64_t real_time_now_ns(void)
{
    if (!known) {
        uint64_t seconds = 0;
        err_t err = read_clock(&seconds);

        if (err != OK) {
            log_warn("time of day: the clock cannot be read (%s); it is 1970", err_name(err));
        }
        start_ns = seconds * NS_PER_S - (err == OK ? clock_now_ns() : 0);
        known = true;
    }
    return start_ns + clock_now_ns();
}
