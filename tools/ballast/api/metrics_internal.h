/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the files of /metrics share: one answer that is being written.
 */

#include "tools/ballast/api/api_internal.h"

struct scrape {
    FILE *out;
    const struct api *api;
    struct fleet_machine *const *machines;
    size_t count;
    char **labels; /* of each machine, up to where further labels or "}" go */
    int64_t now_ms;
};

/* The two lines that stand above a family's samples. */
void metrics_family(const struct scrape *scrape, const char *name, const char *type,
                    const char *help);

/* A blank, the seconds since a moment of the fleet's clock, and the end of the line: behind what is
 * written of a sample. */
void metrics_age(const struct scrape *scrape, int64_t then_ms);

/* All families of the host. */
void metrics_host(const struct scrape *scrape);
