/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests that need the real kernel around them: tasks, wait queues and timers; what is mapped and
 * what is not; a spurious interrupt; and the cost of an allocation in instructions, which the
 * time-stamp counter shows under `-icount shift=0`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "base/memory.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/stacks.h"
#include "drivers/pci/pci_spec.h"
#include "kernel/machine.h"
#include "kernel/memory.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "mm/frame.h"
#include "tests/guest/scenarios.h"

#define NS_PER_MS     UINT64_C(1000000)
#define STATUS_FAILED 7

struct guest_test {
    const char *name;
    bool (*run)(void);
};

/* One line per test; the status of the whole. */
static int run_tests(const struct guest_test *tests, size_t count)
{
    int status = 0;

    for (size_t i = 0; i < count; i++) {
        bool ok = tests[i].run();

        result_line("test name=%s result=%s", tests[i].name, ok ? "ok" : "failed");
        status = ok ? status : STATUS_FAILED;
    }
    return status;
}

/* ---- tasks and timers ---- */

static unsigned turns[3];
static struct wait_queue done_queue;
static unsigned done;

static void count_turns(void *argument)
{
    unsigned *mine = argument;

    for (unsigned i = 0; i < 100; i++) {
        (*mine)++;
        task_yield();
    }
    done++;
    task_wake(&done_queue);
}

static bool tasks_take_turns(void)
{
    for (unsigned i = 0; i < 3; i++) {
        if (task_create("turns", count_turns, &turns[i]) != OK) {
            return false;
        }
    }
    while (done < 3) {
        for (unsigned i = 1; i < 3; i++) {
            unsigned ahead = turns[i] > turns[0] ? turns[i] - turns[0] : turns[0] - turns[i];

            if (ahead > 1) {
                return false;
            }
        }
        task_wait(&done_queue);
    }
    return turns[0] == 100 && turns[1] == 100 && turns[2] == 100;
}

static void end_at_once(void *argument)
{
    (void)argument;
}

/* More tasks than there are slots and more stacks than the machine has memory for, in sequence. */
static bool ended_tasks_give_back_their_stacks(void)
{
    task_sleep_until(clock_now_ns() + NS_PER_MS); /* those that ended before are cleaned up */
    uint64_t free_before = frame_free_count();

    for (unsigned i = 0; i < 10 * TASKS_MAX; i++) {
        if (task_create("short", end_at_once, NULL) != OK) {
            return false;
        }
        task_sleep_until(clock_now_ns() + NS_PER_MS / 100);
    }
    task_sleep_until(clock_now_ns() + NS_PER_MS);
    /* Page tables of the stack window may have been added; they stay. */
    return free_before - frame_free_count() < TASKS_MAX;
}

static bool tasks_have_a_limit(void)
{
    unsigned made = 0;

    while (task_create("many", end_at_once, NULL) == OK) {
        made++;
    }
    task_sleep_until(clock_now_ns() + NS_PER_MS);
    return made < TASKS_MAX && made > TASKS_MAX / 2;
}

static bool sleeping_takes_as_long_as_asked(void)
{
    uint64_t before = clock_now_ns();

    task_sleep_until(before + 20 * NS_PER_MS);
    return clock_now_ns() - before >= 20 * NS_PER_MS;
}

static unsigned fired[2];

static void fire(void *context)
{
    unsigned *mine = context;

    *mine = fired[0] + fired[1] + 1;
}

static bool timers_fire_in_order_and_can_be_cancelled(void)
{
    static struct timer timers[3];
    unsigned never = 0;
    /* However long a busy host takes, none fires before all are set. */
    bool on = interrupts_save_off();
    uint64_t now = clock_now_ns();

    timers[0] = (struct timer){ .fire = fire, .context = &fired[0] };
    timers[1] = (struct timer){ .fire = fire, .context = &fired[1] };
    timers[2] = (struct timer){ .fire = fire, .context = &never };
    timer_set(&timers[0], now + 4 * NS_PER_MS);
    timer_set(&timers[1], now + 2 * NS_PER_MS);
    timer_set(&timers[2], now + 3 * NS_PER_MS);
    timer_cancel(&timers[2]);
    interrupts_restore(on);
    while (fired[0] == 0 || fired[1] == 0) {
        task_sleep_until(clock_now_ns() + NS_PER_MS);
    }
    return fired[1] == 1 && fired[0] == 2 && never == 0;
}

/* ---- configuration space ---- */

static struct timer reader_timer;
static unsigned readings;

/* From the way out of an interrupt, in the midst of what the task reads. */
static void read_another(void *context)
{
    (void)context;
    (void)machine_pci.read((struct pci_address){ 0, 1, 0 }, PCI_CLASS, 4);
    readings++;
    timer_set(&reader_timer, clock_now_ns() + 20000);
}

static bool configuration_space_is_read_as_one(void)
{
    const struct pci_address host_bridge = { 0, 0, 0 };
    uint32_t ids = machine_pci.read(host_bridge, PCI_VENDOR_ID, 4);
    uint64_t end = clock_now_ns() + 2000 * NS_PER_MS;
    unsigned wrong = 0;

    reader_timer.fire = read_another;
    timer_set(&reader_timer, clock_now_ns());
    while (clock_now_ns() < end) {
        for (unsigned i = 0; i < 100; i++) {
            wrong += machine_pci.read(host_bridge, PCI_VENDOR_ID, 4) != ids;
        }
    }
    timer_cancel(&reader_timer);
    return wrong == 0 && readings > 100;
}

int scenario_configuration(void)
{
    static const struct guest_test tests[] = {
        { "configuration_space_is_read_as_one", configuration_space_is_read_as_one },
    };

    return run_tests(tests, ARRAY_SIZE(tests));
}

int scenario_tasks(void)
{
    static const struct guest_test tests[] = {
        { "tasks_take_turns", tasks_take_turns },
        { "ended_tasks_give_back_their_stacks", ended_tasks_give_back_their_stacks },
        { "tasks_have_a_limit", tasks_have_a_limit },
        { "sleeping_takes_as_long_as_asked", sleeping_takes_as_long_as_asked },
        { "timers_fire_in_order_and_can_be_cancelled", timers_fire_in_order_and_can_be_cancelled },
    };

    return run_tests(tests, ARRAY_SIZE(tests));
}

/* ---- what is mapped ---- */

static bool is_mapped(const char *at)
{
    return paging_is_mapped((uint64_t)(uintptr_t)at);
}

static bool the_first_page_is_not_mapped(void)
{
    return !paging_is_mapped(0) && !paging_is_mapped(FRAME_SIZE - 1) &&
           paging_is_mapped(FRAME_SIZE);
}

static bool every_builtin_stack_stands_on_a_guard_page(void)
{
    for (unsigned i = 0; i < BUILTIN_STACKS; i++) {
        const struct builtin_stack *stack = &builtin_stacks[i];

        if (is_mapped(stack->guard) || is_mapped(stack->guard + FRAME_SIZE - 1) ||
            !is_mapped(stack->guard + FRAME_SIZE) || !is_mapped(stack->top - 1)) {
            return false;
        }
    }
    return true;
}

static bool the_stack_of_a_task_stands_on_a_guard_page(void)
{
    uint64_t at = (uint64_t)(uintptr_t)__builtin_frame_address(0);

    while (paging_is_mapped(at)) {
        at -= FRAME_SIZE;
    }
    return task_guard_owner(at) != NULL && !paging_is_mapped(at);
}

static bool memory_beyond_the_end_is_not_mapped(void)
{
    return !paging_is_mapped(align_up(memory_end_below(3 * GIB), AREA_SIZE));
}

int scenario_mappings(void)
{
    static const struct guest_test tests[] = {
        { "the_first_page_is_not_mapped", the_first_page_is_not_mapped },
        { "every_builtin_stack_stands_on_a_guard_page",
          every_builtin_stack_stands_on_a_guard_page },
        { "the_stack_of_a_task_stands_on_a_guard_page",
          the_stack_of_a_task_stands_on_a_guard_page },
        { "memory_beyond_the_end_is_not_mapped", memory_beyond_the_end_is_not_mapped },
    };

    return run_tests(tests, ARRAY_SIZE(tests));
}

/* ---- interrupts ---- */

/* What the local APIC does when an interrupt vanished before it could be delivered [SDM 3A §11.9],
 * done by an instruction. The count stands in the last lines of the log. */
int scenario_spurious(void)
{
    __asm__ volatile("int %0" : : "i"(VECTOR_SPURIOUS));
    return 0;
}

/* ---- what an allocation costs ---- */

#define COST_ROUNDS 10000U

static void cost_line(const char *what, uint64_t tsc)
{
    result_line("cost what=%s tsc_per_pair_x100=%llu", what,
                (unsigned long long)(tsc * 100 / COST_ROUNDS));
}

/* Two calls that do nothing, so that what is left is the work and not the way to it. */
__attribute__((noinline)) static pfn_t nothing_alloc(void)
{
    __asm__ volatile("");
    return 1;
}

__attribute__((noinline)) static void nothing_free(pfn_t pfn)
{
    __asm__ volatile("" : : "r"(pfn));
}

static uint64_t cost_of_nothing(void)
{
    uint64_t before = tsc_read();

    for (unsigned i = 0; i < COST_ROUNDS; i++) {
        nothing_free(nothing_alloc());
    }
    return tsc_read() - before;
}

static uint64_t cost_of_frames(void)
{
    uint64_t before = tsc_read();

    for (unsigned i = 0; i < COST_ROUNDS; i++) {
        frame_free(frame_alloc());
    }
    return tsc_read() - before;
}

static uint64_t cost_of_blocks(void)
{
    uint64_t before = tsc_read();
    pfn_t first;

    for (unsigned i = 0; i < COST_ROUNDS; i++) {
        if (frame_alloc_order(BLOCK_ORDER, &first) == OK) {
            frame_free_order(first, BLOCK_ORDER);
        }
    }
    return tsc_read() - before;
}

/* The usual case is a machine that has used and freed memory: some backed blocks are free. */
static void warm_up(void)
{
    pfn_t first;

    if (frame_alloc_run(8 * BLOCK_FRAMES, &first) == OK) {
        frame_free_run(first, 8 * BLOCK_FRAMES);
    }
}

/* Under `-icount shift=0` one TSC tick is one instruction. Interrupts are off meanwhile. */
int scenario_alloc_cost(void)
{
    struct frame_stats stats;
    bool on = interrupts_save_off();

    warm_up();
    uint64_t nothing = cost_of_nothing();
    uint64_t frames = cost_of_frames();
    uint64_t blocks = cost_of_blocks();

    interrupts_restore(on);
    ASSERT(frames > nothing && blocks > nothing);
    cost_line("frame", frames - nothing);
    cost_line("block", blocks - nothing);
    frame_stats(&stats);
    result_line("metadata bytes=%llu frames=%llu", (unsigned long long)stats.metadata_bytes,
                (unsigned long long)stats.total);
    return 0;
}
