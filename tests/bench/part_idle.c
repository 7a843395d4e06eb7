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
 * touches one, shows what is ours.
 *
 * "idle": instructions executed per second after the start, over 10 s, so that the safety poll
 * (every 5 s) is in it twice.
 */

#include "tests/bench/bench_vm.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#define SETTLE_MS    1500
#define IDLE_SECONDS 10

/* ---- resident memory ---- */

/* `extra`: more words for QEMU, or null. */
static bool resident_once(struct bench *bench, const char *image, const char *const *extra,
                          double *mib)
{
    struct vm_config config = { .image = bench_file(bench, image),
                                .memory_mib = 4096,
                                .extra = extra };
    struct vm *vm = bench_start(bench, &config);
    uint64_t bytes = 0;
    bool good = vm != NULL && bench_wait(bench, vm, "@ready", BENCH_WAIT_MS, NULL) &&
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

static bool resident(struct bench *bench, const char *name, const char *const *extra, double limit,
                     const char *how)
{
    char text[BENCH_TEXT_MAX];
    double ours;
    double firmware;

    bench_progress("%s", name);
    if (!resident_once(bench, "aerostat.elf", extra, &ours) ||
        !resident_once(bench, "nothing.elf", extra, &firmware)) {
        return false;
    }
    snprintf(text, sizeof(text), "smaps of guest RAM at -m 4G, %s; of it firmware %.2f", how,
             firmware);
    bench_add(bench, &(struct bench_figure){ .name = name,
                                             .value = ours,
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
    bool good = resident(bench, "resident guest RAM when idle, huge pages on", NULL, 4, how) &&
                resident(bench, "the same with qboot as firmware, huge pages on", qboot, 4, how);

    if (!good || prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) {
        return good && bench_fail(bench, "huge pages cannot be switched off");
    }
    how = "PR_SET_THP_DISABLE";
    good = resident(bench, "resident guest RAM when idle, huge pages off", NULL, 1, how) &&
           resident(bench, "the same with qboot as firmware, huge pages off", qboot, 1, how);
    (void)prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
    return good;
}

/* ---- instructions when idle ---- */

bool part_idle(struct bench *bench)
{
    struct vm_config config = { .image = bench_file(bench, "aerostat.elf"), .memory_mib = 1024 };
    struct counted counted;
    uint64_t before = 0;
    uint64_t after = 0;
    bool good;

    bench_progress("%d seconds of idleness", IDLE_SECONDS);
    if (!counted_start(bench, &counted, &config, NULL, NULL)) {
        return false;
    }
    good = bench_wait(bench, counted.vm, "@ready", BENCH_WAIT_MS, NULL) &&
           counted_rest(bench, &counted, &before) &&
           bench_sleep(bench, counted.vm, IDLE_SECONDS * 1000);
    after = counted_now(&counted);
    counted_end(&counted);
    if (good) {
        bench_add(bench, &(struct bench_figure){ .name = "instructions per second when idle",
                                                 .value = (double)(after - before) / IDLE_SECONDS,
                                                 .goal = BENCH_AT_MOST,
                                                 .limit = 1000,
                                                 .how = "plugin, 10 s with two safety polls" });
    }
    return good;
}
