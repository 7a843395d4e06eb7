/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What a person sees of the demo: on a terminal one picture that is redrawn in place, elsewhere
 * plain lines. All of it fits 80 columns, unless something fails and says why at length. Colours
 * appear on a terminal only, and not when NO_COLOR is set. Shows; decides nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/aerostat/record.h"

#define DEMO_STEPS_MAX 8U

enum demo_state { DEMO_WAITING, DEMO_RUNNING, DEMO_DONE, DEMO_FAILED };

struct demo_step {
    const char *name;
    char asked[24];
    char done[256];
    int64_t ms; /* how long it took */
    enum demo_state state;
};

/* Everything there is to show at one moment. */
struct demo_picture {
    char about[512];  /* a few lines, printed once before everything else */
    char title[64];   /* one line, behind the time */
    int64_t ms;       /* since the start of QEMU */
    int64_t pause_ms; /* of these, how long it waited between steps, for the viewer's sake */
    uint64_t ram_bytes;
    bool has_mem;
    struct record_mem mem; /* what the guest says */
    uint64_t resident;     /* what the host really holds, in bytes */
    struct demo_step steps[DEMO_STEPS_MAX];
    size_t step_count;
};

struct demo_view {
    FILE *out;
    bool live; /* redraw in place */
    bool color;
    unsigned drawn_lines; /* of the last picture, to go back over */
    int64_t shown_ms;     /* plain: when the last line was written, or -1 */
    struct record_mem shown_mem;
    uint64_t shown_resident;
};

/* `plain` forces lines where a terminal would get a picture. */
void demo_view_open(struct demo_view *view, FILE *out, bool plain,
                    const struct demo_picture *first);

/* Something may have changed. Cheap to call often. */
void demo_view_update(struct demo_view *view, const struct demo_picture *picture);

/* A step has ended, well or not. */
void demo_view_step(struct demo_view *view, const struct demo_picture *picture, size_t step);

/* The summary of all steps. */
void demo_view_close(struct demo_view *view, const struct demo_picture *picture);
