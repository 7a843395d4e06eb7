/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The ELF note by which a loader finds the 32-bit entry of an image; for assembly only.
 * [Xen public/elfnote.h, XEN_ELFNOTE_PHYS32_ENTRY] */

/* clang-format off */
#define PVH_NOTE(entry)                         \
    .section .note.pvh, "a", @note;             \
    .align 4;                                   \
    .long 4;       /* bytes of the name */      \
    .long 4;       /* bytes of the entry */     \
    .long 18;      /* PHYS32_ENTRY */           \
    .asciz "Xen";                               \
    .long entry
/* clang-format on */
