/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The service manager's protocol. It is a handful of lines in a datagram, documented and stable,
 * and needs no library.
 */

#include "tools/ballast/daemon/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WATCHDOG_MAX_US (UINT64_C(1) << 50)

/* A path, or '@' and a name in the abstract space. */
static bool set_address(struct notify *notify, const char *name, char *reason, size_t reason_size)
{
    size_t length = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || length < 2) {
        (void)snprintf(reason, reason_size, "NOTIFY_SOCKET is neither a path nor an abstract name");
        return false;
    }
    if (length >= sizeof notify->address.sun_path) {
        (void)snprintf(reason, reason_size, "NOTIFY_SOCKET is too long");
        return false;
    }
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, name, length + 1);
    notify->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (name[0] == '@') {
        /* An abstract name begins with 0 and has no end but its length. */
        notify->address.sun_path[0] = '\0';
    } else {
        notify->address_size++;
    }
    return true;
}

static bool parse_number(const char *text, uint64_t most, uint64_t *number)
{
    char *end = NULL;

    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && *number <= most;
}

/* WATCHDOG_PID names who is meant: a child that inherited our environment is not. */
static bool read_watchdog(struct notify *notify, char *reason, size_t reason_size)
{
    const char *period = getenv("WATCHDOG_USEC");
    const char *whose = getenv("WATCHDOG_PID");
    uint64_t pid = 0;
    uint64_t period_us = 0;

    if (period == NULL) {
        return true;
    }
    if (!parse_number(period, WATCHDOG_MAX_US, &period_us) ||
        (whose != NULL && !parse_number(whose, INT32_MAX, &pid))) {
        (void)snprintf(reason, reason_size, "WATCHDOG_USEC or WATCHDOG_PID is no number");
        return false;
    }
    if (whose == NULL || pid == (uint64_t)getpid()) {
        notify->watchdog_ms = period_us / 1000;
    }
    return true;
}

bool notify_open(struct notify *notify, char *reason, size_t reason_size)
{
    const char *name = getenv("NOTIFY_SOCKET");

    *notify = (struct notify){ .fd = -1 };
    if (name == NULL || name[0] == '\0') {
        return true;
    }
    if (!set_address(notify, name, reason, reason_size) ||
        !read_watchdog(notify, reason, reason_size)) {
        *notify = (struct notify){ .fd = -1 };
        return false;
    }
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (notify->fd < 0) {
        (void)snprintf(reason, reason_size, "no socket for NOTIFY_SOCKET: %s", strerror(errno));
        *notify = (struct notify){ .fd = -1 };
        return false;
    }
    return true;
}

void notify_close(struct notify *notify)
{
    if (notify->fd >= 0) {
        (void)close(notify->fd);
    }
    *notify = (struct notify){ .fd = -1 };
}

static void tell(const struct notify *notify, const char *message)
{
    if (notify->fd >= 0) {
        (void)sendto(notify->fd, message, strlen(message), MSG_NOSIGNAL,
                     (const struct sockaddr *)&notify->address, notify->address_size);
    }
}

void notify_ready(const struct notify *notify)
{
    tell(notify, "READY=1");
}

void notify_reloading(const struct notify *notify)
{
    char message[64];
    struct timespec now;

    /* The time tells the manager which reload this is the beginning of. */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
                   (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    tell(notify, message);
}

void notify_stopping(const struct notify *notify)
{
    tell(notify, "STOPPING=1");
}

void notify_alive(const struct notify *notify)
{
    tell(notify, "WATCHDOG=1");
}

void notify_status(const struct notify *notify, const char *format, ...)
{
    char message[256] = "STATUS=";
    size_t prefix = strlen(message);
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(message + prefix, sizeof message - prefix, format, arguments);
    va_end(arguments);
    /* A line end would begin another assignment. */
    for (char *at = message; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ') {
            *at = ' ';
        }
    }
    tell(notify, message);
}
