/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Signals, as the rest of the C library sees them.
 *
 * There is one process (number 1) and one signal that comes from outside: SIGTERM, when the host
 * presses the power button. Its handler runs in a task of its own, "signal", which begins as soon
 * as the running task waits or yields, or at signal_point(); so a handler may call whatever an
 * ordinary task may, exit() included, but it may not longjmp() out of itself. When it has returned,
 * waiting calls of all tasks (sleeps, reads of the console, ports) end with EINTR. Without a
 * handler the power button ends the machine with status 0.
 *
 * raise() and kill() run the handler in the task that calls them, before they return. A handler
 * stays in place; signals that nobody handles end the machine with status 128 + number, as a shell
 * tells it, or with the largest that the machine can tell.
 */

#include <stdbool.h>
#include <stdint.h>

/* Lets a handler run that has waited for a tenth of a second. System calls do this that may be all
 * a busy program makes. Not at once: a program that prints, asks for the time, and then waits for
 * the signal shall find it in the wait, which would last for ever if the handler had run before. */
void signal_point(void);

/* Sleeps until the time on clock_now_ns() or until a handler has run for a signal from outside.
 * True: that. Called from tasks. */
bool signal_sleep_until(uint64_t at_ns);
