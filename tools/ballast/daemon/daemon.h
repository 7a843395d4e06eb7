/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The daemon: it brings backends, fleet, host, store, API and recordings together on one event
 * loop. Every part is a library of its own; here is only who calls whom and when.
 *
 * Each period backends ask their machines; a moment later, when the answers are in, the fleet
 * decides. What was decided goes to the store, to whoever follows events, and to recordings.
 */

#include <stdio.h>

#include "tools/ballast/daemon/log.h"
#include "tools/ballast/daemon/options.h"

/* Runs until it is told to end, or with OPTIONS_ONCE until it decided once. What goes wrong is in
 * the log. */
enum options_exit daemon_run(const struct options *options, struct log *log);

/* --check: tells every complaint about the configuration on `err`, or on `out` what it means. */
enum options_exit daemon_check(const struct options *options, FILE *out, FILE *err);
