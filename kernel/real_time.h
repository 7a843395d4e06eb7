/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The time of day. */

#include <stdint.h>

/*
 * Nanoseconds since the start of 1970, UTC. The machine's clock is asked at the first call, which
 * may take 2 ms, and never again: from then on it runs with clock_now_ns(), and so never backwards.
 * It is behind by up to a second, for the clock shows whole ones. Without a clock that can be read
 * the log says so once and time begins in 1970. Not callable from interrupts.
 */
uint64_t real_time_now_ns(void);
