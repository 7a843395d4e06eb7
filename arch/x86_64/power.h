/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* How the machine ends. */

#include <stdbool.h>
#include <stdint.h>

/* Added to a status before it goes to the debug-exit device, so that QEMU's own failures (exit
 * codes 1 and below 33) cannot be mistaken for the guest's: code = 2 * (16 + status) + 1. */
#define POWER_DEBUG_EXIT_BASE 16U
/* Exit codes have eight bits; larger statuses would come out as other ones. They go to the status
 * port instead, where there is one: an isa-debugcon, which `aerostat run` reads. */
#define POWER_STATUS_MAX 111U

/* How ACPI's soft-off state is entered; found by kernel/machine.c. */
struct power_acpi {
    uint16_t sleep_control;           /* port of hardware-reduced ACPI, 0: none */
    volatile uint8_t *sleep_register; /* the same where it is in memory; null: it is not */
    uint16_t pm1a_control;            /* port, 0: none */
    uint16_t pm1b_control;            /* port, 0: none */
    uint8_t sleep_type_a;
    uint8_t sleep_type_b;
};

void power_set_acpi(const struct power_acpi *how);

/* Whether the debug-exit device and the status port can tell this status. */
bool power_can_tell(uint8_t status);

/* Ends the machine with a status that the host can read: by the debug-exit device where there is
 * one, by ACPI soft-off otherwise, by halting as the last resort. A status that cannot be told is
 * told as POWER_STATUS_MAX. */
_Noreturn void power_off(uint8_t status);
