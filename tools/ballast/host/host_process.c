/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one process holds, from /proc/PID: statm and status, which everybody may read, smaps and fd,
 * which only its user and root may.
 *
 * The guest's RAM is found by its size. The kernel may have split its mapping, so neighbours that
 * add up to the size count as well: `starts` remembers where each mapping of an unbroken chain
 * began and how much was resident before it.
 */

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/ballast/host/host.h"
#include "tools/ballast/host/host_file.h"

/* Pieces of RAM in a chain that are told apart; QEMU's RAM has one or two. */
#define CHAIN_MAX 64U

struct chain {
    uint64_t ram_size;
    uint64_t end; /* of the newest mapping; 0: no chain */
    size_t count;
    struct {
        uint64_t start;
        uint64_t resident_before;
    } starts[CHAIN_MAX];
    uint64_t resident; /* of the whole chain */
    bool huge;         /* the newest mapping has huge pages */
    /* The best mapping of that size so far. */
    bool found;
    uint64_t found_resident;
    bool found_huge;
};

/* False for a process that ends, too: it is still there, and holds nothing any more. */
static bool read_statm(const struct host_source *source, pid_t pid, uint64_t *all,
                       uint64_t *resident)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    char path[64];
    char text[256];
    const char *rest;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    return host_file_read(source, path, text, sizeof(text)) && host_file_number(text, all, &rest) &&
           host_file_number(rest, resident, NULL) && !__builtin_mul_overflow(*all, page, all) &&
           *all <= (uint64_t)INT64_MAX && !__builtin_mul_overflow(*resident, page, resident) &&
           *all > 0 && *resident <= *all;
}

/* ---- mappings ---- */

/* Judges the chain as it is with all lines of its newest mapping read. */
static void chain_judge(struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        uint64_t resident = chain->resident - chain->starts[i].resident_before;

        /* Of several mappings of this size the fullest is the RAM. */
        if (chain->end - chain->starts[i].start == chain->ram_size &&
            (!chain->found || resident > chain->found_resident)) {
            chain->found = true;
            chain->found_resident = resident < chain->ram_size ? resident : chain->ram_size;
            chain->found_huge = chain->huge;
        }
    }
}

static void chain_add(struct chain *chain, uint64_t from, uint64_t to)
{
    chain_judge(chain);
    if (chain->end != from || chain->count == CHAIN_MAX) {
        chain->count = 0;
        chain->resident = 0;
    }
    chain->starts[chain->count].start = from;
    chain->starts[chain->count].resident_before = chain->resident;
    chain->count++;
    chain->end = to;
    chain->huge = false;
}

/* One line of smaps: either a mapping's first, or one of its values. */
static void chain_line(struct chain *chain, const char *line)
{
    static const char *const resident[] = { "Rss:", "Shared_Hugetlb:", "Private_Hugetlb:" };
    uint64_t value = 0;
    char *rest = NULL;
    uint64_t from = strtoull(line, &rest, 16);

    if (rest != line && *rest == '-') {
        uint64_t to = strtoull(rest + 1, &rest, 16);

        if (*rest == ' ' && from < to) {
            chain_add(chain, from, to);
        }
        return;
    }
    if (chain->count == 0) {
        return;
    }
    if (host_file_value(line, "KernelPageSize:", 1024, &value)) {
        chain->huge = value > (uint64_t)sysconf(_SC_PAGESIZE);
        return;
    }
    for (size_t i = 0; i < sizeof(resident) / sizeof(resident[0]); i++) {
        if (host_file_value(line, resident[i], 1024, &value) && value <= POLICY_BYTES_MAX &&
            chain->resident <= POLICY_BYTES_MAX) {
            chain->resident += value;
        }
    }
}

static void read_smaps(const struct host_source *source, pid_t pid, uint64_t ram_size,
                       struct host_process *process)
{
    struct chain chain = { .ram_size = ram_size };
    char path[PATH_MAX];
    char line[4096 + 256]; /* a mapping's line ends with a path */
    FILE *smaps;

    if (snprintf(path, sizeof(path), "%s/proc/%d/smaps", source->root, (int)pid) >=
        (int)sizeof(path)) {
        return;
    }
    smaps = fopen(path, "re");
    if (smaps == NULL) {
        return;
    }
    while (fgets(line, sizeof(line), smaps) != NULL) {
        chain_line(&chain, line);
    }
    fclose(smaps);
    chain_judge(&chain);
    if (chain.found) {
        process->ram_bytes = chain.found_resident;
        process->ram_huge = chain.found_huge;
    }
}

/* ---- open devices ---- */

/* A group or device of VFIO, not the container, which everybody may open. */
static bool is_vfio(const char *target)
{
    return (strncmp(target, "/dev/vfio/", 10) == 0 && strcmp(target, "/dev/vfio/vfio") != 0) ||
           strcmp(target, "anon_inode:[vfio-device]") == 0;
}

static bool has_vfio(const struct host_source *source, pid_t pid)
{
    char path[PATH_MAX];
    struct dirent *entry;
    bool found = false;
    DIR *folder;

    if (snprintf(path, sizeof(path), "%s/proc/%d/fd", source->root, (int)pid) >=
        (int)sizeof(path)) {
        return false;
    }
    folder = opendir(path);
    if (folder == NULL) {
        return false;
    }
    while (!found && (entry = readdir(folder)) != NULL) {
        char target[64];
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);

        if (length > 0) {
            target[length] = '\0';
            found = is_vfio(target);
        }
    }
    closedir(folder);
    return found;
}

bool host_process_glance(const struct host_source *source, pid_t pid, struct host_process *process)
{
    char path[64];
    char text[HOST_FILE_MAX];

    *process =
        (struct host_process){ .ram_bytes = POLICY_MISSING, .swapped_bytes = POLICY_MISSING };
    if (pid <= 0 || !read_statm(source, pid, &process->virtual_bytes, &process->resident_bytes)) {
        return false;
    }
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    if (host_file_read(source, path, text, sizeof(text))) {
        (void)host_file_value(text, "VmLck:", 1024, &process->locked_bytes);
        (void)host_file_value(text, "VmSwap:", 1024, &process->swapped_bytes);
        (void)host_file_value(text, "HugetlbPages:", 1024, &process->huge_bytes);
        if (process->huge_bytes <= POLICY_BYTES_MAX) {
            process->resident_bytes += process->huge_bytes;
        }
    }
    return true;
}

bool host_process_read(const struct host_source *source, pid_t pid, uint64_t ram_size,
                       struct host_process *process)
{
    if (!host_process_glance(source, pid, process)) {
        return false;
    }
    if (ram_size > 0 && ram_size <= POLICY_BYTES_MAX) {
        read_smaps(source, pid, ram_size, process);
    }
    process->vfio = has_vfio(source, pid);
    return true;
}
