/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One stub per vector, 16 bytes apart, then one common path that saves a struct trap_frame
 * (trap.h) and calls trap_dispatch(). The processor pushes an error code for some exceptions only;
 * the stubs push 0 for the others [SDM 3A §6.13].
 */

    .text
    .globl trap_entries
    .balign 16
trap_entries:
    .set vector, 0
    .rept 256
    .balign 16
    .if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
    .else
    pushq $0
    .endif
    pushq $vector
    jmp trap_common
    .set vector, vector + 1
    .endr

    .balign 16
    .type trap_common, @function
trap_common:
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    cld
    movq %rsp, %rdi
    xorl %ebp, %ebp        /* C starts a backtrace of its own here */
    call trap_dispatch
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp         /* vector and error code */
    iretq
    .size trap_common, . - trap_common

    .section .note.GNU-stack, "", @progbits
