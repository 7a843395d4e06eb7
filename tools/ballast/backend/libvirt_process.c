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

/* Without a process that can be looked at: what libvirt says, which does not know RAM from the
 * rest, nor hugetlb pages. */
static void take_whole(struct libvirt_domain *domain)
{
    const uint64_t all_bytes = domain->reading.process_bytes;
    const uint64_t ram_bytes = domain->reading.maximum_bytes;
    domain->process.swapped_bytes = POLICY_MISSING;
    domain->process.resident_bytes = all_bytes;
    if (all_bytes != POLICY_MISSING && all_bytes > ram_bytes) {
        domain->process.resident_bytes = ram_bytes;
    }
}

void libvirt_process_read(const struct libvirt_link *link, struct libvirt_domain *domain,
                          const char *name, bool due)
{
    const struct host_source source = { .root = link->options.root, .cgroup = "" };
    const uint64_t ram_bytes = domain->reading.maximum_bytes;
    struct host_process seen;
    if (due) {
        reading_process_clear(&domain->process);
        domain->pid = read_pid(link, name);
        if (domain->pid != 0 && host_process_read(&source, domain->pid, ram_bytes, &seen)) {
            reading_walk(&domain->process, &seen, ram_bytes);
        } else {
            domain->pid = 0;
        }
    }
    if (domain->pid != 0 && host_process_glance(&source, domain->pid, &seen)) {
        reading_glance(&domain->process, &seen, ram_bytes);
    } else {
        take_whole(domain);
    }
}
