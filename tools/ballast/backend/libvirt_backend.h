/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Machines through libvirt: all running domains of each configured URI, local or remote, managed
 * where they are. Tells the fleet what each machine is and does, and carries out its targets. Lives
 * on one libuv loop and never waits: threads speak with libvirt, and what they learn comes over by
 * a uv_async. A libvirtd that hangs, is slow or is gone costs its own machines' freshness only.
 *
 * A machine is found when its domain runs and gone when it does not. Names are the domains', with
 * "_" for what a machine's name may not have. While libvirt cannot be reached machines stay, with
 * the facts they told last and a sentence about the trouble.
 *
 * What libvirt does not tell: whether a driver has taken the device, and which features it took
 * (those in the facts are offered, and marked as not known); memory beside the guest's RAM, where
 * the process is on another host (its resident memory is then all that the process holds, at most
 * the RAM); a migration to elsewhere until it is nearly done; a reset that happens while there is
 * no connection.
 */

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "tools/ballast/backend/libvirt_link.h"
#include "tools/ballast/config/config.h"
#include "tools/ballast/fleet/fleet.h"

/* The time, in milliseconds. */
struct libvirt_backend_clock {
    int64_t (*now_ms)(void *context);  /* monotonic, above 0: the fleet's */
    int64_t (*wall_ms)(void *context); /* since 1970 */
    void *context;
};

struct libvirt_backend;

/* Starts; connections are made from here on. What is pointed to but `config`, `clock` and `options`
 * must outlive the backend. `options`: NULL, or for tests. Never NULL: that libvirt is not
 * installed is a trouble like others. */
struct libvirt_backend *libvirt_backend_start(uv_loop_t *loop, struct fleet *fleet,
                                              const struct config *config,
                                              const struct libvirt_backend_clock *clock,
                                              const struct libvirt_options *options);

/* Each period: asks every URI, and notices those that did not answer. */
void libvirt_backend_poll(struct libvirt_backend *backend, int64_t now_ms);

/* A new configuration. Machines of URIs that it no longer has are gone. */
void libvirt_backend_configure(struct libvirt_backend *backend, const struct config *config);

/* What is wrong now with the backend itself, one sentence for each `index` from 0 on; false behind
 * the last: libvirt is not installed or cannot be reached, the fleet refused a machine. */
bool libvirt_backend_trouble(const struct libvirt_backend *backend, size_t index, char *text,
                             size_t size);

/* Ends it: the fleet's machines are gone. Targets sent before are still carried out, for which this
 * may wait two seconds. The loop must run once more before it is closed, for its handle. */
void libvirt_backend_stop(struct libvirt_backend *backend);
