/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's process, where it is on this host: libvirt's statistics have one number for all that a
 * process holds, the kernel tells the guest's RAM from the rest. Walking the mappings of a large
 * guest takes long and stops its page faults meanwhile, so it is done now and then, and what lies
 * beside the RAM is taken as unchanged in between.
 */

#include "tools/ballast/backend/libvirt_link_internal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/host/host.h"

/* libvirt writes NAME.pid: the system's daemon into /run, a user's into the user's own folder. */
static pid_t read_pid(const struct libvirt_link *link, const char *name)
{
    if (!link->local || strncmp(link->uri, "qemu:", strlen("qemu:")) != 0 ||
        strchr(name, '/') != NULL) {
        return 0;
    }
    const char *folder = "/run/libvirt/qemu";
    const char *user = "";
    if (strstr(link->uri, "/session") != NULL) {
        user = getenv("XDG_RUNTIME_DIR");
        folder = "/libvirt/qemu/run";
        if (user == NULL) {
            return 0;
        }
    }
    char path[PATH_MAX];
    int length =
        snprintf(path, sizeof path, "%s%s%s/%s.pid", link->options.root, user, folder, name);
    FILE *file = length < (int)sizeof path ? fopen(path, "re") : NULL;
    if (file == NULL) {
        return 0;
    }
    char line[16] = "";
    long pid = fgets(line, sizeof line, file) == NULL ? 0 : strtol(line, NULL, 10);
    fclose(file);
    return pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

/* The walk over its mappings. */
static void read_mappings(const struct host_source *source, struct libvirt_domain *domain,
                          uint64_t ram_bytes)
{
    struct host_process process;
    domain->overhead_bytes = POLICY_MISSING;
    if (!host_process_read(source, domain->pid, ram_bytes, &process)) {
        domain->pid = 0;
        return;
    }
    if (process.ram_bytes <= process.resident_bytes) {
        domain->overhead_bytes = process.resident_bytes - process.ram_bytes;
    }
    /* QEMU locks all or nothing; a page or two are some library's keys. */
    domain->locked = process.locked_bytes <= POLICY_BYTES_MAX &&
                     process.locked_bytes > process.resident_bytes / 2;
    domain->huge_bytes = process.huge_bytes == POLICY_MISSING ? 0 : process.huge_bytes;
    domain->pinned = process.vfio;
}

void libvirt_process_read(const struct libvirt_link *link, struct libvirt_domain *domain,
                          const char *name, bool due)
{
    const struct host_source source = { .root = link->options.root, .cgroup = "" };
    uint64_t ram_bytes = domain->reading.maximum_bytes;
    uint64_t held_bytes = domain->reading.process_bytes;
    if (due) {
        domain->overhead_bytes = POLICY_MISSING;
        domain->pid = read_pid(link, name);
        if (domain->pid != 0) {
            read_mappings(&source, domain, ram_bytes);
        }
    }
    struct host_process process;
    domain->swapped_bytes = POLICY_MISSING;
    if (domain->pid != 0 && host_process_glance(&source, domain->pid, &process)) {
        held_bytes = process.resident_bytes;
        domain->swapped_bytes = process.swapped_bytes;
    } else if (held_bytes != POLICY_MISSING) {
        held_bytes += domain->huge_bytes; /* libvirt does not count hugetlb pages */
    }
    domain->resident_bytes = held_bytes;
    if (held_bytes != POLICY_MISSING && domain->overhead_bytes != POLICY_MISSING) {
        domain->resident_bytes =
            held_bytes > domain->overhead_bytes ? held_bytes - domain->overhead_bytes : 0;
    }
    if (domain->resident_bytes != POLICY_MISSING && domain->resident_bytes > ram_bytes) {
        domain->resident_bytes = ram_bytes;
    }
}
