/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Machines over QMP: every socket NAME.qmp in a folder, and those that the configuration lists.
 * Tells the fleet what each machine is and does, and carries out its targets. Lives on one libuv
 * loop and never waits: everything is asked at once, and answers are taken as they come.
 *
 * A machine is found when somebody listens on its socket, and gone when nobody does any more. One
 * that does not answer stays, and is told as unreachable with a sentence about the trouble.
 */

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "tools/ballast/config/config.h"
#include "tools/ballast/fleet/fleet.h"

/* The time, in milliseconds. */
struct qmp_backend_clock {
    int64_t (*now_ms)(void *context);  /* monotonic, above 0: the fleet's */
    int64_t (*wall_ms)(void *context); /* since 1970 */
    void *context;
};

struct qmp_backend;

/* Starts; connections are made from here on. What is pointed to but `config` and `clock` must
 * outlive the backend. Never NULL. */
struct qmp_backend *qmp_backend_start(uv_loop_t *loop, struct fleet *fleet,
                                      const struct config *config,
                                      const struct qmp_backend_clock *clock);

/* Each period: looks into the folder, asks every machine, gives up on what did not answer. */
void qmp_backend_poll(struct qmp_backend *backend, int64_t now_ms);

/* A new configuration. Machines that it no longer knows are gone. */
void qmp_backend_configure(struct qmp_backend *backend, const struct config *config);

/* What is wrong now with the backend itself, one sentence for each `index` from 0 on; false behind
 * the last: a folder that cannot be read, sockets that cannot be machines, machines that the fleet
 * refused. A sentence stays the same for as long as the trouble lasts. */
bool qmp_backend_trouble(const struct qmp_backend *backend, size_t index, char *text, size_t size);

/* Machines whose processes are read in other threads now. */
unsigned qmp_backend_walks(const struct qmp_backend *backend);

/* Ends it: connections are closed, the fleet's machines are gone. The loop must run until nothing
 * is left in it before it is closed, for its handles and for processes that are just read. */
void qmp_backend_stop(struct qmp_backend *backend);

/* For tests: another root folder for /proc and /sys. It must outlive the backend. */
void qmp_backend_set_root(struct qmp_backend *backend, const char *root);
