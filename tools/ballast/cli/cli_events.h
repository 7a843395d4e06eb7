/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Events that the daemon has kept. The API gives them in pages.
 */

#include <jansson.h>
#include <stdint.h>

#include "tools/ballast/cli/cli.h"

/* One page: events of a machine (NULL: all) above `after`, or with -1 the newest; at most `limit`.
 * *page is a new reference, or NULL. Returns an exit status; with `quiet` an answer that is an
 * error is not told. */
int cli_events_page(struct cli *cli, const char *machine, int64_t after, size_t limit, bool quiet,
                    json_t **page);

/* Appends all events above *last, or with -1 the newest `keep`, to the array `list`, oldest first,
 * and keeps its last `keep`. *last becomes the number of the latest one seen, and stays when there
 * is none. */
int cli_events_read(struct cli *cli, int64_t *last, size_t keep, bool quiet, json_t *list);

/* The address of a stream of events, of a machine or (NULL) of all. To be given to free(). */
char *cli_events_stream(const char *machine);
