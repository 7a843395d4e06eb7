/* SPDX-License-Identifier: BSD-2-Clause */
/* The first stack image of a task, in the layout that context_switch pops (context_switch.S). */

#include "arch/x86_64/context.h"

#include "base/assert.h"

#define FPU_CONTROL_DEFAULT UINT64_C(0x037f)
#define MXCSR_DEFAULT       UINT64_C(0x1f80)

extern char context_begin[];

struct image {
    uint64_t control_words; /* x87 control word low, MXCSR high */
    uint64_t r15, r14, r13, r12, rbx, rbp;
    uint64_t return_address;
};

uint64_t context_prepare(uint64_t top, context_function *function, void *argument)
{
    ASSERT(top % 16 == 0);
    /* context_begin starts with the stack 16-byte aligned, as before any call. */
    struct image *image = (struct image *)(uintptr_t)(top - sizeof(struct image));

    *image = (struct image){
        .control_words = FPU_CONTROL_DEFAULT | MXCSR_DEFAULT << 32,
        .r12 = (uint64_t)(uintptr_t)function,
        .r13 = (uint64_t)(uintptr_t)argument,
        .return_address = (uint64_t)(uintptr_t)context_begin,
    };
    return (uint64_t)(uintptr_t)image;
}
