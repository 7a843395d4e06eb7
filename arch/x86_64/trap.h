/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Exceptions and interrupts, from the processor to C. The assembly saves all registers into a
 * trap_frame on the stack of the vector's kind and calls trap_dispatch(); exceptions go on to the
 * kernel's report and never return, interrupts to the handler of their vector.
 */

#include <stdbool.h>
#include <stdint.h>

#define TRAP_EXCEPTIONS   32U
#define TRAP_NMI          2U
#define TRAP_DOUBLE_FAULT 8U
#define TRAP_PAGE_FAULT   14U
/* Every entry stub of trap_entry.S is padded to this. */
#define TRAP_ENTRY_BYTES 16U

/* In the order in which trap_entry.S and the processor push them. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector;
    uint64_t error;
    uint64_t rip, cs, rflags, rsp, ss;
};

extern char trap_entries[];

/* Called by trap_entry.S with interrupts off. */
void trap_dispatch(struct trap_frame *frame);

/* The kernel's report of an exception; ends the machine (kernel/fault.c). */
_Noreturn void fault_report(const struct trap_frame *frame, uint64_t address);

/* The handler of an interrupt vector runs with interrupts off and may only mark work. */
typedef void trap_handler(void *context);

/* Sets the handler of a vector from 32 on. A vector without one counts as unexpected. */
void trap_set_handler(uint8_t vector, trap_handler *handler, void *context);

/* Runs after every interrupt's handler, still with interrupts off: the place for marked work. */
void trap_set_exit_hook(void (*hook)(void));

struct trap_counts {
    uint64_t interrupts; /* that had a handler */
    uint64_t spurious;   /* the local APIC's spurious vector [SDM 3A §11.9] */
    uint64_t unexpected; /* vectors without a handler */
};

struct trap_counts trap_counts(void);

/* The name of an exception vector, as in the manual. */
const char *trap_name(uint64_t vector);
