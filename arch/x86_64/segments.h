/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The descriptor tables: GDT, TSS with its interrupt stacks, IDT. Built once, then constant. */

#include <stdint.h>

#define SELECTOR_CODE 0x08U

/* Exceptions have vectors 0 to 31 [SDM 3A §6.3.1]; the rest are ours. */
#define VECTOR_TIMER     0x20U
#define VECTOR_IRQ_FIRST 0x30U /* interrupt lines of the I/O APIC and MSI-X messages */
#define VECTOR_IRQ_LAST  0x3fU
#define VECTOR_SPURIOUS  0xffU

/* Loads all tables. Interrupts are off and stay off. */
void segments_init(void);
