/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mistakes made on purpose, for the report's sake. Each does what the processor or an assertion
 * must refuse; coming back from one is the failure.
 */

#include <stdint.h>

#include "base/assert.h"
#include "base/log.h"

#include "arch/x86_64/boot.h"
#include "arch/x86_64/clock.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/stacks.h"
#include "kernel/balloon_service.h"
#include "kernel/task.h"
#include "mm/frame.h"
#include "tests/guest/scenarios.h"

#define STATUS_SURVIVED 4
#define NS_PER_MS       UINT64_C(1000000)

/* A write that the compiler can neither foresee nor leave out. */
static void poke(uint64_t address)
{
    __asm__("" : "+r"(address));
    *(volatile uint64_t *)(uintptr_t)address = 1;
}

int scenario_fault_null(void)
{
    poke(8);
    return STATUS_SURVIVED;
}

/* Uses up the stack: each call keeps 256 bytes alive until it returns. */
__attribute__((noinline)) static uint64_t recurse(uint64_t depth) /* NOLINT(misc-no-recursion) */
{
    volatile uint64_t frame[32] = { depth };

    return depth == 0 ? 0 : recurse(depth - 1) + frame[0];
}

int scenario_fault_guard(void)
{
    return (int)recurse(UINT64_MAX);
}

int scenario_fault_text(void)
{
    poke((uint64_t)(uintptr_t)kernel_main);
    return STATUS_SURVIVED;
}

int scenario_fault_rodata(void)
{
    static const uint64_t constant = 1;

    poke((uint64_t)(uintptr_t)&constant);
    return STATUS_SURVIVED;
}

int scenario_fault_execute(void)
{
    static uint8_t code[] = { 0xc3 }; /* ret, in data */
    void (*function)(void) = (void (*)(void))(uintptr_t)code;

    __asm__("" : "+m"(code)); /* "written" here: what nobody writes may move to read-only data */
    function();
    return STATUS_SURVIVED;
}

/* Waits until the host has taken memory, then writes to a frame that is away. Needs
 * balloon.guard=on. */
int scenario_fault_away(void)
{
    while (balloon_service_actual() == 0) {
        task_sleep_until(clock_now_ns() + 10 * NS_PER_MS);
    }
    for (pfn_t pfn = 0; pfn < FRAME_AREAS_MAX * AREA_FRAMES; pfn += BLOCK_FRAMES) {
        if (frame_state(pfn) == FRAME_AWAY) {
            poke(frame_address(pfn) + 64);
            return STATUS_SURVIVED;
        }
    }
    log_error("no block is away although the balloon holds pages");
    return STATUS_SURVIVED;
}

/* By hand, because the compiler may turn a division in C into something that does not divide. */
int scenario_fault_divide(void)
{
    uint32_t low = 1;
    uint32_t high = 0;

    __asm__ volatile("divl %2" : "+a"(low), "+d"(high) : "r"(0));
    return STATUS_SURVIVED;
}

int scenario_fault_opcode(void)
{
    __asm__ volatile("ud2"); /* invalid on every processor, by promise [SDM 2B, UD] */
    return STATUS_SURVIVED;
}

/* Bits 48 to 63 must repeat bit 47 [SDM 1 §3.3.7.1]; an address where they do not is no page fault.
 */
int scenario_fault_gp(void)
{
    poke(UINT64_C(0x8000000000000000));
    return STATUS_SURVIVED;
}

/* Takes the stack for faults away, then causes a page fault: the processor faults again on its way
 * into the handler, which makes a double fault [SDM 3A §6.15, interrupt 8]. */
int scenario_fault_double(void)
{
    uint64_t low = (uint64_t)(uintptr_t)fault_stack_guard + FRAME_SIZE;

    if (paging_set_present(low, (uint64_t)(uintptr_t)fault_stack_top - low, false) != OK) {
        log_error("no frame for a page table");
        return STATUS_SURVIVED;
    }
    poke(8);
    return STATUS_SURVIVED;
}

int scenario_assert(void)
{
    volatile int one = 1;

    ASSERT(one == 2);
    return STATUS_SURVIVED;
}
