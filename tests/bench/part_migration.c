/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a migration sends of memory that nobody needs: 3 of 4 GiB were touched and freed, then the
 * guest is migrated to a pipe whose other end throws everything away. QEMU counts the bytes; those
 * with free-page-hint=on as a share of those with it off is the figure.
 *
 * With hints the speed is QEMU's own limit (128 MiB/s), as shipped, because hints race with what is
 * sent already. Without, all the memory is sent whatever the speed, so the limit is lifted to save
 * time. Trap: pages of zeros are not sent, so every page has been written to.
 */

#include "tests/bench/bench_guest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GUEST_MIB    4096U
#define WORDS        "test=touch mib=3072"
#define HINTS        "free-page-hint=on,iothread=hints"
#define QMP_LIMIT_MS 10000
#define LOOK_MS      50
#define SETTLE_MS    500
/* For all purposes: none. */
#define FAST_BYTES (UINT64_C(16) << 30)

static bool command(struct bench *bench, struct vm *vm, const char *name, json_t *arguments,
                    json_t **reply)
{
    struct qmp_error error;

    return qmp_execute(vm_qmp(vm), name, arguments, QMP_LIMIT_MS, reply, &error) == QMP_OK ||
           bench_fail(bench, "QMP %s: %s", name, error.text);
}

/* The bytes sent, once it is over. */
static bool migration_end(struct bench *bench, struct vm *vm, double *mib)
{
    int64_t deadline = vm_now_ms() + BENCH_LONG_WAIT_MS;

    while (vm_now_ms() < deadline) {
        json_t *reply = NULL;
        const char *status;
        uint64_t bytes = 0;
        bool done;
        bool failed;

        if (!command(bench, vm, "query-migrate", NULL, &reply)) {
            return false;
        }
        status = json_string_value(json_object_get(reply, "status"));
        done = status != NULL && strcmp(status, "completed") == 0 &&
               qmp_get_u64(reply, "ram/transferred", &bytes);
        failed = status != NULL && strcmp(status, "failed") == 0;
        json_decref(reply);
        if (done) {
            *mib = (double)bytes / (double)BENCH_MIB;
            return true;
        }
        if (failed) {
            return bench_fail(bench, "the migration failed");
        }
        vm_pump(vm, LOOK_MS);
    }
    return bench_fail(bench, "the migration does not end");
}

static bool migrate_once(struct bench *bench, enum bench_guest guest, bool hints, double *mib)
{
    static const char *const iothread[] = { "-object", "iothread,id=hints", NULL };
    struct vm_config config = guest_config(bench, guest, WORDS);
    struct vm *vm;
    bool good;

    bench_progress("migration with hints %s, %s", hints ? "on" : "off", guest_name(guest));
    config.memory_mib = GUEST_MIB;
    config.balloon_properties = hints ? HINTS : NULL;
    config.extra = hints ? iothread : NULL;
    vm = bench_start(bench, &config);
    good = vm != NULL && bench_wait(bench, vm, "@touch state=end", BENCH_LONG_WAIT_MS, NULL) &&
           bench_sleep(bench, vm, SETTLE_MS) &&
           (hints || command(bench, vm, "migrate-set-parameters",
                             json_pack("{s:I}", "max-bandwidth", (json_int_t)FAST_BYTES), NULL)) &&
           command(bench, vm, "migrate", json_pack("{s:s}", "uri", "exec:cat > /dev/null"), NULL) &&
           migration_end(bench, vm, mib);
    vm_end(vm);
    return good;
}

static void add_migration(struct bench *bench, const double *on, const double *off)
{
    double shares[GUEST_COUNT];

    for (unsigned i = 0; i < GUEST_COUNT; i++) {
        shares[i] = on[i] * 100 / off[i];
    }
    bench_add(bench, &(struct bench_figure){ .name = "migration: sent with hints off",
                                             .value = off[GUEST_OURS],
                                             .by_guest = off,
                                             .unit = "MiB",
                                             .how = "query-migrate, no limit of speed" });
    bench_add(bench, &(struct bench_figure){ .name = "migration: sent with hints on",
                                             .value = on[GUEST_OURS],
                                             .by_guest = on,
                                             .unit = "MiB",
                                             .how = "query-migrate, QEMU's limit of 128 MiB/s" });
    bench_add(bench, &(struct bench_figure){ .name = "migration: hints on over off",
                                             .value = shares[GUEST_OURS],
                                             .by_guest = shares,
                                             .unit = "%",
                                             .decimals = 1,
                                             .goal = BENCH_AT_MOST,
                                             .limit = 5,
                                             .how = "3 of 4 GiB touched and freed" });
    if (!isnan(on[GUEST_LINUX_FAIR])) {
        bench_add(bench, &(struct bench_figure){ .name = "migration: ours over Linux's (fair)",
                                                 .value = on[GUEST_OURS] / on[GUEST_LINUX_FAIR],
                                                 .unit = "x",
                                                 .decimals = 2,
                                                 .goal = BENCH_AT_MOST,
                                                 .limit = 1,
                                                 .how = "hints on" });
    }
}

bool part_migration(struct bench *bench)
{
    double on[GUEST_COUNT] = { NAN, NAN, NAN };
    double off[GUEST_COUNT] = { NAN, NAN, NAN };

    for (enum bench_guest guest = GUEST_OURS; guest < GUEST_COUNT; guest++) {
        if (guest_is_there(bench, guest) && (!migrate_once(bench, guest, true, &on[guest]) ||
                                             !migrate_once(bench, guest, false, &off[guest]))) {
            if (guest == GUEST_OURS) {
                return false;
            }
            guest_note(bench, guest, "migration");
        }
    }
    add_migration(bench, on, off);
    return true;
}
