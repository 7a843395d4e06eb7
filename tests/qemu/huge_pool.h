/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The host's pool of huge pages of 2 MiB. Changing it takes root; whoever does gives them back. */

#include <stdbool.h>

/* A number of the pool: "nr_hugepages", "free_hugepages". False: this host has none. */
bool huge_pool_read(const char *name, unsigned *pages);

/* Makes the pool so large, or as large as the host has memory for. A signal handler may call it. */
bool huge_pool_resize(unsigned pages);
