/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Draws the demo. On a terminal the picture has a fixed number of lines; each redraw goes up over
 * them and writes them again, each cut to the width, so that no line ever wraps.
 */

#include "tools/aerostat/demo_view.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A picture or a line at most this often. */
#define UPDATE_MS     200
#define WIDTH_DEFAULT 80U
#define WIDTH_MAX     160U
#define LABEL_WIDTH   13U /* "  guest says " */
#define FRAME_BYTES   4096.0
#define MIB           (1024.0 * 1024.0)

/* ---- helpers ---- */

static double frames_mib(uint64_t frames)
{
    return (double)frames * FRAME_BYTES / MIB;
}

static unsigned terminal_width(const struct demo_view *view)
{
    struct winsize size = { 0 };
    const char *columns = getenv("COLUMNS");
    unsigned width = WIDTH_DEFAULT;

    if (ioctl(fileno(view->out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        width = size.ws_col;
    } else if (columns != NULL && atoi(columns) > 0) {
        width = (unsigned)atoi(columns);
    }
    return width < WIDTH_MAX ? width : WIDTH_MAX;
}

/* Begins a colour (an SGR number), or ends it with 0. */
static void paint(const struct demo_view *view, int sgr)
{
    if (view->color) {
        fprintf(view->out, "\033[%dm", sgr);
    }
}

/* One line of the picture, cut to the width. */
__attribute__((format(printf, 3, 4))) static void draw_line(struct demo_view *view, unsigned width,
                                                            const char *format, ...)
{
    char line[768];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    fprintf(view->out, "%.*s\033[K\n", (int)width - 1, line);
    view->drawn_lines++;
}

/* ---- bars ---- */

struct part {
    double share; /* of the whole, 0 to 1 */
    char sign;
    int sgr;
};

/* A bar of `cells` cells. Rounding is done on the running sum, so the bar is always full length. */
static void draw_bar(struct demo_view *view, const char *label, unsigned cells,
                     const struct part *parts, size_t count)
{
    double sum = 0;
    unsigned cell = 0;

    fprintf(view->out, "  %-*s[", (int)LABEL_WIDTH - 3, label);
    for (size_t i = 0; i < count; i++) {
        sum += parts[i].share;
        paint(view, parts[i].sgr);
        for (; cell < cells && cell < (unsigned)(sum * cells + 0.5); cell++) {
            fputc(parts[i].sign, view->out);
        }
        paint(view, 0);
    }
    for (; cell < cells; cell++) {
        fputc(' ', view->out);
    }
    fputs("]\033[K\n", view->out);
    view->drawn_lines++;
}

static void draw_bars(struct demo_view *view, const struct demo_picture *picture, unsigned width)
{
    const struct record_mem *mem = &picture->mem;
    double total = picture->has_mem ? (double)mem->total : 1;
    double held = (double)picture->resident / (double)picture->ram_bytes;
    const struct part guest[] = {
        { (double)mem->in_use / total, '#', 32 },
        { (double)mem->backed / total, '=', 36 },
        { (double)mem->returned / total, '.', 34 },
        { (double)mem->balloon / total, 'o', 33 },
    };
    const struct part host[] = { { held < 1 ? held : 1, '#', 35 } };
    unsigned cells = width > LABEL_WIDTH + 12 ? width - LABEL_WIDTH - 2 : 10;
    bool wide = width >= 80;
    int digits = wide ? 1 : 0;

    draw_bar(view, "guest", cells, guest, picture->has_mem ? 4 : 0);
    /* A narrow terminal gets no indent and no decimals: 60 columns are enough then. */
    draw_line(view, width, "%*s# used %.*f = backed %.*f . returned %.*f o balloon %.*f",
              wide ? (int)LABEL_WIDTH : 2, "", digits, frames_mib(mem->in_use), digits,
              frames_mib(mem->backed), digits, frames_mib(mem->returned), digits,
              frames_mib(mem->balloon));
    draw_bar(view, "host", cells, host, 1);
    draw_line(view, width, "%*sreally holds %.1f of %.0f MiB", (int)LABEL_WIDTH, "",
              (double)picture->resident / MIB, (double)picture->ram_bytes / MIB);
}

/* ---- the picture ---- */

static const char *state_sign(enum demo_state state)
{
    static const char *const signs[] = { " ", ">", "+", "!" };

    assert((unsigned)state < 4);
    return signs[state];
}

static void draw(struct demo_view *view, const struct demo_picture *picture)
{
    static const int colors[] = { 2, 1, 32, 31 }; /* faint, bold, green, red */
    unsigned width = terminal_width(view);

    if (view->drawn_lines > 0) {
        fprintf(view->out, "\033[%uA", view->drawn_lines);
    }
    view->drawn_lines = 0;
    draw_line(view, width, "%6.1f s  %s", (double)picture->ms / 1000, picture->title);
    draw_line(view, width, "%s", "");
    draw_bars(view, picture, width);
    draw_line(view, width, "%s", "");
    for (size_t i = 0; i < picture->step_count; i++) {
        const struct demo_step *step = &picture->steps[i];
        bool over = step->state == DEMO_DONE || step->state == DEMO_FAILED;
        char time[24] = "";

        if (over) {
            snprintf(time, sizeof(time), "%.2f s", (double)step->ms / 1000);
        }
        paint(view, colors[step->state]);
        draw_line(view, width, "  %s %-20s %7s  %s", state_sign(step->state), step->name, time,
                  over ? step->done : step->asked);
        paint(view, 0);
    }
    fflush(view->out);
}

/* ---- lines ---- */

static void print_sample(struct demo_view *view, const struct demo_picture *picture)
{
    const struct record_mem *mem = &picture->mem;

    fprintf(view->out,
            "%6.2f s  used %6.1f backed %6.1f returned %6.1f balloon %6.1f  host %6.1f\n",
            (double)picture->ms / 1000, frames_mib(mem->in_use), frames_mib(mem->backed),
            frames_mib(mem->returned), frames_mib(mem->balloon), (double)picture->resident / MIB);
    fflush(view->out);
    view->shown_ms = picture->ms;
    view->shown_mem = *mem;
    view->shown_resident = picture->resident;
}

/* Whether a new line would tell anything new: another state of the guest (its clock apart), or a
 * MiB more or less in the host. */
static bool sample_is_new(const struct demo_view *view, const struct demo_picture *picture)
{
    struct record_mem a = picture->mem;
    double moved = (double)picture->resident - (double)view->shown_resident;

    a.ms = view->shown_mem.ms;
    return picture->has_mem &&
           (memcmp(&a, &view->shown_mem, sizeof(a)) != 0 || moved > MIB || moved < -MIB);
}

/* ---- the public half ---- */

void demo_view_open(struct demo_view *view, FILE *out, bool plain, const struct demo_picture *first)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    memset(view, 0, sizeof(*view));
    view->out = out;
    view->shown_ms = -UPDATE_MS;
    view->live = !plain && isatty(fileno(out)) == 1 && term != NULL && strcmp(term, "dumb") != 0;
    view->color = view->live && (no_color == NULL || no_color[0] == '\0');
    fprintf(out, "%s\n", first->about);
    if (view->live) {
        draw(view, first);
        view->shown_ms = first->ms;
    } else {
        fprintf(out, "MiB as the guest counts them; behind \"host\" what the host really holds.\n");
        fflush(out);
    }
}

void demo_view_update(struct demo_view *view, const struct demo_picture *picture)
{
    if (picture->ms - view->shown_ms < UPDATE_MS) {
        return;
    }
    if (view->live) {
        draw(view, picture);
        view->shown_ms = picture->ms;
    } else if (sample_is_new(view, picture)) {
        print_sample(view, picture);
    }
}

void demo_view_step(struct demo_view *view, const struct demo_picture *picture, size_t step)
{
    const struct demo_step *s = &picture->steps[step];

    assert(step < picture->step_count);
    if (view->live) {
        draw(view, picture);
        return;
    }
    if (sample_is_new(view, picture)) {
        print_sample(view, picture);
    }
    fprintf(view->out, "%6.2f s  step %zu of %zu, %s: %s%s\n", (double)picture->ms / 1000, step + 1,
            picture->step_count, s->name, s->state == DEMO_DONE ? "" : "FAILED: ", s->done);
    fflush(view->out);
}

void demo_view_close(struct demo_view *view, const struct demo_picture *picture)
{
    if (view->live) {
        draw(view, picture);
    }
    fprintf(view->out, "\n%-20s  %-13s %7s  %s\n", "step", "asked", "took", "done");
    for (size_t i = 0; i < picture->step_count; i++) {
        const struct demo_step *step = &picture->steps[i];
        char time[24] = "-";

        if (step->state == DEMO_DONE || step->state == DEMO_FAILED) {
            snprintf(time, sizeof(time), "%.2f s", (double)step->ms / 1000);
        }
        fprintf(view->out, "%-20s  %-13s %7s  %s%s\n", step->name, step->asked, time,
                step->state == DEMO_FAILED ? "FAILED: " : "",
                step->state == DEMO_WAITING ? "not reached" : step->done);
    }
    if (picture->pause_ms >= 10) { /* else it would read 0.00 */
        fprintf(view->out,
                "Between the steps it waited %.2f s in all, so that you see each state.\n",
                (double)picture->pause_ms / 1000);
    }
    fflush(view->out);
}
