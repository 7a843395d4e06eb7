/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Inside the QMP library: the connection, for qmp.c, qmp_output.c and qmp_inbox.c only. */

#include "tools/qmp/qmp.h"
#include "tools/qmp/qmp_text.h"

struct pending {
    uint64_t id;   /* 0: this place is free */
    json_t *reply; /* the whole object, once it came */
    bool forgotten;
};

enum stage {
    STAGE_GREETING,     /* QEMU has not said anything yet */
    STAGE_CAPABILITIES, /* it was asked to take commands */
    STAGE_READY,
};

struct qmp {
    int fd;
    uint64_t next_id;
    enum stage stage;
    uint64_t capabilities_id;
    struct qmp_error broken; /* status QMP_OK while the connection is usable */
    struct qmp_text text;
    char *output; /* text that the socket did not take yet */
    size_t output_length;
    size_t output_capacity;
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

/* Appends text to what goes out. False when memory ran out; nothing is appended then. */
bool qmp_output_add(struct qmp *qmp, const char *bytes, size_t count);

/* Writes what the socket takes now; an error breaks the connection. */
void qmp_output_flush(struct qmp *qmp);

/* Sorts every whole object that has arrived: events into the queue, replies to their commands. What
 * fits nowhere breaks the connection. */
void qmp_sort(struct qmp *qmp);
