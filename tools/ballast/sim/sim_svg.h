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

/* A number for SVG and HTML, in groups of three digits that a line end does not part: entities of
 * seven letters, six at most. Returns `text`. */
#define SIM_SVG_NUMBER 64U
const char *sim_svg_number(uint64_t number, char text[SIM_SVG_NUMBER]);

/* Values over time: `points` of each line, `step_s` seconds apart. */
void sim_svg_lines(FILE *out, const char *title, const struct sim_svg_line *lines, size_t count,
                   uint32_t points, uint32_t step_s);

/* Bars on a logarithmic scale, each decade linear within, with their numbers. */
void sim_svg_bars(FILE *out, const char *title, const struct sim_svg_bar *bars, size_t count);
