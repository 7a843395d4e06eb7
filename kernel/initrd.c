/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds the archive that the loader passed. kernel/memory.c has kept its frames out of the
 * allocator, and so from the balloon, for good: contents are handed out by pointer. An archive in
 * usable memory is mapped with the rest of it, wherever it lies; one in memory that the map calls
 * reserved is mapped here. It is looked at when the first program asks, not at the start.
 */

#include "kernel/initrd.h"

#include <stdbool.h>

#include "base/boot_info.h"
#include "base/log.h"

#include "arch/x86_64/boot.h"
#include "arch/x86_64/paging.h"

static struct cpio tree;
static bool is_known;

static void refuse(const struct boot_range *range, const char *reason)
{
    log_error("the initrd, %llu bytes at 0x%llx, is not used: %s", (unsigned long long)range->bytes,
              (unsigned long long)range->start, reason);
}

/* QEMU puts it at the end of low memory, whatever lies there. */
static bool overlaps_image(const struct boot_range *range)
{
    return range->start < (uint64_t)(uintptr_t)image_end &&
           range->start + range->bytes > (uint64_t)(uintptr_t)image_start;
}

static void open_archive(const struct boot_range *range)
{
    struct cpio_fault fault;

    if (range->start + range->bytes < range->start) {
        refuse(range, "its end is no address");
        return;
    }
    if (overlaps_image(range)) {
        refuse(range, "it overlaps the kernel; give the machine more memory");
        return;
    }
    const void *archive = paging_map_firmware(range->start, range->bytes);

    if (archive == NULL) {
        refuse(range, "it cannot be mapped");
    } else if (cpio_open(&tree, archive, range->bytes, &fault) != OK) {
        log_error("the initrd at byte %zu: %s", fault.offset, fault.reason);
        refuse(range, "it is no good archive");
    }
}

const struct cpio *initrd_tree(void)
{
    if (!is_known) {
        const struct boot_info *info = boot_info_passed();

        is_known = true;
        if (info->initrd.bytes != 0) {
            open_archive(&info->initrd);
        }
    }
    return &tree;
}
