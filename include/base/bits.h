/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Small arithmetic that every layer needs. Pure, inline, callable from everywhere. */

#include <stdbool.h>
#include <stdint.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Index of the lowest set bit. The argument must not be zero. */
static inline unsigned bits_lowest(uint64_t word)
{
    return (unsigned)__builtin_ctzll(word);
}

/* Index of the highest set bit. The argument must not be zero. */
static inline unsigned bits_highest(uint64_t word)
{
    return 63U - (unsigned)__builtin_clzll(word);
}

/* A word whose lowest `count` bits are set; count is 0 to 64. */
static inline uint64_t bits_mask(unsigned count)
{
    return count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

static inline bool is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Round to a multiple of `align`, a power of two. align_up wraps when the result does not fit. */
static inline uint64_t align_down(uint64_t value, uint64_t align)
{
    return value & ~(align - 1);
}

static inline uint64_t align_up(uint64_t value, uint64_t align)
{
    return align_down(value + align - 1, align);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}
