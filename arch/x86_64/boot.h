/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Where the ways in meet the kernel. */

#include <stdint.h>

struct boot_info;

/* Called by pvh.S in long mode on the boot stack, the first GiB mapped one to one. */
_Noreturn void boot_from_pvh(uint64_t start_info_address);

/* The kernel proper (kernel/main.c): every way in ends here. `info` must outlive the start. */
_Noreturn void kernel_main(const struct boot_info *info);

/* What kernel_main() was given. Callable from everywhere, after that. */
const struct boot_info *boot_info_passed(void);

/* The bounds of the image's parts (linker.ld); text begins at image_start. */
extern char image_start[];
extern char text_end[];
extern char rodata_end[];
extern char image_end[];
