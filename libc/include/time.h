/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * newlib's <time.h>, with what POSIX adds: newlib declares clock_gettime(), clock_getres() and
 * nanosleep() only for systems it knows to have them, by these two words. There are no timers that
 * send signals: timer_create() is declared and not there, so that using it fails when linking.
 */

#ifndef _POSIX_TIMERS
#define _POSIX_TIMERS          200809L
#define _POSIX_MONOTONIC_CLOCK 200809L
#endif

#include_next <time.h>
