/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Between vm.c and vm_probe.c, and for tests of the parser. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/aerostat/vm.h"

/* Where guest memory lies in QEMU's address space. */
struct vm_ram {
    uint64_t start; /* 0: not asked yet */
    uint64_t bytes;
};

struct vm_ram *vm_ram(struct vm *vm);

/* Sums the resident bytes of all mappings inside [start, end) of a /proc/PID/smaps. False when
 * there is no such mapping. */
bool vm_probe_smaps(FILE *smaps, uint64_t start, uint64_t end, uint64_t *resident);
