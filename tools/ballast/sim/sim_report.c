/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report: one page of HTML that shows tables and plots, and the plots as SVG files beside it.
 * No scripts and nothing from elsewhere, so that it can be mailed and printed.
 */

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "tools/ballast/sim/sim_policy.h"
#include "tools/ballast/sim/sim_svg.h"

static FILE *create(const char *dir, const char *name, const char *suffix)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s%s", dir, name, suffix);
    if (length < 0 || (size_t)length >= sizeof path) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return fopen(path, "we");
}

/* 0 or -errno; a full disk shows at the latest here. */
static int finish(FILE *file)
{
    bool bad = ferror(file) != 0;
    errno = EIO;
    if (fclose(file) != 0 || bad) {
        return -errno;
    }
    return 0;
}

/* ---- plots ---- */

static int write_bars(const struct sim_results *results, const char *dir, const char *name,
                      const struct sim_svg_bar *bars, const char *suffix, const char *title)
{
    FILE *file = create(dir, name, suffix);
    if (!file) {
        return -errno;
    }
    char text[128];
    snprintf(text, sizeof text, "%s: %s", name, title);
    sim_svg_bars(file, text, bars, results->options.policy_count);
    return finish(file);
}

static int write_shortfall(const struct sim_results *results, const char *dir, size_t first)
{
    struct sim_svg_bar bars[SIM_POLICIES_MAX];
    size_t count = results->options.policy_count;
    const char *name = "all";
    for (size_t i = 0; i < count; i++) {
        struct sim_score total;
        if (first < results->count) {
            total = results->results[first + i].score;
            name = sim_family_name(results->results[first].family);
        } else {
            sim_results_total(results, i, &total);
        }
        bars[i] =
            (struct sim_svg_bar){ results->options.policies[i]->title, total.shortfall_mib_s };
    }
    return write_bars(results, dir, name, bars, "-shortfall.svg",
                      "shortfall in MiB x s (each line is ten times more)");
}

static int write_lines(const struct sim_results *results, const char *dir, size_t first,
                       bool shortfall)
{
    struct sim_svg_line lines[SIM_POLICIES_MAX + 2];
    int64_t total[SIM_CURVE_POINTS];
    const struct sim_result *result = &results->results[first];
    const char *name = sim_family_name(result->family);
    size_t count = results->options.policy_count;
    for (size_t i = 0; i < count; i++) {
        const struct sim_curve *curve = &result[i].curve;
        lines[i] = (struct sim_svg_line){ result[i].policy->title,
                                          shortfall ? curve->shortfall : curve->used };
    }
    if (!shortfall) {
        for (uint32_t i = 0; i < SIM_CURVE_POINTS; i++) {
            total[i] = result->curve.total;
        }
        lines[count++] = (struct sim_svg_line){ "needed", result->curve.need };
        lines[count++] = (struct sim_svg_line){ "the host has", total };
    }
    FILE *file = create(dir, name, shortfall ? "-missing.svg" : "-memory.svg");
    if (!file) {
        return -errno;
    }
    char title[128];
    snprintf(title, sizeof title, "%s: %s of the first host, MiB over hours", name,
             shortfall ? "missing memory" : "used memory");
    sim_svg_lines(file, title, lines, count, result->curve.points, result->curve.step_s);
    return finish(file);
}

/* ---- the page ---- */

static void write_row(FILE *out, const char *title, const struct sim_score *score, uint64_t lowest)
{
    const uint64_t cells[] = {
        score->shortfall_mib_s, score->out_of_memory,   score->violations_s,     score->hard_s,
        score->low_s,           score->host_swap_mib_s, score->moved_mib / 1024, score->reversals
    };
    uint32_t fairness = sim_score_fairness(score);
    char number[SIM_SVG_NUMBER];
    fprintf(out, "<tr%s><th scope=\"row\">%s</th>",
            score->shortfall_mib_s == lowest ? " class=\"best\"" : "", title);
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        fprintf(out, "<td>%s</td>", sim_svg_number(cells[i], number));
    }
    fprintf(out, "<td>%u</td><td>%u</td><td>%u.%04u</td></tr>\n", sim_score_wait(score, 50),
            sim_score_wait(score, 99), fairness / 10000, fairness % 10000);
}

static void write_table(const struct sim_results *results, FILE *out, size_t first)
{
    struct sim_score scores[SIM_POLICIES_MAX];
    size_t count = results->options.policy_count;
    uint64_t lowest = UINT64_MAX;
    uint64_t unavoidable = 0;
    for (size_t i = 0; i < count; i++) {
        if (first < results->count) {
            scores[i] = results->results[first + i].score;
        } else {
            sim_results_total(results, i, &scores[i]);
        }
        unavoidable = scores[i].unavoidable_mib_s; /* the same for all */
        if (scores[i].shortfall_mib_s < lowest) {
            lowest = scores[i].shortfall_mib_s;
        }
    }
    if (unavoidable != 0) {
        char number[SIM_SVG_NUMBER];
        fprintf(out,
                "<p>%s MiB x s of the shortfall could have been served by nobody: the hosts were "
                "too small.</p>\n",
                sim_svg_number(unavoidable, number));
    }
    fprintf(out, "<table><tr><th>policy</th><th>shortfall MiB x s</th><th>out of memory</th>"
                 "<th>guarantees broken, s</th><th>host hard, s</th><th>host low, s</th>"
                 "<th>host swap MiB x s</th><th>moved GiB</th><th>reversals</th><th>peak p50 s</th>"
                 "<th>peak p99 s</th><th>fairness</th></tr>\n");
    for (size_t i = 0; i < count; i++) {
        write_row(out, results->options.policies[i]->title, &scores[i], lowest);
    }
    fprintf(out, "</table>\n");
}

static void write_images(FILE *out, const char *name, bool curves)
{
    static const char *const kinds[] = { "shortfall", "missing", "memory" };
    for (size_t i = 0; i < (curves ? 3 : 1); i++) {
        fprintf(out, "<img src=\"%s-%s.svg\" alt=\"%s: %s by policy\">\n", name, kinds[i], name,
                kinds[i]);
    }
}

static void write_page(const struct sim_results *results, FILE *out)
{
    const struct sim_options *options = &results->options;
    fprintf(out,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
            "<title>ballast simulate</title><style>"
            "body{font-family:sans-serif;max-width:75em;margin:2em auto;padding:0 1em}"
            "table{border-collapse:collapse}td,th{padding:.2em .6em;text-align:right;"
            "border-bottom:1px solid #ddd}th[scope]{text-align:left}.best{background:#e8f5e9}"
            "img{width:100%%;max-width:60em;display:block;margin:1em 0}</style></head><body>\n"
            "<h1>Memory managers on simulated hosts</h1>\n"
            "<p>%u machines on %u hosts for %u hours, seed %" PRIu64 "; ballast decides every "
            "%u s, the others as published. Times to serve a peak are seconds.</p>\n",
            options->machines, results->hosts, options->hours, options->seed,
            options->period_ms / 1000);
    fprintf(out, "<h2>All families</h2>\n");
    write_table(results, out, results->count);
    write_images(out, "all", false);
    for (size_t i = 0; i < results->count; i += options->policy_count) {
        const char *name = sim_family_name(results->results[i].family);
        fprintf(out, "<h2>%s</h2>\n", name);
        write_table(results, out, i);
        write_images(out, name, true);
    }
    fprintf(out, "</body></html>\n");
}

int sim_report_write(const struct sim_results *results, const char *dir)
{
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
        return -errno;
    }
    int error = write_shortfall(results, dir, results->count);
    for (size_t i = 0; error == 0 && i < results->count; i += results->options.policy_count) {
        error = write_shortfall(results, dir, i);
        error = error ? error : write_lines(results, dir, i, false);
        error = error ? error : write_lines(results, dir, i, true);
    }
    if (error != 0) {
        return error;
    }
    FILE *file = create(dir, "report", ".html");
    if (!file) {
        return -errno;
    }
    write_page(results, file);
    return finish(file);
}
