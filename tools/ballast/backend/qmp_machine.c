/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine: its questions and targets. While the connection (qmp_link.c) is up there is at most
 * one set of questions under way; the next is sent when the period comes and all were answered. So
 * a QEMU that hangs has one set waiting, however long it hangs, and is sent no target that it would
 * carry out when it is out of date.
 */

#include "tools/ballast/backend/qmp_machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/backend/qmp_machine_parts.h"
#include "tools/ballast/backend/reading.h"

/* A connection that answered nothing for so long, and ten times the time limit, is made anew. */
#define SILENT_MOST_MS 30000
/* What the machine is made of is looked at every so many periods. */
#define SEARCH_PERIODS 10U

int64_t qmp_machine_now(const struct qmp_machine *machine)
{
    return machine->shared->clock.now_ms(machine->shared->clock.context);
}

/* ---- what the fleet is told ---- */

static void tell(struct qmp_machine *machine, int64_t now_ms)
{
    if (machine->fleet != NULL && machine->settled) {
        machine->troubled = false;
        machine->last = machine->view.facts;
        fleet_told(machine->shared->fleet, machine->fleet, &machine->last, now_ms);
    }
}

void qmp_machine_trouble(struct qmp_machine *machine, int64_t now_ms, const char *text)
{
    bool first = !machine->troubled;
    uint64_t resident = machine->last.resident_bytes;

    if (machine->fleet == NULL) {
        return;
    }
    if (first) {
        machine->troubled = true;
        machine->last.pid = machine->last.pid != 0 ? machine->last.pid : machine->view.facts.pid;
        facts_unreachable(&machine->last, text);
    }
    reading_silent(&machine->shared->source, &machine->last);
    if (first || machine->last.resident_bytes != resident) {
        fleet_told(machine->shared->fleet, machine->fleet, &machine->last, now_ms);
    }
}

void qmp_machine_target_done(struct qmp_machine *machine, struct qmp_target *target,
                             const char *error)
{
    uint64_t bytes = target->bytes;

    *target = (struct qmp_target){ 0 };
    if (machine->fleet != NULL) {
        fleet_target_done(machine->shared->fleet, machine->fleet, bytes, error,
                          qmp_machine_now(machine));
    }
}

/* ---- questions ---- */

/* Sends a set. False when the connection broke, and is gone. */
static bool ask(struct qmp_machine *machine, uint32_t set, int64_t now_ms)
{
    struct qmp_error error = { .status = QMP_OK };

    set = qmp_view_possible(&machine->view, set);
    machine->asking = set != 0;
    machine->asked_ms = now_ms;
    for (unsigned i = 0; i < QMP_QUESTIONS && error.status == QMP_OK; i++) {
        enum qmp_question question = (enum qmp_question)i;

        if ((set & QMP_BIT(i)) != 0) {
            (void)qmp_send(
                machine->qmp, qmp_question_command(question),
                qmp_question_arguments(&machine->view, question, machine->shared->period_s), 0,
                &machine->ids[i], &error);
        }
    }
    if (error.status != QMP_OK) {
        qmp_link_lost(machine, error.text);
        return false;
    }
    qmp_link_watch(machine);
    return true;
}

static bool ask_search(struct qmp_machine *machine, uint32_t more, int64_t now_ms)
{
    machine->searching = true;
    machine->search_again = false;
    qmp_view_search_begin(&machine->view);
    return ask(machine, QMP_SET_SEARCH | more, now_ms);
}

/* What /proc tells cheaply. Between two walks every change of what is resident is taken for one of
 * the guest's RAM. */
static void glance(struct qmp_machine *machine)
{
    struct host_process process;

    if (machine->view.facts.pid != 0 &&
        host_process_glance(&machine->shared->source, machine->view.facts.pid, &process)) {
        qmp_view_glance(&machine->view, &process);
    }
}

/* Everything is known, and the fleet is told. */
static void settle(struct qmp_machine *machine)
{
    machine->asked_all = false;
    machine->settled = true;
    machine->pause_ms = QMP_RETRY_FIRST_MS;
    glance(machine);
    tell(machine, qmp_machine_now(machine));
    if (machine->search_again) {
        (void)ask_search(machine, QMP_SET_STATE, qmp_machine_now(machine));
    }
}

void qmp_machine_walked(struct qmp_machine *machine, pid_t pid, const struct host_process *process)
{
    struct facts *facts = &machine->view.facts;

    if (process != NULL && facts->pid == pid) {
        /* A process smaller than the guest's RAM made the socket, but is not QEMU. */
        if (facts->ram_bytes == POLICY_MISSING || process->virtual_bytes < facts->ram_bytes) {
            facts->pid = 0;
        } else {
            qmp_view_process(&machine->view, process);
        }
    }
    if (machine->asked_all) {
        settle(machine);
    } else if (machine->up && !machine->troubled) {
        tell(machine, qmp_machine_now(machine));
    }
}

/* All questions of a set were answered. The walk goes with the search, every few periods; the first
 * one is waited for, so that a machine is told with all that keeps its memory from coming free. */
static void answered(struct qmp_machine *machine)
{
    int64_t now_ms = qmp_machine_now(machine);
    bool searched = machine->searching;
    bool walks = machine->walk != NULL;

    machine->asking = false;
    machine->searching = false;
    qmp_view_end(&machine->view);
    if (searched) {
        bool other = qmp_view_search_end(&machine->view);

        walks = qmp_walk_begin(machine);
        if ((other || !machine->settled) &&
            qmp_view_possible(&machine->view, QMP_SET_DEVICE) != 0) {
            (void)ask(machine, QMP_SET_DEVICE, now_ms);
            return;
        }
    }
    machine->asked_all = !machine->settled && walks;
    if (!machine->asked_all) {
        settle(machine);
    }
}

static void take_answers(struct qmp_machine *machine, int64_t now_ms)
{
    int64_t wall_ms = machine->shared->clock.wall_ms(machine->shared->clock.context);
    bool open = false;

    for (unsigned i = 0; i < QMP_QUESTIONS; i++) {
        json_t *reply = NULL;
        struct qmp_error error;

        if (machine->ids[i] == 0) {
            continue;
        }
        (void)qmp_take_reply(machine->qmp, machine->ids[i], &reply, &error);
        if (error.status == QMP_OK || error.status == QMP_REFUSED) {
            qmp_view_answer(&machine->view, (enum qmp_question)i, reply, &error, now_ms, wall_ms);
            machine->ids[i] = 0;
            json_decref(reply);
        } else {
            open = true;
        }
    }
    if (!open && machine->asking) {
        answered(machine);
    }
}

/* ---- targets ---- */

bool qmp_machine_set_target(void *handle, uint64_t bytes)
{
    struct qmp_machine *machine = handle;
    int64_t now_ms = qmp_machine_now(machine);
    struct qmp_target *target = NULL;
    struct qmp_error error;
    uint64_t id = 0;

    for (unsigned i = 0; i < QMP_TARGETS_MAX && target == NULL; i++) {
        target = machine->targets[i].id == 0 ? &machine->targets[i] : NULL;
    }
    /* A QEMU that hangs would carry it out when it wakes up, out of date. */
    if (target == NULL || !machine->up || !machine->settled || machine->troubled || bytes == 0 ||
        bytes > POLICY_BYTES_MAX) {
        return false;
    }
    /* A failure shows when the connection is read next: it must not be closed from inside here. */
    if (qmp_send(machine->qmp, QMP_TARGET_COMMAND, json_pack("{s:I}", "value", (json_int_t)bytes),
                 0, &id, &error) != QMP_OK) {
        return false;
    }
    *target = (struct qmp_target){ .id = id, .bytes = bytes, .sent_ms = now_ms };
    qmp_link_watch(machine);
    return true;
}

static void take_targets(struct qmp_machine *machine, int64_t now_ms)
{
    for (unsigned i = 0; i < QMP_TARGETS_MAX; i++) {
        struct qmp_target *target = &machine->targets[i];
        struct qmp_error error;

        if (target->id == 0) {
            continue;
        }
        (void)qmp_take_reply(machine->qmp, target->id, NULL, &error);
        if (error.status == QMP_OK || error.status == QMP_REFUSED) {
            qmp_machine_target_done(machine, target, error.status == QMP_OK ? NULL : error.text);
        } else if (now_ms - target->sent_ms > machine->shared->timeout_ms) {
            qmp_forget(machine->qmp, target->id);
            qmp_machine_target_done(machine, target, "QEMU did not answer in time");
        }
    }
}

/* ---- what arrives ---- */

static void take_events(struct qmp_machine *machine, int64_t now_ms)
{
    bool news = false;
    json_t *event;

    while ((event = qmp_take_event(machine->qmp, NULL)) != NULL) {
        const char *name = json_string_value(json_object_get(event, "event"));
        enum qmp_news what = qmp_view_event(&machine->view, event);

        machine->shut_down = machine->shut_down || strcmp(name, "SHUTDOWN") == 0;
        machine->search_again = machine->search_again || what == QMP_NEWS_DEVICE;
        news = news || what == QMP_NEWS_FACTS;
        json_decref(event);
    }
    /* What is not answered yet is told with it. */
    if (news && !machine->troubled) {
        tell(machine, now_ms);
    }
}

void qmp_machine_pump(struct qmp_machine *machine)
{
    int64_t now_ms = qmp_machine_now(machine);
    struct qmp_error error;
    enum qmp_status status = qmp_pump(machine->qmp, &error);

    take_events(machine, now_ms);
    take_targets(machine, now_ms);
    if (status != QMP_OK) {
        qmp_link_lost(machine, error.text);
        return;
    }
    if (!machine->up && qmp_ready(machine->qmp)) {
        machine->up = true;
        (void)ask_search(machine, QMP_SET_STATE, now_ms);
        return;
    }
    if (machine->search_again && !machine->asking && machine->up) {
        (void)ask_search(machine, QMP_SET_STATE, now_ms);
        return;
    }
    take_answers(machine, now_ms);
    if (machine->qmp != NULL) {
        qmp_link_watch(machine);
    }
}

/* ---- the period ---- */

/* Gives the machine a while longer, or gives the connection up. */
static void poll_silent(struct qmp_machine *machine, int64_t now_ms)
{
    int64_t silent_ms = now_ms - machine->asked_ms;
    int64_t most_ms = (int64_t)machine->shared->timeout_ms * 10;

    if (silent_ms > (most_ms > SILENT_MOST_MS ? most_ms : SILENT_MOST_MS)) {
        qmp_link_close(machine);
        qmp_link_retry(machine, now_ms);
    } else if (silent_ms > machine->shared->timeout_ms) {
        qmp_machine_trouble(machine, now_ms, "QEMU does not answer");
    }
}

void qmp_machine_poll(struct qmp_machine *machine, int64_t now_ms)
{
    if (machine->troubled) {
        qmp_machine_trouble(machine, now_ms, ""); /* what it holds may have changed */
    }
    if (machine->qmp == NULL) {
        if (now_ms >= machine->retry_ms) {
            qmp_link_open(machine, now_ms);
        }
        return;
    }
    if (!machine->up) {
        if (now_ms - machine->opened_ms > machine->shared->timeout_ms) {
            qmp_machine_trouble(
                machine, now_ms,
                qmp_greeted(machine->qmp)
                    ? "QEMU does not answer to the QMP greeting"
                    : "its QMP socket is silent: it serves one client at a time, and "
                      "needs a -qmp socket for ballastd alone");
        }
        return;
    }
    take_targets(machine, now_ms);
    if (machine->asking) {
        poll_silent(machine, now_ms);
        return;
    }
    if (machine->asked_all) {
        /* Nobody knows how long a walk takes: what it tells comes later, then. */
        if (now_ms - machine->asked_ms <= machine->shared->timeout_ms) {
            return;
        }
        settle(machine);
    }
    machine->periods++;
    if (machine->periods % SEARCH_PERIODS == 0) {
        /* The interval too: it may be configured anew, or somebody else changed it. */
        (void)ask_search(machine, QMP_SET_PERIOD | QMP_BIT(QMP_ASK_POLLING), now_ms);
    } else {
        (void)ask(machine, QMP_SET_PERIOD, now_ms);
    }
}

/* ---- life ---- */

struct qmp_machine *qmp_machine_new(struct qmp_shared *shared, const char *name, const char *path)
{
    struct qmp_machine *machine = calloc(1, sizeof(*machine));

    if (machine == NULL) {
        abort();
    }
    machine->shared = shared;
    machine->pause_ms = QMP_RETRY_FIRST_MS;
    snprintf(machine->name, sizeof(machine->name), "%s", name);
    snprintf(machine->path, sizeof(machine->path), "%s", path);
    qmp_view_clear(&machine->view);
    machine->last = machine->view.facts;
    return machine;
}

const char *qmp_machine_name(const struct qmp_machine *machine)
{
    return machine->name;
}

const char *qmp_machine_path(const struct qmp_machine *machine)
{
    return machine->path;
}

bool qmp_machine_refused(const struct qmp_machine *machine)
{
    return machine->refused;
}

const char *qmp_machine_why_gone(const struct qmp_machine *machine)
{
    if (machine->lost_ms == 0) {
        return "its QMP socket was removed";
    }
    return machine->shut_down ? "it was shut down" : "its QEMU has ended";
}

bool qmp_machine_walks(const struct qmp_machine *machine)
{
    return machine->walk != NULL;
}

bool qmp_machine_connected(const struct qmp_machine *machine)
{
    return machine->qmp != NULL;
}

void qmp_machine_appeared(struct qmp_machine *machine, int64_t now_ms)
{
    if (machine->qmp == NULL) {
        machine->pause_ms = QMP_RETRY_FIRST_MS;
        qmp_link_open(machine, now_ms);
    }
}

void qmp_machine_free(struct qmp_machine *machine, const char *why)
{
    qmp_walk_leave(machine);
    qmp_link_close(machine);
    qmp_link_gone(machine, why);
    free(machine);
}
