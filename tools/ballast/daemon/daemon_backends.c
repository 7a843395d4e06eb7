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

struct daemon_backends {
    uv_loop_t *loop;
    struct fleet *fleet;
    struct log *log;
    struct qmp_backend *qmp;
    struct libvirt_backend *libvirt; /* NULL until there is a URI */
    struct cgroup_backend *cgroup;
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

/* Each period, as long as it lasts: the log counts what repeats. */
static void log_trouble(const struct daemon_backends *backends, const char *name,
                        const char *trouble)
{
    if (trouble[0] != '\0') {
        log_line(backends->log, CONFIG_LOG_WARNING, NULL, name, "%s", trouble);
    }
}

void daemon_backends_poll(struct daemon_backends *backends, int64_t now_ms)
{
    qmp_backend_poll(backends->qmp, now_ms);
    log_trouble(backends, "qmp", qmp_backend_trouble(backends->qmp));
    cgroup_backend_poll(backends->cgroup, now_ms);
    if (backends->libvirt != NULL) {
        libvirt_backend_poll(backends->libvirt, now_ms);
        log_trouble(backends, "libvirt", libvirt_backend_trouble(backends->libvirt));
    }
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
    free(backends);
}
