/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the counting plugin inside QEMU and the benchmark outside share: a page of memory, written
 * by the thread of the one virtual processor and read at any time. Counters are plain 64-bit words,
 * which x86-64 writes in one piece.
 */

#include <stdint.h>

struct count_shared {
    uint64_t executed; /* instructions since the machine was started */
    uint64_t started;  /* `executed` at the first execution of the start address */
    uint64_t stopped;  /* `executed` at the first execution of the stop address after that */
    uint64_t starts;   /* 0: never executed; otherwise 1 */
    uint64_t stops;
};
