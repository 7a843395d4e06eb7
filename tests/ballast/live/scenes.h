/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* What several scenarios do with their guests. */

#include "tests/ballast/live/rig.h"

/* Waits until its guest is ready, and until the daemon has got to know it: scene_settled(). */
void scene_ready(struct rig *rig, const char *name);

/* Waits until the daemon has got to know the machine. scene_is_settled() judges one answer about
 * it: it runs, its driver is there as far as that can be known, its statistics are believed, and
 * the policy has left the phase in which it only watches. */
void scene_settled(struct rig *rig, const char *name);
bool scene_is_settled(json_t *machine);

/* Waits until it got no command for six periods. */
void scene_rest(struct rig *rig, const char *name);

/* The guest begins to use so many MiB more, in steps of 8 MiB, taking what it is given, and writes
 * all of it. scene_grown() waits until it has them all. */
void scene_grow(struct rig *rig, const char *name, unsigned mib);
void scene_grown(struct rig *rig, const char *name);

/* It frees all it has, after checking every word. */
void scene_free(struct rig *rig, const char *name);

/* It checks all it has, and ends; every word must be right. */
void scene_end(struct rig *rig, const char *name);
