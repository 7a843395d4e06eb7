/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest that does nothing: started like the kernel, it writes one line to the serial port and
 * halts for good. What QEMU and the firmware cost until then is the floor of every start-up figure.
 */

#include "arch/x86_64/pvh_note.h"

#define COM1 0x3f8
#define FIFO_ON_CLEARED 0x07

    PVH_NOTE(pvh_start)

    .section .text.start, "ax"
    .code32
    .globl pvh_start
    .type pvh_start, @function
pvh_start:
    cli
    cld
    movw $COM1 + 2, %dx    /* the FIFO takes 16 bytes; the line is shorter */
    movb $FIFO_ON_CLEARED, %al
    outb %al, %dx
    movw $COM1, %dx
    movl $line, %esi
    movl $line_end - line, %ecx
    rep outsb
1:  hlt
    jmp 1b
    .size pvh_start, . - pvh_start

    .section .rodata
line:
    .ascii "@ready nothing\n"
line_end:

    .section .note.GNU-stack, "", @progbits
