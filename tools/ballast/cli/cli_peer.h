/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Who is at the other end of a unix socket. Whoever may write to the socket's folder can rename the
 * daemon's socket and put an own one in its place; so the process that listens is looked at, on the
 * very connection that is used afterwards, before anything is sent.
 */

#include <stdbool.h>
#include <sys/types.h>

/* The user that ballast.service gives the daemon. Only root can make a user of this name. */
#define CLI_DAEMON_USER "ballast"

/* Whether a process of this user may be the daemon at the socket `path`: root, whoever asks, the
 * user CLI_DAEMON_USER, or the owner of the socket's folder where nobody else could have made or
 * replaced that folder. */
bool cli_peer_trusted(const char *path, uid_t peer);

/* The user of the process that listens at the other end. False with errno. */
bool cli_peer_of(int fd, uid_t *peer);
