/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * apps/latency on a real QEMU: its lines add up, memory is right while the host moves it, and the
 * end comes when it is due. No time is judged here; figures belong to the benchmark.
 */

#include "tests/qemu/qtest.h"

#include <string.h>

static uint64_t number(const char *line, const char *key)
{
    uint64_t value = 0;

    if (!record_u64(line, key, &value)) {
        fail_msg("no number '%s' in '%s'", key, line);
    }
    return value;
}

static uint64_t check_order(const char *line)
{
    static const char *const keys[] = { "min", "p50", "p90", "p99", "p999", "max" };

    for (unsigned i = 1; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_true(number(line, keys[i - 1]) <= number(line, keys[i]));
    }
    assert_true(number(line, "min") > 0);
    return number(line, "count");
}

/* Rows of the histogram until its line with the numbers; they must hold the same requests. */
static uint64_t check_memory(struct qtest *t, const char *memory)
{
    char text[64];
    uint64_t rows = 0;
    const char *line;

    snprintf(text, sizeof(text), " memory=%s ", memory);
    line = qtest_line(t, text, QTEST_STEP_MS);
    while (record_is(line, "latency_row")) {
        rows += number(line, "count");
        line = qtest_line(t, text, QTEST_STEP_MS);
    }
    assert_int_equal(rows, check_order(line));
    return rows;
}

static void every_request_is_counted_once(struct qtest *t)
{
    uint64_t held = check_memory(t, "held");
    uint64_t fresh = check_memory(t, "fresh");

    assert_int_equal(held + fresh, 20000);
    assert_in_range(fresh, 4000, 6000);
    assert_int_equal(check_memory(t, "all"), 20000);
    assert_int_equal(number(qtest_line(t, "result=ok", QTEST_STEP_MS), "requests"), 20000);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void move_begins(struct qtest *t)
{
    qtest_ask(t, t->ram_bytes / 4);
    assert_int_equal(number(qtest_line(t, "@latency state=taken", QTEST_STEP_MS), "bytes"),
                     t->ram_bytes / 4 * 3);
    assert_null(vm_last_line(t->vm, "@latency state=end"));
    qtest_ask(t, t->ram_bytes);
}

/* The end comes after the second move, and nothing else ends it in time. */
static void it_ends_after_the_moves_and_memory_is_right(struct qtest *t)
{
    const char *line;

    qtest_line(t, "@latency state=begin", QTEST_STEP_MS);
    move_begins(t);
    assert_int_equal(number(qtest_line(t, "@latency state=given", QTEST_STEP_MS), "moves"), 1);
    move_begins(t);
    line = qtest_line(t, "@latency state=end result=ok", QTEST_STEP_MS);
    assert_int_equal(number(line, "moves"), 2);
    assert_true(number(line, "ms") < 100000);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void too_little_memory_ends_with_1(struct qtest *t)
{
    qtest_line(t, "result=memory", QTEST_STEP_MS);
    qtest_status(t, 1, QTEST_STEP_MS);
}

static void a_wrong_word_ends_with_2(struct qtest *t)
{
    qtest_line(t, "'fresh=101'", QTEST_STEP_MS);
    qtest_status(t, 2, QTEST_STEP_MS);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        QTEST(every_request_is_counted_once, .image = "latency.elf",
              .append = "-- requests=20000 fresh=25 bytes=8192 ms=1000000000"),
        QTEST(it_ends_after_the_moves_and_memory_is_right, .image = "latency.elf",
              .memory_mib = 1024, .balloon_properties = "free-page-reporting=on",
              .append = "balloon.slice=2 report.reserve=64 -- moves=2 mib=768 ms=100000"),
        QTEST(too_little_memory_ends_with_1, .image = "latency.elf", .append = "-- held=1000"),
        QTEST(a_wrong_word_ends_with_2, .image = "latency.elf", .append = "-- fresh=101"),
    };

    return qtest_main("tests/qemu/test_latency.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
