/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sorts what arrives: exceptions to the report, interrupts to their handler, then the hook that
 * lets marked work run on the way out. There is no nesting: interrupts stay off throughout.
 */

#include "arch/x86_64/trap.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/segments.h"

static struct {
    trap_handler *handler;
    void *context;
} handlers[VECTOR_IRQ_LAST + 1];

static void (*exit_hook)(void);
static struct trap_counts counts;

void trap_set_handler(uint8_t vector, trap_handler *handler, void *context)
{
    ASSERT(vector >= TRAP_EXCEPTIONS);
    ASSERT(vector < ARRAY_SIZE(handlers));
    handlers[vector].context = context;
    handlers[vector].handler = handler;
}

void trap_set_exit_hook(void (*hook)(void))
{
    exit_hook = hook;
}

struct trap_counts trap_counts(void)
{
    return counts;
}

void trap_dispatch(struct trap_frame *frame)
{
    if (frame->vector < TRAP_EXCEPTIONS) {
        fault_report(frame, cr2_read());
    }
    if (frame->vector == VECTOR_SPURIOUS) {
        counts.spurious++; /* and no end-of-interrupt [SDM 3A §11.9] */
        return;
    }
    if (frame->vector < ARRAY_SIZE(handlers) && handlers[frame->vector].handler != NULL) {
        counts.interrupts++;
        handlers[frame->vector].handler(handlers[frame->vector].context);
    } else {
        counts.unexpected++;
    }
    apic_end_of_interrupt();
    if (exit_hook != NULL) {
        exit_hook();
    }
}

const char *trap_name(uint64_t vector)
{
    static const char *const names[] = {
        "divide error",
        "debug",
        "non-maskable interrupt",
        "breakpoint",
        "overflow",
        "bound range exceeded",
        "invalid opcode",
        "device not available",
        "double fault",
        "coprocessor segment overrun",
        "invalid TSS",
        "segment not present",
        "stack-segment fault",
        "general protection",
        "page fault",
        "reserved",
        "x87 floating-point error",
        "alignment check",
        "machine check",
        "SIMD floating-point error",
        "virtualization",
        "control protection",
    };

    return vector < ARRAY_SIZE(names) ? names[vector] : "reserved exception";
}
