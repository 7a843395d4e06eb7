/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The stacks of arch/x86_64/stacks.S. Each begins with an unmapped guard page. */

extern char boot_stack_guard[];
extern char boot_stack_top[];
extern char interrupt_stack_guard[];
extern char interrupt_stack_top[];
extern char fault_stack_guard[];
extern char fault_stack_top[];
extern char double_fault_stack_guard[];
extern char double_fault_stack_top[];
extern char nmi_stack_guard[];
extern char nmi_stack_top[];

#define BUILTIN_STACKS 5U

struct builtin_stack {
    const char *name;
    const char *guard; /* the guard page; the stack follows it */
    const char *top;   /* one past the highest byte */
};

extern const struct builtin_stack builtin_stacks[BUILTIN_STACKS];
