/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest costs its host, read from outside: /proc knows how much of the mapping behind guest
 * memory is resident, and how long each thread ran. The guest is not asked.
 *
 * Where the mapping is, QEMU tells: the monitor's `gpa2hva 0` yields the address of guest-physical
 * byte 0, and all of the memory lies in one piece from there (the hole below 4 GiB is one in guest
 * addresses only). The kernel may split the piece into several mappings, for example after madvise.
 */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/aerostat/vm.h"
#include "tools/aerostat/vm_probe.h"

#define MONITOR_LIMIT_MS 5000

bool vm_probe_smaps(FILE *smaps, uint64_t start, uint64_t end, uint64_t *resident)
{
    char *line = NULL;
    size_t size = 0;
    uint64_t overlap = 0; /* of the mapping whose lines we read, with [start, end) */
    bool found = false;

    *resident = 0;
    while (getline(&line, &size, smaps) >= 0) {
        uint64_t from = 0;
        uint64_t to = 0;
        uint64_t kib = 0;
        char colon = '\0';

        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s%c", &from, &to, &colon) == 3) {
            from = from > start ? from : start;
            to = to < end ? to : end;
            overlap = from < to ? to - from : 0;
            found = found || overlap > 0;
        } else if (overlap > 0 && sscanf(line, "Rss: %" SCNu64 " kB", &kib) == 1) {
            /* A mapping that reaches beyond the piece cannot count for more than its share. */
            *resident += kib * 1024 < overlap ? kib * 1024 : overlap;
        }
    }
    free(line);
    return found;
}

/* The host address of guest-physical byte 0. */
static bool ram_start(struct vm *vm, uint64_t *start)
{
    char *answer = vm_human(vm, "gpa2hva 0", MONITOR_LIMIT_MS);
    const char *address;
    bool good;

    if (answer == NULL) {
        return false;
    }
    /* "Host virtual address for 0x0 (pc.ram) is 0x7efe33e00000" (observed: QEMU 7.2) */
    address = strstr(answer, " is 0x");
    good = address != NULL && sscanf(address, " is 0x%" SCNx64, start) == 1;
    free(answer);
    return good;
}

bool vm_ram_resident(struct vm *vm, uint64_t *bytes)
{
    struct vm_ram *ram = vm_ram(vm);
    char path[64];
    FILE *smaps;
    bool good;

    if (ram->start == 0 && !ram_start(vm, &ram->start)) {
        return false;
    }
    snprintf(path, sizeof(path), "/proc/%d/smaps", vm_pid(vm));
    smaps = fopen(path, "re");
    if (smaps == NULL) {
        return false;
    }
    good = vm_probe_smaps(smaps, ram->start, ram->start + ram->bytes, bytes);
    fclose(smaps);
    return good;
}

/* The first number of a schedstat file: nanoseconds on a processor. */
static bool thread_time(pid_t process, uint64_t thread, uint64_t *us)
{
    char path[80];
    uint64_t ns = 0;
    FILE *file;
    bool good;

    snprintf(path, sizeof(path), "/proc/%d/task/%" PRIu64 "/schedstat", process, thread);
    file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    good = fscanf(file, "%" SCNu64, &ns) == 1;
    fclose(file);
    *us = ns / 1000;
    return good;
}

bool vm_cpu_time(struct vm *vm, uint64_t *us)
{
    struct timespec time;
    clockid_t clock;

    if (clock_getcpuclockid(vm_pid(vm), &clock) != 0 || clock_gettime(clock, &time) != 0) {
        return false;
    }
    *us = (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
    return true;
}

bool vm_vcpu_time(struct vm *vm, unsigned vcpu, uint64_t *us)
{
    json_t *reply = NULL;
    uint64_t thread = 0;
    bool good;

    if (qmp_execute(vm_qmp(vm), "query-cpus-fast", NULL, MONITOR_LIMIT_MS, &reply, NULL) !=
        QMP_OK) {
        return false;
    }
    good = qmp_get_u64(json_array_get(reply, vcpu), "thread-id", &thread);
    json_decref(reply);
    return good && thread_time(vm_pid(vm), thread, us);
}
