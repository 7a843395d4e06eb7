/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* A task's processor state, all of which lies on its stack. */

#include <stdint.h>

typedef void context_function(void *argument);

/* Prepares a stack whose first switch enters function(argument) with interrupts as they are at the
 * switch; `top` is 16-byte aligned. Returns the value for context_switch's `load_stack`. */
uint64_t context_prepare(uint64_t top, context_function *function, void *argument);

/* Saves the running context's stack in *save_stack and goes on with the other one. */
void context_switch(uint64_t *save_stack, uint64_t load_stack);

/* Called when a task's function returns (kernel/task.c). */
_Noreturn void context_returned(void);
