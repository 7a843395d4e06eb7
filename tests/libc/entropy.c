/* SPDX-License-Identifier: BSD-2-Clause */
/* getentropy() and what stands on it. An ordinary program: it tells what fails and returns 1. */

#define _DEFAULT_SOURCE 1

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/libc/check.h"

/* Every length, and not a byte beyond it. */
static void check_lengths(void)
{
    static unsigned char bytes[257];

    for (size_t length = 0; length <= 256; length++) {
        unsigned changed = 0;

        memset(bytes, 0, sizeof(bytes));
        for (int i = 0; i < 8; i++) {
            CHECK(getentropy(bytes, length) == 0);
            changed |= length == 0 ? 1U : bytes[length - 1];
        }
        CHECK(changed != 0); /* eight zeroes in a row: once in 2^64 */
        CHECK(bytes[length] == 0);
    }
}

static void check_too_long(void)
{
    static unsigned char bytes[257];

    errno = 0;
    CHECK(getentropy(bytes, 257) == -1);
    CHECK(errno == EIO);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        CHECK(bytes[i] == 0);
    }
}

static void check_bits(void)
{
    unsigned char bytes[256];
    unsigned set = 0;

    for (int round = 0; round < 16; round++) {
        CHECK(getentropy(bytes, sizeof(bytes)) == 0);
        for (size_t i = 0; i < sizeof(bytes); i++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                set += bytes[i] >> bit & 1U;
            }
        }
    }
    /* A half of 32768, and eight standard deviations. */
    CHECK(set > 16384 - 8 * 91 && set < 16384 + 8 * 91);
}

static void check_arc4random(void)
{
    uint32_t a = arc4random();
    uint32_t b = arc4random();
    uint32_t c = arc4random();

    CHECK(a != b || b != c);
    for (int i = 0; i < 1000; i++) {
        CHECK(arc4random_uniform(6) < 6);
    }
}

int main(void)
{
    check_lengths();
    check_too_long();
    check_bits();
    check_arc4random();
    return checks_result();
}
