/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Cooperative tasks. A task runs until it yields, waits, sleeps or ends; interrupts never switch
 * tasks. Every task has a stack above an unmapped guard page.
 *
 * Called from tasks only, unless it says otherwise.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Tasks at one time. task_create() says ERR_BUSY beyond. */
#define TASKS_MAX        16U
#define TASK_STACK_BYTES 32768U
/* The largest stack a task can have. */
#define TASK_STACK_MAX 1048576U

struct task;

/* Tasks that wait for the same thing. Zero-initialised is empty. */
struct wait_queue {
    struct task *first;
};

typedef void task_function(void *argument);

/* Starts a task; it runs when the others yield. `name` must stay. Callable from tasks and from the
 * start, not from work. ERR_NOMEM for the stack, ERR_BUSY for the number. */
MUST_USE err_t task_create(const char *name, task_function *function, void *argument);

/* The same with a stack of `stack_bytes`, a multiple of FRAME_SIZE, TASK_STACK_MAX at most. All of
 * it is memory from the start on. */
MUST_USE err_t task_create_sized(const char *name, uint32_t stack_bytes, task_function *function,
                                 void *argument);

/* Where the running task's thread-local data are, from now on: %fs for the code of an application.
 * Tasks that never say so have `otherwise` once it was set: kernel tasks that call an application
 * back. */
void task_set_thread_pointer(uint64_t address);
void task_set_thread_pointer_otherwise(uint64_t address);

/* Lets marked work and the other runnable tasks run once. */
void task_yield(void);

/* Sleeps at least until the time on clock_now_ns(). */
void task_sleep_until(uint64_t at_ns);

/* Waits until task_wake() on the same queue, whatever happened before. Work may call task_wake() at
 * any moment, so whoever waits for a condition looks at it with interrupts off, and keeps them off
 * until task_wait(): it lets them in while the task waits. Tasks wake in the opposite order of
 * their waiting. */
void task_wait(struct wait_queue *queue);

/* Makes all tasks in the queue runnable. Callable from tasks, work and timers. */
void task_wake(struct wait_queue *queue);

_Noreturn void task_exit(void);

/* The name of the running task; "idle" outside of any. Callable from everywhere. */
const char *task_name(void);

/* False in the idle loop and during the start. Callable from everywhere. */
bool task_is_running(void);

/* Whose guard page the address lies in, or null. Callable from everywhere. */
const char *task_guard_owner(uint64_t address);

/* Called, interrupts off, before the processor halts because there is nothing to do: the last
 * moment before the guest may be stopped for long. True: it has marked work after all. */
void task_set_idle_hook(bool (*hook)(void));

/* The boot context becomes the idle loop: runs work and tasks, halts when there is nothing. */
_Noreturn void task_idle_loop(void);
