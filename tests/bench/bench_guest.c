/* SPDX-License-Identifier: BSD-2-Clause */
/* Images, command lines and names of the guests, and values kept by guest. */

#include "tests/bench/bench_guest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/bench_elf.h"

#define LINE_MAX 256U

/* ---- Linux ---- */

static bool read_line(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    bool good = file != NULL && fgets(text, (int)size, file) != NULL;

    if (file != NULL) {
        fclose(file);
    }
    text[good ? strcspn(text, "\n") : 0] = '\0';
    return good;
}

void guest_find_linux(struct bench *bench, bool wanted)
{
    if (!wanted) {
        snprintf(bench->linux_reason, sizeof(bench->linux_reason), "--no-linux");
    } else if (read_line(bench_file(bench, "linux/skipped"), bench->linux_reason,
                         sizeof(bench->linux_reason))) {
        return;
    } else if (access(bench_file(bench, "linux/initrd"), R_OK) != 0 ||
               !read_line(bench_file(bench, "linux/version"), bench->linux_version,
                          sizeof(bench->linux_version))) {
        snprintf(bench->linux_reason, sizeof(bench->linux_reason),
                 "tools/linux_guest.sh has made none");
    }
}

void guest_note(struct bench *bench, enum bench_guest guest, const char *what)
{
    bench_progress("%s, %s: %s", what, guest_name(guest), bench->reason);
    if (bench->note_count < BENCH_NOTES_MAX) {
        snprintf(bench->notes[bench->note_count++], BENCH_TEXT_MAX, "%.60s, %s: %.100s", what,
                 guest_name(guest), bench->reason);
    }
}

/* ---- guests ---- */

bool guest_is_there(const struct bench *bench, enum bench_guest guest)
{
    return guest == GUEST_OURS || bench->linux_version[0] != '\0';
}

bool guest_takes_part(const struct bench *bench, enum bench_guest guest, unsigned round)
{
    return guest_is_there(bench, guest) && (guest == GUEST_OURS || round < GUEST_LINUX_ROUNDS);
}

const char *guest_name(enum bench_guest guest)
{
    static const char *const names[GUEST_COUNT] = { "aerostat", "Linux (fair)",
                                                    "Linux (as shipped)" };

    return names[guest];
}

struct vm_config guest_config(const struct bench *bench, enum bench_guest guest, const char *words)
{
    static char lines[4][LINE_MAX];
    static unsigned next;
    char *line = lines[next++ % 4];
    const char *dashes = words == NULL ? "" : "-- ";

    words = words == NULL ? "" : words;
    if (guest == GUEST_OURS) {
        snprintf(line, LINE_MAX, "%s%s", dashes, words);
        return (struct vm_config){
            .image = bench_file(bench, words[0] == '\0' ? "aerostat.elf" : "test.elf"),
            .append = line,
        };
    }
    snprintf(line, LINE_MAX, "console=ttyS0 quiet panic=-1 %s %s%s",
             guest == GUEST_LINUX_FAIR ? "init_on_alloc=0" : "", dashes, words);
    return (struct vm_config){ .image = bench_file(bench, "linux/vmlinux"),
                               .initrd = bench_file(bench, "linux/initrd"),
                               .append = line };
}

bool guest_counted_start(struct bench *bench, enum bench_guest guest, struct counted *counted,
                         struct vm_config *config)
{
    uint64_t first = 0;
    uint64_t last = 0;

    if (guest == GUEST_OURS) {
        return counted_start(bench, counted, config, "pvh_start", "task_idle_loop");
    }
    if (!elf_pvh_entry(config->image, &first) ||
        !elf_symbol(bench_file(bench, "linux/init"), "ready_mark", &last)) {
        return bench_fail(bench, "the Linux guest has no entry for PVH or no mark");
    }
    return counted_start_at(bench, counted, config, first, last);
}

/* ---- values by guest ---- */

void guest_series_add(struct guest_series *series, enum bench_guest guest, double value)
{
    series->values[guest][series->count[guest]++] = value;
}

void guest_medians(const struct guest_series *series, double *by_guest)
{
    for (unsigned i = 0; i < GUEST_COUNT; i++) {
        double sorted[BENCH_ROUNDS_MAX];

        memcpy(sorted, series->values[i], sizeof(sorted));
        by_guest[i] = series->count[i] == 0 ? NAN : bench_median(sorted, series->count[i]);
    }
}

void guest_measure_linux(struct bench *bench, const char *what, guest_measure *measure,
                         double *by_guest)
{
    for (enum bench_guest guest = GUEST_LINUX_FAIR; guest < GUEST_COUNT; guest++) {
        by_guest[guest] = NAN;
        if (!guest_is_there(bench, guest)) {
            continue;
        }
        bench_progress("%s, %s", what, guest_name(guest));
        if (!measure(bench, guest, &by_guest[guest])) {
            by_guest[guest] = NAN;
            guest_note(bench, guest, what);
        }
    }
}
