/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The QMP connection: commands, replies, events. One rule keeps it simple: whatever function waits,
 * everything that arrives is sorted at once, events into a bounded ring and replies into the table
 * of pending commands. So no call can lose what another one waits for, and a command sent while
 * QEMU itself is blocked on writing to us cannot dead-lock.
 *
 * Protocol: QEMU's docs/interop/qmp-spec. The byte stream is taken apart by qmp_text.c, what it
 * contains is sorted by qmp_inbox.c; qmp_output.c holds what the socket does not take at once; what
 * waits for a certain answer is in qmp_wait.c.
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

/* ---- commands ---- */

/* Puts a command into the output. */
static enum qmp_status enqueue(struct qmp *qmp, const char *command, json_t *arguments,
                               uint64_t *id, struct qmp_error *error)
{
    struct pending *place = NULL;
    json_t *message;
    char *text;
    bool added;

    for (unsigned i = 0; i < QMP_PENDING_MAX && place == NULL; i++) {
        place = qmp->pending[i].id == 0 ? &qmp->pending[i] : NULL;
    }
    if (place == NULL) {
        json_decref(arguments);
        return qmp_fail(error, QMP_BUSY, "%u commands are waiting for their reply",
                        QMP_PENDING_MAX);
    }
    /* "o*" takes the arguments over and leaves the member out when there are none. */
    message = json_pack("{s:s, s:I, s:o*}", "execute", command, "id", (json_int_t)qmp->next_id,
                        "arguments", arguments);
    text = message == NULL ? NULL : json_dumps(message, JSON_COMPACT);
    json_decref(message);
    if (text == NULL) {
        return qmp_fail(error, QMP_SYSTEM, "the command %s cannot be written as JSON", command);
    }
    added = qmp_output_add(qmp, text, strlen(text));
    free(text);
    if (!added) {
        return qmp_fail(error, QMP_SYSTEM, "out of memory");
    }
    *place = (struct pending){ .id = qmp->next_id++ };
    *id = place->id;
    return succeed(error);
}

/* Goes on with the negotiation as far as what has arrived allows, also when the end came with it:
 * a connection that was made and lost at once was made. */
static void negotiate(struct qmp *qmp)
{
    struct qmp_error error;
    enum qmp_status status;

    if (qmp->stage != STAGE_CAPABILITIES) {
        return;
    }
    if (qmp->capabilities_id == 0) {
        if (qmp->broken.status != QMP_OK) {
            return;
        }
        if (enqueue(qmp, "qmp_capabilities", NULL, &qmp->capabilities_id, &error) != QMP_OK) {
            qmp->broken = error;
            return;
        }
        qmp_output_flush(qmp);
    }
    status = qmp_take_reply(qmp, qmp->capabilities_id, NULL, &error);
    if (status == QMP_OK) {
        qmp->stage = STAGE_READY;
    } else if (status == QMP_REFUSED) {
        qmp->broken = error;
    }
}

/* ---- bytes in ---- */

/* Reads once. False when there is nothing, or when the connection broke. */
static bool read_some(struct qmp *qmp, char *bytes, size_t size, size_t *total)
{
    ssize_t count = recv(qmp->fd, bytes, size, MSG_DONTWAIT);

    if (count > 0) {
        *total += (size_t)count;
        if (!qmp_text_feed(&qmp->text, bytes, (size_t)count)) {
            qmp_fail(&qmp->broken, QMP_SYSTEM, "out of memory");
            return false;
        }
        qmp_sort(qmp);
        return qmp->broken.status == QMP_OK;
    }
    if (count < 0 && errno == EINTR) {
        return true;
    }
    if (count == 0 || errno == ECONNRESET) {
        qmp_fail(&qmp->broken, QMP_CLOSED, "QEMU closed the QMP connection");
    } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
        qmp_fail(&qmp->broken, QMP_SYSTEM, "recv: %s", strerror(errno));
    }
    return false;
}

enum qmp_status qmp_pump(struct qmp *qmp, struct qmp_error *error)
{
    char bytes[16384];
    size_t total = 0;

    if (qmp->broken.status == QMP_OK) {
        qmp_output_flush(qmp);
    }
    while (qmp->broken.status == QMP_OK && total < QMP_PUMP_MAX &&
           read_some(qmp, bytes, sizeof(bytes), &total)) {
    }
    negotiate(qmp);
    return state(qmp, error);
}

/* Waits until something came or the socket takes what waits to go out, then pumps. QMP_TIMEOUT when
 * the deadline passed before. */
static enum qmp_status wait_and_pump(struct qmp *qmp, int64_t deadline, struct qmp_error *error)
{
    short events = qmp_wants_output(qmp) ? POLLIN | POLLOUT : POLLIN;
    struct pollfd poll_fd = { .fd = qmp->fd, .events = events };
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

enum qmp_status qmp_send(struct qmp *qmp, const char *command, json_t *arguments, int timeout_ms,
                         uint64_t *id, struct qmp_error *error)
{
    int64_t deadline = now_ms() + timeout_ms;
    enum qmp_status status = state(qmp, error);

    if (status != QMP_OK) {
        json_decref(arguments);
        return status;
    }
    assert(qmp->stage == STAGE_READY);
    status = enqueue(qmp, command, arguments, id, error);
    if (status != QMP_OK) {
        return status;
    }
    qmp_output_flush(qmp);
    while (qmp->broken.status == QMP_OK && qmp->output_length > 0 && now_ms() < deadline) {
        (void)wait_and_pump(qmp, deadline, NULL);
    }
    if (qmp->broken.status == QMP_OK && qmp->output_length > QMP_OUTPUT_MAX) {
        qmp_fail(&qmp->broken, QMP_PROTOCOL, "QEMU does not read the commands it is sent");
    }
    return state(qmp, error);
}

enum qmp_status qmp_wait(struct qmp *qmp, int timeout_ms, struct qmp_error *error)
{
    enum qmp_status status = state(qmp, error);

    return status != QMP_OK ? status : wait_and_pump(qmp, now_ms() + timeout_ms, error);
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

bool qmp_greeted(const struct qmp *qmp)
{
    return qmp->stage != STAGE_GREETING;
}

bool qmp_ready(const struct qmp *qmp)
{
    return qmp->stage == STAGE_READY && qmp->broken.status == QMP_OK;
}

enum qmp_status qmp_open_fd(int fd, struct qmp **out, struct qmp_error *error)
{
    struct qmp *qmp = calloc(1, sizeof(*qmp));

    assert(fd >= 0);
    *out = qmp;
    if (qmp == NULL) {
        close(fd);
        return qmp_fail(error, QMP_SYSTEM, "out of memory");
    }
    qmp->fd = fd;
    qmp->next_id = 1;
    return succeed(error);
}

enum qmp_status qmp_adopt(int fd, int timeout_ms, struct qmp **out, struct qmp_error *error)
{
    int64_t deadline = now_ms() + timeout_ms;
    struct qmp *qmp = NULL;
    enum qmp_status status = qmp_open_fd(fd, &qmp, error);

    *out = NULL;
    while (status == QMP_OK && qmp->stage != STAGE_READY) {
        status = wait_and_pump(qmp, deadline, error);
    }
    if (qmp != NULL && qmp->stage == STAGE_READY) {
        *out = qmp;
        return succeed(error);
    }
    qmp_close(qmp);
    return status;
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
    free(qmp->output);
    close(qmp->fd);
    free(qmp);
}
