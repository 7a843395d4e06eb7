/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The backends. Each watches for what the configuration names and does nothing where it names
 * nothing; libvirt's library is loaded only for a URI.
 */

#include "tools/ballast/daemon/daemon_backends.h"

#include <stdlib.h>

#include "tools/ballast/backend/cgroup_backend.h"
#include "tools/ballast/backend/libvirt_backend.h"
#include "tools/ballast/backend/qmp_backend.h"
#include "tools/ballast/daemon/daemon_internal.h"
#include "tools/ballast/daemon/troubles.h"

struct daemon_backends {
    uv_loop_t *loop;
    struct fleet *fleet;
    struct log *log;
    struct qmp_backend *qmp;
    struct libvirt_backend *libvirt; /* NULL until there is a URI */
    struct cgroup_backend *cgroup;
    struct troubles troubles;
};

/* Once started it stays: without URIs it has no machines and costs nothing. */
static void start_libvirt(struct daemon_backends *backends, const struct config *config)
{
    const struct libvirt_backend_clock clock = { .now_ms = daemon_now_ms,
                                                 .wall_ms = daemon_wall_ms };

    if (config->libvirt_uri_count > 0) {
        backends->libvirt =
            libvirt_backend_start(backends->loop, backends->fleet, config, &clock, NULL);
    }
}

struct daemon_backends *daemon_backends_start(uv_loop_t *loop, struct fleet *fleet, struct log *log,
                                              const struct config *config)
{
    const struct qmp_backend_clock clock = { .now_ms = daemon_now_ms, .wall_ms = daemon_wall_ms };
    struct daemon_backends *backends = calloc(1, sizeof *backends);

    if (backends == NULL) {
        abort();
    }
    *backends = (struct daemon_backends){ .loop = loop, .fleet = fleet, .log = log };
    backends->qmp = qmp_backend_start(loop, fleet, config, &clock);
    backends->cgroup = cgroup_backend_start(fleet, config, "", daemon_now_ms(NULL));
    start_libvirt(backends, config);
    return backends;
}

static void see_trouble(struct daemon_backends *backends, const char *name, const char *text)
{
    if (troubles_see(&backends->troubles, name, text)) {
        log_line(backends->log, CONFIG_LOG_WARNING, NULL, name, "%s", text);
    }
}

static void log_troubles(struct daemon_backends *backends)
{
    char text[TROUBLES_TEXT_MAX];
    const char *name;

    troubles_begin(&backends->troubles);
    for (size_t i = 0; qmp_backend_trouble(backends->qmp, i, text, sizeof text); i++) {
        see_trouble(backends, "qmp", text);
    }
    for (size_t i = 0; backends->libvirt != NULL &&
                       libvirt_backend_trouble(backends->libvirt, i, text, sizeof text);
         i++) {
        see_trouble(backends, "libvirt", text);
    }
    while (troubles_over(&backends->troubles, &name, text)) {
        log_line(backends->log, CONFIG_LOG_INFO, NULL, name, "over: %s", text);
    }
}

void daemon_backends_poll(struct daemon_backends *backends, int64_t now_ms)
{
    qmp_backend_poll(backends->qmp, now_ms);
    cgroup_backend_poll(backends->cgroup, now_ms);
    if (backends->libvirt != NULL) {
        libvirt_backend_poll(backends->libvirt, now_ms);
    }
    log_troubles(backends);
}

void daemon_backends_configure(struct daemon_backends *backends, const struct config *config)
{
    qmp_backend_configure(backends->qmp, config);
    cgroup_backend_configure(backends->cgroup, config, daemon_now_ms(NULL));
    if (backends->libvirt != NULL) {
        libvirt_backend_configure(backends->libvirt, config);
    } else {
        start_libvirt(backends, config);
    }
}

void daemon_backends_stop(struct daemon_backends *backends)
{
    if (backends == NULL) {
        return;
    }
    qmp_backend_stop(backends->qmp);
    cgroup_backend_stop(backends->cgroup, daemon_now_ms(NULL));
    if (backends->libvirt != NULL) {
        libvirt_backend_stop(backends->libvirt);
    }
    troubles_free(&backends->troubles);
    free(backends);
}
