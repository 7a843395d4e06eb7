/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Containers as rows of the fleet. The size of one is its limit; what it could use without swapping
 * is what is left of the limit together with its page cache, as MemAvailable is for a machine.
 */

#include "tools/ballast/backend/cgroup_backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/host/host.h"

struct container {
    char name[CONFIG_NAME_MAX];
    char folder[256];
    struct fleet_machine *fleet; /* NULL: the fleet did not take it */
    bool configured;
};

struct cgroup_backend {
    struct fleet *fleet;
    struct host_source source;
    struct container *containers;
    size_t count;
};

static const struct fleet_backend offer = { .name = "cgroup" };

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- facts ---- */

static void tell(struct cgroup_backend *backend, const struct container *container, int64_t now_ms)
{
    struct host_cgroup cgroup;
    struct facts facts;
    uint64_t limit;

    facts_clear(&facts);
    facts.kind = FACTS_CONTAINER;
    if (!host_cgroup_read(&backend->source, container->folder, &cgroup)) {
        facts.state = FACTS_STOPPED;
        facts.resident_bytes = 0;
        facts.overhead_bytes = 0;
        snprintf(facts.trouble, sizeof(facts.trouble),
                 "its cgroup %.64s is not there, or has no memory control", container->folder);
        fleet_told(backend->fleet, container->fleet, &facts, now_ms);
        return;
    }
    facts.state = FACTS_RUNNING;
    facts.resident_bytes = cgroup.current_bytes;
    facts.overhead_bytes = 0;
    limit = least(cgroup.max_bytes, cgroup.high_bytes);
    if (limit <= POLICY_BYTES_MAX) {
        uint64_t held = cgroup.current_bytes - cgroup.file_bytes;

        facts.ram_bytes = limit;
        facts.actual_bytes = limit;
        facts.stats_ms = now_ms;
        facts.stats_actual_bytes = limit;
        facts.total_bytes = limit;
        facts.available_bytes = limit > held ? limit - held : 0;
        facts.caches_bytes = cgroup.file_bytes;
    }
    fleet_told(backend->fleet, container->fleet, &facts, now_ms);
}

void cgroup_backend_poll(struct cgroup_backend *backend, int64_t now_ms)
{
    for (size_t i = 0; i < backend->count; i++) {
        struct container *container = &backend->containers[i];

        if (container->fleet == NULL) {
            container->fleet = fleet_found(backend->fleet, container->name, &offer, NULL,
                                           container->folder, now_ms);
        }
        if (container->fleet != NULL) {
            tell(backend, container, now_ms);
        }
    }
}

/* ---- life ---- */

static void drop(struct cgroup_backend *backend, size_t place, const char *why, int64_t now_ms)
{
    struct container *container = &backend->containers[place];

    if (container->fleet != NULL) {
        fleet_gone(backend->fleet, container->fleet, why, now_ms);
    }
    backend->count--;
    memmove(container, container + 1, (backend->count - place) * sizeof(*container));
}

/* The container of that name and folder, or NULL. */
static struct container *find(struct cgroup_backend *backend, const struct config_machine *machine)
{
    for (size_t i = 0; i < backend->count; i++) {
        struct container *container = &backend->containers[i];

        if (strcmp(container->name, machine->name) == 0 &&
            strcmp(container->folder, machine->cgroup) == 0) {
            return container;
        }
    }
    return NULL;
}

static void add(struct cgroup_backend *backend, const struct config_machine *machine)
{
    struct container *container;

    backend->containers =
        reallocarray(backend->containers, backend->count + 1, sizeof(*backend->containers));
    if (backend->containers == NULL) {
        abort();
    }
    container = &backend->containers[backend->count++];
    *container = (struct container){ .configured = true };
    snprintf(container->name, sizeof(container->name), "%s", machine->name);
    snprintf(container->folder, sizeof(container->folder), "%s", machine->cgroup);
}

/* True for a section that names a container. */
static bool is_container(const struct config_machine *machine)
{
    return (machine->given & CONFIG_GIVEN_CGROUP) != 0 && machine->cgroup[0] != '\0';
}

void cgroup_backend_configure(struct cgroup_backend *backend, const struct config *config,
                              int64_t now_ms)
{
    struct container *container;

    for (size_t i = 0; i < backend->count; i++) {
        backend->containers[i].configured = false;
    }
    for (size_t i = 0; i < config->machine_count; i++) {
        container = is_container(&config->machines[i]) ? find(backend, &config->machines[i]) : NULL;
        if (container != NULL) {
            container->configured = true;
        }
    }
    /* What goes, goes before what comes: a name may move to another folder. */
    for (size_t i = backend->count; i > 0; i--) {
        if (!backend->containers[i - 1].configured) {
            drop(backend, i - 1, "the configuration does not name it any more", now_ms);
        }
    }
    for (size_t i = 0; i < config->machine_count; i++) {
        if (is_container(&config->machines[i]) && find(backend, &config->machines[i]) == NULL) {
            add(backend, &config->machines[i]);
        }
    }
    cgroup_backend_poll(backend, now_ms);
}

struct cgroup_backend *cgroup_backend_start(struct fleet *fleet, const struct config *config,
                                            const char *root, int64_t now_ms)
{
    struct cgroup_backend *backend = calloc(1, sizeof(*backend));

    if (backend == NULL) {
        abort();
    }
    backend->fleet = fleet;
    backend->source = (struct host_source){ .root = root, .cgroup = "" };
    cgroup_backend_configure(backend, config, now_ms);
    return backend;
}

void cgroup_backend_stop(struct cgroup_backend *backend, int64_t now_ms)
{
    while (backend->count > 0) {
        drop(backend, backend->count - 1, "ballastd ends", now_ms);
    }
    free(backend->containers);
    free(backend);
}
