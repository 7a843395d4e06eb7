/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the balloon can do besides inflating, against the real device: free page reporting, a host
 * that ignores it, page poison, allocations that take from the balloon, the cap. Huge pages,
 * snapshots and migrations have files of their own.
 */

#include "tests/qemu/qtest.h"

#include <stdlib.h>
#include <string.h>

#define MIB_FRAMES   (QTEST_MIB / QTEST_FRAME)
#define DROPS_4K     "the host drops reported memory, pieces of 4K and more"
#define FILLED_ZERO  "the host may drop what is reported"
#define FILLED_OTHER "the host would ignore reports, none are sent"

/* Waits until the host holds at most `bytes` of the guest; returns what it holds at last. */
static uint64_t resident_falls(struct qtest *t, uint64_t bytes)
{
    int64_t end = vm_now_ms() + QTEST_STEP_MS;
    uint64_t resident = qtest_resident(t);

    while (resident > bytes && vm_now_ms() < end) {
        qtest_sleep(t, 20);
        resident = qtest_resident(t);
    }
    return resident;
}

/* The guest tells with its next report, if it has anything to tell. */
static void counter_reaches(struct qtest *t, const char *key, uint64_t least)
{
    int64_t end = vm_now_ms() + QTEST_STEP_MS;

    while (qtest_counter(t, key) < least && vm_now_ms() < end) {
        qtest_sleep(t, 20);
    }
    assert_true(qtest_counter(t, key) >= least);
}

static void drops_is(struct qtest *t, const char *want)
{
    int64_t end = vm_now_ms() + QTEST_STEP_MS;
    char word[16] = "";

    while (strcmp(word, want) != 0 && vm_now_ms() < end) {
        const char *line = vm_last_line(t->vm, "@balloon ");

        if (line != NULL) {
            assert_true(record_text(line, "drops", word, sizeof(word)));
        }
        qtest_sleep(t, 20);
    }
    assert_string_equal(word, want);
}

/* Whether the device side says that this feature was negotiated. */
static bool negotiated(struct qtest *t, const char *feature)
{
    json_t *reply = qtest_command(t, "x-query-virtio-status",
                                  json_pack("{s:s}", "path", VM_BALLOON_PATH "/virtio-backend"));
    char *text = json_dumps(json_object_get(reply, "guest-features"), JSON_COMPACT);
    bool found;

    assert_non_null(text);
    assert_non_null(strstr(text, "STATS_VQ")); /* the list is what it is taken for */
    found = strstr(text, feature) != NULL;
    free(text);
    json_decref(reply);
    return found;
}

/* ---- reporting ---- */

static void freed_memory_leaves_the_host_without_being_asked_for(struct qtest *t)
{
    const uint64_t touched = 400 * QTEST_MIB;
    uint64_t before;

    qtest_ready(t, "on");
    qtest_line(t, DROPS_4K, QTEST_STEP_MS);
    qtest_line(t, "@touch state=held", QTEST_STEP_MS);
    before = qtest_resident(t);
    assert_true(before >= touched);
    qtest_line(t, "@touch state=end", QTEST_STEP_MS);
    assert_true(resident_falls(t, before - touched / 10 * 9) <= before - touched / 10 * 9);
    drops_is(t, "4K");
    counter_reaches(t, "reported", touched / 10 * 9 / QTEST_FRAME);
    /* It was no balloon that did this. */
    assert_int_equal(qtest_actual(t), t->ram_bytes);
    assert_int_equal(qtest_counter(t, "inflated"), 0);
    assert_int_equal(vm_count_lines(t->vm, FILLED_OTHER), 0);
    qtest_powerdown(t);
}

static void the_reserve_stays_warm(struct qtest *t)
{
    const uint64_t reserve = 64 * QTEST_MIB; /* report.reserve=64 below */
    uint64_t resident;

    qtest_ready(t, "on");
    qtest_line(t, "@touch state=end", QTEST_STEP_MS);
    resident = resident_falls(t, reserve + 16 * QTEST_MIB);
    assert_in_range(resident, reserve, reserve + 16 * QTEST_MIB);
    qtest_sleep(t, 1000);
    assert_in_range(qtest_resident(t), reserve, reserve + 16 * QTEST_MIB);
    qtest_powerdown(t);
}

static void reporting_switched_off_is_not_negotiated(struct qtest *t)
{
    qtest_ready(t, "on");
    qtest_line(t, "@touch state=end", QTEST_STEP_MS);
    qtest_sleep(t, 1000);
    assert_true(qtest_resident(t) >= 100 * QTEST_MIB);
    assert_int_equal(qtest_counter(t, "reported"), 0);
    qtest_resize(t, t->ram_bytes / 2);
    qtest_powerdown(t);
}

static void memory_reported_in_the_middle_of_use_loses_no_byte(struct qtest *t)
{
    int64_t end = vm_now_ms() + QTEST_STEP_MS;
    uint64_t checked = 0;

    qtest_ready(t, "on");
    while (qtest_counter(t, "reported") < 256 * MIB_FRAMES && vm_now_ms() < end) {
        qtest_ask(t, t->ram_bytes / 2);
        qtest_sleep(t, 50);
        qtest_ask(t, t->ram_bytes);
        qtest_sleep(t, 150);
    }
    assert_true(qtest_counter(t, "reported") >= 256 * MIB_FRAMES);
    assert_int_equal(qtest_counter(t, "resets"), 0);
    qtest_press_power(t);
    assert_true(
        record_u64(qtest_line(t, "@pattern state=end", QTEST_STEP_MS), "frames_checked", &checked));
    assert_true(checked > 1000);
    qtest_status(t, 0, QTEST_STEP_MS);
}

/* ---- poison ---- */

/* QEMU 7.2 drops nothing that is reported while the poison value is not 0. */
static void memory_filled_with_anything_but_zero_is_not_reported(struct qtest *t)
{
    qtest_line(t, FILLED_OTHER, QTEST_STEP_MS);
    qtest_ready(t, "on");
    qtest_line(t, "@touch state=end", QTEST_STEP_MS);
    drops_is(t, "nothing");
    qtest_sleep(t, 2000);
    assert_true(negotiated(t, "PAGE_POISON"));
    assert_true(qtest_resident(t) >= 100 * QTEST_MIB);
    assert_int_equal(vm_count_lines(t->vm, FILLED_OTHER), 1);
    assert_int_equal(vm_count_lines(t->vm, DROPS_4K), 0);
    assert_int_equal(qtest_counter(t, "reported"), 0);
    /* The balloon gets it all the same. */
    qtest_resize(t, t->ram_bytes / 4);
    assert_true(qtest_resident(t) < t->ram_bytes / 4 + 8 * QTEST_MIB);
    qtest_resize(t, t->ram_bytes);
    qtest_powerdown(t);
}

static void memory_filled_with_zeros_is_reported_and_dropped(struct qtest *t)
{
    qtest_line(t, FILLED_ZERO, QTEST_STEP_MS);
    qtest_ready(t, "on");
    assert_true(negotiated(t, "PAGE_POISON"));
    qtest_line(t, "@touch state=end", QTEST_STEP_MS);
    assert_true(resident_falls(t, 20 * QTEST_MIB) <= 20 * QTEST_MIB);
    qtest_resize(t, t->ram_bytes / 2);
    qtest_resize(t, t->ram_bytes);
    qtest_powerdown(t);
}

static void poison_is_declined_where_nothing_is_filled(struct qtest *t)
{
    qtest_ready(t, "on");
    qtest_line(t, DROPS_4K, QTEST_STEP_MS);
    assert_false(negotiated(t, "PAGE_POISON"));
    qtest_powerdown(t);
}

/* ---- an allocation that needs more than is free ---- */

#define GROWN (64 * MIB_FRAMES) /* mib=64 below */

/* Leaves the guest 16 of its 256 MiB, which is what the scenario waits for. */
static struct record_mem squeeze(struct qtest *t)
{
    struct record_mem mem;

    qtest_ready(t, "on");
    qtest_ask(t, 16 * QTEST_MIB + QTEST_MIB / 2);
    qtest_wait_actual(t, 16 * QTEST_MIB + QTEST_MIB / 2, QTEST_STEP_MS);
    mem = qtest_wait_frames(t, (t->ram_bytes - 16 * QTEST_MIB - QTEST_MIB / 2) / QTEST_FRAME);
    assert_true(mem.backed + mem.returned < GROWN / 2);
    return mem;
}

static void an_allocation_takes_from_the_balloon_and_the_host_sees_it(struct qtest *t)
{
    struct record_mem before = squeeze(t);
    uint64_t missing = GROWN - before.backed - before.returned;
    struct record_mem mem;
    struct record_mem after;
    uint64_t taken;
    uint64_t actual;

    assert_true(negotiated(t, "DEFLATE_ON_OOM"));
    qtest_ask(t, 16 * QTEST_MIB); /* now the scenario goes on */
    qtest_line(t, "@grow state=held", QTEST_STEP_MS);
    QTEST_UNTIL(t, qtest_counter(t, "taken") >= missing &&
                       (t->ram_bytes - qtest_actual(t)) / QTEST_FRAME == qtest_mem(t).balloon);
    mem = qtest_mem(t);
    taken = qtest_counter(t, "taken");
    actual = qtest_actual(t);
    /* What was needed, in whole blocks: 2 MiB each. */
    assert_in_range(taken, missing, missing + 1024);
    assert_in_range(actual / QTEST_FRAME, 16 * MIB_FRAMES + taken - 128,
                    16 * MIB_FRAMES + 128 + taken);
    /* It is free again soon, but not at once the host's: calm is a second later at the earliest, by
     * the guest's clock. */
    qtest_line(t, "@grow state=free", QTEST_STEP_MS);
    QTEST_UNTIL(t, (after = qtest_mem(t)).balloon > mem.balloon);
    assert_true(after.ms - mem.ms >= 800);
    /* Later it is. Some headroom stays the guest's until the host wishes anew. */
    QTEST_UNTIL(t, qtest_actual(t) <= actual - 32 * QTEST_MIB);
    qtest_resize(t, 17 * QTEST_MIB);
    qtest_resize(t, t->ram_bytes);
    qtest_powerdown(t);
}

static void without_the_feature_the_allocation_fails_and_the_guest_lives(struct qtest *t)
{
    struct record_mem before = squeeze(t);
    uint64_t frames = 0;

    assert_false(negotiated(t, "DEFLATE_ON_OOM"));
    qtest_ask(t, 16 * QTEST_MIB);
    assert_true(record_u64(qtest_line(t, "@grow state=refused", QTEST_STEP_MS), "frames", &frames));
    assert_true(frames <= before.backed + before.returned);
    assert_true(frames + 256 >= before.backed + before.returned); /* nothing was left unused */
    assert_true(qtest_actual(t) <= 16 * QTEST_MIB + QTEST_MIB / 2);
    assert_int_equal(qtest_counter(t, "taken"), 0);
    qtest_line(t, "@grow state=free", QTEST_STEP_MS);
    qtest_resize(t, t->ram_bytes);
    qtest_resize(t, t->ram_bytes / 2);
    qtest_powerdown(t);
}

/* ---- the cap ---- */

static void a_host_that_wants_more_gets_exactly_the_cap(struct qtest *t)
{
    const uint64_t capped = t->ram_bytes - 64 * QTEST_MIB; /* balloon.max=64 below */

    qtest_ready(t, "on");
    qtest_ask(t, 8 * QTEST_MIB);
    qtest_wait_actual(t, capped, QTEST_STEP_MS);
    qtest_sleep(t, 500);
    assert_int_equal(qtest_actual(t), capped);
    assert_int_equal(qtest_mem(t).balloon, 64 * MIB_FRAMES);
    qtest_resize(t, capped + QTEST_MIB);
    qtest_resize(t, t->ram_bytes);
    qtest_powerdown(t);
}

#define REPORTING .balloon_properties = "free-page-reporting=on"

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        QTEST(freed_memory_leaves_the_host_without_being_asked_for, REPORTING, .image = "test.elf",
              .memory_mib = 512, .append = "report=50 -- test=touch mib=400 hold=500"),
        QTEST(the_reserve_stays_warm, REPORTING, .image = "test.elf", .memory_mib = 256,
              .append = "report=50 report.reserve=64 -- test=touch mib=200"),
        QTEST(reporting_switched_off_is_not_negotiated, .image = "test.elf",
              .append = "report=50 -- test=touch mib=100"),
        QTEST(memory_reported_in_the_middle_of_use_loses_no_byte, REPORTING, .image = "test.elf",
              .memory_mib = 192, .append = "report=50 -- test=pattern slots=128"),
        QTEST(memory_filled_with_anything_but_zero_is_not_reported, REPORTING, .image = "test.elf",
              .append = "report=50 fill fill.value=0x1 -- test=touch mib=100"),
        QTEST(memory_filled_with_zeros_is_reported_and_dropped, REPORTING, .image = "test.elf",
              .append = "report=50 fill fill.value=0 -- test=touch mib=100"),
        QTEST(poison_is_declined_where_nothing_is_filled, REPORTING),
        QTEST(an_allocation_takes_from_the_balloon_and_the_host_sees_it, .image = "test.elf",
              .memory_mib = 256, .balloon_properties = "deflate-on-oom=on",
              .append = "report=50 -- test=grow wait=240 mib=64 hold=300"),
        QTEST(without_the_feature_the_allocation_fails_and_the_guest_lives, .image = "test.elf",
              .memory_mib = 256, .append = "report=50 -- test=grow wait=240 mib=64"),
        QTEST(a_host_that_wants_more_gets_exactly_the_cap, .append = "report=50 balloon.max=64"),
    };

    return qtest_main("tests/qemu/test_features.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
