/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Checks of a program that tests what lies beneath newlib: the failed ones are printed, and the
 * program goes on; `return checks_result();` ends its main(). */

#include <stdio.h>

static unsigned checks_made;
static unsigned checks_failed;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        checks_made++;                                                                             \
        if (!(condition)) {                                                                        \
            checks_failed++;                                                                       \
            printf("%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                       \
        }                                                                                          \
    } while (0)

static inline int checks_result(void)
{
    printf("%u checks, %u failed\n", checks_made, checks_failed);
    return checks_failed == 0 && checks_made > 0 ? 0 : 1;
}
