/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Troubles that last: each is logged when it begins and when it is over, and never in between. Once
 * a period all that there are now are seen again. One thread.
 */

#include <stdbool.h>
#include <stddef.h>

#define TROUBLES_TEXT_MAX 512U

struct troubles {
    struct trouble *items;
    size_t count;
    size_t capacity;
};

/* Before the troubles of a period. */
void troubles_begin(struct troubles *troubles);

/* One of them. `name` says whose it is and must outlive the list. True: it has just begun. */
bool troubles_see(struct troubles *troubles, const char *name, const char *text);

/* After them: takes out one that was not seen in this period. False when there is none left. Call
 * it until then. */
bool troubles_over(struct troubles *troubles, const char **name, char text[TROUBLES_TEXT_MAX]);

/* Forgets all. */
void troubles_free(struct troubles *troubles);
