/* SPDX-License-Identifier: BSD-2-Clause */
/* Compiled without the stack protector: the first word becomes its canary. */

#include "libc/random.h"

#include "base/err.h"

#include "arch/x86_64/cpu.h"
#include "kernel/entropy.h"

uint64_t random_word(void)
{
    uint64_t word = 0;

    if (entropy_fill(&word, sizeof(word)) != OK) {
        word = tsc_read() * UINT64_C(0x9e3779b97f4a7c15);
        word ^= word >> 32;
    }
    return word;
}
