/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The one application that may be linked with the kernel. Its app_main runs as a task of its own,
 * after the start is over; its result, eight bits of it, is the status the machine ends with.
 * Without one the guest serves its host until it is switched off.
 */

#include <stdint.h>

int app_main(void) __attribute__((weak));

/* The size of its stack, a multiple of 4 KiB; TASK_STACK_BYTES where it does not say. */
extern const uint32_t app_stack_bytes __attribute__((weak));

/* Words of the command line that begin so, in front of `--`, are the application's environment. */
#define APP_ENV "env."

/* Kernel parameters that come with the application: read before the command line, which has the
 * last word. */
extern const char app_params[] __attribute__((weak));
