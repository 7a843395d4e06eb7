/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connection of a machine: tried, watched on the loop, lost, tried again with growing pauses.
 * Here is decided whether a machine is there at all: it is found when a connection is made, and
 * gone when nobody listens any more.
 *
 * Invariant: `poll` is set exactly while `qmp` is.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tools/ballast/backend/qmp_machine_parts.h"

#define RETRY_MOST_MS 30000
/* A process that ends may close its connections before its socket. */
#define ENDING_MS 2000

void qmp_link_gone(struct qmp_machine *machine, const char *why)
{
    struct fleet_machine *fleet_machine = machine->fleet;

    machine->fleet = NULL;
    facts_clear(&machine->last);
    if (fleet_machine != NULL) {
        fleet_gone(machine->shared->fleet, fleet_machine, why, qmp_machine_now(machine));
    }
}

static void free_poll(uv_handle_t *handle)
{
    free(handle);
}

void qmp_link_close(struct qmp_machine *machine)
{
    if (machine->qmp == NULL) {
        return;
    }
    (void)uv_poll_stop(machine->poll);
    uv_close((uv_handle_t *)machine->poll, free_poll);
    machine->poll = NULL;
    qmp_close(machine->qmp);
    machine->qmp = NULL;
    machine->up = false;
    machine->asking = false;
    machine->asked_all = false;
    memset(machine->ids, 0, sizeof(machine->ids));
    for (unsigned i = 0; i < QMP_TARGETS_MAX; i++) {
        if (machine->targets[i].id != 0) {
            qmp_machine_target_done(machine, &machine->targets[i],
                                    "the connection to QEMU was lost");
        }
    }
}

void qmp_link_retry(struct qmp_machine *machine, int64_t now_ms)
{
    machine->retry_ms = now_ms + machine->pause_ms;
    machine->pause_ms =
        machine->pause_ms * 2 < RETRY_MOST_MS ? machine->pause_ms * 2 : RETRY_MOST_MS;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    (void)status; /* an error shows when the socket is read */
    (void)events;
    qmp_machine_pump(poll->data);
}

void qmp_link_watch(struct qmp_machine *machine)
{
    int events = UV_READABLE | (qmp_wants_output(machine->qmp) ? UV_WRITABLE : 0);

    if (events != machine->poll_events) {
        machine->poll_events = events;
        (void)uv_poll_start(machine->poll, events, on_ready);
    }
}

/* Who listens there: QEMU itself, unless somebody else made the socket for it. */
static pid_t peer_of(const struct qmp_machine *machine)
{
    struct ucred peer = { 0 };
    socklen_t size = sizeof(peer);

    return getsockopt(qmp_fd(machine->qmp), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid
                                                                                        : 0;
}

/* A view for a new connection. Another process behind it is another start of the guest, and so is,
 * to be safe, one that cannot be told apart. */
static void view_anew(struct qmp_machine *machine)
{
    pid_t peer = peer_of(machine);
    bool first = machine->opened_ms == 0;
    bool same = machine->peer == peer && machine->view.facts.pid == peer;
    uint32_t resets = machine->view.facts.resets;

    qmp_walk_leave(machine);
    qmp_view_clear(&machine->view);
    machine->peer = peer;
    machine->view.facts.pid = peer;
    machine->view.facts.resets = first || same ? resets : resets + 1;
    machine->settled = false;
    machine->shut_down = machine->shut_down && same;
    machine->periods = 0;
}

static const struct fleet_backend offer = { .name = "qmp", .set_target = qmp_machine_set_target };

/* Makes the machine known to the fleet. */
static bool find(struct qmp_machine *machine, int64_t now_ms)
{
    if (machine->fleet == NULL) {
        machine->fleet = fleet_found(machine->shared->fleet, machine->name, &offer, machine,
                                     machine->path, now_ms);
        machine->troubled = false;
    }
    machine->refused = machine->fleet == NULL;
    return !machine->refused;
}

void qmp_link_open(struct qmp_machine *machine, int64_t now_ms)
{
    struct qmp_error error;
    enum qmp_status status = qmp_open(machine->path, &machine->qmp, &error);

    if (status == QMP_CLOSED) {
        qmp_link_gone(machine, machine->shut_down ? "it was shut down" : "its QEMU has ended");
        machine->lost_ms = 0;
        qmp_link_retry(machine, now_ms);
        return;
    }
    if (status != QMP_OK || !find(machine, now_ms)) {
        qmp_close(machine->qmp);
        machine->qmp = NULL;
        if (status != QMP_OK && find(machine, now_ms)) {
            qmp_machine_trouble(machine, now_ms, error.text);
        }
        qmp_link_retry(machine, now_ms);
        return;
    }
    machine->poll = malloc(sizeof(*machine->poll));
    if (machine->poll == NULL) {
        abort();
    }
    view_anew(machine);
    machine->opened_ms = now_ms;
    machine->poll_events = 0;
    if (uv_poll_init(machine->shared->loop, machine->poll, qmp_fd(machine->qmp)) != 0) {
        free(machine->poll);
        machine->poll = NULL;
        qmp_close(machine->qmp);
        machine->qmp = NULL;
        qmp_link_retry(machine, now_ms);
        return;
    }
    machine->poll->data = machine;
    qmp_link_watch(machine);
}

/* The connection ended. If it had worked, whoever listens now tells at once whether the machine is
 * gone or only its monitor was. Most often it is just ending, and the next try shows that: nothing
 * is said of it before. */
void qmp_link_lost(struct qmp_machine *machine, const char *why)
{
    int64_t now_ms = qmp_machine_now(machine);
    bool worked = machine->settled;

    qmp_link_close(machine);
    if (worked) {
        machine->pause_ms = QMP_RETRY_FIRST_MS;
        machine->lost_ms = now_ms;
        qmp_link_open(machine, now_ms);
    } else {
        qmp_link_retry(machine, now_ms);
    }
    if (machine->qmp == NULL && (machine->lost_ms == 0 || now_ms - machine->lost_ms >= ENDING_MS)) {
        qmp_machine_trouble(machine, now_ms, why);
    }
}
