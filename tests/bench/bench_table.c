/* SPDX-License-Identifier: BSD-2-Clause */
/* The table: keeps the figures, judges them against their goals, prints them for people and for
 * programs. */

#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "tests/bench/bench.h"

#define NUMBER_MAX 64U
#define ROW_FORMAT "%-52s %12s %13s %13s %-12s %12s  %-8s  %s\n"

static void copy_text(char *to, const char *from)
{
    snprintf(to, BENCH_TEXT_MAX, "%s", from == NULL ? "" : from);
}

static struct bench_row *new_row(struct bench *bench)
{
    if (bench->row_count == BENCH_FIGURES_MAX) {
        fputs("bench: BENCH_FIGURES_MAX is too small\n", stderr);
        abort();
    }
    return &bench->rows[bench->row_count++];
}

void bench_add(struct bench *bench, const struct bench_figure *figure)
{
    struct bench_row *row = new_row(bench);

    copy_text(row->name, figure->name);
    copy_text(row->unit, figure->unit);
    copy_text(row->how, figure->how);
    row->value = figure->value;
    row->decimals = figure->decimals;
    row->goal = figure->goal;
    row->limit = figure->limit;
    row->failed = isnan(figure->value);
    for (unsigned i = 0; i < GUEST_COUNT; i++) {
        row->by_guest[i] = figure->by_guest == NULL ? NAN : figure->by_guest[i];
    }
}

void bench_add_failure(struct bench *bench, const char *name)
{
    struct bench_row *row = new_row(bench);

    copy_text(row->name, name);
    copy_text(row->how, bench->reason);
    row->failed = true;
    for (unsigned i = 0; i < GUEST_COUNT; i++) {
        row->by_guest[i] = NAN;
    }
}

void bench_add_skip(struct bench *bench, const char *name)
{
    bench_add_failure(bench, name);
    bench->rows[bench->row_count - 1].skipped = true;
}

/* ---- verdicts ---- */

static bool row_is_met(const struct bench_row *row)
{
    switch (row->goal) {
    case BENCH_AT_MOST:
        return row->value <= row->limit;
    case BENCH_AT_LEAST:
        return row->value >= row->limit;
    case BENCH_NO_GOAL:
        return true;
    }
    abort();
}

static const char *verdict(const struct bench_row *row)
{
    if (row->failed) {
        return row->skipped ? "skipped" : "no value";
    }
    if (row->goal == BENCH_NO_GOAL) {
        return "";
    }
    return row_is_met(row) ? "met" : "NOT MET";
}

unsigned bench_missed(const struct bench *bench)
{
    unsigned missed = 0;

    for (size_t i = 0; i < bench->row_count; i++) {
        missed += !bench->rows[i].failed && !row_is_met(&bench->rows[i]);
    }
    return missed;
}

unsigned bench_failed(const struct bench *bench)
{
    unsigned failed = 0;

    for (size_t i = 0; i < bench->row_count; i++) {
        failed += bench->rows[i].failed && !bench->rows[i].skipped;
    }
    return failed + (unsigned)bench->note_count;
}

/* ---- for people ---- */

/* "1,234,567.89": digits in groups of three. */
static void print_number(char *text, double value, int decimals)
{
    char plain[NUMBER_MAX];
    const char *digits = plain;
    size_t whole;
    size_t at = 0;

    snprintf(plain, sizeof(plain), "%.*f", decimals, value);
    if (*digits == '-') {
        text[at++] = *digits++;
    }
    whole = strcspn(digits, ".");
    for (size_t i = 0; digits[i] != '\0' && at + 2 < NUMBER_MAX; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0) {
            text[at++] = ',';
        }
        text[at++] = digits[i];
    }
    text[at] = '\0';
}

static void print_linux(char *text, const struct bench_row *row, enum bench_guest guest)
{
    if (!isnan(row->by_guest[guest])) {
        print_number(text, row->by_guest[guest], row->decimals);
    }
}

static void print_row(const struct bench_row *row)
{
    char value[NUMBER_MAX] = "";
    char fair[NUMBER_MAX] = "";
    char shipped[NUMBER_MAX] = "";
    char limit[NUMBER_MAX] = "";
    char goal[NUMBER_MAX + 8] = "";
    bool whole_limit = row->limit == (double)(long long)row->limit;

    if (!row->failed) {
        print_number(value, row->value, row->decimals);
    }
    print_linux(fair, row, GUEST_LINUX_FAIR);
    print_linux(shipped, row, GUEST_LINUX_SHIPPED);
    if (row->goal != BENCH_NO_GOAL) {
        print_number(limit, row->limit, whole_limit ? 0 : row->decimals);
        snprintf(goal, sizeof(goal), "%s %s", row->goal == BENCH_AT_MOST ? "<=" : ">=", limit);
    }
    printf(ROW_FORMAT, row->name, value, fair, shipped, row->unit, goal, verdict(row), row->how);
}

void bench_print(const struct bench *bench)
{
    printf(ROW_FORMAT, "figure", "aerostat", "Linux fair", "as shipped", "", "goal", "verdict",
           "how measured");
    for (size_t i = 0; i < bench->row_count; i++) {
        print_row(&bench->rows[i]);
    }
}

static void huge_pages(char *text, size_t size)
{
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");

    if (file == NULL || fgets(text, (int)size, file) == NULL) {
        snprintf(text, size, "unknown");
    }
    text[strcspn(text, "\n")] = '\0';
    if (file != NULL) {
        fclose(file);
    }
}

static void host_kernel(char *text, size_t size)
{
    struct utsname host;

    snprintf(text, size, "unknown");
    if (uname(&host) == 0) {
        snprintf(text, size, "%.64s %.64s", host.sysname, host.release);
    }
}

void bench_print_machine(const struct bench *bench)
{
    char text[256];

    host_kernel(text, sizeof(text));
    printf("host      %s\n", text);
    huge_pages(text, sizeof(text));
    printf("THP       %s\n", text);
    printf("QEMU      %s, -accel tcg, -cpu " BENCH_CPU ", q35, one processor, for all guests\n",
           bench->qemu_version);
    if (bench->linux_version[0] != '\0') {
        printf("Linux     %s, Debian's package, vmlinux by PVH; fair: init_on_alloc=0\n",
               bench->linux_version);
    } else {
        printf("Linux     not measured: %s\n", bench->linux_reason);
    }
    for (size_t i = 0; i < bench->note_count; i++) {
        printf("          %s\n", bench->notes[i]);
    }
}

/* ---- for programs ---- */

static json_t *row_object(const struct bench_row *row)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:b}", "figure", row->name, "unit", row->unit,
                               "how", row->how, "measured", !row->failed);

    if (!row->failed) {
        json_object_set_new(object, "value", json_real(row->value));
    }
    if (!isnan(row->by_guest[GUEST_LINUX_FAIR])) {
        json_object_set_new(object, "linux_fair", json_real(row->by_guest[GUEST_LINUX_FAIR]));
    }
    if (!isnan(row->by_guest[GUEST_LINUX_SHIPPED])) {
        json_object_set_new(object, "linux_as_shipped",
                            json_real(row->by_guest[GUEST_LINUX_SHIPPED]));
    }
    if (!row->failed && row->goal != BENCH_NO_GOAL) {
        json_object_set_new(object, row->goal == BENCH_AT_MOST ? "at_most" : "at_least",
                            json_real(row->limit));
        json_object_set_new(object, "met", json_boolean(row_is_met(row)));
    }
    return object;
}

bool bench_write_json(const struct bench *bench, const char *path)
{
    char kernel[256];
    char thp[256];
    json_t *figures = json_array();
    json_t *root;
    bool good;

    host_kernel(kernel, sizeof(kernel));
    huge_pages(thp, sizeof(thp));
    for (size_t i = 0; i < bench->row_count; i++) {
        json_array_append_new(figures, row_object(&bench->rows[i]));
    }
    root = json_pack("{s:{s:s, s:s, s:s, s:s, s:s, s:s}, s:o}", "machine", "host", kernel, "thp",
                     thp, "qemu", bench->qemu_version, "accel", "tcg", "cpu", BENCH_CPU, "linux",
                     bench->linux_version, "figures", figures);
    good = root != NULL && json_dump_file(root, path, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0;
    json_decref(root);
    return good;
}
