/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Sizes in the simulator are KiB in int64_t, so that differences and sums need no care.
 */

#include <stdint.h>

#define SIM_MIB ((int64_t)1 << 10)
#define SIM_GIB ((int64_t)1 << 20)

static inline int64_t sim_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t sim_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The lower bound wins where the two contradict each other. */
static inline int64_t sim_clamp(int64_t value, int64_t low, int64_t high)
{
    return sim_max(low, sim_min(value, high));
}
