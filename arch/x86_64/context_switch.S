/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Switching between cooperative tasks: only what the System V ABI calls callee-saved has to be
 * kept, the control words of x87 and SSE included [System V ABI AMD64 §3.2.1].
 */

    .text
    /* void context_switch(uint64_t *save_stack, uint64_t load_stack) */
    .globl context_switch
    .type context_switch, @function
context_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    fnstcw (%rsp)
    stmxcsr 4(%rsp)
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    fldcw (%rsp)
    ldmxcsr 4(%rsp)
    addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size context_switch, . - context_switch

    /* The first return of a new task: r12 is its function, r13 its argument (context.c). */
    .globl context_begin
    .type context_begin, @function
context_begin:
    movq %r13, %rdi
    xorl %ebp, %ebp
    call *%r12
    call context_returned
    ud2
    .size context_begin, . - context_begin

    .section .note.GNU-stack, "", @progbits
