/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads struct hvm_start_info and hands the kernel a boot_info. Everything is copied, so that the
 * loader's structures, which lie in memory that the map calls usable (observed: QEMU 7.2), need
 * not be kept. Addresses must lie in the first GiB, which is all that is mapped here.
 * [Xen public/arch-x86/hvm/start_info.h]
 */

#include "arch/x86_64/boot.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/boot_info.h"
#include "base/memory.h"
#include "base/string.h"

#define START_INFO_MAGIC 0x336ec578U

struct start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t modules;
    uint64_t module_list;
    uint64_t cmdline;
    uint64_t rsdp;
    uint64_t memmap; /* from version 1 on */
    uint32_t memmap_entries;
    uint32_t reserved;
};

struct start_info_module {
    uint64_t address;
    uint64_t bytes;
    uint64_t cmdline;
    uint64_t reserved;
};

struct start_info_memmap {
    uint64_t address;
    uint64_t bytes;
    uint32_t type;
    uint32_t reserved;
};

/* Too large for a stack, and needed until the kernel's memory is set up. */
static struct boot_info boot_info;

const struct boot_info *boot_info_passed(void)
{
    return &boot_info;
}

/* What the loader left at a physical address, or null when it cannot be read yet. */
static const void *loaded(uint64_t address, uint64_t bytes)
{
    if (address == 0 || bytes > GIB || address > GIB - bytes) {
        return NULL;
    }
    return (const void *)(uintptr_t)address;
}

static void copy_cmdline(uint64_t address)
{
    const char *text = loaded(address, 1);
    size_t kept = 0;

    if (text == NULL) {
        return;
    }
    while (kept < BOOT_CMDLINE_MAX - 1 && address + kept < GIB && text[kept] != '\0') {
        boot_info.cmdline[kept] = text[kept];
        kept++;
    }
    boot_info.cmdline[kept] = '\0';
    boot_info.cmdline_was_cut = address + kept == GIB || text[kept] != '\0';
}

static void copy_memmap(uint64_t address, uint32_t entries)
{
    const struct start_info_memmap *map = loaded(address, (uint64_t)entries * sizeof(*map));

    if (map == NULL) {
        return;
    }
    boot_info.memmap_count = min_u64(entries, BOOT_MEMMAP_MAX);
    boot_info.memmap_dropped = entries - boot_info.memmap_count;
    for (size_t i = 0; i < boot_info.memmap_count; i++) {
        boot_info.memmap[i].start = map[i].address;
        boot_info.memmap[i].size = map[i].bytes;
        boot_info.memmap[i].type = map[i].type;
    }
}

_Noreturn void boot_from_pvh(uint64_t start_info_address)
{
    const struct start_info *info = loaded(start_info_address, sizeof(*info));

    boot_info.protocol = "PVH";
    if (info == NULL || info->magic != START_INFO_MAGIC || info->version < 1) {
        panic("the loader passed no PVH start info of version 1 at 0x%llx",
              (unsigned long long)start_info_address);
    }
    copy_cmdline(info->cmdline);
    copy_memmap(info->memmap, info->memmap_entries);
    boot_info.rsdp = info->rsdp;
    if (info->modules > 0) {
        const struct start_info_module *module = loaded(info->module_list, sizeof(*module));

        if (module != NULL) {
            boot_info.initrd.start = module->address;
            boot_info.initrd.bytes = module->bytes;
        }
    }
    kernel_main(&boot_info);
}
