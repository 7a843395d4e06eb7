/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Inside the QMP library: the connection, for qmp.c and qmp_inbox.c only. */

#include "tools/qmp/qmp.h"
#include "tools/qmp/qmp_text.h"

struct pending {
    uint64_t id;   /* 0: this place is free */
    json_t *reply; /* the whole object, once it came */
    bool forgotten;
};

struct qmp {
    int fd;
    uint64_t next_id;
    bool greeted;
    struct qmp_error broken; /* status QMP_OK while the connection is usable */
    struct qmp_text text;
    struct pending pending[QMP_PENDING_MAX];
    json_t *events[QMP_EVENTS_MAX]; /* a queue: the oldest first */
    unsigned event_count;
    uint64_t events_dropped;
};

/* Fills `error` (which may be null) and returns `status`. */
enum qmp_status qmp_fail(struct qmp_error *error, enum qmp_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The command in flight with this number, or null. */
struct pending *qmp_find_pending(struct qmp *qmp, uint64_t id);

/* Sorts every whole object that has arrived: events into the queue, replies to their commands. What
 * fits nowhere breaks the connection. */
void qmp_sort(struct qmp *qmp);
