/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest costs that does nothing. Two figures.
 *
 * "resident": how much memory the host really holds behind the guest's RAM at -m 4G, some time
 * after "@ready". Read from /proc/PID/smaps for the guest's RAM only: the resident size of the
 * whole process contains QEMU and its translations. Huge pages: QEMU asks for them for guest RAM by
 * itself, so with the host's setting "madvise" or "always" every touched 2 MiB block counts in
 * full; PR_SET_THP_DISABLE, inherited by QEMU, switches them off for the second figure. The
 * firmware's own touches are in both figures, and are told beside them by a guest that does
 * nothing. SeaBIOS, the default, touches three 2 MiB blocks by itself; the same with qboot, which
 * touches one, shows what is ours. With free-page-reporting=on the guest may give back what it does
 * not need, which is a row of its own.
 *
 * "idle": instructions executed per second after the start, over 10 s, so that the safety poll
 * (every 5 s) is in it twice.
 */

#include "tests/bench/bench_guest.h"
#include "tests/bench/bench_host.h"

#include <stdio.h>
#include <string.h>

#define SETTLE_MS    1500
#define IDLE_SECONDS 10
/* Linux goes on with its start for a while. */
#define LINUX_SETTLE_MS 5000

/* ---- resident memory ---- */

/* `extra`: more words for QEMU, or null. */
static bool resident_once(struct bench *bench, struct vm_config config, const char *const *extra,
                          double *mib)
{
    struct vm *vm;
    uint64_t bytes = 0;
    bool good;

    config.memory_mib = 4096;
    config.extra = extra;
    vm = bench_start(bench, &config);
    good = vm != NULL && bench_wait(bench, vm, "@ready", BENCH_WAIT_MS, NULL) &&
           bench_sleep(bench, vm, SETTLE_MS);

    good = good && (vm_ram_resident(vm, &bytes) || bench_fail(bench, "resident memory is unknown"));
    *mib = (double)bytes / (double)BENCH_MIB;
    vm_end(vm);
    return good;
}

static bool host_has_no_huge_pages(void)
{
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    char text[64] = "[never]";

    if (file != NULL) {
        (void)!fgets(text, sizeof(text), file);
        fclose(file);
    }
    return strstr(text, "[never]") != NULL;
}

static bool resident_linux(struct bench *bench, enum bench_guest guest, double *mib)
{
    return resident_once(bench, guest_config(bench, guest, NULL), NULL, mib);
}

/* Linux is measured with the default firmware. */
static bool resident(struct bench *bench, const char *name, const char *const *extra,
                     const char *properties, double limit, const char *how)
{
    char text[BENCH_TEXT_MAX];
    struct vm_config nothing = { .image = bench_file(bench, "nothing.elf") };
    struct vm_config guest = guest_config(bench, GUEST_OURS, NULL);
    bool with_linux = extra == NULL && properties == NULL;
    double by_guest[GUEST_COUNT];
    double ours;
    double firmware;

    bench_progress("%s", name);
    guest.balloon_properties = properties;
    if (!resident_once(bench, guest, extra, &ours) ||
        !resident_once(bench, nothing, extra, &firmware)) {
        return false;
    }
    if (with_linux) {
        guest_measure_linux(bench, name, resident_linux, by_guest);
    }
    snprintf(text, sizeof(text), "smaps of guest RAM at -m 4G, %s; of it firmware %.2f", how,
             firmware);
    bench_add(bench, &(struct bench_figure){ .name = name,
                                             .value = ours,
                                             .by_guest = with_linux ? by_guest : NULL,
                                             .unit = "MiB",
                                             .decimals = 2,
                                             .goal = BENCH_AT_MOST,
                                             .limit = limit,
                                             .how = text });
    return true;
}

bool part_resident(struct bench *bench)
{
    static const char *const qboot[] = { "-bios", "qboot.rom", NULL };
    const char *how = host_has_no_huge_pages() ? "but this host never uses huge pages"
                                               : "QEMU asks for huge pages";
    const char *reporting = "free-page-reporting=on";
    bool good =
        resident(bench, "resident guest RAM when idle, huge pages on", NULL, NULL, 4, how) &&
        resident(bench, "the same with page reporting, huge pages on", NULL, reporting, 4, how) &&
        resident(bench, "the same with qboot as firmware, huge pages on", qboot, NULL, 4, how);

    if (!good || !host_huge_pages_off(bench, true)) {
        return false;
    }
    how = "PR_SET_THP_DISABLE";
    good =
        resident(bench, "resident guest RAM when idle, huge pages off", NULL, NULL, 1, how) &&
        resident(bench, "the same with page reporting, huge pages off", NULL, reporting, 1, how) &&
        resident(bench, "the same with qboot as firmware, huge pages off", qboot, NULL, 1, how);
    return host_huge_pages_off(bench, false) && good;
}

/* ---- instructions when idle ---- */

static bool idle_once(struct bench *bench, enum bench_guest guest, double *per_second)
{
    struct vm_config config = guest_config(bench, guest, NULL);
    struct counted counted;
    uint64_t before = 0;
    uint64_t after = 0;
    bool good;

    config.memory_mib = 1024;
    if (!counted_start(bench, &counted, &config, NULL, NULL)) {
        return false;
    }
    good = bench_wait(bench, counted.vm, "@ready", BENCH_LONG_WAIT_MS, NULL);
    if (guest == GUEST_OURS) {
        good = good && counted_rest(bench, &counted, &before);
    } else {
        good = good && bench_sleep(bench, counted.vm, LINUX_SETTLE_MS);
        before = counted_now(&counted);
    }
    good = good && bench_sleep(bench, counted.vm, IDLE_SECONDS * 1000);
    after = counted_now(&counted);
    counted_end(&counted);
    *per_second = (double)(after - before) / IDLE_SECONDS;
    return good;
}

bool part_idle(struct bench *bench)
{
    double by_guest[GUEST_COUNT];
    double ours;

    bench_progress("%d seconds of idleness", IDLE_SECONDS);
    if (!idle_once(bench, GUEST_OURS, &ours)) {
        return false;
    }
    guest_measure_linux(bench, "idleness", idle_once, by_guest);
    bench_add(bench, &(struct bench_figure){ .name = "instructions per second when idle",
                                             .value = ours,
                                             .by_guest = by_guest,
                                             .goal = BENCH_AT_MOST,
                                             .limit = 1000,
                                             .how = "plugin, 10 s with two safety polls" });
    return true;
}
