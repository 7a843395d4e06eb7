/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The half of the QMP client that waits for a certain thing: a socket to connect to, a reply, an
 * event. It stands on the public functions of the other half (qmp.c) and knows no more than a
 * caller with its own event loop would.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tools/qmp/qmp.h"

/* While nobody listens yet, how often to look again. */
#define CONNECT_RETRY_MS 5

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum qmp_status fail(struct qmp_error *error, enum qmp_status status, const char *what,
                            const char *path, int number)
{
    if (error != NULL) {
        *error = (struct qmp_error){ .status = status };
        snprintf(error->text, sizeof(error->text), "%s %s: %s", what, path, strerror(number));
    }
    return status;
}

static int left_ms(int64_t deadline)
{
    int64_t left = deadline - now_ms();

    return left < 0 ? 0 : (int)left;
}

/* An unconnected socket and the address of `path`. */
static enum qmp_status prepare(const char *path, int flags, struct sockaddr_un *address, int *fd,
                               struct qmp_error *error)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(address->sun_path)) {
        return fail(error, QMP_SYSTEM, "cannot use the socket", path, ENAMETOOLONG);
    }
    strcpy(address->sun_path, path);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    return *fd < 0 ? fail(error, QMP_SYSTEM, "no socket for", path, errno) : QMP_OK;
}

/* The file may not exist yet, or exist before anybody listens: both are waited for, everything else
 * is an error at once. */
enum qmp_status qmp_connect(const char *path, int timeout_ms, struct qmp **out,
                            struct qmp_error *error)
{
    const struct timespec pause = { .tv_nsec = CONNECT_RETRY_MS * 1000000L };
    int64_t deadline = now_ms() + timeout_ms;
    struct sockaddr_un address;
    int fd = -1;
    enum qmp_status status = prepare(path, 0, &address, &fd, error);

    *out = NULL;
    if (status != QMP_OK) {
        return status;
    }
    while (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        if (errno != ENOENT && errno != ECONNREFUSED && errno != EINTR) {
            int number = errno;

            close(fd);
            return fail(error, QMP_SYSTEM, "cannot connect to", path, number);
        }
        if (now_ms() >= deadline) {
            int number = errno;

            close(fd);
            return fail(error, QMP_TIMEOUT, "nobody listens on", path, number);
        }
        nanosleep(&pause, NULL);
    }
    return qmp_adopt(fd, left_ms(deadline), out, error);
}

/* A unix socket connects at once or not at all: there is no EINPROGRESS [unix(7)]. */
enum qmp_status qmp_open(const char *path, struct qmp **out, struct qmp_error *error)
{
    struct sockaddr_un address;
    int fd = -1;
    enum qmp_status status = prepare(path, SOCK_NONBLOCK, &address, &fd, error);

    *out = NULL;
    if (status != QMP_OK) {
        return status;
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        int number = errno;

        close(fd);
        if (number == ENOENT || number == ECONNREFUSED) {
            return fail(error, QMP_CLOSED, "nobody listens on", path, number);
        }
        if (number == EAGAIN) {
            return fail(error, QMP_BUSY, "others wait already for", path, number);
        }
        return fail(error, QMP_SYSTEM, "cannot connect to", path, number);
    }
    return qmp_open_fd(fd, out, error);
}

enum qmp_status qmp_execute(struct qmp *qmp, const char *command, json_t *arguments, int timeout_ms,
                            json_t **reply, struct qmp_error *error)
{
    int64_t deadline = now_ms() + timeout_ms;
    uint64_t id = 0;
    enum qmp_status status = qmp_send(qmp, command, arguments, timeout_ms, &id, error);
    enum qmp_status waited = QMP_OK;

    if (status != QMP_OK) {
        return status;
    }
    for (;;) {
        /* Asked once more after a failed wait: the reply may be the last thing that came before
         * the end, as the one to "quit" is. */
        status = qmp_take_reply(qmp, id, reply, error);
        if (status == QMP_OK || status == QMP_REFUSED) {
            return status;
        }
        if (waited != QMP_OK) {
            qmp_forget(qmp, id);
            return status;
        }
        waited = qmp_wait(qmp, left_ms(deadline), NULL);
    }
}

enum qmp_status qmp_wait_event(struct qmp *qmp, const char *name, int timeout_ms, json_t **event,
                               struct qmp_error *error)
{
    int64_t deadline = now_ms() + timeout_ms;
    enum qmp_status status = QMP_OK;

    for (;;) {
        /* What came just before the end counts, so look first. */
        *event = qmp_take_event(qmp, name);
        if (*event != NULL && error != NULL) {
            *error = (struct qmp_error){ .status = QMP_OK };
        }
        if (*event != NULL || status != QMP_OK) {
            return *event != NULL ? QMP_OK : status;
        }
        status = qmp_wait(qmp, left_ms(deadline), error);
    }
}
