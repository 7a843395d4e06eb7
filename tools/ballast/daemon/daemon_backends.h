/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * All backends as one: each is started where the configuration asks for it, and gets every poll and
 * every new configuration. Calls come from the loop's thread.
 */

#include <uv.h>

#include "tools/ballast/config/config.h"
#include "tools/ballast/daemon/log.h"
#include "tools/ballast/fleet/fleet.h"

struct daemon_backends;

/* Never NULL. `fleet` and `log` must outlive it. */
struct daemon_backends *daemon_backends_start(uv_loop_t *loop, struct fleet *fleet, struct log *log,
                                              const struct config *config);

/* Each period. What is wrong with a backend is logged. */
void daemon_backends_poll(struct daemon_backends *backends, int64_t now_ms);

void daemon_backends_configure(struct daemon_backends *backends, const struct config *config);

/* Machines are gone afterwards; the loop must run once more. NULL is allowed. */
void daemon_backends_stop(struct daemon_backends *backends);
