/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* What the host holds, looked at often enough to time it. */

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/bench_vm.h"

/* The resident size of a whole QEMU. Reading it costs some microseconds, where vm_ram_resident()
 * walks the page tables of all the guest's memory; it contains QEMU itself, so only differences
 * that are large against that mean anything. */
struct host_watch {
    int fd;
    uint64_t page_bytes;
};

bool host_watch_open(struct bench *bench, struct host_watch *watch, struct vm *vm);
void host_watch_close(struct host_watch *watch);
uint64_t host_resident(const struct host_watch *watch);

/* Seconds from `start` (bench_clock()) until the resident size has fallen to `bytes`; NAN when that
 * takes longer than `limit` seconds. Takes in nothing of what the guest writes meanwhile. */
double host_wait_resident(const struct host_watch *watch, uint64_t bytes, double start,
                          double limit);

/* Switches huge pages off, or on again, for this process and the QEMUs it starts. */
bool host_huge_pages_off(struct bench *bench, bool off);

/* Touches every page of a fresh piece of memory, mapped as QEMU maps a guest's, and times one
 * madvise() that drops all of it. */
bool host_drop_seconds(struct bench *bench, uint64_t bytes, double *seconds);
