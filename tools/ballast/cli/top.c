/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Draws machines, host and the latest events. A machine's bar is as long as its maximum:
 *
 *     ██████▒▒▒▒▒▒▒▒▒▒│·········     used, memory now, the target where it differs, the maximum
 */

#include "tools/ballast/cli/top.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/cli/cli_table.h"
#include "tools/ballast/cli/cli_text.h"

#define NAME_COLUMNS  16U
#define SIZE_COLUMNS  8U /* "1023 MiB": a terminal of 80 columns has room for a bar, too */
#define SIZES         5U /* columns of sizes */
#define EVENTS_MAX    5U
#define BAR_MIN       10U
#define EVENT_COLUMNS 21U

static const struct {
    const char *name;
    int key;
    const char *member;
} sorts[TOP_SORTS] = {
    [TOP_BY_NAME] = { "name", 'n', NULL },
    [TOP_BY_NOW] = { "now", 'w', "size_bytes" },
    [TOP_BY_USED] = { "used", 'u', "used_bytes" },
    [TOP_BY_DEMAND] = { "demand", 'd', "demand_bytes" },
    [TOP_BY_MAXIMUM] = { "maximum", 'x', "maximum_bytes" },
    [TOP_BY_MOVE] = { "move", 'm', NULL },
};

const char *top_sort_name(enum top_sort sort)
{
    return sorts[sort].name;
}

bool top_sort_parse(const char *name, enum top_sort *sort)
{
    for (unsigned i = 0; i < TOP_SORTS; i++) {
        if (strcmp(sorts[i].name, name) == 0) {
            *sort = (enum top_sort)i;
            return true;
        }
    }
    return false;
}

bool top_key(struct top_view *view, int key)
{
    if (key == 'r') {
        view->reverse = !view->reverse;
        return true;
    }
    for (unsigned i = 0; i < TOP_SORTS; i++) {
        if (sorts[i].key == key) {
            view->sort = (enum top_sort)i;
            return true;
        }
    }
    return false;
}

/* ---- sorting ---- */

static uint64_t rank_of(const struct top_view *view, const json_t *machine)
{
    uint64_t value = POLICY_MISSING;
    if (view->sort == TOP_BY_MOVE) {
        uint64_t size = cli_bytes(machine, "size_bytes");
        uint64_t target = cli_bytes(machine, "target_bytes");
        if (size != POLICY_MISSING && target != POLICY_MISSING) {
            value = size > target ? size - target : target - size;
        }
    } else if (sorts[view->sort].member != NULL) {
        value = cli_bytes(machine, sorts[view->sort].member);
    }
    return value == POLICY_MISSING ? 0 : value;
}

/* Sizes largest first, names from a on; equal sizes by name. */
static int compare(const void *one, const void *other, void *context)
{
    const struct top_view *view = context;
    const json_t *a = *(const json_t *const *)one;
    const json_t *b = *(const json_t *const *)other;
    uint64_t rank_a = rank_of(view, a);
    uint64_t rank_b = rank_of(view, b);
    int order = 0;
    if (rank_a != rank_b) {
        order = rank_a > rank_b ? -1 : 1;
    } else {
        order = strcmp(cli_string(a, "name"), cli_string(b, "name"));
    }
    return view->reverse ? -order : order;
}

static const json_t **sorted(const struct top_view *view, const json_t *machines, size_t *count)
{
    struct top_view copy = *view;
    *count = json_array_size(machines);
    const json_t **list = calloc(*count + 1, sizeof(*list));
    if (list == NULL) {
        abort();
    }
    for (size_t i = 0; i < *count; i++) {
        list[i] = json_array_get(machines, i);
    }
    qsort_r(list, *count, sizeof(*list), compare, &copy);
    return list;
}

/* ---- bars ---- */

static void colour(const struct top_view *view, enum cli_colour which, FILE *out)
{
    if (view->colour) {
        (void)fputs(cli_colour_code(which), out);
    }
}

static size_t cells_of(uint64_t bytes, uint64_t whole, size_t cells)
{
    if (bytes == POLICY_MISSING || whole == POLICY_MISSING || whole == 0) {
        return 0;
    }
    if (bytes >= whole) {
        return cells;
    }
    /* Rounded to the nearest; 2^46 bytes and 1000 cells stay inside 64 bits. */
    return whole > UINT64_MAX / 2048 ? 0 : (size_t)((bytes * cells + whole / 2) / whole);
}

/* The letter of a cell: used, there, target, beyond. */
static const char *letter(const struct top_view *view, unsigned kind)
{
    static const char *const utf8[] = { "█", "▒", "│", "·" };
    static const char *const ascii[] = { "#", "=", "|", "." };
    return view->utf8 ? utf8[kind] : ascii[kind];
}

void top_bar(const struct top_view *view, const json_t *machine, size_t cells, FILE *out)
{
    uint64_t maximum = cli_bytes(machine, "maximum_bytes");
    size_t used = cells_of(cli_bytes(machine, "used_bytes"), maximum, cells);
    size_t now = cells_of(cli_bytes(machine, "size_bytes"), maximum, cells);
    size_t target = cells_of(cli_bytes(machine, "target_bytes"), maximum, cells);
    bool moves = target != now && target > 0;
    enum cli_colour before = CLI_PLAIN;
    for (size_t i = 0; i < cells; i++) {
        bool at_target = moves && i + 1 == target;
        unsigned kind = i < now ? 1 : 3;
        enum cli_colour wanted = i < now ? CLI_BLUE : CLI_DIM;
        if (at_target) {
            kind = 2;
            wanted = CLI_YELLOW;
        } else if (i < used) {
            kind = 0;
            wanted = CLI_GREEN;
        }
        if (wanted != before) {
            colour(view, CLI_PLAIN, out);
            colour(view, wanted, out);
            before = wanted;
        }
        (void)fputs(letter(view, kind), out);
    }
    colour(view, CLI_PLAIN, out);
}

/* ---- lines ---- */

/* At most so many columns of a text, and blanks for the rest when `pad`. */
static void put_cut(const char *text, size_t columns, bool pad, FILE *out)
{
    char letters[512];
    size_t size = strlen(text);
    size = size < sizeof(letters) - 1 ? size : sizeof(letters) - 1;
    memcpy(letters, text, size);
    letters[size] = '\0';
    while (size > 0 && cli_columns(letters) > columns) {
        do { /* a letter of UTF-8 goes as a whole */
            size--;
        } while (size > 0 && ((unsigned char)letters[size] & 0xc0) == 0x80);
        letters[size] = '\0';
    }
    cli_put(out, letters);
    for (size_t n = cli_columns(letters); pad && n < columns; n++) {
        (void)fputc(' ', out);
    }
}

static void draw_size(uint64_t bytes, FILE *out)
{
    char text[CLI_TEXT];
    (void)fprintf(out, " %*s", (int)SIZE_COLUMNS, cli_size(bytes, text));
}

static size_t draw_host(const struct top_view *view, const json_t *host, size_t count, FILE *out)
{
    char total[CLI_TEXT];
    char available[CLI_TEXT];
    char fund[CLI_TEXT];
    char lacking[CLI_TEXT];
    const char *zone = cli_word(host, "zone");
    char pressure[CLI_TEXT];
    if (host == NULL) {
        (void)fprintf(out, "ballast  %zu machine%s\n\n", count, count == 1 ? "" : "s");
        return 2;
    }
    (void)fputs("ballast  zone ", out);
    colour(view, cli_zone_colour(zone), out);
    cli_put(out, zone);
    colour(view, CLI_PLAIN, out);
    (void)fprintf(out, "  %zu machine%s  host %s, %s available\n", count, count == 1 ? "" : "s",
                  cli_size(cli_bytes(host, "total_bytes"), total),
                  cli_size(cli_bytes(host, "available_bytes"), available));
    (void)fprintf(out, "slush fund %s  short of %s",
                  cli_size(cli_bytes(host, "slush_left_bytes"), fund),
                  cli_size(cli_bytes(host, "short_bytes"), lacking));
    (void)fprintf(out, "  pressure %s%s\n\n", cli_percent(host, "psi_some_percent", pressure),
                  json_is_false(json_object_get(host, "admit")) ? "  nothing new may start" : "");
    return 3;
}

/* How many columns of sizes there is room for. */
static size_t sizes_for(const struct top_view *view)
{
    size_t room =
        view->width > NAME_COLUMNS ? (view->width - NAME_COLUMNS) / (SIZE_COLUMNS + 1) : 0;
    return room < SIZES ? room : SIZES;
}

static void draw_titles(const struct top_view *view, size_t bar, FILE *out)
{
    static const char *const titles[SIZES] = { "NOW", "TARGET", "USED", "DEMAND", "MAXIMUM" };
    colour(view, CLI_BOLD, out);
    put_cut("NAME", NAME_COLUMNS, true, out);
    for (size_t i = 0; i < sizes_for(view); i++) {
        (void)fprintf(out, " %*s", (int)SIZE_COLUMNS, titles[i]);
    }
    if (bar > 0) {
        (void)fputs("  ", out);
        const char *whole = "USED, NOW, TARGET, MAXIMUM";
        put_cut(bar < strlen(whole) ? "USED, NOW" : whole, bar, false, out);
    }
    colour(view, CLI_PLAIN, out);
    (void)fputc('\n', out);
}

/* Where the size is not known there is nothing to draw, but something to say. */
static void draw_bar(const struct top_view *view, const json_t *machine, size_t bar, FILE *out)
{
    const char *trouble = cli_string(machine, "trouble");
    if (cli_bytes(machine, "size_bytes") != POLICY_MISSING) {
        top_bar(view, machine, bar, out);
        return;
    }
    colour(view, CLI_YELLOW, out);
    put_cut(trouble[0] != '\0' ? trouble : cli_word(machine, "state"), bar, false, out);
    colour(view, CLI_PLAIN, out);
}

static void draw_machine(const struct top_view *view, const json_t *machine, size_t bar, FILE *out)
{
    static const char *const shown[SIZES] = { "size_bytes", "target_bytes", "used_bytes",
                                              "demand_bytes", "maximum_bytes" };
    put_cut(cli_string(machine, "name"), NAME_COLUMNS, true, out);
    for (size_t i = 0; i < sizes_for(view); i++) {
        draw_size(cli_bytes(machine, shown[i]), out);
    }
    if (bar > 0) {
        (void)fputs("  ", out);
        draw_bar(view, machine, bar, out);
    }
    (void)fputc('\n', out);
}

static size_t draw_events(const struct top_view *view, const json_t *events, size_t most, FILE *out)
{
    size_t count = json_array_size(events);
    size_t from = count > most ? count - most : 0;
    if (count == 0 || most == 0) {
        return 0;
    }
    (void)fputc('\n', out);
    for (size_t i = from; i < count; i++) {
        const json_t *event = json_array_get(events, i);
        const char *machine = cli_string(event, "machine");
        char when[CLI_TEXT];
        const char *text = cli_string(event, "text");
        (void)cli_time(cli_number(event, "time_s"), when);
        put_cut(strlen(when) > 11 ? when + 11 : when, 8, true, out);
        (void)fputc(' ', out);
        put_cut(machine[0] == '\0' ? "host" : machine, 12, true, out);
        (void)fputc(' ', out);
        put_cut(text, view->width > EVENT_COLUMNS + 22 ? view->width - EVENT_COLUMNS - 1 : 22,
                false, out);
        (void)fputc('\n', out);
    }
    return count - from + 1;
}

static void draw_last(const struct top_view *view, const char *notice, FILE *out)
{
    colour(view, notice != NULL ? CLI_RED : CLI_DIM, out);
    if (notice != NULL) {
        put_cut(notice, view->width - 1, false, out);
    } else {
        (void)fprintf(out, "sorted by %s; n w u d x m: sort  r: turn round  q: quit",
                      top_sort_name(view->sort));
    }
    colour(view, CLI_PLAIN, out);
}

void top_draw(const struct top_view *view, const struct top_data *data, FILE *out)
{
    size_t count = 0;
    size_t taken = NAME_COLUMNS + SIZES * (SIZE_COLUMNS + 1) + 2;
    size_t bar = view->width > taken + BAR_MIN ? view->width - taken - 1 : 0;
    const json_t **machines = sorted(view, data->machines, &count);
    size_t events = json_array_size(data->events);
    events = events < EVENTS_MAX ? events : EVENTS_MAX;
    size_t room = count;
    size_t used = draw_host(view, data->host, count, out);
    if (view->height > 0) {
        /* The titles, the last line, and an empty line before the events. */
        size_t fixed = used + 1 + 1 + (events > 0 ? events + 1 : 0);
        room = view->height > fixed + 1 ? view->height - fixed - 1 : 0;
        room = room < count ? room : count;
    }
    draw_titles(view, bar, out);
    for (size_t i = 0; i < room; i++) {
        draw_machine(view, machines[i], bar, out);
    }
    if (room < count) {
        (void)fprintf(out, "... and %zu more\n", count - room);
    }
    (void)draw_events(view, data->events, events, out);
    if (view->height > 0) {
        draw_last(view, data->notice, out);
    }
    free(machines);
}
