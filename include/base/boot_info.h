/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What every way into the kernel hands over, in one form. The boot path copies what it needs out of
 * the loader's structures, so that none of them has to be kept.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The types of the PVH and E820 maps; everything that is not usable is treated alike. */
#define MEMMAP_USABLE 1U

struct memmap_entry {
    uint64_t start;
    uint64_t size;
    uint32_t type;
};

/* QEMU gives 5 to 8 entries, a large server's firmware about 40. */
#define BOOT_MEMMAP_MAX 64U
/* Longer command lines are cut, and the log says so. */
#define BOOT_CMDLINE_MAX 2048U

struct boot_range {
    uint64_t start;
    uint64_t bytes;
};

struct boot_info {
    const char *protocol; /* "PVH" */
    struct memmap_entry memmap[BOOT_MEMMAP_MAX];
    size_t memmap_count;
    size_t memmap_dropped;          /* entries beyond BOOT_MEMMAP_MAX */
    char cmdline[BOOT_CMDLINE_MAX]; /* always terminated */
    bool cmdline_was_cut;
    uint64_t rsdp;            /* ACPI root pointer, 0: the loader told none */
    struct boot_range initrd; /* bytes 0: none */
};
