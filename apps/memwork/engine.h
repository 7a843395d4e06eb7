/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Runs memwork's programs on a machine (host.h) and answers with one line for each statement. The
 * lines are the contract of docs/MEMWORK.md: other people's programs read them.
 *
 * Everything that was written is checked before it is freed, and all that is held at the end.
 */

#include <stdbool.h>
#include <stdint.h>

#include "apps/memwork/host.h"
#include "apps/memwork/region.h"
#include "apps/memwork/script.h"

#define ENGINE_REGIONS_MAX 32U
/* Of an answer, without its newline. */
#define ENGINE_LINE_MAX 300U

struct engine {
    const struct memwork_host *host;
    struct region regions[ENGINE_REGIONS_MAX];
    const struct statement *now; /* the one that runs, or ran last */
    unsigned line;               /* its place, for what is told when there is none */
    unsigned column;
    uint64_t started_ns; /* when it began */
    uint64_t statements; /* that were run */
    uint64_t gave;       /* pages that caches gave up */
    bool quit;           /* a program said so */
    bool script_is_bad;
    bool failed;
};

void engine_init(struct engine *engine, const struct memwork_host *host);

/* Runs the program to its end, to `quit`, or until it fails. False: it failed, and the answer was
 * an error. Regions stay for the next program. */
bool engine_run(struct engine *engine, const struct program *program);

/* Says that scripts are waited for. */
void engine_ready(struct engine *engine);

/* Answers with the mistake in a script that cannot be run. */
void engine_script_error(struct engine *engine, const struct script_error *error);

/* Checks (unless something failed already) and frees all that is held, says so, and returns the
 * exit status: 0 all went well, 1 something failed, 2 a script was wrong. */
int engine_end(struct engine *engine);

/* ---- the machine asks for memory ---- */

/* Pages that the cache could give up. Callable from everywhere. */
uint64_t engine_can_give(const struct engine *engine, unsigned number);

/* Gives up to `pages` pages, the newest first, unchecked: whoever asks is in a hurry. Returns how
 * many. Callable whenever the engine is inside of one of its host's functions. */
uint64_t engine_give(struct engine *engine, unsigned number, uint64_t pages);
