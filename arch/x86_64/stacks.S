/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stacks that exist before there are tasks: the boot stack, which becomes the idle task's, and
 * one each for interrupts, for faults, for double faults and for NMIs. Each lies above a guard page
 * that is not mapped, so that running out of stack is a fault with a name and not a corruption.
 * arch/x86_64/stacks.h tells C about them.
 */

#define GUARD 4096

    .macro stack name, bytes
    .globl \name\()_stack_guard
    .globl \name\()_stack_top
\name\()_stack_guard:
    .skip GUARD + \bytes
\name\()_stack_top:
    .endm

    .section .stacks, "aw", @nobits
    .align 4096
    stack boot, 16384
    stack interrupt, 16384
    stack fault, 8192
    stack double_fault, 8192
    stack nmi, 8192

    .section .note.GNU-stack, "", @progbits
