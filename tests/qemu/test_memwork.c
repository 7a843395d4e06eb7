/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memwork on a real QEMU: its answers and exit status, a balloon that moves under it a thousand
 * times, caches that give to the host, and a migration in the middle of its work. Whenever it ends
 * with status 0 it has checked every word it wrote.
 */

#include "tests/qemu/qtest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHANGES 1000U
#define SEED    20260104U
#define LONG_MS (6 * QTEST_STEP_MS)

static uint64_t number(const char *line, const char *key)
{
    uint64_t value = 0;

    if (!record_u64(line, key, &value)) {
        fail_msg("no number '%s' in '%s'", key, line);
    }
    return value;
}

/* The answer to the next statement of this kind. */
static const char *answer(struct qtest *t, const char *what)
{
    char text[64];

    snprintf(text, sizeof(text), "what=%s ", what);
    const char *line = qtest_line(t, text, LONG_MS);

    assert_true(record_is(line, "memwork"));
    return line;
}

static void ends_with(struct qtest *t, unsigned status)
{
    assert_int_equal(number(qtest_line(t, "@memwork end ", LONG_MS), "status"), status);
    qtest_status(t, status, QTEST_STEP_MS);
}

/* ---- scripts and their ends ---- */

static void every_statement_is_answered_and_the_end_is_good(struct qtest *t)
{
    assert_int_equal(number(answer(t, "alloc"), "bytes"), 40 * QTEST_MIB);
    assert_int_equal(number(answer(t, "touch"), "bytes"), 40 * QTEST_MIB);
    assert_int_equal(number(answer(t, "fill"), "bytes"), 40 * QTEST_MIB);
    assert_true(qtest_resident(t) >= 40 * QTEST_MIB);
    assert_int_equal(number(answer(t, "free"), "bytes"), 20 * QTEST_MIB);
    assert_true(number(answer(t, "churn"), "bytes") > QTEST_MIB);
    assert_true(number(answer(t, "sine"), "high") > 14 * QTEST_MIB);
    assert_int_equal(number(answer(t, "step"), "low"), QTEST_MIB);
    assert_true(number(answer(t, "verify"), "bytes") > 20 * QTEST_MIB);
    ends_with(t, 0);
}

static void a_wrong_script_ends_with_2_and_its_place(struct qtest *t)
{
    const char *line = qtest_line(t, "@memwork error ", QTEST_STEP_MS);

    assert_int_equal(number(line, "line"), 1);
    assert_int_equal(number(line, "column"), 20);
    ends_with(t, 2);
}

static void no_script_ends_with_2(struct qtest *t)
{
    qtest_line(t, "there is no script", QTEST_STEP_MS);
    ends_with(t, 2);
}

static void too_little_memory_ends_with_1(struct qtest *t)
{
    qtest_line(t, "why=memory ", QTEST_STEP_MS);
    ends_with(t, 1);
}

static void a_wait_in_vain_ends_with_1(struct qtest *t)
{
    qtest_line(t, "why=timeout ", QTEST_STEP_MS);
    ends_with(t, 1);
}

static void the_power_button_ends_a_script_in_order(struct qtest *t)
{
    answer(t, "fill");
    qtest_press_power(t);
    ends_with(t, 0);
}

/* ---- the balloon ---- */

static void it_waits_for_what_the_host_does(struct qtest *t)
{
    answer(t, "print");
    qtest_ask(t, t->ram_bytes / 2);
    assert_int_equal(number(answer(t, "wait"), "bytes"), t->ram_bytes / 2);
    assert_int_equal(number(answer(t, "wait"), "bytes"), t->ram_bytes / 2);
    qtest_ask(t, t->ram_bytes);
    assert_int_equal(number(answer(t, "wait"), "bytes"), 0);
    ends_with(t, 0);
}

static void a_thousand_targets_lose_no_byte(struct qtest *t)
{
    unsigned seed = SEED;
    uint64_t frames = t->ram_bytes / QTEST_FRAME;
    uint64_t lowest = t->ram_bytes;

    answer(t, "print");
    for (unsigned i = 0; i < CHANGES; i++) {
        uint64_t target = frames / 8 + (uint64_t)rand_r(&seed) % (frames - frames / 8);
        uint64_t actual;

        qtest_ask(t, target * QTEST_FRAME);
        qtest_sleep(t, rand_r(&seed) % 16);
        actual = qtest_actual(t);
        lowest = actual < lowest ? actual : lowest;
    }
    assert_true(lowest < t->ram_bytes * 3 / 4);
    qtest_ask(t, t->ram_bytes);
    qtest_wait_actual(t, t->ram_bytes, QTEST_STEP_MS);
    qtest_press_power(t);
    ends_with(t, 0);
    assert_true(vm_count_lines(t->vm, "what=verify ") > 3);
}

/* 128 MiB, of which a cache has 64: the host wants 100. */
static void a_cache_gives_to_the_host_and_the_rest_stays_right(struct qtest *t)
{
    answer(t, "print");
    qtest_ask(t, 28 * QTEST_MIB);
    assert_true(number(qtest_line(t, "@memwork gave name=web ", QTEST_STEP_MS), "bytes") > 0);
    qtest_wait_actual(t, 28 * QTEST_MIB, QTEST_STEP_MS);
    assert_int_equal(number(answer(t, "wait"), "bytes"), 100 * QTEST_MIB);
    assert_true(number(answer(t, "verify"), "bytes") < 30 * QTEST_MIB);
    ends_with(t, 0);
}

static void caches_give_to_allocations_the_cheapest_first(struct qtest *t)
{
    qtest_line(t, "@memwork gave name=cheap ", QTEST_STEP_MS);
    assert_int_equal(number(answer(t, "alloc"), "bytes"), 60 * QTEST_MIB);
    assert_int_equal(vm_count_lines(t->vm, "gave name=dear "), 0);
    ends_with(t, 0);
}

/* ---- migration ---- */

/* QEMU 7.2 under TCG loses writes where memory is a multiple of 256 KiB (test_migration.c). */
static const char *const odd_memory[] = { "-m", "262152K", NULL };

static void a_migration_in_the_middle_loses_no_byte(struct qtest *t)
{
    char path[] = "/tmp/aerostat-memwork-XXXXXX";
    char where[64];
    int file = mkstemp(path);
    struct vm_config config = t->config;
    const char *extra[] = { "-incoming", where, "-m", odd_memory[1], NULL };
    struct qtest *other;

    assert_true(file >= 0);
    (void)close(file);
    answer(t, "print");
    snprintf(where, sizeof(where), "exec:cat > %s", path);
    json_decref(qtest_command(t, "migrate", json_pack("{s:s}", "uri", where)));
    json_decref(qtest_wait_word(t, "query-migrate", "status", "completed", "failed"));
    snprintf(where, sizeof(where), "exec:cat %s", path);
    config.extra = extra;
    other = qtest_beside(t, &config);
    answer(other, "verify");
    answer(other, "verify");
    (void)unlink(path);
    qtest_press_power(other);
    ends_with(other, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        QTEST(every_statement_is_answered_and_the_end_is_good, .image = "memwork.elf",
              .append = "-- alloc a 40M; touch a; fill all seed 7; free a 50% random seed 3; "
                        "churn a 10M/s for 500ms; sine b 1M..16M period 500ms for 1s; "
                        "step b 1M..16M period 200ms for 500ms; verify all"),
        QTEST(a_wrong_script_ends_with_2_and_its_place, .image = "memwork.elf",
              .append = "-- script=\"alloc a 4M; fill a see 7\""),
        QTEST(no_script_ends_with_2, .image = "memwork.elf"),
        QTEST(too_little_memory_ends_with_1, .image = "memwork.elf",
              .append = "-- alloc a 4G; fill a"),
        QTEST(a_wait_in_vain_ends_with_1, .image = "memwork.elf",
              .append = "-- wait balloon 64M within 200ms"),
        QTEST(the_power_button_ends_a_script_in_order, .image = "memwork.elf",
              .append = "-- alloc a 40M; fill a; hold 3600s; print never"),
        QTEST(it_waits_for_what_the_host_does, .image = "memwork.elf",
              .append = "-- print go; wait target at least 64M; wait balloon 64M within 20s; "
                        "wait balloon 0 within 20s"),
        QTEST(a_thousand_targets_lose_no_byte, .image = "memwork.elf", .memory_mib = 192,
              .append = "-- alloc a 64M; fill a; print go; repeat 1000000 { churn a 50M/s for "
                        "200ms; step b 0..80M period 100ms for 200ms; verify all; free b; "
                        "free a 30% random; alloc a 10M or less; fill a }"),
        QTEST(a_cache_gives_to_the_host_and_the_rest_stays_right, .image = "memwork.elf",
              .append = "-- cache web 64M; alloc own 8M; fill own; print go; "
                        "wait balloon 100M; verify all"),
        QTEST(caches_give_to_allocations_the_cheapest_first, .image = "memwork.elf",
              .append = "-- cache dear 40M cost 30; cache cheap 50M cost 3; alloc own 60M; "
                        "fill own; verify all"),
        QTEST(a_migration_in_the_middle_loses_no_byte, .image = "memwork.elf", .memory_mib = 256,
              .extra = odd_memory,
              .append = "-- alloc a 128M; fill a; free a 50% random; print go; "
                        "repeat 1000000 { churn a 20M/s for 100ms; verify a }"),
    };

    return qtest_main("tests/qemu/test_memwork.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
