/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads /proc/PID/statm, and is the host in the one case where there is no guest. */

#include "tests/bench/bench_host.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LOOK_US    200
#define HUGE_BYTES (UINT64_C(2) << 20)

bool host_watch_open(struct bench *bench, struct host_watch *watch, struct vm *vm)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/statm", vm_pid(vm));
    watch->fd = open(path, O_RDONLY | O_CLOEXEC);
    watch->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    return watch->fd >= 0 || bench_fail(bench, "%s cannot be read", path);
}

void host_watch_close(struct host_watch *watch)
{
    if (watch->fd >= 0) {
        close(watch->fd);
        watch->fd = -1;
    }
}

uint64_t host_resident(const struct host_watch *watch)
{
    char text[128] = "";
    uint64_t size = 0;
    uint64_t resident = 0;

    (void)!pread(watch->fd, text, sizeof(text) - 1, 0);
    (void)sscanf(text, "%" SCNu64 " %" SCNu64, &size, &resident);
    return resident * watch->page_bytes;
}

double host_wait_resident(const struct host_watch *watch, uint64_t bytes, double start,
                          double limit)
{
    double now = bench_clock();

    while (now - start <= limit) {
        uint64_t resident = host_resident(watch);

        now = bench_clock();
        if (resident <= bytes) {
            return resident == 0 ? NAN : now - start; /* 0: QEMU is gone */
        }
        usleep(LOOK_US);
    }
    return NAN;
}

bool host_huge_pages_off(struct bench *bench, bool off)
{
    return prctl(PR_SET_THP_DISABLE, off ? 1 : 0, 0, 0, 0) == 0 ||
           bench_fail(bench, "huge pages cannot be switched off");
}

bool host_drop_seconds(struct bench *bench, uint64_t bytes, double *seconds)
{
    size_t length = (size_t)(bytes + HUGE_BYTES);
    char *memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    char *piece;
    double before;
    bool good;

    if (memory == MAP_FAILED) {
        return bench_fail(bench, "no memory for a bare madvise");
    }
    piece = memory + (HUGE_BYTES - (uintptr_t)memory % HUGE_BYTES) % HUGE_BYTES;
    (void)madvise(piece, (size_t)bytes, MADV_HUGEPAGE); /* as QEMU does; may be refused */
    for (uint64_t at = 0; at < bytes; at += BENCH_FRAME_BYTES) {
        *(volatile char *)(piece + at) = 1;
    }
    before = bench_clock();
    good = madvise(piece, (size_t)bytes, MADV_DONTNEED) == 0;
    *seconds = bench_clock() - before;
    munmap(memory, length);
    return good || bench_fail(bench, "madvise is refused");
}
