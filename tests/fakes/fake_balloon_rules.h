/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* What the two halves of the fake host share: how a broken rule ends the test. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fakes/fake_balloon.h"

/* Whom the application's frees wake. */
extern struct balloon_dev *fake_balloon_watcher;

/* A rule that also a driver in the hands of a hostile device keeps. */
static inline void always(bool holds, const char *rule)
{
    if (!holds) {
        fprintf(stderr, "fake_balloon: broken rule: %s\n", rule);
        abort();
    }
}

/* A rule that holds as long as the device keeps to its own. */
static inline void require(bool holds, const char *rule)
{
    if (!holds && !fake_balloon.hostile) {
        fprintf(stderr, "fake_balloon: broken rule: %s\n", rule);
        abort();
    }
}
