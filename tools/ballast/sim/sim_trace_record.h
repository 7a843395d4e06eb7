/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Recordings of the daemon as traces.
 */

#include <stdbool.h>
#include <stddef.h>

/* Whether the text begins as a recording does. */
bool sim_trace_is_recording(const char *text, size_t size);

/* The trace, in CSV, which a recording holds; to be given to free(). A last line that is not whole
 * is left out. NULL: error has a sentence without a full stop, with the number of the bad line. */
char *sim_trace_from_recording(const char *text, size_t size, size_t *trace_size, char *error,
                               size_t error_size);
