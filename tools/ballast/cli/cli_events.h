/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The latest events. The API gives pages from a number on; here they are read up to the end.
 */

#include <jansson.h>
#include <stdint.h>

#include "tools/ballast/cli/cli.h"

/* Appends the events above *last (-1: all) to the array `list`, oldest first, and keeps its last
 * `keep`; `machine` NULL: of all. *last becomes the number of the latest one seen, and stays when
 * there is none. Returns an exit status; with `quiet` an answer that is an error is not told. */
int cli_events_read(struct cli *cli, const char *machine, int64_t *last, size_t keep, bool quiet,
                    json_t *list);

/* True when the event is of this machine, or `machine` is NULL. */
bool cli_event_of(const json_t *event, const char *machine);
