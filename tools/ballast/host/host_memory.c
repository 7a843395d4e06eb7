/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the host has: /proc/meminfo and what must be taken off it, pressure, and the limits that the
 * operator put on what may be distributed. Whatever restricts more counts.
 *
 * ZFS: its cache is in MemAvailable only as far as the kernel books it as reclaimable slabs; below
 * c_min ZFS gives nothing back, so that part is taken off. The rest of the cache would come, but
 * slowly and under pressure only: it is not added.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/ballast/host/host.h"
#include "tools/ballast/host/host_file.h"

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t less(uint64_t from, uint64_t what)
{
    return from > what ? from - what : 0;
}

/* A value of arcstats: its lines are "name type data". */
static uint64_t zfs_value(const char *text, const char *key)
{
    size_t length = strlen(key);

    for (const char *line = strstr(text, key); line != NULL; line = strstr(line + 1, key)) {
        uint64_t type = 0;
        uint64_t value = 0;
        const char *end;

        if ((line == text || line[-1] == '\n') && line[length] == ' ' &&
            host_file_number(line + length, &type, &end) && host_file_number(end, &value, NULL)) {
            return value;
        }
    }
    return 0;
}

/* What MemAvailable counts as available though ZFS will keep it. */
static uint64_t zfs_kept(const struct host_source *source, const char *meminfo)
{
    char text[HOST_FILE_MAX];
    uint64_t slabs = 0;

    if (!host_file_read(source, "/proc/spl/kstat/zfs/arcstats", text, sizeof(text)) ||
        !host_file_value(meminfo, "SReclaimable:", 1024, &slabs)) {
        return 0;
    }
    return least(slabs, least(zfs_value(text, "size"), zfs_value(text, "c_min")));
}

static void read_pressure(const struct host_source *source, struct host_memory *memory)
{
    char text[512];

    if (host_file_read(source, "/proc/pressure/memory", text, sizeof(text)) &&
        host_file_pressure(text, "some", &memory->psi_some_centi)) {
        memory->psi = true;
        (void)host_file_pressure(text, "full", &memory->psi_full_centi);
    }
}

/* Reads a file of a cgroup. */
static bool cgroup_single(const struct host_source *source, const char *folder, const char *name,
                          uint64_t *value)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path) &&
           host_file_single(source, path, value);
}

bool host_cgroup_read(const struct host_source *source, const char *folder,
                      struct host_cgroup *cgroup)
{
    static const char *const droppable[] = { "inactive_file", "active_file", "slab_reclaimable" };
    char path[PATH_MAX];
    char text[HOST_FILE_MAX];

    *cgroup = (struct host_cgroup){ .max_bytes = POLICY_MISSING, .high_bytes = POLICY_MISSING };
    if (folder[0] == '\0' ||
        !cgroup_single(source, folder, "memory.current", &cgroup->current_bytes) ||
        cgroup->current_bytes == POLICY_MISSING) {
        return false;
    }
    (void)cgroup_single(source, folder, "memory.max", &cgroup->max_bytes);
    (void)cgroup_single(source, folder, "memory.high", &cgroup->high_bytes);
    snprintf(path, sizeof(path), "%s/memory.stat", folder);
    if (host_file_read(source, path, text, sizeof(text))) {
        for (size_t i = 0; i < sizeof(droppable) / sizeof(droppable[0]); i++) {
            uint64_t bytes = 0;

            (void)host_file_value(text, droppable[i], 1, &bytes);
            bytes = least(bytes, less(cgroup->current_bytes, cgroup->file_bytes));
            cgroup->file_bytes += bytes;
        }
    }
    snprintf(path, sizeof(path), "%s/memory.pressure", folder);
    if (host_file_read(source, path, text, sizeof(text))) {
        cgroup->psi = host_file_pressure(text, "some", &cgroup->psi_some_centi);
        (void)host_file_pressure(text, "full", &cgroup->psi_full_centi);
    }
    return true;
}

static bool is_there(const struct host_source *source, const char *folder)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof(path), "%s%s", source->root, folder) >= (int)sizeof(path) ||
           access(path, F_OK) == 0 || errno != ENOENT;
}

/* Puts the cgroup's limit and pressure in the place of the host's. False: it has a limit that
 * cannot be read. One that is not there has no machine yet: systemd makes a slice for the first. */
static bool apply_cgroup(const struct host_source *source, struct host_memory *memory)
{
    struct host_cgroup cgroup;
    uint64_t limit;

    if (source->cgroup[0] == '\0') {
        return true;
    }
    if (!host_cgroup_read(source, source->cgroup, &cgroup) ||
        !cgroup_single(source, source->cgroup, "memory.max", &limit)) {
        return !is_there(source, source->cgroup);
    }
    memory->cgroup = true;
    if (cgroup.psi) {
        memory->psi = true;
        memory->psi_some_centi = cgroup.psi_some_centi;
        memory->psi_full_centi = cgroup.psi_full_centi;
    }
    limit = least(memory->total_bytes, least(cgroup.max_bytes, cgroup.high_bytes));
    memory->total_bytes = limit;
    memory->available_bytes =
        least(memory->available_bytes, less(limit, cgroup.current_bytes - cgroup.file_bytes));
    return true;
}

bool host_read(const struct host_source *source, uint64_t machines_bytes,
               struct host_memory *memory)
{
    char text[HOST_FILE_MAX];
    uint64_t pages = 0;

    *memory = (struct host_memory){ 0 };
    if (!host_file_read(source, "/proc/meminfo", text, sizeof(text)) ||
        !host_file_value(text, "MemTotal:", 1024, &memory->total_bytes) ||
        !host_file_value(text, "MemAvailable:", 1024, &memory->available_bytes) ||
        memory->total_bytes == 0 || memory->total_bytes > POLICY_BYTES_MAX) {
        return false;
    }
    memory->available_bytes = least(memory->available_bytes, memory->total_bytes);
    memory->available_bytes = less(memory->available_bytes, zfs_kept(source, text));
    (void)host_file_value(text, "SwapTotal:", 1024, &memory->swap_total_bytes);
    (void)host_file_value(text, "SwapFree:", 1024, &memory->swap_free_bytes);
    memory->swap_free_bytes = least(memory->swap_free_bytes, memory->swap_total_bytes);
    if (host_file_single(source, "/sys/kernel/mm/ksm/pages_sharing", &pages) &&
        pages < POLICY_BYTES_MAX / (uint64_t)sysconf(_SC_PAGESIZE)) {
        memory->ksm_saved_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    }
    read_pressure(source, memory);
    if (!apply_cgroup(source, memory)) {
        return false;
    }
    if (source->limit_bytes > 0) {
        /* In a cgroup its own books tell what is taken; else the machines' sum does. */
        uint64_t taken =
            memory->cgroup ? less(memory->total_bytes, memory->available_bytes) : machines_bytes;

        memory->total_bytes = least(memory->total_bytes, source->limit_bytes);
        memory->available_bytes = least(memory->available_bytes, less(memory->total_bytes, taken));
    }
    return true;
}
