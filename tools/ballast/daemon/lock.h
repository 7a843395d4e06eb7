/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * One daemon for one state folder: a lock on a file in it. The kernel drops the lock when its
 * holder dies, however that happens, so what a dead daemon left is no obstacle.
 */

#include <stdbool.h>
#include <stddef.h>

#define LOCK_FILE "ballastd.lock"

#define LOCK_BUSY   (-1) /* another one has it: its pid is in the reason */
#define LOCK_FAILED (-2)

/* Takes the lock and writes our pid into its file. Returns the descriptor, which holds it, or one
 * of the values above with a reason. */
int lock_take(const char *folder, char *reason, size_t reason_size);

/* Whether the file in the folder is still the one that `fd` has locked. */
bool lock_held(int fd, const char *folder);

/* Values below 0 are allowed. */
void lock_release(int fd);
