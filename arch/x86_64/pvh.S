/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PVH way in: the loader finds the entry in an ELF note and jumps there in 32-bit protected
 * mode without paging, the address of struct hvm_start_info in ebx. From here to long mode, with
 * the first GiB mapped one to one and everything allowed; kernel/memory.c replaces these tables.
 * [Xen public/arch-x86/hvm/start_info.h, "PVH start of day"; SDM 3A §10.8.5]
 */

#include "arch/x86_64/pvh_note.h"

#define PAGE_PRESENT_WRITE 0x3
#define PAGE_LARGE 0x80
#define CR0_WANTED 0x80010033 /* PG, WP, NE, ET, MP, PE; EM and TS clear for SSE */
#define CR4_WANTED 0x620      /* PAE, OSFXSR, OSXMMEXCPT */
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define EFER_NXE 0x800
#define CPUID_NX (1 << 20)
#define CPUID_LONG_MODE (1 << 29)
#define COM1 0x3f8
#define DEBUG_EXIT_PORT 0xf4  /* as in power.c: 16 + status 1 */
#define DEBUG_EXIT_FAULT 17

    PVH_NOTE(pvh_start)

    .section .text.start, "ax"
    .code32
    .globl pvh_start
    .type pvh_start, @function
pvh_start:
    cli
    cld
    movl %ebx, %ebp        /* start_info survives in ebp */

    movl $bss_start, %edi
    movl $bss_end, %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    xorl %eax, %eax
    rep stosl

    /* Without long mode there is nothing to be done but to say so. */
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb 3f
    movl $0x80000001, %eax
    cpuid
    testl $CPUID_LONG_MODE, %edx
    jnz 5f
3:  movl $no_long_mode, %esi
    movl $COM1, %edx
4:  lodsb
    testb %al, %al
    jz 6f
    outb %al, %dx
    jmp 4b
6:  movl $DEBUG_EXIT_FAULT, %eax
    outl %eax, $DEBUG_EXIT_PORT
    hlt
    jmp 3b
5:
    /* First GiB: one PML4 entry, one PDPT entry, 512 large pages. */
    movl $boot_pdpt + PAGE_PRESENT_WRITE, boot_pml4
    movl $boot_pd + PAGE_PRESENT_WRITE, boot_pdpt
    movl $boot_pd, %edi
    movl $PAGE_LARGE + PAGE_PRESENT_WRITE, %eax
1:  movl %eax, (%edi)
    addl $8, %edi
    addl $0x200000, %eax
    cmpl $0x40000000, %eax
    jb 1b

    movl $CR4_WANTED, %eax
    movl %eax, %cr4
    movl $boot_pml4, %eax
    movl %eax, %cr3

    /* NX where the processor has it; every 64-bit one since 2005 does. */
    movl $0x80000001, %eax
    cpuid
    movl $EFER_LME, %esi
    testl $CPUID_NX, %edx
    jz 2f
    orl $EFER_NXE, %esi
2:  movl $MSR_EFER, %ecx
    rdmsr
    orl %esi, %eax
    wrmsr

    movl $CR0_WANTED, %eax
    movl %eax, %cr0
    lgdt boot_gdt_pointer
    ljmp $0x08, $long_mode

    .code64
long_mode:
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl $0x10, %eax       /* not null: see segments.c */
    movl %eax, %ss
    movl $boot_stack_top, %esp
    fninit
    pushq $0x1f80          /* all SSE exceptions masked, round to nearest */
    ldmxcsr (%rsp)
    movl %ebp, %edi
    xorl %ebp, %ebp        /* the backtrace ends here */
    movq %rbp, (%rsp)      /* no return address; keeps the stack aligned for a call */
    jmp boot_from_pvh
    .size pvh_start, . - pvh_start

    .section .rodata
no_long_mode: .asciz "aerostat needs a 64-bit processor\r\n"
    .align 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* 64-bit code */
    .quad 0x0000930000000000 /* stack */
boot_gdt_pointer:
    .word . - boot_gdt - 1
    .long boot_gdt

    .section .bss
    .align 4096
boot_pml4: .skip 4096
boot_pdpt: .skip 4096
boot_pd:   .skip 4096

    .section .note.GNU-stack, "", @progbits
