/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What arrives on a QMP connection, put where it belongs. The queue of events is bounded: the
 * oldest goes first, and the loss is counted.
 */

#include "tools/qmp/qmp_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum qmp_status qmp_fail(struct qmp_error *error, enum qmp_status status, const char *format, ...)
{
    if (error != NULL) {
        va_list args;

        error->status = status;
        error->class[0] = '\0';
        va_start(args, format);
        vsnprintf(error->text, sizeof(error->text), format, args);
        va_end(args);
    }
    return status;
}

static void keep_event(struct qmp *qmp, json_t *event)
{
    if (qmp->event_count == QMP_EVENTS_MAX) {
        json_decref(qmp->events[0]);
        qmp->event_count--;
        memmove(qmp->events, qmp->events + 1, qmp->event_count * sizeof(qmp->events[0]));
        qmp->events_dropped++;
    }
    qmp->events[qmp->event_count++] = json_incref(event);
}

struct pending *qmp_find_pending(struct qmp *qmp, uint64_t id)
{
    assert(id != 0);
    for (unsigned i = 0; i < QMP_PENDING_MAX; i++) {
        if (qmp->pending[i].id == id) {
            return &qmp->pending[i];
        }
    }
    return NULL;
}

static void keep_reply(struct qmp *qmp, json_t *reply)
{
    uint64_t id = 0;
    struct pending *pending = NULL;

    /* QEMU sends an error without id when it could not parse a command. We send nothing that it
     * cannot parse, so then we are out of step. */
    if (qmp_get_u64(reply, "id", &id) && id != 0) {
        pending = qmp_find_pending(qmp, id);
    }
    if (pending == NULL || pending->reply != NULL) {
        qmp_fail(&qmp->broken, QMP_PROTOCOL, "QEMU sent a reply to a command that was not asked");
        return;
    }
    if (pending->forgotten) {
        *pending = (struct pending){ 0 };
        return;
    }
    pending->reply = json_incref(reply);
}

static void sort_object(struct qmp *qmp, json_t *object)
{
    if (json_is_object(json_object_get(object, "QMP"))) {
        /* A second greeting changes nothing. */
        qmp->stage = qmp->stage == STAGE_GREETING ? STAGE_CAPABILITIES : qmp->stage;
    } else if (qmp->stage == STAGE_GREETING) {
        qmp_fail(&qmp->broken, QMP_PROTOCOL, "QEMU did not begin with a greeting");
    } else if (json_is_string(json_object_get(object, "event"))) {
        keep_event(qmp, object);
    } else if (json_object_get(object, "return") != NULL ||
               json_is_object(json_object_get(object, "error"))) {
        keep_reply(qmp, object);
    } else {
        qmp_fail(&qmp->broken, QMP_PROTOCOL,
                 "QEMU sent an object that is neither greeting, event nor reply");
    }
}

void qmp_sort(struct qmp *qmp)
{
    while (qmp->broken.status == QMP_OK) {
        json_t *object = NULL;
        const char *reason = NULL;

        switch (qmp_text_next(&qmp->text, &object, &reason)) {
        case QMP_TEXT_MORE:
            return;
        case QMP_TEXT_OBJECT:
            sort_object(qmp, object);
            json_decref(object);
            break;
        case QMP_TEXT_GARBAGE:
            qmp_fail(&qmp->broken, QMP_PROTOCOL, "QEMU sent %s", reason);
            break;
        }
    }
}
