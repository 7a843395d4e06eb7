/* SPDX-License-Identifier: BSD-2-Clause */
/* A task that computes and never yields: the host is served all the same. */

#include "tests/qemu/qtest.h"

#include <string.h>

static void must_still_compute(struct qtest *t)
{
    assert_null(vm_last_line(t->vm, "@compute state=end"));
}

static void a_pure_loop_does_not_keep_memory_from_the_host(struct qtest *t)
{
    uint64_t actual = 0;
    const char *line;

    qtest_line(t, "@compute state=begin", QTEST_STEP_MS);
    qtest_ask(t, t->ram_bytes / 2);
    qtest_wait_actual(t, t->ram_bytes / 2, 2000);
    must_still_compute(t);
    qtest_ask(t, t->ram_bytes);
    qtest_wait_actual(t, t->ram_bytes, 2000);
    must_still_compute(t);
    qtest_ask(t, t->ram_bytes / 4);
    qtest_wait_actual(t, t->ram_bytes / 4, 2000);
    must_still_compute(t);
    line = qtest_line(t, "@compute state=end", QTEST_STEP_MS);
    assert_true(record_u64(line, "actual", &actual));
    assert_int_equal(actual, t->ram_bytes / 4 * 3 / QTEST_FRAME);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void a_pure_loop_does_not_keep_statistics_from_the_host(struct qtest *t)
{
    json_t *reply;
    uint64_t updated = 0;

    qtest_line(t, "@compute state=begin", QTEST_STEP_MS);
    json_decref(qtest_command(t, "qom-set",
                              json_pack("{s:s, s:s, s:i}", "path", VM_BALLOON_PATH, "property",
                                        "guest-stats-polling-interval", "value", 1)));
    qtest_sleep(t, 1500);
    reply = qtest_command(
        t, "qom-get", json_pack("{s:s, s:s}", "path", VM_BALLOON_PATH, "property", "guest-stats"));
    assert_true(qmp_get_u64(reply, "last-update", &updated));
    json_decref(reply);
    assert_true(updated > 0);
    must_still_compute(t);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        QTEST(a_pure_loop_does_not_keep_memory_from_the_host, .image = "test.elf",
              .append = "report=50 -- test=compute ms=4000"),
        QTEST(a_pure_loop_does_not_keep_statistics_from_the_host, .image = "test.elf",
              .append = "report=50 -- test=compute ms=4000"),
    };

    return qtest_main("tests/qemu/test_compute.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
