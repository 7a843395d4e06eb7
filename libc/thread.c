/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads as the compiler and newlib see them. This file is compiled without the stack protector,
 * for it makes the canary.
 */

#include "libc/thread.h"

#include <string.h>

#include "base/assert.h"

#include "arch/x86_64/cpu.h"
#include "kernel/task.h"
#include "libc/random.h"

/* The image of the thread-local variables, and their whole size, a multiple of 64 (linker.ld). */
extern const char tls_start[];
extern const char tls_data_end[];
extern const char tls_end[];

static uint64_t canary;

static size_t tls_bytes(void)
{
    return (size_t)(tls_end - tls_start);
}

size_t thread_bytes(void)
{
    return tls_bytes() + sizeof(struct thread);
}

struct thread *thread_init(void *memory)
{
    char *variables = memory;
    size_t copied = (size_t)(tls_data_end - tls_start);
    struct thread *thread = (struct thread *)(void *)(variables + tls_bytes());

    ASSERT((uintptr_t)memory % THREAD_ALIGN == 0);
    memcpy(variables, tls_start, copied);
    memset(variables + copied, 0, tls_bytes() - copied);
    *thread = (struct thread){ .self = thread, .canary = canary };
    _REENT_INIT_PTR(&thread->reent);
    return thread;
}

void thread_end(struct thread *thread)
{
    _reclaim_reent(&thread->reent);
}

struct _reent *__getreent(void)
{
    struct thread *thread;

    __asm__("movq %%fs:0, %0" : "=r"(thread));
    return &thread->reent;
}

void thread_start(struct thread *first)
{
    /* A zero byte in it stops a string that runs over it. */
    canary = random_word() & ~UINT64_C(0xff);
    first->canary = canary;
    task_set_thread_pointer_otherwise((uint64_t)(uintptr_t)first);
    task_set_thread_pointer((uint64_t)(uintptr_t)first);
}

_Noreturn void __stack_chk_fail(void);
_Noreturn void __stack_chk_fail(void)
{
    panic("a variable on the stack was written past its end");
}
