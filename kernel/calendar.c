/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Civil dates of the Gregorian calendar, and the three ways in which the clock chip may write them:
 * binary or BCD, 24 hours or 12 with a bit for the afternoon, with or without a century
 * [MC146818A data sheet, "Register B"]. Numbers come from outside and are checked; reading the chip
 * is left to arch/x86_64/rtc.c.
 */

#include "kernel/calendar.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"

#define CONTROL_24_HOURS 0x02U
#define CONTROL_BINARY   0x04U
#define HOUR_AFTERNOON   0x80U

#define YEAR_FIRST      1970U
#define YEAR_LAST       9999U
#define SECONDS_PER_DAY 86400U

static bool is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    ASSERT(month >= 1 && month <= ARRAY_SIZE(days));
    return days[month - 1] + (month == 2 && is_leap(year) ? 1U : 0U);
}

/* Leap days in the years from 1 to `year`. */
static unsigned leap_days(unsigned year)
{
    return year / 4 - year / 100 + year / 400;
}

uint64_t calendar_seconds(unsigned year, unsigned month, unsigned day, unsigned second_of_day)
{
    ASSERT(year >= YEAR_FIRST && year <= YEAR_LAST);
    ASSERT(day >= 1 && day <= days_in_month(year, month));
    ASSERT(second_of_day < SECONDS_PER_DAY);
    uint64_t days =
        365U * (year - YEAR_FIRST) + leap_days(year - 1) - leap_days(YEAR_FIRST - 1) + day - 1;

    for (unsigned m = 1; m < month; m++) {
        days += days_in_month(year, m);
    }
    return days * SECONDS_PER_DAY + second_of_day;
}

/* False: a digit above 9. */
static bool number_read(const struct calendar_registers *registers, uint8_t raw, unsigned *number)
{
    unsigned high = raw >> 4;
    unsigned low = raw & 0xfU;
    bool binary = (registers->control & CONTROL_BINARY) != 0;

    *number = binary ? raw : 10 * high + low;
    return binary || (high <= 9 && low <= 9);
}

/* Twelve hours are written as 12, 1, 2, ... 11, twice. */
static bool hour_read(const struct calendar_registers *registers, unsigned *hour)
{
    if ((registers->control & CONTROL_24_HOURS) != 0) {
        return number_read(registers, registers->hour, hour) && *hour < 24;
    }
    uint8_t raw = (uint8_t)(registers->hour & ~HOUR_AFTERNOON);

    if (!number_read(registers, raw, hour) || *hour < 1 || *hour > 12) {
        return false;
    }
    *hour = *hour % 12 + ((registers->hour & HOUR_AFTERNOON) != 0 ? 12 : 0);
    return true;
}

/* Without a century the year lies within a hundred from 1970 on. */
static bool year_read(const struct calendar_registers *registers, unsigned *year)
{
    unsigned century = 0;

    if (!number_read(registers, registers->year, year) || *year > 99 ||
        (registers->has_century && !number_read(registers, registers->century, &century))) {
        return false;
    }
    if (!registers->has_century) {
        century = *year < YEAR_FIRST % 100 ? 20 : 19;
    }
    *year += 100 * century;
    return *year >= YEAR_FIRST && *year <= YEAR_LAST;
}

err_t calendar_read(const struct calendar_registers *registers, uint64_t *seconds)
{
    unsigned year;
    unsigned month;
    unsigned day;
    unsigned hour;
    unsigned minute;
    unsigned second;

    ASSERT(seconds != NULL);
    if (!year_read(registers, &year) || !number_read(registers, registers->month, &month) ||
        !number_read(registers, registers->day, &day) || !hour_read(registers, &hour) ||
        !number_read(registers, registers->minute, &minute) ||
        !number_read(registers, registers->second, &second)) {
        return ERR_INVALID;
    }
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || minute > 59 ||
        second > 59) {
        return ERR_INVALID;
    }
    *seconds = calendar_seconds(year, month, day, (hour * 60 + minute) * 60 + second);
    return OK;
}
