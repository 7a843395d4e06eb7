/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Real migrations: to a file and from it, live to a second QEMU, cancelled and tried again. What
 * is checked: nothing is lost, the balloon goes on where it was, hints keep free memory off the
 * wire and hold nothing when it is over.
 *
 * Traps: hints race with what is sent already, so the bytes are counted at QEMU's own limit of
 * speed. Pages of zeros are never sent, so the memory in question was written to. And QEMU 7.2
 * itself loses writes in a live migration under TCG (observed with no balloon in the machine):
 * where memory is a multiple of 256 KiB it takes the dirty bits in words and leaves the TCG's copy
 * of them as it was. So these guests have 8 KiB more.
 */

#include "tests/qemu/qtest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HINTS   "free-page-hint=on,iothread=hints"
#define LONG_MS (3 * QTEST_STEP_MS)

#define ODD_BYTES (8 * UINT64_C(1024))

static const char *const odd_512[] = { "-m", "524296K", "-object", "iothread,id=hints", NULL };
static const char *const odd_4096[] = { "-m", "4194312K", "-object", "iothread,id=hints", NULL };

/* ---- the folder for the file or the socket ---- */

static char folder[64];
static char path[80];

static void folder_make(void)
{
    snprintf(folder, sizeof(folder), "/tmp/aerostat-migration-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/state", folder);
}

static int end_and_remove(void **state)
{
    int result = qtest_end(state);

    if (folder[0] != '\0') {
        (void)unlink(path);
        (void)rmdir(folder);
        folder[0] = '\0';
    }
    return result;
}

/* ---- steps ---- */

static void migrate_to(struct qtest *t, const char *where)
{
    json_decref(qtest_command(t, "migrate", json_pack("{s:s}", "uri", where)));
}

/* Waits for the end; the bytes of memory that were sent. */
static uint64_t migrated(struct qtest *t)
{
    json_t *reply = qtest_wait_word(t, "query-migrate", "status", "completed", "failed");
    uint64_t bytes = 0;

    assert_true(qmp_get_u64(reply, "ram/transferred", &bytes));
    json_decref(reply);
    return bytes;
}

static void limit_speed(struct qtest *t, uint64_t bytes_per_second)
{
    json_decref(qtest_command(t, "migrate-set-parameters",
                              json_pack("{s:I}", "max-bandwidth", (json_int_t)bytes_per_second)));
}

/* The same machine, waiting for one to come. */
static struct qtest *incoming(struct qtest *t, const char *from)
{
    const char *extra[] = { "-incoming",         from, "-m", t->config.extra[1], "-object",
                            "iothread,id=hints", NULL };
    struct vm_config config = t->config;

    config.extra = extra;
    return qtest_beside(t, &config);
}

/* The pattern is alive, and everything it holds is as it was written. */
static void pattern_holds(struct qtest *t)
{
    uint64_t checked = 0;

    qtest_line(t, "@pattern rounds=", LONG_MS);
    qtest_line(t, "@pattern rounds=", LONG_MS);
    qtest_press_power(t);
    assert_true(
        record_u64(qtest_line(t, "@pattern state=end", QTEST_STEP_MS), "frames_checked", &checked));
    assert_true(checked > 1000);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void resize_twice(struct qtest *t)
{
    qtest_ask(t, t->ram_bytes / 8);
    qtest_wait_actual(t, t->ram_bytes / 8, QTEST_STEP_MS);
    qtest_ask(t, t->ram_bytes + ODD_BYTES);
    qtest_wait_actual(t, t->ram_bytes + ODD_BYTES, QTEST_STEP_MS);
}

/* ---- cases ---- */

static void a_migration_to_a_file_sends_no_free_memory_and_loses_no_byte(struct qtest *t)
{
    char where[128];
    struct vm_config config = t->config;
    uint64_t with_hints;
    uint64_t without_hints;
    struct qtest *other;

    folder_make();
    qtest_line(t, "@pattern rounds=", LONG_MS);
    assert_true(qtest_resident(t) > 400 * QTEST_MIB);
    snprintf(where, sizeof(where), "exec:cat > %s", path);
    migrate_to(t, where);
    with_hints = migrated(t);
    snprintf(where, sizeof(where), "exec:cat %s", path);
    pattern_holds(incoming(t, where));

    config.balloon_properties = NULL;
    other = qtest_beside(t, &config);
    qtest_line(other, "@pattern rounds=", LONG_MS);
    migrate_to(other, "exec:cat > /dev/null");
    without_hints = migrated(other);
    print_message("sent with hints %llu MiB, without %llu MiB\n",
                  (unsigned long long)(with_hints / QTEST_MIB),
                  (unsigned long long)(without_hints / QTEST_MIB));
    assert_true(without_hints > 400 * QTEST_MIB);
    assert_true(with_hints * 5 <= without_hints);
}

static bool is_active(struct qtest *t)
{
    json_t *reply = qtest_command(t, "query-migrate", NULL);
    const char *status = json_string_value(json_object_get(reply, "status"));
    bool active = status == NULL || strcmp(status, "completed") != 0;

    assert_true(status == NULL || strcmp(status, "failed") != 0);
    json_decref(reply);
    return active;
}

/* The host asks up and down around the middle, so that the balloon is never where it shall be. */
static void a_live_migration_in_mid_inflation_goes_on_at_the_target(struct qtest *t)
{
    const uint64_t all = t->ram_bytes + ODD_BYTES;
    const uint64_t asked = t->ram_bytes / 8;
    char where[128];
    struct qtest *target;
    uint64_t actual = all;
    int64_t end = vm_now_ms() + 2 * LONG_MS;

    folder_make();
    snprintf(where, sizeof(where), "unix:%s", path);
    target = incoming(t, where);
    qtest_line(t, "@pattern rounds=", LONG_MS);
    limit_speed(t, UINT64_C(16) << 30);
    qtest_ask(t, asked);
    migrate_to(t, where);
    while (is_active(t) && vm_now_ms() < end) {
        qtest_ask(t, actual > all / 2 ? asked : all);
        qtest_sleep(t, 20);
        actual = qtest_actual(t);
    }
    assert_false(is_active(t));
    assert_in_range(qtest_actual(t), asked + 1, all - 1); /* it was in the middle of it */
    /* The target goes on to what was asked for last. */
    while ((actual = qtest_actual(target)) != asked && actual != all && vm_now_ms() < end) {
        qtest_sleep(target, 20);
    }
    assert_true(actual == asked || actual == all);
    qtest_ask(target, asked + QTEST_MIB);
    qtest_wait_actual(target, asked + QTEST_MIB, LONG_MS);
    qtest_ask(target, all);
    qtest_wait_actual(target, all, LONG_MS);
    assert_int_equal(qtest_counter(target, "resets"), 0);
    pattern_holds(target);
}

/* Waits until the guest says that it holds hinted memory: `most` or fewer frames are free. */
static void hints_hold(struct qtest *t, uint64_t most)
{
    int64_t end = vm_now_ms() + QTEST_STEP_MS;
    struct record_mem mem = qtest_mem(t);

    while (mem.backed + mem.returned > most && vm_now_ms() < end) {
        qtest_sleep(t, 20);
        mem = qtest_mem(t);
    }
    assert_true(mem.backed + mem.returned <= most);
}

static void everything_comes_back(struct qtest *t, uint64_t free_frames)
{
    int64_t end = vm_now_ms() + QTEST_STEP_MS;
    struct record_mem mem = qtest_mem(t);

    while (mem.backed + mem.returned != free_frames && vm_now_ms() < end) {
        qtest_sleep(t, 20);
        mem = qtest_mem(t);
    }
    assert_int_equal(mem.backed + mem.returned, free_frames);
}

static void a_cancelled_migration_gives_all_hinted_memory_back(struct qtest *t)
{
    struct record_mem mem;
    uint64_t free_frames;
    uint64_t hinted = 0;

    qtest_ready(t, "on");
    qtest_line(t, "@touch state=end", LONG_MS);
    mem = qtest_mem_now(t);
    free_frames = mem.backed + mem.returned;
    limit_speed(t, QTEST_MIB);
    for (unsigned i = 0; i < 3; i++) {
        migrate_to(t, "exec:cat > /dev/null");
        hints_hold(t, free_frames / 4);
        assert_true(qtest_counter(t, "hinted") >= hinted + free_frames / 2);
        hinted = qtest_counter(t, "hinted");
        qtest_do(t, "migrate_cancel");
        json_decref(qtest_wait_word(t, "query-migrate", "status", "cancelled", "failed"));
        everything_comes_back(t, free_frames);
    }
    assert_int_equal(qtest_counter(t, "resets"), 0);
    resize_twice(t);
    qtest_powerdown(t);
}

static void after_a_whole_migration_the_target_holds_nothing(struct qtest *t)
{
    struct record_mem mem;
    uint64_t free_frames;
    char where[128];
    struct qtest *target;

    folder_make();
    qtest_ready(t, "on");
    qtest_line(t, "@touch state=end", LONG_MS);
    mem = qtest_mem_now(t);
    free_frames = mem.backed + mem.returned;
    snprintf(where, sizeof(where), "unix:%s", path);
    target = incoming(t, where);
    migrate_to(t, where);
    (void)migrated(t);
    resize_twice(target); /* with hinted memory held there would not be so much to give */
    everything_comes_back(target, free_frames);
    assert_true(qtest_counter(target, "hinted") >= free_frames / 2);
    qtest_powerdown(target);
}

#define MIGRATION(function, ...)                                                                   \
    {                                                                                              \
#function, qtest_run, NULL, end_and_remove, &(struct qtest_case)                           \
        {                                                                                          \
            .name = #function, .body = function, .vm = {.image = "test.elf", __VA_ARGS__ }         \
        }                                                                                          \
    }

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        MIGRATION(a_migration_to_a_file_sends_no_free_memory_and_loses_no_byte, .memory_mib = 512,
                  .balloon_properties = HINTS, .extra = odd_512,
                  .append = "report=50 -- test=pattern touch=460 slots=64 pause=10 check=50"),
        MIGRATION(a_live_migration_in_mid_inflation_goes_on_at_the_target, .memory_mib = 4096,
                  .extra = odd_4096,
                  .append = "report=50 balloon.profile=careful balloon.slice=2 -- test=pattern "
                            "touch=1024 slots=64 pause=5 check=50"),
        MIGRATION(a_cancelled_migration_gives_all_hinted_memory_back, .memory_mib = 512,
                  .balloon_properties = HINTS, .extra = odd_512,
                  .append = "report=50 -- test=touch mib=400"),
        MIGRATION(after_a_whole_migration_the_target_holds_nothing, .memory_mib = 512,
                  .balloon_properties = HINTS, .extra = odd_512,
                  .append = "report=50 -- test=touch mib=400"),
    };

    return qtest_main("tests/qemu/test_migration.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
