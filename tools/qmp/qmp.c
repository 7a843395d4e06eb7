/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The QMP connection: commands, replies, events. One rule keeps it simple: whatever function waits,
 * everything that arrives is sorted at once, events into a bounded ring and replies into the table
 * of pending commands. So no call can lose what another one waits for, and a command sent while
 * QEMU itself is blocked on writing to us cannot dead-lock.
 *
 * Protocol: QEMU's docs/interop/qmp-spec. The byte stream is taken apart by qmp_text.c, what it
 * contains is sorted by qmp_inbox.c; what waits for a certain answer is in qmp_wait.c.
 */

#include "tools/qmp/qmp.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/qmp/qmp_internal.h"

/* ---- small helpers ---- */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What is left until `deadline`, for poll(). */
static int left_ms(int64_t deadline)
{
    int64_t left = deadline - now_ms();

    return left < 0 ? 0 : (int)left;
}

static enum qmp_status succeed(struct qmp_error *error)
{
    if (error != NULL) {
        *error = (struct qmp_error){ .status = QMP_OK };
    }
    return QMP_OK;
}

/* The connection's own state: QMP_OK, or the reason why it is useless. */
static enum qmp_status state(const struct qmp *qmp, struct qmp_error *error)
{
    if (qmp->broken.status == QMP_OK) {
        return succeed(error);
    }
    if (error != NULL) {
        *error = qmp->broken;
    }
    return qmp->broken.status;
}

/* ---- bytes in and out ---- */

enum qmp_status qmp_pump(struct qmp *qmp, struct qmp_error *error)
{
    char bytes[16384];

    while (qmp->broken.status == QMP_OK) {
        ssize_t count = recv(qmp->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

        if (count > 0) {
            if (!qmp_text_feed(&qmp->text, bytes, (size_t)count)) {
                qmp_fail(&qmp->broken, QMP_SYSTEM, "out of memory");
                break;
            }
            qmp_sort(qmp);
        } else if (count == 0) {
            qmp_fail(&qmp->broken, QMP_CLOSED, "QEMU closed the QMP connection");
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else if (errno == ECONNRESET) {
            qmp_fail(&qmp->broken, QMP_CLOSED, "QEMU closed the QMP connection");
        } else if (errno != EINTR) {
            qmp_fail(&qmp->broken, QMP_SYSTEM, "recv: %s", strerror(errno));
        }
    }
    return state(qmp, error);
}

/* Waits until something came (or, with POLLOUT in `also`, until the socket takes more), then
 * pumps. QMP_TIMEOUT when the deadline passed before. */
static enum qmp_status wait_and_pump(struct qmp *qmp, short also, int64_t deadline,
                                     struct qmp_error *error)
{
    struct pollfd poll_fd = { .fd = qmp->fd, .events = (short)(POLLIN | also) };
    int ready = poll(&poll_fd, 1, left_ms(deadline));

    if (ready < 0 && errno != EINTR) {
        qmp_fail(&qmp->broken, QMP_SYSTEM, "poll: %s", strerror(errno));
        return state(qmp, error);
    }
    if (ready == 0 && now_ms() >= deadline) {
        return qmp_fail(error, QMP_TIMEOUT, "QEMU did not answer in time");
    }
    return qmp_pump(qmp, error);
}

/* ---- commands ---- */

static enum qmp_status write_all(struct qmp *qmp, const char *bytes, size_t count, int64_t deadline,
                                 struct qmp_error *error)
{
    size_t sent = 0;

    while (sent < count) {
        ssize_t now = send(qmp->fd, bytes + sent, count - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        enum qmp_status status;

        if (now >= 0) {
            sent += (size_t)now;
            continue;
        }
        if (errno == EPIPE || errno == ECONNRESET) {
            /* Take what QEMU said before it went. */
            (void)qmp_pump(qmp, NULL);
            if (qmp->broken.status == QMP_OK) {
                qmp_fail(&qmp->broken, QMP_CLOSED, "QEMU closed the QMP connection");
            }
            return state(qmp, error);
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            qmp_fail(&qmp->broken, QMP_SYSTEM, "send: %s", strerror(errno));
            return state(qmp, error);
        }
        status = wait_and_pump(qmp, POLLOUT, deadline, error);
        if (status == QMP_TIMEOUT && sent > 0) {
            qmp_fail(&qmp->broken, QMP_PROTOCOL, "QEMU took only a part of a command in time");
            return state(qmp, error);
        }
        if (status != QMP_OK) {
            return status;
        }
    }
    return succeed(error);
}

enum qmp_status qmp_send(struct qmp *qmp, const char *command, json_t *arguments, int timeout_ms,
                         uint64_t *id, struct qmp_error *error)
{
    int64_t deadline = now_ms() + timeout_ms;
    struct pending *place = NULL;
    enum qmp_status status = state(qmp, error);
    json_t *message;
    char *text;

    for (unsigned i = 0; i < QMP_PENDING_MAX && place == NULL; i++) {
        place = qmp->pending[i].id == 0 ? &qmp->pending[i] : NULL;
    }
    if (status == QMP_OK && place == NULL) {
        status =
            qmp_fail(error, QMP_BUSY, "%u commands are waiting for their reply", QMP_PENDING_MAX);
    }
    if (status != QMP_OK) {
        json_decref(arguments);
        return status;
    }
    /* "o*" takes the arguments over and leaves the member out when there are none. */
    message = json_pack("{s:s, s:I, s:o*}", "execute", command, "id", (json_int_t)qmp->next_id,
                        "arguments", arguments);
    text = message == NULL ? NULL : json_dumps(message, JSON_COMPACT);
    json_decref(message);
    if (text == NULL) {
        return qmp_fail(error, QMP_SYSTEM, "the command %s cannot be written as JSON", command);
    }
    *place = (struct pending){ .id = qmp->next_id++ };
    *id = place->id;
    status = write_all(qmp, text, strlen(text), deadline, error);
    free(text);
    if (status != QMP_OK) {
        *place = (struct pending){ 0 };
    }
    return status;
}

enum qmp_status qmp_wait(struct qmp *qmp, int timeout_ms, struct qmp_error *error)
{
    enum qmp_status status = state(qmp, error);

    return status != QMP_OK ? status : wait_and_pump(qmp, 0, now_ms() + timeout_ms, error);
}

enum qmp_status qmp_take_reply(struct qmp *qmp, uint64_t id, json_t **reply,
                               struct qmp_error *error)
{
    struct pending *pending = qmp_find_pending(qmp, id);
    enum qmp_status status;
    json_t *refused;

    assert(pending != NULL);
    if (pending->reply == NULL) {
        status = state(qmp, error);
        return status != QMP_OK ? status
                                : qmp_fail(error, QMP_TIMEOUT, "QEMU did not answer in time");
    }
    refused = json_object_get(pending->reply, "error");
    if (refused != NULL) {
        const char *class = json_string_value(json_object_get(refused, "class"));
        const char *text = json_string_value(json_object_get(refused, "desc"));

        status = qmp_fail(error, QMP_REFUSED, "%s", text == NULL ? "no reason given" : text);
        if (error != NULL) {
            snprintf(error->class, sizeof(error->class), "%s", class == NULL ? "" : class);
        }
    } else {
        status = succeed(error);
        if (reply != NULL) {
            *reply = json_incref(json_object_get(pending->reply, "return"));
        }
    }
    json_decref(pending->reply);
    *pending = (struct pending){ 0 };
    return status;
}

void qmp_forget(struct qmp *qmp, uint64_t id)
{
    struct pending *pending = qmp_find_pending(qmp, id);

    if (pending == NULL) {
        return;
    }
    if (pending->reply != NULL) {
        json_decref(pending->reply);
        *pending = (struct pending){ 0 };
    } else {
        pending->forgotten = true;
    }
}

/* ---- events ---- */

json_t *qmp_take_event(struct qmp *qmp, const char *name)
{
    for (unsigned i = 0; i < qmp->event_count; i++) {
        json_t *event = qmp->events[i];
        const char *event_name = json_string_value(json_object_get(event, "event"));

        if (name == NULL || strcmp(event_name, name) == 0) {
            qmp->event_count--;
            memmove(qmp->events + i, qmp->events + i + 1,
                    (qmp->event_count - i) * sizeof(qmp->events[0]));
            return event;
        }
    }
    return NULL;
}

uint64_t qmp_events_dropped(const struct qmp *qmp)
{
    return qmp->events_dropped;
}

/* ---- start and end ---- */

int qmp_fd(const struct qmp *qmp)
{
    return qmp->fd;
}

enum qmp_status qmp_adopt(int fd, int timeout_ms, struct qmp **out, struct qmp_error *error)
{
    int64_t deadline = now_ms() + timeout_ms;
    struct qmp *qmp = calloc(1, sizeof(*qmp));
    enum qmp_status status = QMP_OK;

    assert(fd >= 0);
    *out = NULL;
    if (qmp == NULL) {
        close(fd);
        return qmp_fail(error, QMP_SYSTEM, "out of memory");
    }
    qmp->fd = fd;
    qmp->next_id = 1;
    while (status == QMP_OK && !qmp->greeted) {
        status = wait_and_pump(qmp, 0, deadline, error);
    }
    if (status == QMP_OK) {
        status = qmp_execute(qmp, "qmp_capabilities", NULL, left_ms(deadline), NULL, error);
    }
    if (status != QMP_OK) {
        qmp_close(qmp);
        return status;
    }
    *out = qmp;
    return QMP_OK;
}

void qmp_close(struct qmp *qmp)
{
    if (qmp == NULL) {
        return;
    }
    for (unsigned i = 0; i < qmp->event_count; i++) {
        json_decref(qmp->events[i]);
    }
    for (unsigned i = 0; i < QMP_PENDING_MAX; i++) {
        json_decref(qmp->pending[i].reply);
    }
    qmp_text_free(&qmp->text);
    close(qmp->fd);
    free(qmp);
}
