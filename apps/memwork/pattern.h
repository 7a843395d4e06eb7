/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What memwork writes into memory. Every word of 8 bytes can be computed from where it is and when
 * it was written, so a word that comes from another page, another region or an earlier fill is as
 * wrong as a flipped bit. The words of a page are a line through a mixed start: cheap to write and
 * to check, and no two pages are the same.
 */

#include <stdint.h>

/* An odd number without a pattern of its own: 2^64 divided by the golden ratio. */
#define PATTERN_STEP UINT64_C(0x9e3779b97f4a7c15)

/* A bijection whose every output bit depends on every input bit (the finaliser of splitmix64,
 * Steele, Lea and Flood 2014). */
static inline uint64_t pattern_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* The first word of a page: `seed` is the script's, `version` counts the writings of a region. */
static inline uint64_t pattern_key(uint64_t seed, unsigned region, uint32_t version, uint32_t page)
{
    return pattern_mix(pattern_mix(seed) + pattern_mix((uint64_t)region << 32 | version) +
                       PATTERN_STEP * page);
}

static inline uint64_t pattern_word(uint64_t key, unsigned index)
{
    return key + PATTERN_STEP * index;
}

/* The part of a page in the checksum of all memory: from the sum of its written words. The parts
 * are added up, so the order of pages does not count. */
static inline uint64_t pattern_part(uint64_t sum)
{
    return pattern_mix(sum + PATTERN_STEP);
}
