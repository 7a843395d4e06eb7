/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What is known of one machine from QMP: the questions that are put to its QEMU, and how replies
 * and events become facts. No connection, no clock and no waiting here, so that any reply can be
 * tried. Replies are not trusted: what has the wrong form is not known.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/ballast/backend/reading.h"
#include "tools/ballast/fleet/facts.h"
#include "tools/ballast/host/host.h"
#include "tools/qmp/qmp.h"

enum qmp_question {
    /* Every period. */
    QMP_ASK_STATUS,
    QMP_ASK_MEMORY,
    QMP_ASK_MIGRATE,
    QMP_ASK_STATS,   /* when the device's place is known; */
    QMP_ASK_BALLOON, /* and behind it the size, see reading.h */
    /* Now and then: what the machine is made of. */
    QMP_ASK_UUID, /* who it is */
    QMP_ASK_PERIPHERAL,
    QMP_ASK_ANONYMOUS,
    QMP_ASK_OBJECTS,
    QMP_ASK_MEMDEV,
    /* Once a device was found. */
    QMP_ASK_POLLING, /* switches its statistics on */
    QMP_ASK_HOTPLUG,
    QMP_ASK_BUS,     /* behind it: both must allow to unplug the device */
    QMP_ASK_DEFLATE, /* what the device offers, */
    QMP_ASK_REPORTING,
    QMP_ASK_HINTING,
    QMP_ASK_POISON,
    QMP_ASK_HUGETLB, /* of a memory backend that may have huge pages */
    QMP_QUESTIONS,
};

#define QMP_BIT(question) (1U << (unsigned)(question))

/* Sets of questions. */
#define QMP_SET_STATE                                                                              \
    (QMP_BIT(QMP_ASK_STATUS) | QMP_BIT(QMP_ASK_MEMORY) | QMP_BIT(QMP_ASK_MIGRATE) |                \
     QMP_BIT(QMP_ASK_BALLOON))
#define QMP_SET_PERIOD (QMP_SET_STATE | QMP_BIT(QMP_ASK_STATS))
#define QMP_SET_SEARCH                                                                             \
    (QMP_BIT(QMP_ASK_UUID) | QMP_BIT(QMP_ASK_PERIPHERAL) | QMP_BIT(QMP_ASK_ANONYMOUS) |            \
     QMP_BIT(QMP_ASK_OBJECTS) | QMP_BIT(QMP_ASK_MEMDEV))
#define QMP_SET_DEVICE                                                                             \
    (QMP_BIT(QMP_ASK_POLLING) | QMP_BIT(QMP_ASK_BUS) | QMP_BIT(QMP_ASK_HOTPLUG) |                  \
     QMP_BIT(QMP_ASK_DEFLATE) | QMP_BIT(QMP_ASK_REPORTING) | QMP_BIT(QMP_ASK_HINTING) |            \
     QMP_BIT(QMP_ASK_POISON) | QMP_BIT(QMP_ASK_HUGETLB) | QMP_BIT(QMP_ASK_STATS))

#define QMP_VIEW_PATH_MAX 192U

struct qmp_view {
    struct facts facts;
    char device[QMP_VIEW_PATH_MAX]; /* where the balloon is in QEMU's object tree; "" not known */
    bool device_is_proxy;           /* the virtio device is a child of it */
    char memfd[QMP_VIEW_PATH_MAX];  /* a memory backend that may be huge; "" none */
    uint32_t absent;                /* questions that this QEMU does not know */
    /* A search under way. */
    char found[QMP_VIEW_PATH_MAX];
    bool found_proxy;
    bool found_vfio;
    /* The parts of facts.state. */
    enum facts_state status;
    bool migrating;
    bool panicked;       /* since the last reset */
    bool lingers;        /* shut down, and QEMU stays */
    int64_t shutdown_ms; /* since when QEMU says that it is shut down; 0: it does not */
    /* What keeps memory from coming free, by who told it. */
    bool vfio;
    bool hugetlb;
    struct reading reading;
    struct reading_process process;
};

void qmp_view_clear(struct qmp_view *view);

/* ---- questions ---- */

/* The command of a target. */
#define QMP_TARGET_COMMAND "balloon"

/* Every command that is ever sent to a machine, from 0 on; NULL behind the last. All of them are
 * stable: what is not may change in any version, and may end the machine. */
const char *qmp_command_sent(size_t index);

const char *qmp_question_command(enum qmp_question question);

/* Its arguments; NULL when it has none. A new reference. */
json_t *qmp_question_arguments(const struct qmp_view *view, enum qmp_question question,
                               uint32_t period_s);

/* Takes from a set what cannot be asked now: unknown to this QEMU, or without a place. */
uint32_t qmp_view_possible(const struct qmp_view *view, uint32_t set);

/* Before and after the questions of QMP_SET_SEARCH. The second is true when there is another device
 * than before: what is known of the old one is forgotten. */
void qmp_view_search_begin(struct qmp_view *view);
bool qmp_view_search_end(struct qmp_view *view);

/* Takes the answer: `reply` with QMP_OK, `error` with QMP_REFUSED. Times are the monotonic clock's
 * and the wall's. */
void qmp_view_answer(struct qmp_view *view, enum qmp_question question, const json_t *reply,
                     const struct qmp_error *error, int64_t now_ms, int64_t wall_ms);

/* ---- events, and what the host tells ---- */

enum qmp_news {
    QMP_NEWS_NONE,
    QMP_NEWS_FACTS,  /* the facts changed: tell them */
    QMP_NEWS_DEVICE, /* devices changed: search again */
};

enum qmp_news qmp_view_event(struct qmp_view *view, const json_t *event);

/* All questions of a set were answered. */
void qmp_view_end(struct qmp_view *view);

/* The machine's process: a walk over its mappings, and a glance between two walks. */
void qmp_view_process(struct qmp_view *view, const struct host_process *process);
void qmp_view_glance(struct qmp_view *view, const struct host_process *process);
