/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Dates: what the registers of a PC's clock mean, as seconds since 1970. Pure, no state. */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* The registers as they were read at one moment [MC146818A data sheet, "Time, Calendar and Alarm
 * Locations"]. */
struct calendar_registers {
    uint8_t second;
    uint8_t minute;
    uint8_t hour;
    uint8_t day;
    uint8_t month;
    uint8_t year;    /* of the century */
    uint8_t century; /* where has_century */
    bool has_century;
    uint8_t control; /* register B: how the numbers are written */
};

/* Seconds from the start of 1970 to the start of that second, in UTC. The month counts from 1, the
 * date exists, and the year is 1970 to 9999. */
uint64_t calendar_seconds(unsigned year, unsigned month, unsigned day, unsigned second_of_day);

/* The same for what the clock showed. ERR_INVALID when that is no date, or one before 1970. */
MUST_USE err_t calendar_read(const struct calendar_registers *registers, uint64_t *seconds);
