/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes plots with integer coordinates, so that the same numbers are the same bytes everywhere.
 * Colours differ in lightness too, for those who see fewer of them; names stand beside the lines.
 */

#include "tools/ballast/sim/sim_svg.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define WIDTH  960
#define LEFT   90
#define RIGHT  180 /* for the names */
#define TOP    40
#define HEIGHT 300 /* of the plot itself */
#define PLOT   (WIDTH - LEFT - RIGHT)

static const char *const colours[] = {
    "#d55e00", "#000000", "#0072b2", "#56b4e9", "#009e73", "#cc79a7",
    "#b79f00", "#7f7f7f", "#8c510a", "#5e3c99", "#80cdc1",
};

static const char *colour(size_t index)
{
    return colours[index % (sizeof colours / sizeof colours[0])];
}

static void begin(FILE *out, const char *title, int height)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\" font-size=\"12\">\n"
            "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n"
            "<text x=\"%d\" y=\"24\" font-size=\"15\">%s</text>\n",
            WIDTH, height, WIDTH, height, LEFT, title);
}

/* The next of 1, 2, 5, 10, 20, ... from value on. */
static int64_t round_up(int64_t value)
{
    int64_t unit = 1;
    while (unit * 10 <= value) {
        unit *= 10;
    }
    static const int64_t steps[] = { 1, 2, 5, 10 };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (unit * steps[i] >= value) {
            return unit * steps[i];
        }
    }
    return unit * 10;
}

static void grid(FILE *out, int64_t top, uint32_t points, uint32_t step_s)
{
    for (int i = 0; i <= 4; i++) {
        int y = TOP + HEIGHT - HEIGHT * i / 4;
        fprintf(out,
                "<path d=\"M%d %dH%d\" stroke=\"#ddd\"/>"
                "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%" PRId64 "</text>\n",
                LEFT, y, LEFT + PLOT, LEFT - 6, y + 4, top * i / 4);
    }
    for (uint32_t i = 0; i <= 6; i++) {
        uint32_t minutes = (uint32_t)((uint64_t)points * step_s * i / 6 / 60);
        fprintf(out, "<text x=\"%u\" y=\"%d\" text-anchor=\"middle\">%u:%02u</text>\n",
                LEFT + PLOT * i / 6, TOP + HEIGHT + 18, minutes / 60, minutes % 60);
    }
}

void sim_svg_lines(FILE *out, const char *title, const struct sim_svg_line *lines, size_t count,
                   uint32_t points, uint32_t step_s)
{
    int64_t most = 1;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t at = 0; at < points; at++) {
            most = lines[i].values[at] > most ? lines[i].values[at] : most;
        }
    }
    int64_t top = round_up(most);
    begin(out, title, TOP + HEIGHT + 30);
    grid(out, top, points, step_s);
    for (size_t i = count; i-- > 0;) { /* the first line is drawn last, above the others */
        fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" points=\"",
                colour(i), i == 0 ? "2.5" : "1.2");
        for (uint32_t at = 0; at < points; at++) {
            fprintf(out, "%s%u,%" PRId64, at ? " " : "",
                    (unsigned)(LEFT + (uint64_t)PLOT * at / (points > 1 ? points - 1 : 1)),
                    TOP + HEIGHT - HEIGHT * lines[i].values[at] / top);
        }
        fprintf(out, "\"/>\n<text x=\"%d\" y=\"%zu\" fill=\"%s\">%s</text>\n", WIDTH - RIGHT + 12,
                TOP + 10 + i * 18, colour(i), lines[i].name);
    }
    fprintf(out, "</svg>\n");
}

/* Where a value stands among decades, in thousandths; decades are at whole thousands. */
static uint64_t decades(uint64_t value)
{
    uint64_t whole = 0;
    uint64_t unit = 1;
    while (value / unit >= 10) {
        unit *= 10;
        whole += 1000;
    }
    if (value == 0) {
        return 0;
    }
    /* A thousand of a large unit would not fit. */
    const bool large = unit >= 1000000;
    return whole +
           (large ? (value - unit) / (unit / 1000 * 9) : (value - unit) * 1000 / (unit * 9));
}

const char *sim_svg_number(uint64_t number, char text[SIM_SVG_NUMBER])
{
    char digits[24];
    size_t count = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, number);
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            memcpy(text + length, "&#8239;", 7);
            length += 7;
        }
        text[length++] = digits[i];
    }
    text[length] = '\0';
    return text;
}

void sim_svg_bars(FILE *out, const char *title, const struct sim_svg_bar *bars, size_t count)
{
    uint64_t most = 1000;
    for (size_t i = 0; i < count; i++) {
        uint64_t length = decades(bars[i].value);
        most = length > most ? length : most;
    }
    int height = TOP + (int)count * 26 + 12;
    begin(out, title, height);
    for (uint64_t at = 0; at <= most; at += 1000) {
        fprintf(out, "<path d=\"M%" PRIu64 " %dV%d\" stroke=\"#ddd\"/>\n",
                LEFT + 60 + at * (PLOT - 60) / most, TOP, height - 8);
    }
    for (size_t i = 0; i < count; i++) {
        char number[SIM_SVG_NUMBER];
        uint64_t length = decades(bars[i].value) * (PLOT - 60) / most;
        size_t y = TOP + i * 26;
        fprintf(out,
                "<text x=\"%d\" y=\"%zu\" text-anchor=\"end\">%s</text>"
                "<rect x=\"%d\" y=\"%zu\" width=\"%" PRIu64 "\" height=\"18\" fill=\"%s\"/>"
                "<text x=\"%" PRIu64 "\" y=\"%zu\">%s</text>\n",
                LEFT + 54, y + 14, bars[i].name, LEFT + 60, y, length, colour(i),
                LEFT + 66 + length, y + 14, sim_svg_number(bars[i].value, number));
    }
    fprintf(out, "</svg>\n");
}
