/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * latency: how long requests take while the host moves memory (docs/LATENCY.md). Words behind `--`:
 *
 *     ms=5000 requests=0 bytes=16384 fresh=50 held=64 kept=1024 moves=0 mib=1
 *
 * Exit status: 0 all went well, 1 memory was wrong or too little, 2 a word is wrong.
 */

#include <stddef.h>
#include <stdio.h>

#include "aerostat.h"
#include "apps/latency/requests.h"

static uint64_t now_ns(void *context)
{
    (void)context;
    return aerostat_now_ns();
}

static uint64_t balloon_bytes(void *context)
{
    struct aerostat_balloon balloon;

    (void)context;
    aerostat_balloon(&balloon);
    return balloon.actual_bytes;
}

static void print(void *context, const char *line)
{
    (void)context;
    aerostat_result("%s", line);
}

int main(int argc, char **argv)
{
    static const struct requests_host host = { .now_ns = now_ns,
                                               .balloon_bytes = balloon_bytes,
                                               .print = print };
    struct requests_config config = requests_default;

    for (int i = 1; i < argc; i++) {
        if (!requests_word(&config, argv[i])) {
            fprintf(stderr, "latency: '%s' is no word that it takes, or out of bounds\n", argv[i]);
            return 2;
        }
    }
    return requests_run(&config, &host) == REQUESTS_OK ? 0 : 1;
}
