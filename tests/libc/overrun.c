/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes past the end of a variable on its stack: the kernel must say so and end the machine. */

#include <string.h>

static void overrun(size_t bytes)
{
    char small[8];

    memset(small, 'x', bytes);
    __asm__ volatile("" : : "r"(small) : "memory");
}

int main(int argc, char **argv)
{
    (void)argv;
    overrun((size_t)argc * 64);
    return 0;
}
