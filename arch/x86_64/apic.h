/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The interrupt controllers: the local APIC of this processor with its timer, the I/O APICs that
 * interrupt lines enter, and the old 8259 pair, which is only silenced.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"

#define IO_APICS_MAX 8U

/* Switches the local APIC on and the 8259s off. ERR_NOMEM when its registers cannot be mapped. */
MUST_USE err_t apic_init(paddr_t address);

/* Makes an I/O APIC known, all its lines masked. ERR_NOMEM; ERR_BUSY beyond IO_APICS_MAX. */
MUST_USE err_t apic_add_io(paddr_t address, uint32_t gsi_base);

/* Sends a global system interrupt to a vector of this processor. ERR_RANGE: no I/O APIC has it. */
MUST_USE err_t apic_route(uint32_t gsi, uint8_t vector, bool level, bool active_low);

/* The message that raises `vector` on this processor [SDM 3A §11.11]. */
void apic_message(uint8_t vector, uint64_t *address, uint32_t *data);

/* Ends the interrupt in service. For trap_dispatch(). */
void apic_end_of_interrupt(void);

/* The timer counts down once from `ticks` and then raises VECTOR_TIMER; 0 stops it. */
void apic_timer_start(uint32_t ticks);

/* What the timer has left. */
uint32_t apic_timer_left(void);

uint8_t apic_id(void);
