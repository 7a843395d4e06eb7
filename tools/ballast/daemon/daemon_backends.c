/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The backends. Each watches for what the configuration names and does nothing where it names
 * nothing.
 */

#include "tools/ballast/daemon/daemon_backends.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/backend/qmp_backend.h"
#include "tools/ballast/daemon/daemon_internal.h"

struct daemon_backends {
    struct log *log;
    struct qmp_backend *qmp;
};

struct daemon_backends *daemon_backends_start(uv_loop_t *loop, struct fleet *fleet, struct log *log,
                                              const struct config *config)
{
    const struct qmp_backend_clock clock = { .now_ms = daemon_now_ms, .wall_ms = daemon_wall_ms };
    struct daemon_backends *backends = calloc(1, sizeof *backends);

    if (backends == NULL) {
        abort();
    }
    backends->log = log;
    backends->qmp = qmp_backend_start(loop, fleet, config, &clock);
    return backends;
}

void daemon_backends_poll(struct daemon_backends *backends, int64_t now_ms)
{
    const char *trouble = NULL;

    qmp_backend_poll(backends->qmp, now_ms);
    trouble = qmp_backend_trouble(backends->qmp);
    if (trouble[0] != '\0') {
        log_line(backends->log, CONFIG_LOG_WARNING, NULL, "qmp", "%s", trouble);
    }
}

void daemon_backends_configure(struct daemon_backends *backends, const struct config *config)
{
    qmp_backend_configure(backends->qmp, config);
}

void daemon_backends_stop(struct daemon_backends *backends)
{
    if (backends == NULL) {
        return;
    }
    qmp_backend_stop(backends->qmp);
    free(backends);
}
