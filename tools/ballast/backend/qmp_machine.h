/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* One machine of the QMP backend: its connection, its questions, its targets. For qmp_backend.c
 * only. */

#include "tools/ballast/backend/qmp_backend.h"
#include "tools/ballast/host/host.h"

/* What all machines of the backend share. */
struct qmp_shared {
    uv_loop_t *loop;
    struct fleet *fleet;
    struct qmp_backend_clock clock;
    struct host_source source;
    uint32_t timeout_ms;
    uint32_t period_s; /* for the guest's statistics; at least 1 */
};

struct qmp_machine;

/* Never NULL. The connection is tried at the next poll. */
struct qmp_machine *qmp_machine_new(struct qmp_shared *shared, const char *name, const char *path);

const char *qmp_machine_name(const struct qmp_machine *machine);
const char *qmp_machine_path(const struct qmp_machine *machine);

/* Once a period. */
void qmp_machine_poll(struct qmp_machine *machine, int64_t now_ms);

/* Its socket was made anew: tries it at once. */
void qmp_machine_appeared(struct qmp_machine *machine, int64_t now_ms);

/* True when the fleet did not take it at the last try. */
bool qmp_machine_refused(const struct qmp_machine *machine);

/* Why a machine is gone that has no connection and whose socket was removed. */
const char *qmp_machine_why_gone(const struct qmp_machine *machine);

/* True while its process is read in another thread. */
bool qmp_machine_walks(const struct qmp_machine *machine);

/* True while there is a connection. */
bool qmp_machine_connected(const struct qmp_machine *machine);

/* Closes the connection; the fleet is told that it is gone and why. */
void qmp_machine_free(struct qmp_machine *machine, const char *why);
