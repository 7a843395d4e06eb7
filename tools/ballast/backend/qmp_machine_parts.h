/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Inside a machine of the QMP backend: for qmp_machine.c and qmp_link.c only. */

#include "tools/ballast/backend/qmp_machine.h"
#include "tools/ballast/backend/qmp_view.h"

/* The first pause before a connection is tried again; it doubles each time. */
#define QMP_RETRY_FIRST_MS 1000
/* Targets under way. */
#define QMP_TARGETS_MAX 4U

struct qmp_target {
    uint64_t id; /* 0: this place is free */
    uint64_t bytes;
    int64_t sent_ms;
};

struct qmp_walk;

struct qmp_machine {
    struct qmp_shared *shared;
    char name[CONFIG_NAME_MAX];
    char path[CONFIG_PATH_MAX];
    struct qmp *qmp;
    uv_poll_t *poll;
    int poll_events;
    bool up;
    pid_t peer; /* who made the socket */
    int64_t opened_ms;
    int64_t retry_ms;
    int64_t pause_ms;
    struct fleet_machine *fleet; /* NULL: not found */
    bool refused;                /* by the fleet */
    bool settled;                /* everything was asked once */
    bool asked_all;              /* and answered, but for the first walk */
    struct qmp_walk *walk;       /* under way over its process; NULL: none */
    bool troubled;               /* trouble was told since the last facts */
    struct facts last;           /* what the fleet was told last */
    int64_t lost_ms;             /* when a connection that worked was lost; 0: never */
    struct qmp_view view;
    uint64_t ids[QMP_QUESTIONS]; /* questions under way; 0: none */
    bool asking;
    bool searching;
    bool search_again;
    int64_t asked_ms;
    unsigned periods;
    struct qmp_target targets[QMP_TARGETS_MAX];
    bool shut_down; /* its guest said so */
};

/* The time. */
int64_t qmp_machine_now(const struct qmp_machine *machine);

/* The connection is readable or writable. */
void qmp_machine_pump(struct qmp_machine *machine);

/* Carries out a target. */
bool qmp_machine_set_target(void *handle, uint64_t bytes);

/* Tells the fleet how a target went; `error` NULL for accepted. */
void qmp_machine_target_done(struct qmp_machine *machine, struct qmp_target *target,
                             const char *error);

/* Tells that the machine is unreachable, with a sentence about why. Until facts are told again the
 * first sentence stays, and only what its process holds is told anew. */
void qmp_machine_trouble(struct qmp_machine *machine, int64_t now_ms, const char *text);

/* Begins a walk over the machine's process, unless one is under way. False when there is nothing to
 * walk over. The result comes to qmp_machine_walked(). */
bool qmp_walk_begin(struct qmp_machine *machine);

/* The machine ends, or its process is another now: a walk under way is of no use any more. */
void qmp_walk_leave(struct qmp_machine *machine);

/* The result of a walk; `process` NULL: it could not be read. */
void qmp_machine_walked(struct qmp_machine *machine, pid_t pid, const struct host_process *process);

/* Tries a connection, which must be down. */
void qmp_link_open(struct qmp_machine *machine, int64_t now_ms);

/* Watches for output too while there is some. */
void qmp_link_watch(struct qmp_machine *machine);

/* Ends the connection; targets under way have failed. */
void qmp_link_close(struct qmp_machine *machine);

/* The connection ended by itself. */
void qmp_link_lost(struct qmp_machine *machine, const char *why);

/* Has it tried again after a pause. */
void qmp_link_retry(struct qmp_machine *machine, int64_t now_ms);

/* Tells the fleet that the machine is gone. */
void qmp_link_gone(struct qmp_machine *machine, const char *why);
