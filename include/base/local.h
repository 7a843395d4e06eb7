/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Read, modify and write a word of memory in one instruction, so that an interrupt on the same
 * processor sees it before or after, never in between. No other processor is meant: there is no
 * lock prefix. Assembly outside of arch/, because C has no word for it: an ordinary `+=` may become
 * three instructions, and a C11 atomic becomes a locked one.
 *
 * The compiler moves no memory access across any of these.
 */

#include <stdbool.h>
#include <stdint.h>

static inline void local_add(int64_t *word, int64_t number)
{
    __asm__ volatile("addq %1, %0" : "+m"(*word) : "er"(number) : "memory", "cc");
}

/* Subtracts; true when the result is negative. */
static inline bool local_sub(int64_t *word, int64_t number)
{
    bool negative;

    __asm__ volatile("subq %2, %0" : "+m"(*word), "=@ccs"(negative) : "er"(number) : "memory");
    return negative;
}
