/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The simulator's own source of chance: the same numbers on every machine, from every libc, in any
 * number of threads, because each machine of the simulation has one of its own.
 */

#include <stdint.h>

struct sim_rng {
    uint64_t state;
};

/* A well mixed 64-bit value from any input (the finaliser of splitmix64). */
static inline uint64_t sim_rng_mix(uint64_t value)
{
    value ^= value >> 30;
    value *= 0xbf58476d1ce4e5b9U;
    value ^= value >> 27;
    value *= 0x94d049bb133111ebU;
    return value ^ (value >> 31);
}

static inline uint64_t sim_rng_next(struct sim_rng *rng)
{
    rng->state += 0x9e3779b97f4a7c15U;
    return sim_rng_mix(rng->state);
}

/* A source that belongs to one place in the simulation: `seed` is the user's, `place` and `number`
 * say where. */
static inline struct sim_rng sim_rng_at(uint64_t seed, uint64_t place, uint64_t number)
{
    struct sim_rng rng = { sim_rng_mix(seed + 0x9e3779b97f4a7c15U) ^
                           sim_rng_mix(place * 0x100000001b3U + number + 1) };
    return rng;
}

/* From low to high, both included; the span stays below 2^32. */
static inline int64_t sim_rng_range(struct sim_rng *rng, int64_t low, int64_t high)
{
    uint64_t span = (uint64_t)(high - low) + 1;
    return low + (int64_t)(((sim_rng_next(rng) >> 32) * span) >> 32);
}
