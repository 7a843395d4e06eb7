/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Test doubles of panic and log. `EXPECT_PANIC(statement)` is true when the statement panics:
 *
 *     assert_true(EXPECT_PANIC(frame_free(pfn)));
 */

#include <setjmp.h>
#include <stdbool.h>

struct fake_seams {
    jmp_buf panic_return;
    bool expects_panic;
    char panic_text[256];
    char last_log[256];
    char last_result[256];
    unsigned log_lines[4]; /* by level */
};

extern struct fake_seams fake_seams;

#define EXPECT_PANIC(statement)                                                                    \
    __extension__({                                                                                \
        volatile bool panicked_ = true;                                                            \
        fake_seams.expects_panic = true;                                                           \
        if (setjmp(fake_seams.panic_return) == 0) {                                                \
            statement;                                                                             \
            panicked_ = false;                                                                     \
        }                                                                                          \
        fake_seams.expects_panic = false;                                                          \
        panicked_;                                                                                 \
    })

/* The same for a function, also in a loop, whose variables setjmp() would put in doubt. */
bool panics(void (*mistake)(void));
