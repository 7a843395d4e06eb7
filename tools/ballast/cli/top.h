/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The picture of `ballast top`: a pure function from what the daemon said to lines. The terminal
 * and the keys are in cmd_top.c.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum top_sort {
    TOP_BY_NAME,
    TOP_BY_NOW,
    TOP_BY_USED,
    TOP_BY_DEMAND,
    TOP_BY_MAXIMUM,
    TOP_BY_MOVE, /* how far the target is from memory now */
    TOP_SORTS,
};

struct top_view {
    enum top_sort sort;
    bool reverse;
    bool colour;
    bool utf8;
    size_t width;  /* columns; where they are few, the last sizes are left out */
    size_t height; /* lines; 0: as many as there are machines, and no help line */
};

/* What is shown. `host` is NULL for those who may not see it, `events` NULL when there are none. */
struct top_data {
    const json_t *host;
    const json_t *machines; /* array */
    const json_t *events;   /* array, oldest first */
    const char *notice;     /* trouble to tell in the last line, or NULL */
};

const char *top_sort_name(enum top_sort sort);
bool top_sort_parse(const char *name, enum top_sort *sort);

/* Takes a key; true when it meant something. */
bool top_key(struct top_view *view, int key);

/* Writes the picture, a line end behind each line; with a height never more lines than that. */
void top_draw(const struct top_view *view, const struct top_data *data, FILE *out);

/* A machine's bar of `cells` columns: used memory, memory now, target and maximum. */
void top_bar(const struct top_view *view, const json_t *machine, size_t cells, FILE *out);
