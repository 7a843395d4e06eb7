/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The kernel's side of base/log.h: the level that is shown. */

#include <stdbool.h>

#include "base/log.h"

/* Lines above this level are dropped. Starts as LOG_INFO. */
void log_set_level(enum log_level level);

/* Writes the text as a line, whatever is shown. Callable from everywhere. */
void log_plain(const char *text);

/* Whether result_line() prints. Starts as true. */
void log_set_results(bool shown);
