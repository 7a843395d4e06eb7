/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Two kinds of plots as SVG. Names must not need escaping; they are ours.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct sim_svg_line {
    const char *name;
    const int64_t *values; /* not negative */
};

struct sim_svg_bar {
    const char *name;
    uint64_t value;
};

/* Values over time: `points` of each line, `step_s` seconds apart. */
void sim_svg_lines(FILE *out, const char *title, const struct sim_svg_line *lines, size_t count,
                   uint32_t points, uint32_t step_s);

/* Bars on a logarithmic scale, each decade linear within, with their numbers. */
void sim_svg_bars(FILE *out, const char *title, const struct sim_svg_bar *bars, size_t count);
