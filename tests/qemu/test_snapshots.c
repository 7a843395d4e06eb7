/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Snapshots of the whole machine in the middle of an inflation, into a qcow2 that QEMU itself makes
 * over QMP: the machine goes on after saving, and again, from the same moment, after loading.
 */

#include "tests/qemu/qtest.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DISK_BYTES ((json_int_t)(UINT64_C(1) << 31))

static char disk[64];

static int end_and_remove(void **state)
{
    int result = qtest_end(state);

    if (disk[0] != '\0') {
        (void)unlink(disk);
        disk[0] = '\0';
    }
    return result;
}

/* Runs a command that is a job to its end. */
static void job(struct qtest *t, const char *command, json_t *arguments)
{
    int64_t end = vm_now_ms() + 3 * QTEST_STEP_MS;
    bool concluded = false;

    assert_int_equal(json_object_set_new(arguments, "job-id", json_string("job")), 0);
    json_decref(qtest_command(t, command, arguments));
    while (!concluded && vm_now_ms() < end) {
        json_t *jobs = qtest_command(t, "query-jobs", NULL);
        json_t *first = json_array_get(jobs, 0);
        const char *status = json_string_value(json_object_get(first, "status"));
        const char *error = json_string_value(json_object_get(first, "error"));

        concluded = status != NULL && strcmp(status, "concluded") == 0;
        if (error != NULL) {
            fail_msg("%s: %s", command, error);
        }
        json_decref(jobs);
        qtest_sleep(t, 5);
    }
    assert_true(concluded);
    json_decref(qtest_command(t, "job-dismiss", json_pack("{s:s}", "id", "job")));
}

/* An empty qcow2, known to QEMU as the node "disk". */
static void disk_make(struct qtest *t)
{
    int fd;

    strcpy(disk, "/tmp/aerostat-snapshot-XXXXXX");
    fd = mkstemp(disk);
    assert_true(fd >= 0);
    close(fd);
    json_decref(qtest_command(
        t, "blockdev-add",
        json_pack("{s:s, s:s, s:s}", "driver", "file", "node-name", "file", "filename", disk)));
    job(t, "blockdev-create",
        json_pack("{s:{s:s, s:s, s:I}}", "options", "driver", "qcow2", "file", "file", "size",
                  DISK_BYTES));
    json_decref(qtest_command(
        t, "blockdev-add",
        json_pack("{s:s, s:s, s:s}", "driver", "qcow2", "node-name", "disk", "file", "file")));
}

static void snapshot(struct qtest *t, const char *command)
{
    job(t, command,
        json_pack("{s:s, s:s, s:[s]}", "tag", "here", "vmstate", "disk", "devices", "disk"));
}

/* Stops the machine in the middle of the way to `asked`; returns where. */
static uint64_t stop_on_the_way(struct qtest *t, uint64_t asked)
{
    for (int delay_ms = 5; delay_ms < 200; delay_ms += 10) {
        uint64_t actual;

        qtest_ask(t, asked);
        qtest_sleep(t, delay_ms);
        qtest_do(t, "stop");
        actual = qtest_actual(t);
        if (actual > asked && actual < t->ram_bytes) {
            return actual;
        }
        qtest_do(t, "cont");
        qtest_ask(t, t->ram_bytes);
        qtest_wait_actual(t, t->ram_bytes, QTEST_STEP_MS);
    }
    fail_msg("no stop came in the middle of the way");
    return 0;
}

static void a_snapshot_in_mid_inflation_goes_on_and_loses_no_byte(struct qtest *t)
{
    const uint64_t asked = t->ram_bytes / 4;
    uint64_t checked = 0;
    uint64_t there;

    disk_make(t);
    qtest_line(t, "@pattern rounds=", 3 * QTEST_STEP_MS);
    there = stop_on_the_way(t, asked);
    snapshot(t, "snapshot-save");
    qtest_do(t, "cont");
    qtest_wait_actual(t, asked, QTEST_STEP_MS);
    qtest_ask(t, t->ram_bytes);
    qtest_wait_actual(t, t->ram_bytes, QTEST_STEP_MS);

    for (unsigned i = 0; i < 3; i++) {
        qtest_do(t, "stop");
        snapshot(t, "snapshot-load");
        assert_int_equal(qtest_actual(t), there); /* it is the same moment again */
        qtest_do(t, "cont");
        qtest_wait_actual(t, asked, QTEST_STEP_MS);
        qtest_ask(t, t->ram_bytes);
        qtest_wait_actual(t, t->ram_bytes, QTEST_STEP_MS);
    }
    assert_int_equal(qtest_counter(t, "resets"), 0);
    qtest_line(t, "@pattern rounds=", QTEST_STEP_MS);
    qtest_press_power(t);
    assert_true(
        record_u64(qtest_line(t, "@pattern state=end", QTEST_STEP_MS), "frames_checked", &checked));
    assert_true(checked > 1000);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void a_snapshot_of_a_reporting_guest_goes_on_and_loses_no_byte(struct qtest *t)
{
    a_snapshot_in_mid_inflation_goes_on_and_loses_no_byte(t);
    assert_true(qtest_counter(t, "reported") > 0);
}

#define SNAPSHOT(function, ...)                                                                    \
    {                                                                                              \
#function, qtest_run, NULL, end_and_remove, &(struct qtest_case)                           \
        {                                                                                          \
            .name = #function, .body = function, .vm = {                                           \
                .image = "test.elf",                                                               \
                .memory_mib = 512,                                                                 \
                .append = "report=50 balloon.slice=2 balloon.profile=careful -- test=pattern "     \
                          "touch=256 slots=128 pause=1 check=50",                                  \
                __VA_ARGS__                                                                        \
            }                                                                                      \
        }                                                                                          \
    }

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        SNAPSHOT(a_snapshot_in_mid_inflation_goes_on_and_loses_no_byte),
        SNAPSHOT(a_snapshot_of_a_reporting_guest_goes_on_and_loses_no_byte,
                 .balloon_properties = "free-page-reporting=on"),
    };

    return qtest_main("tests/qemu/test_snapshots.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
