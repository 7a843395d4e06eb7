/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* Lines for machines: what tests, the launcher and the benchmarks read. docs/TESTING.md lists
 * them. */

#include "kernel/balloon_service.h"

/* Prints "@ready ..." and, with the parameter `report`, "@mem ..." whenever memory has changed. */
void report_start(enum balloon_presence balloon);

/* Prints "@mem ..." now. */
void report_memory(void);
