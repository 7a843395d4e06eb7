/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nothing is lost: the guest churns memory full of patterns and checks them, the host changes the
 * target a thousand times at random, and at the end the guest checks everything it still holds.
 */

#include "tests/qemu/qtest.h"

#include <stdlib.h>

#define CHANGES 1000U
#define SEED    20250101U

static void churn(struct qtest *t, unsigned changes)
{
    unsigned seed = SEED;
    uint64_t frames = t->ram_bytes / QTEST_FRAME;
    uint64_t lowest = t->ram_bytes;
    uint64_t checked = 0;

    qtest_ready(t, "on");
    qtest_line(t, "@pattern rounds=", QTEST_STEP_MS);
    for (unsigned i = 0; i < changes; i++) {
        uint64_t target = (frames / 8 + (uint64_t)rand_r(&seed) % (frames - frames / 8));
        uint64_t actual;

        qtest_ask(t, target * QTEST_FRAME);
        qtest_sleep(t, rand_r(&seed) % 16);
        actual = qtest_actual(t);
        lowest = actual < lowest ? actual : lowest;
    }
    /* It was no idle talk: a good part of the memory did move. */
    assert_true(lowest < t->ram_bytes / 2);
    qtest_resize(t, t->ram_bytes);
    qtest_press_power(t);
    assert_true(
        record_u64(qtest_line(t, "@pattern state=end", QTEST_STEP_MS), "frames_checked", &checked));
    assert_true(checked > 1000);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void a_thousand_changes_lose_no_byte(struct qtest *t)
{
    churn(t, CHANGES);
}

static void small_careful_slices_lose_no_byte(struct qtest *t)
{
    churn(t, CHANGES / 5);
}

static void guarded_memory_is_never_touched(struct qtest *t)
{
    churn(t, CHANGES / 5);
}

static void guarded_memory_that_was_reported_is_never_touched(struct qtest *t)
{
    churn(t, CHANGES / 5);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        QTEST(a_thousand_changes_lose_no_byte, .image = "test.elf", .memory_mib = 192,
              .append = "report=50 -- test=pattern"),
        QTEST(small_careful_slices_lose_no_byte, .image = "test.elf",
              .append = "report=50 balloon.slice=2 balloon.profile=careful -- test=pattern"),
        QTEST(guarded_memory_that_was_reported_is_never_touched, .image = "test.elf",
              .memory_mib = 192, .balloon_properties = "free-page-reporting=on",
              .append = "report=50 balloon.guard=on -- test=pattern"),
        QTEST(guarded_memory_is_never_touched, .image = "test.elf",
              .append = "report=50 balloon.guard=on -- test=pattern"),
    };

    return qtest_main("tests/qemu/test_torture.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
