/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What every task of an application has for itself: its thread-local variables, the stack
 * protector's canary, and newlib's state (errno, the streams, strtok's memory ...).
 *
 *     | thread-local variables | struct thread |
 *                              ^ thread pointer, in %fs [System V ABI AMD64 §3.4.2, variant II]
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/reent.h>

struct thread {
    struct thread *self; /* %fs:0, by which the compiler finds thread-local variables */
    uint64_t unused[4];
    uint64_t canary; /* %fs:0x28, where the compiler looks for it */
    struct _reent reent;
};

_Static_assert(offsetof(struct thread, canary) == 0x28, "the compiler's place for the canary");

/* Memory that a thread needs, for thread_init(). */
size_t thread_bytes(void);

/* Makes a thread in `memory`, of thread_bytes() at a multiple of THREAD_ALIGN. */
struct thread *thread_init(void *memory);

/* Gives back what newlib holds for it; the memory stays the caller's. */
void thread_end(struct thread *thread);

#define THREAD_ALIGN 64U

/* A place for one on the stack of the function that says this, gone with it. */
#define THREAD_ON_STACK()                                                                          \
    thread_init(__builtin_alloca_with_align(thread_bytes(), (size_t)THREAD_ALIGN * 8))

/* The first thread; kernel tasks that call the application back have its variables, too. From the
 * application's only task, before any code that knows threads; `first` must live as long as the
 * program. */
void thread_start(struct thread *first);
