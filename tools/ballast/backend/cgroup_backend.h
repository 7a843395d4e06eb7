/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Containers, by the cgroup (v2) that the configuration names for each: shown with what they hold
 * and may hold, and never given a target, for what a container does not use the host's kernel has
 * already. The fleet's thread.
 */

#include <stdint.h>

#include "tools/ballast/config/config.h"
#include "tools/ballast/fleet/fleet.h"

struct cgroup_backend;

/* Makes the configured containers known. `fleet` and `root` (a folder in front of /sys, "" but in
 * tests) must outlive the backend. Never NULL. */
struct cgroup_backend *cgroup_backend_start(struct fleet *fleet, const struct config *config,
                                            const char *root, int64_t now_ms);

/* Each period: reads and tells every container. One whose folder is not there has stopped, and says
 * so; it comes back with the folder. */
void cgroup_backend_poll(struct cgroup_backend *backend, int64_t now_ms);

/* A new configuration. Containers that it no longer names are gone. */
void cgroup_backend_configure(struct cgroup_backend *backend, const struct config *config,
                              int64_t now_ms);

/* Ends it: its containers are gone. */
void cgroup_backend_stop(struct cgroup_backend *backend, int64_t now_ms);
