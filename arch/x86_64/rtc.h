/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The battery-backed clock of a PC, an MC146818 behind two ports. Read only. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Registers [MC146818A data sheet, "Address Map"]. */
#define RTC_SECOND  0x00U
#define RTC_MINUTE  0x02U
#define RTC_HOUR    0x04U
#define RTC_DAY     0x07U
#define RTC_MONTH   0x08U
#define RTC_YEAR    0x09U
#define RTC_CONTROL 0x0bU /* register B */

/* Registers that rtc_read() reads at once. */
#define RTC_READ_MAX 8U

/* Reads `count` registers as they were at one moment. False: there is no clock, or none that ever
 * stands still long enough to be read. Takes up to 2 ms of waiting when the clock is just moving
 * on. Interrupts may be on or off. */
bool rtc_read(const uint8_t *registers, size_t count, uint8_t *values);
