/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Tells the service manager how the daemon is: the protocol of sd_notify(3), datagrams to the
 * socket that NOTIFY_SOCKET names. Without it every function does nothing. Nothing here waits: a
 * manager that does not listen costs a message and no time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
    int fd; /* -1: nobody wants to know */
    struct sockaddr_un address;
    socklen_t address_size;
    uint64_t
        watchdog_ms; /* the manager kills us when it hears nothing for so long; 0: it does not */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. False: they make no sense, `reason` says
 * why, and the handle is one that does nothing. */
bool notify_open(struct notify *notify, char *reason, size_t reason_size);
void notify_close(struct notify *notify);

void notify_ready(const struct notify *notify);
void notify_reloading(const struct notify *notify); /* to be followed by notify_ready() */
void notify_stopping(const struct notify *notify);
void notify_alive(const struct notify *notify); /* at half of watchdog_ms */

/* A line that `systemctl status` shows. */
__attribute__((format(printf, 2, 3))) void notify_status(const struct notify *notify,
                                                         const char *format, ...);
