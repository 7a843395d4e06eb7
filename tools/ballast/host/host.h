/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The host's own side, read from /proc and /sys: what is free, how much pressure there is, and what
 * a process really holds. Every file may be absent or unreadable; then the value is told as
 * missing.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/ballast/policy/policy.h"

struct host_source {
    const char *root;     /* "" or a folder in front of /proc and /sys, for tests */
    const char *cgroup;   /* "" or the folder of cgroup v2 whose limit and pressure count */
    uint64_t limit_bytes; /* 0, or: no more than this is distributed, whatever the host has */
};

struct host_memory {
    uint64_t total_bytes;
    uint64_t available_bytes; /* MemAvailable, without the part of ZFS' cache that it counts as
                               * reclaimable though ZFS keeps it; with a limit or a cgroup: at
                               * most what is left of it */
    uint64_t swap_total_bytes;
    uint64_t swap_free_bytes;
    uint32_t psi_some_centi; /* hundredths of a percent, avg10 */
    uint32_t psi_full_centi;
    bool psi; /* the kernel tells pressure */
    bool
        cgroup; /* the numbers are those of the cgroup; false: it is not there, and none is in it */
    uint64_t ksm_saved_bytes;
};

/* Reads it. `machines_bytes` is what all machines hold together, RAM and overhead: with a limit and
 * no cgroup it is what was taken from the limit. False when not even the total can be told, or
 * when the cgroup is there and its limit cannot be: the whole host must not be taken for it. */
bool host_read(const struct host_source *source, uint64_t machines_bytes,
               struct host_memory *memory);

/* What one process holds. */
struct host_process {
    uint64_t virtual_bytes;  /* its address space: a machine's is larger than its RAM */
    uint64_t resident_bytes; /* all of it, hugetlb pages too */
    uint64_t ram_bytes;      /* of it, the mapping of `ram_size` bytes: the guest's RAM;
                              * POLICY_MISSING when there is no such mapping or it cannot be read */
    uint64_t locked_bytes;
    uint64_t huge_bytes;    /* hugetlb pages that it touched */
    uint64_t swapped_bytes; /* swapped out; POLICY_MISSING where the kernel does not tell */
    bool ram_huge;          /* the RAM mapping is made of them, touched or not */
    bool vfio;              /* it has an assigned device open */
};

/* Reads it, the RAM mapping (in one piece, or in adjacent ones that add up to `ram_size`) and open
 * devices too where the caller may look. Costs a walk over the mappings. False when there is no
 * such process. */
bool host_process_read(const struct host_source *source, pid_t pid, uint64_t ram_size,
                       struct host_process *process);

/* The cheap part, for every period: all but the RAM mapping and open devices, which are told as
 * unknown and closed. False when there is no such process. */
bool host_process_glance(const struct host_source *source, pid_t pid, struct host_process *process);

/* A cgroup of v2: what it has and may have (POLICY_MISSING: no limit). */
struct host_cgroup {
    uint64_t current_bytes;
    uint64_t file_bytes; /* of it, page cache and slabs that could be dropped */
    uint64_t max_bytes;
    uint64_t high_bytes;
    bool psi;
    uint32_t psi_some_centi;
    uint32_t psi_full_centi;
};

/* Reads the folder, a path such as "/sys/fs/cgroup/machine.slice". False when it is no cgroup with
 * memory control, or gone. */
bool host_cgroup_read(const struct host_source *source, const char *folder,
                      struct host_cgroup *cgroup);
