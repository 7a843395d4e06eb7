/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * One daemon for one state folder: a lock on a file in it. The kernel drops the lock when its
 * holder dies, however that happens, so what a dead daemon left is no obstacle.
 */

#include <stddef.h>

#define LOCK_FILE "ballastd.lock"

/* Takes the lock and writes our pid into its file. Returns the descriptor, which holds it; -1:
 * `reason` says why, with the pid of whoever has it. */
int lock_take(const char *folder, char *reason, size_t reason_size);

/* -1 is allowed. */
void lock_release(int fd);
