/* SPDX-License-Identifier: BSD-2-Clause */
/* aerostat.h: tasks, and timers whose functions run in a task. A task of the program is one of the
 * kernel's with a thread on its stack. */

#include <errno.h>
#include <stdlib.h>

#include "aerostat.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/memory.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "libc/thread.h"

STATIC_ASSERT(AEROSTAT_TASKS_MAX == TASKS_MAX, "the number in the public header");
STATIC_ASSERT(sizeof(struct aerostat_queue) == sizeof(struct wait_queue), "one for the other");

/* ---- tasks ---- */

struct birth {
    void (*run)(void *argument);
    void *argument;
};

static void task_begin(void *argument)
{
    struct birth birth = *(struct birth *)argument;
    struct thread *thread = THREAD_ON_STACK();

    free(argument);
    task_set_thread_pointer((uint64_t)(uintptr_t)thread);
    birth.run(birth.argument);
    thread_end(thread);
}

int aerostat_task_start(const char *name, size_t stack_bytes, void (*run)(void *argument),
                        void *argument)
{
    struct birth *birth;
    err_t err;

    if (stack_bytes == 0 || stack_bytes > TASK_STACK_MAX) {
        return EINVAL;
    }
    birth = malloc(sizeof(*birth));
    if (birth == NULL) {
        return ENOMEM;
    }
    *birth = (struct birth){ .run = run, .argument = argument };
    err = task_create_sized(name, (uint32_t)align_up(stack_bytes, FRAME_SIZE), task_begin, birth);
    if (err != OK) {
        free(birth);
        return err == ERR_BUSY ? EAGAIN : ENOMEM;
    }
    return 0;
}

void aerostat_yield(void)
{
    task_yield();
}

uint64_t aerostat_now_ns(void)
{
    return clock_now_ns();
}

void aerostat_sleep_until(uint64_t at_ns)
{
    task_sleep_until(at_ns);
}

void aerostat_sleep_ns(uint64_t ns)
{
    uint64_t now = clock_now_ns();

    task_sleep_until(ns < UINT64_MAX - now ? now + ns : UINT64_MAX);
}

const char *aerostat_task_name(void)
{
    return task_name();
}

void aerostat_wait(struct aerostat_queue *queue)
{
    task_wait((struct wait_queue *)queue);
}

void aerostat_wake(struct aerostat_queue *queue)
{
    task_wake((struct wait_queue *)queue);
}

/* ---- timers: the kernel's mark, the task calls ---- */

/* In aerostat_timer.private. The list of those that are due belongs to whoever has interrupts off.
 */
struct hidden {
    struct timer timer;
    struct aerostat_timer *next;
    bool due;
};

STATIC_ASSERT(sizeof(struct hidden) <= sizeof(((struct aerostat_timer *)0)->private), "it fits");

static struct aerostat_timer *due_first;
static struct wait_queue due_waiting;

static struct hidden *hidden_of(struct aerostat_timer *timer)
{
    return (struct hidden *)timer->private;
}

/* From work: only marks. */
static void on_time(void *context)
{
    struct aerostat_timer *timer = context;
    struct hidden *hidden = hidden_of(timer);

    ASSERT(!hidden->due);
    hidden->due = true;
    hidden->next = due_first;
    due_first = timer;
    task_wake(&due_waiting);
}

/* Takes the timer that was due first, or waits for one: the list's last. */
static struct aerostat_timer *next_due(void)
{
    bool on = interrupts_save_off();

    while (due_first == NULL) {
        task_wait(&due_waiting);
    }
    struct aerostat_timer **at = &due_first;

    while (hidden_of(*at)->next != NULL) {
        at = &hidden_of(*at)->next;
    }
    struct aerostat_timer *timer = *at;

    *at = NULL;
    hidden_of(timer)->due = false;
    interrupts_restore(on);
    return timer;
}

static void timers_task(void *argument)
{
    (void)argument;
    for (;;) {
        struct aerostat_timer *timer = next_due();

        timer->fire(timer->context);
    }
}

void aerostat_timer_cancel(struct aerostat_timer *timer)
{
    struct hidden *hidden = hidden_of(timer);
    bool on = interrupts_save_off();

    if (hidden->timer.fire != NULL) { /* it was set once */
        timer_cancel(&hidden->timer);
    }
    if (hidden->due) {
        struct aerostat_timer **at = &due_first;

        while (*at != timer) {
            at = &hidden_of(*at)->next;
        }
        *at = hidden->next;
        hidden->next = NULL;
        hidden->due = false;
    }
    interrupts_restore(on);
}

int aerostat_timer_set(struct aerostat_timer *timer, uint64_t at_ns)
{
    static bool started;
    struct hidden *hidden = hidden_of(timer);

    if (!started) {
        int error = aerostat_task_start("timers", TASK_STACK_BYTES, timers_task, NULL);

        if (error != 0) {
            return error;
        }
        started = true;
    }
    aerostat_timer_cancel(timer);
    hidden->timer.fire = on_time;
    hidden->timer.context = timer;
    timer_set(&hidden->timer, at_ns);
    return 0;
}
