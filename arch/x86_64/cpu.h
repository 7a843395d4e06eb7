/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Instructions that C has no words for. Inline, no state, callable from everywhere. */

#include <stdbool.h>
#include <stdint.h>

#define MSR_APIC_BASE 0x1bU
#define MSR_EFER      0xc0000080U
#define EFER_NXE      (1U << 11)

#define RFLAGS_IF (UINT64_C(1) << 9)

static inline uint8_t port_in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint16_t port_in16(uint16_t port)
{
    uint16_t value;

    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t port_in32(uint16_t port)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void port_out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void port_out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint64_t msr_read(uint32_t msr)
{
    uint32_t low;
    uint32_t high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void msr_write(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

/* Where %fs points: the thread pointer of the System V ABI. */
static inline void cpu_set_thread_pointer(uint64_t address)
{
    msr_write(0xc0000100U, address); /* IA32_FS_BASE [SDM 4, table 2-2] */
}

struct cpuid {
    uint32_t eax;
    uint32_t ebx;
    uint32_t ecx;
    uint32_t edx;
};

static inline struct cpuid cpuid(uint32_t leaf)
{
    struct cpuid r;

    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(0));
    return r;
}

#define CPUID_FEATURES        1U
#define CPUID_FEATURES_RDRAND (1U << 30) /* in ecx */

/* A random number from the processor, where it has them. False: it has none at the moment
 * [SDM 1 §7.3.17]. */
static inline bool cpu_rdrand(uint64_t *value)
{
    bool good;

    __asm__ volatile("rdrand %0; setc %1" : "=r"(*value), "=qm"(good) : : "cc");
    return good;
}

static inline uint64_t tsc_read(void)
{
    uint32_t low;
    uint32_t high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline uint64_t cr2_read(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

static inline uint64_t cr3_read(void)
{
    uint64_t value;

    __asm__ volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

static inline void cr3_write(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline void tlb_drop(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/* Switches interrupts off and tells whether they were on: pass that to interrupts_restore(). */
static inline bool interrupts_save_off(void)
{
    uint64_t flags;

    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
    return (flags & RFLAGS_IF) != 0;
}

static inline void interrupts_restore(bool on)
{
    if (on) {
        __asm__ volatile("sti" : : : "memory");
    }
}

/* Waits for the next interrupt. `sti` takes effect after the next instruction, so one that arrives
 * between a check with interrupts off and the halt still ends the halt [SDM 2B, STI]. */
static inline void cpu_wait(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* Lets interrupts that wait arrive now; they are off before and after. */
static inline void interrupts_window(void)
{
    __asm__ volatile("sti; nop; cli" : : : "memory");
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause" : : : "memory");
}

static inline _Noreturn void cpu_stop(void)
{
    for (;;) {
        __asm__ volatile("cli; hlt" : : : "memory");
    }
}
