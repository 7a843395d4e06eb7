/* SPDX-License-Identifier: BSD-2-Clause */
/* Compiled without the stack protector: the first word becomes its canary. */

#include "libc/random.h"

#include <stdbool.h>

#include "arch/x86_64/cpu.h"

#define RDRAND_TRIES 10U /* [SDM 1 §7.3.17.1] */

static bool rdrand(uint64_t *word)
{
    const uint32_t has_rdrand = UINT32_C(1) << 30;
    bool good = false;

    if ((cpuid(1).ecx & has_rdrand) == 0) {
        return false;
    }
    for (unsigned i = 0; i < RDRAND_TRIES && !good; i++) {
        __asm__ volatile("rdrand %0" : "=r"(*word), "=@ccc"(good));
    }
    return good;
}

uint64_t random_word(void)
{
    uint64_t word = 0;

    if (!rdrand(&word)) {
        word = tsc_read() * UINT64_C(0x9e3779b97f4a7c15);
        word ^= word >> 32;
    }
    return word;
}
