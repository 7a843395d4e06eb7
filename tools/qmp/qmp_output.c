/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes out on a QMP connection: a buffer in front of the socket, so that a QEMU that does not
 * read cannot hold up who writes. How much may stay in it, the caller decides.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tools/qmp/qmp_internal.h"

bool qmp_output_add(struct qmp *qmp, const char *bytes, size_t count)
{
    if (qmp->output_capacity - qmp->output_length < count) {
        size_t capacity = (qmp->output_length + count) * 2;
        char *grown = realloc(qmp->output, capacity);

        if (grown == NULL) {
            return false;
        }
        qmp->output = grown;
        qmp->output_capacity = capacity;
    }
    memcpy(qmp->output + qmp->output_length, bytes, count);
    qmp->output_length += count;
    return true;
}

bool qmp_wants_output(const struct qmp *qmp)
{
    return qmp->output_length > 0 && qmp->broken.status == QMP_OK;
}

/* An end of the connection is no error here unless reading finds it too: what QEMU said before it
 * went is taken first, and the end is found behind it. */
void qmp_output_flush(struct qmp *qmp)
{
    size_t sent = 0;

    while (sent < qmp->output_length) {
        ssize_t now = send(qmp->fd, qmp->output + sent, qmp->output_length - sent,
                           MSG_DONTWAIT | MSG_NOSIGNAL);

        if (now >= 0) {
            sent += (size_t)now;
        } else if (errno == EPIPE || errno == ECONNRESET) {
            sent = qmp->output_length;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else if (errno != EINTR) {
            qmp_fail(&qmp->broken, QMP_SYSTEM, "send: %s", strerror(errno));
            return;
        }
    }
    if (sent == 0) {
        return;
    }
    memmove(qmp->output, qmp->output + sent, qmp->output_length - sent);
    qmp->output_length -= sent;
}
