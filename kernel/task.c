/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runnable tasks stand in one first-in, first-out queue. The run queue and all wait queues belong
 * to whoever has interrupts off, because work on the way out of an interrupt may wake a task.
 *
 * Stack slots lie in the stack window, each below the guard page of the next. A stack that is not
 * of the largest size lies at the lower end of its slot:
 *
 *     | guard | stack of task 0 |    | guard | stack of task 1 |    | guard | ...
 */

#include "kernel/task.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/memory.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/context.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"
#include "kernel/timer.h"
#include "kernel/work.h"
#include "mm/frame.h"

#define SLOT_BYTES ((uint64_t)FRAME_SIZE + TASK_STACK_MAX)

enum task_state { TASK_UNUSED, TASK_RUNNABLE, TASK_RUNNING, TASK_WAITING, TASK_ENDED };

struct task {
    const char *name;
    task_function *function;
    void *argument;
    struct task *next;  /* in the run queue or a wait queue */
    uint64_t stack;     /* saved stack pointer while not running */
    pfn_t stack_frames; /* first of stack_count contiguous frames */
    pfn_t stack_count;
    uint64_t thread_pointer; /* 0: that of others */
    enum task_state state;
    struct timer timer;
    struct wait_queue sleeping;
};

static struct task tasks[TASKS_MAX];
static bool (*idle_hook)(void);
static struct task *current; /* null: the idle loop */
static struct task *run_first;
static struct task *run_last;
static uint64_t idle_stack;
static uint64_t thread_pointer_otherwise;

static uint64_t slot_guard(const struct task *task)
{
    return PAGING_STACK_WINDOW + (uint64_t)(task - tasks) * SLOT_BYTES;
}

static uint64_t stack_low(const struct task *task)
{
    return slot_guard(task) + FRAME_SIZE;
}

static uint64_t stack_high(const struct task *task)
{
    return stack_low(task) + (uint64_t)task->stack_count * FRAME_SIZE;
}

static void make_runnable(struct task *task)
{
    ASSERT(task->state != TASK_UNUSED && task->state != TASK_ENDED);
    task->state = TASK_RUNNABLE;
    task->next = NULL;
    if (run_first == NULL) {
        run_first = task;
    } else {
        run_last->next = task;
    }
    run_last = task;
}

/* The first code of every task, with interrupts off from the switch. */
static void task_main(void *argument)
{
    struct task *task = argument;

    interrupts_restore(true);
    task->function(task->argument);
    task_exit();
}

_Noreturn void context_returned(void)
{
    panic("task_main returned");
}

static void stack_release(struct task *task, pfn_t mapped)
{
    for (pfn_t i = 0; i < mapped; i++) {
        paging_unmap_at(stack_low(task) + i * FRAME_SIZE);
    }
    frame_free_run(task->stack_frames, task->stack_count);
}

static err_t stack_make(struct task *task)
{
    err_t err = frame_alloc_run(task->stack_count, &task->stack_frames);

    if (err != OK) {
        return err;
    }
    for (pfn_t i = 0; i < task->stack_count; i++) {
        err = paging_map_at(stack_low(task) + i * FRAME_SIZE, frame_address(task->stack_frames + i),
                            PAGING_WRITE);
        if (err != OK) {
            stack_release(task, i);
            return err;
        }
    }
    return OK;
}

static struct task *slot_find(void)
{
    for (unsigned i = 0; i < TASKS_MAX; i++) {
        if (tasks[i].state == TASK_UNUSED) {
            return &tasks[i];
        }
    }
    return NULL;
}

static void wake_sleeper(void *context)
{
    struct task *task = context;

    task_wake(&task->sleeping);
}

/* Frees the stacks of ended tasks, from a context that stands on none of them. */
static void reap(void)
{
    for (unsigned i = 0; i < TASKS_MAX; i++) {
        if (tasks[i].state == TASK_ENDED) {
            stack_release(&tasks[i], tasks[i].stack_count);
            tasks[i].state = TASK_UNUSED;
        }
    }
}

err_t task_create(const char *name, task_function *function, void *argument)
{
    return task_create_sized(name, TASK_STACK_BYTES, function, argument);
}

err_t task_create_sized(const char *name, uint32_t stack_bytes, task_function *function,
                        void *argument)
{
    ASSERT(name != NULL && function != NULL);
    ASSERT(stack_bytes > 0 && stack_bytes <= TASK_STACK_MAX && stack_bytes % FRAME_SIZE == 0);
    reap();
    struct task *task = slot_find();

    if (task == NULL) {
        return ERR_BUSY;
    }
    *task = (struct task){ .name = name,
                           .function = function,
                           .argument = argument,
                           .stack_count = stack_bytes / FRAME_SIZE };
    task->timer = (struct timer){ .fire = wake_sleeper, .context = task };
    err_t err = stack_make(task);

    if (err != OK) {
        return err;
    }
    task->stack = context_prepare(stack_high(task), task_main, task);
    bool on = interrupts_save_off();

    task->state = TASK_WAITING;
    make_runnable(task);
    interrupts_restore(on);
    return OK;
}

static void thread_pointer_load(const struct task *task)
{
    if (thread_pointer_otherwise != 0) {
        cpu_set_thread_pointer(task != NULL && task->thread_pointer != 0
                                   ? task->thread_pointer
                                   : thread_pointer_otherwise);
    }
}

void task_set_thread_pointer(uint64_t address)
{
    ASSERT(current != NULL && thread_pointer_otherwise != 0);
    current->thread_pointer = address;
    thread_pointer_load(current);
}

void task_set_thread_pointer_otherwise(uint64_t address)
{
    thread_pointer_otherwise = address;
    thread_pointer_load(current);
}

/* Leaves the running context for the next runnable task, or the idle loop. Interrupts are off. */
static void switch_away(void)
{
    struct task *from = current;
    struct task *to = run_first;

    if (to != NULL) {
        run_first = to->next;
        to->state = TASK_RUNNING;
    }
    if (to != NULL) {
        work_come_back();
    }
    if (to == from) {
        return; /* yielded to itself */
    }
    current = to;
    thread_pointer_load(to);
    context_switch(from != NULL ? &from->stack : &idle_stack, to != NULL ? to->stack : idle_stack);
}

void task_yield(void)
{
    bool on = interrupts_save_off();

    ASSERT(current != NULL);
    work_run(WORK_YIELD);
    make_runnable(current);
    switch_away();
    interrupts_restore(on);
}

void task_wait(struct wait_queue *queue)
{
    bool on = interrupts_save_off();

    ASSERT(current != NULL);
    current->state = TASK_WAITING;
    current->next = queue->first;
    queue->first = current;
    switch_away();
    interrupts_restore(on);
}

void task_wake(struct wait_queue *queue)
{
    bool on = interrupts_save_off();

    while (queue->first != NULL) {
        struct task *task = queue->first;

        ASSERT(task->state == TASK_WAITING);
        queue->first = task->next;
        make_runnable(task);
    }
    interrupts_restore(on);
}

void task_sleep_until(uint64_t at_ns)
{
    bool on = interrupts_save_off();

    ASSERT(current != NULL);
    timer_set(&current->timer, at_ns);
    task_wait(&current->sleeping);
    interrupts_restore(on);
}

_Noreturn void task_exit(void)
{
    (void)interrupts_save_off();
    ASSERT(current != NULL);
    timer_cancel(&current->timer);
    current->state = TASK_ENDED;
    switch_away();
    panic("an ended task was resumed");
}

const char *task_name(void)
{
    return current != NULL ? current->name : "idle";
}

bool task_is_running(void)
{
    return current != NULL;
}

const char *task_guard_owner(uint64_t address)
{
    for (unsigned i = 0; i < TASKS_MAX; i++) {
        uint64_t guard = slot_guard(&tasks[i]);

        if (tasks[i].state != TASK_UNUSED && address >= guard && address < guard + FRAME_SIZE) {
            return tasks[i].name;
        }
    }
    return NULL;
}

void task_set_idle_hook(bool (*hook)(void))
{
    idle_hook = hook;
}

_Noreturn void task_idle_loop(void)
{
    (void)interrupts_save_off();
    for (;;) {
        work_run(WORK_IDLE);
        reap();
        if (run_first != NULL) {
            switch_away();
        } else if (work_pending() || (idle_hook != NULL && idle_hook())) {
            interrupts_window();
        } else {
            cpu_wait();
        }
    }
}
