/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* What the files of the engine share: engine.c runs programs, answer.c tells, memory.c, load.c and
 * wait.c hold the statements. */

#include <stdbool.h>
#include <stdint.h>

#include "apps/memwork/engine.h"

/* Pages that are worked on between two looks at the rest of the world: 2 MiB. */
#define ENGINE_BATCH 512U

/* ---- answer.c ---- */

/* "@memwork ok" for the statement that runs; `format` adds to it and may be empty. */
void answer_ok(struct engine *engine, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "@memwork error" for the statement that runs. `why` is a word. Returns false. */
bool answer_error(struct engine *engine, const char *why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for wrong words of a region; true when there are none. */
bool answer_fault(struct engine *engine, const struct region *region,
                  const struct region_fault *fault);

void answer_gave(struct engine *engine, const struct region *region, uint64_t pages);
void answer_end(struct engine *engine, int status);

/* ---- engine.c ---- */

uint64_t engine_pages_of(uint64_t bytes);
unsigned long long engine_bytes_of(uint64_t pages);

/* The region, or null: that is no error, or answered with one, or it is made and only an error when
 * it cannot be. */
struct region *engine_lookup(struct engine *engine, const char *name);
struct region *engine_find(struct engine *engine, const char *name);
struct region *engine_make(struct engine *engine, const char *name);

/* A region without pages ends. */
void engine_forget(struct engine *engine, struct region *region);

/* The regions that a statement names, one after the other, first after null: null at the end. And
 * whether there are any, answered with an error, and what they are called in an answer. */
struct region *engine_next_region(struct engine *engine, const struct statement *s,
                                  struct region *last);
bool engine_is_known(struct engine *engine, const struct statement *s);
const char *engine_name_of(const struct statement *s);

/* Lets others run; false: the machine is to end. */
bool engine_pause(struct engine *engine);

/* Checks page `at` and frees it. */
void engine_drop(struct engine *engine, struct region *region, uint64_t at,
                 struct region_fault *fault);

/* A generator of random numbers, started by a seed. */
uint64_t engine_random(uint64_t *state);
uint64_t engine_random_start(uint64_t seed);

/* ---- the statements: false after an error that was answered ---- */

bool do_alloc(struct engine *engine, const struct statement *s); /* cache too */
bool do_write(struct engine *engine, const struct statement *s); /* fill and touch */
bool do_verify(struct engine *engine, const struct statement *s);
bool do_free(struct engine *engine, const struct statement *s);
bool do_churn(struct engine *engine, const struct statement *s);
bool do_wave(struct engine *engine, const struct statement *s); /* sine and step */

bool do_hold(struct engine *engine, const struct statement *s);
bool do_wait(struct engine *engine, const struct statement *s);
bool do_print(struct engine *engine, const struct statement *s);

/* One region, adding to *checksum. */
bool engine_verify_region(struct engine *engine, struct region *region, uint64_t *checksum);
