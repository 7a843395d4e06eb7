/* SPDX-License-Identifier: BSD-2-Clause */
/* A task that computes, or keeps the allocator busy, and never yields: the host is served all the
 * same. */

#include "tests/qemu/guest_stats.h"

#include <stdlib.h>
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
    qtest_wait_actual(t, t->ram_bytes / 2, QTEST_STEP_MS);
    must_still_compute(t);
    qtest_ask(t, t->ram_bytes);
    qtest_wait_actual(t, t->ram_bytes, QTEST_STEP_MS);
    must_still_compute(t);
    qtest_ask(t, t->ram_bytes / 4);
    qtest_wait_actual(t, t->ram_bytes / 4, QTEST_STEP_MS);
    must_still_compute(t);
    line = qtest_line(t, "@compute state=end", QTEST_STEP_MS);
    assert_true(record_u64(line, "actual", &actual));
    assert_int_equal(actual, t->ram_bytes / 4 * 3 / QTEST_FRAME);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void a_pure_loop_does_not_keep_statistics_from_the_host(struct qtest *t)
{
    qtest_line(t, "@compute state=begin", QTEST_STEP_MS);
    guest_stats_poll(t);
    (void)guest_stats_after(t, guest_stats_read(t).updated_s);
    must_still_compute(t);
}

static void memory_freed_before_a_pure_loop_goes_to_the_waiting_host(struct qtest *t)
{
    qtest_line(t, "@hoard state=full", QTEST_STEP_MS);
    qtest_ask(t, t->ram_bytes / 2);
    qtest_line(t, "@hoard state=free", QTEST_STEP_MS);
    /* The next attempt without a wake-up would be ten seconds away. */
    qtest_wait_actual(t, t->ram_bytes / 2, 6000);
}

/* The number behind `text` in the next line that has it. */
static uint64_t number_behind(struct qtest *t, const char *text)
{
    const char *line = qtest_line(t, text, QTEST_STEP_MS);

    return strtoull(strstr(line, text) + strlen(text), NULL, 10);
}

/* An interrupt that finds the allocator held puts its work off. Each of the reports that come due
 * is put off a few times (observed: 1.6 by gcc, 7 by clang): were the task not let go on in
 * between, it could never leave the allocator. Counting instructions as time (icount) makes QEMU
 * deliver an interrupt at the exact instruction, as hardware does. */
#define REPORTS 400

static void a_busy_allocator_defers_work_and_does_not_stop_it(struct qtest *t)
{
    uint64_t deferred;

    qtest_line(t, "@churn state=begin", QTEST_STEP_MS);
    qtest_ask(t, t->ram_bytes / 2);
    qtest_wait_actual(t, t->ram_bytes / 2, QTEST_STEP_MS);
    qtest_ask(t, t->ram_bytes);
    qtest_wait_actual(t, t->ram_bytes, QTEST_STEP_MS);
    assert_null(vm_last_line(t->vm, "@churn state=end"));
    qtest_line(t, "@churn state=end", QTEST_STEP_MS);
    deferred = number_behind(t, "work deferred ");
    assert_in_range(deferred, 1, 25 * REPORTS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        QTEST(a_pure_loop_does_not_keep_memory_from_the_host, .image = "test.elf",
              .memory_mib = 1024, .append = "poll=0 -- test=compute ms=9000"),
        QTEST(a_pure_loop_does_not_keep_statistics_from_the_host, .image = "test.elf",
              .append = "poll=0 -- test=compute ms=4000"),
        QTEST(memory_freed_before_a_pure_loop_goes_to_the_waiting_host, .image = "test.elf",
              .memory_mib = 512,
              .append = "poll=0 balloon.retry=10000 -- test=hoard ms=1000 compute=1"),
        QTEST(a_busy_allocator_defers_work_and_does_not_stop_it, .image = "test.elf",
              .accel = "tcg", .icount = "shift=3",
              .append = "poll=0 report=25 -- test=churn ms=10000"),
    };

    return qtest_main("tests/qemu/test_compute.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
