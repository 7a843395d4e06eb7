/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Marked work: what interrupts leave behind. An interrupt handler only marks; the work runs soon
 * afterwards with interrupts off, from one of three places: the idle loop, a task that yields, or
 * the way out of an interrupt when the allocator is not held and no allocation is asking for memory
 * that others give up. So a task that never yields cannot keep its host waiting.
 */

#include <stdbool.h>
#include <stdint.h>

/* Where work_run() was called from. After WORK_INTERRUPT a computing task goes on, so work that has
 * more to do leaves it some time. */
enum work_place { WORK_IDLE, WORK_YIELD, WORK_INTERRUPT };

struct work {
    void (*run)(void *context, enum work_place place);
    void *context;
    volatile bool marked;
    struct work *next;
};

/* Makes a work item known; once, at start. Items run in the order in which they were added. */
void work_add(struct work *work);

/* Callable from everywhere. */
void work_mark(struct work *work);

/* Runs every item that is marked when it is reached, once. Interrupts must be off. Does nothing
 * while work is running already. */
void work_run(enum work_place place);

bool work_pending(void);

/* True inside work_run(). */
bool work_is_running(void);

/* A task is about to go on: makes the hardware timer interrupt it shortly if work is marked.
 * Interrupts must be off. */
void work_come_back(void);

/* Work that could not run on the way out of an interrupt, because an allocator function was. */
uint64_t work_deferred_count(void);

/* Installs the hook on the way out of interrupts. */
void work_init(void);
