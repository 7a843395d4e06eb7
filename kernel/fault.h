/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The end of the machine, good or bad. */

#include <stdint.h>

/* The status of a guest that ended by a fault or a panic. */
#define EXIT_STATUS_FAULT 1U

/* Prints "@exit status=N reason=..." and ends the machine. Callable from everywhere. */
_Noreturn void machine_exit(uint8_t status, const char *reason);
