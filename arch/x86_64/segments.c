/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GDT, TSS and IDT [SDM 3A §3.5, §6.10, §7.7]. Every vector switches to a stack of its own kind
 * through the interrupt stack table, so a task that has used up its stack can still be reported,
 * and an interrupt needs no room on a task's stack.
 */

#include "arch/x86_64/segments.h"

#include "base/assert.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/stacks.h"
#include "arch/x86_64/trap.h"

#define IDT_ENTRIES    256U
#define GATE_INTERRUPT 0x8e00U /* present, ring 0, interrupts off on entry */

enum ist { IST_NONE, IST_INTERRUPT, IST_FAULT, IST_DOUBLE_FAULT, IST_NMI };

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint16_t flags; /* bits 0-2: interrupt stack; bits 8-15: type */
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};
STATIC_ASSERT(sizeof(struct gate) == 16, "a 64-bit gate has 16 bytes [SDM 3A §6.14.1]");

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7]; /* ist[0] is IST 1 */
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map;
} __attribute__((packed));
STATIC_ASSERT(sizeof(struct tss) == 104, "a 64-bit TSS has 104 bytes [SDM 3A §7.7]");

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static struct tss tss;
static struct gate idt[IDT_ENTRIES];
/*
 * Long mode would do without a stack segment. But after an interrupt return to a null one the
 * processor may hold it to be a 32-bit one, and a stack switched to by the TSS is none (observed:
 * QEMU 7.2): then its translated code, which goes by that bit, exists twice, and whatever runs both
 * in an interrupt and outside is translated twice.
 */
static uint64_t gdt[5] = {
    0,
    UINT64_C(0x00af9b000000ffff), /* SELECTOR_CODE: 64-bit code */
    UINT64_C(0x0000930000000000), /* the stack: writable data, not 32-bit */
    0,
    0, /* the TSS descriptor takes two entries */
};
#define GDT_TSS      3U
#define SELECTOR_TSS (GDT_TSS * 8U)

const struct builtin_stack builtin_stacks[BUILTIN_STACKS] = {
    { "boot and idle", boot_stack_guard, boot_stack_top },
    { "interrupt", interrupt_stack_guard, interrupt_stack_top },
    { "fault", fault_stack_guard, fault_stack_top },
    { "double fault", double_fault_stack_guard, double_fault_stack_top },
    { "NMI", nmi_stack_guard, nmi_stack_top },
};

static void tss_load(void)
{
    uint64_t base = (uint64_t)(uintptr_t)&tss;
    uint64_t limit = sizeof(tss) - 1;

    tss.ist[IST_INTERRUPT - 1] = (uint64_t)(uintptr_t)interrupt_stack_top;
    tss.ist[IST_FAULT - 1] = (uint64_t)(uintptr_t)fault_stack_top;
    tss.ist[IST_DOUBLE_FAULT - 1] = (uint64_t)(uintptr_t)double_fault_stack_top;
    tss.ist[IST_NMI - 1] = (uint64_t)(uintptr_t)nmi_stack_top;
    tss.io_map = sizeof(tss);

    gdt[GDT_TSS] =
        limit | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 | (base >> 24 & 0xff) << 56;
    gdt[GDT_TSS + 1] = base >> 32;

    struct table_pointer pointer = { sizeof(gdt) - 1, (uint64_t)(uintptr_t)gdt };

    __asm__ volatile("lgdt %0" : : "m"(pointer));
    __asm__ volatile("ltr %w0" : : "r"(SELECTOR_TSS));
}

static enum ist stack_of(unsigned vector)
{
    switch (vector) {
    case TRAP_NMI:
        return IST_NMI;
    case TRAP_DOUBLE_FAULT:
        return IST_DOUBLE_FAULT;
    default:
        return vector < TRAP_EXCEPTIONS ? IST_FAULT : IST_INTERRUPT;
    }
}

void segments_init(void)
{
    for (unsigned vector = 0; vector < IDT_ENTRIES; vector++) {
        uint64_t entry = (uint64_t)(uintptr_t)trap_entries + (uint64_t)vector * TRAP_ENTRY_BYTES;

        idt[vector].offset_low = (uint16_t)entry;
        idt[vector].selector = SELECTOR_CODE;
        idt[vector].flags = (uint16_t)(GATE_INTERRUPT | stack_of(vector));
        idt[vector].offset_middle = (uint16_t)(entry >> 16);
        idt[vector].offset_high = (uint32_t)(entry >> 32);
    }
    tss_load();

    struct table_pointer pointer = { sizeof(idt) - 1, (uint64_t)(uintptr_t)idt };

    __asm__ volatile("lidt %0" : : "m"(pointer));
}
