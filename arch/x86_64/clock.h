/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The clock: nanoseconds since the kernel's entry, from the time-stamp counter, and the one-shot
 * timer, from the local APIC. Nothing ticks.
 *
 * The frequencies come from the processor or the hypervisor where they say (CPUID 0x15, 0x40000010)
 * and are measured otherwise: two readings of the ACPI PM timer, one early in the start and one at
 * its end, so that the measurement costs no waiting. A machine may have no PM timer, or one that
 * does not count: then the 8254 serves, and where there is none either, the local APIC's timer,
 * whose clock hypervisors agree on. A reference that stops between the readings leaves what is
 * told, or an assumption under which time runs slowly.
 */

#include <stdbool.h>
#include <stdint.h>

/* Starts the time scale. Before clock_calibrate() time runs, but too slowly, never too fast. */
void clock_start(void);

/* First reading; the local APIC must be on. `pm_timer_port` 0: there is none. */
void clock_calibrate_begin(uint16_t pm_timer_port, bool pm_timer_32bit);

/* Second reading, at least a millisecond later (it spins until then if need be; interrupts must be
 * off). From here on clock and timer are true. */
void clock_calibrate(void);

/* Nanoseconds since clock_start(); never runs backwards. Callable from everywhere. */
uint64_t clock_now_ns(void);

/* One timer interrupt at `at_ns` (at once when that is past); UINT64_MAX: none. An interrupt may
 * come early when the distance is beyond what the timer can count: then set it again. Before
 * clock_calibrate() it is only remembered. */
void clock_set_alarm(uint64_t at_ns);

uint64_t clock_tsc_hz(void);
/* What told the frequency: a few words for the log. */
const char *clock_source(void);
