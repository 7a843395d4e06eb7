/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Three tiers of checking. STATIC_ASSERT proves layouts and relations of constants at build time.
 * ASSERT is always on, cheap and free of side effects. ASSERT_SLOW runs validators that walk a
 * whole structure; it is on where CHECK_SLOW is defined (unit tests and fuzzers).
 */

#define STATIC_ASSERT(cond, text) _Static_assert(cond, text)

/* Link-time seam: the kernel prints a report and ends the machine, a host test aborts. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

#define ASSERT(cond)                                                                               \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0)) {                                                        \
            panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #cond);                       \
        }                                                                                          \
    } while (0)

#ifdef CHECK_SLOW
#define ASSERT_SLOW(cond) ASSERT(cond)
#else
#define ASSERT_SLOW(cond) ((void)sizeof(cond))
#endif
