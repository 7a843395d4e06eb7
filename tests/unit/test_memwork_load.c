/* SPDX-License-Identifier: BSD-2-Clause */
/* memwork's moving memory, its caches and its waiting, on the fake machine with its own time. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/memwork_fixture.h"

/* ---- moving memory ---- */

static void churn_moves_what_its_rate_says_and_keeps_the_size(void **state)
{
    (void)state;
    assert_true(fake_machine_step("alloc a 4M; fill a; churn a 2M/s for 10s"));
    assert_in_range(told("bytes"), 19 * MIB, 20 * MIB);
    assert_int_equal(told("short"), 0);
    assert_int_equal(told("held"), 4 * MIB);
    assert_in_range(told("ms"), 10000, 10020);
    assert_int_equal(engine_end(&m->engine), 0);
}

static uint64_t wave_sizes[4];

static void look_at(unsigned index)
{
    wave_sizes[index] = m->engine.regions[0].count;
}

static void look_0(void)
{
    look_at(0);
}

static void look_1(void)
{
    look_at(1);
}

static void look_2(void)
{
    look_at(2);
}

static void look_3(void)
{
    look_at(3);
}

static void look_four_times(uint64_t first_ms, uint64_t every_ms)
{
    fake_machine_at(first_ms, look_0);
    fake_machine_at(first_ms + every_ms, look_1);
    fake_machine_at(first_ms + 2 * every_ms, look_2);
    fake_machine_at(first_ms + 3 * every_ms, look_3);
}

static void a_sine_rises_and_falls_as_a_sine(void **state)
{
    (void)state;
    look_four_times(1250, 1250);
    assert_true(fake_machine_step("sine a 2M..10M period 10s for 20s"));
    assert_in_range(told("low"), 2 * MIB, 2 * MIB + 64 * KIB);
    assert_in_range(told("high"), 10 * MIB - 64 * KIB, 10 * MIB);
    /* (1 - cos x) / 2 at an eighth, a quarter, three eighths and half of the period. */
    assert_in_range(wave_sizes[0], PAGES_PER_MIB * 312 / 100, PAGES_PER_MIB * 322 / 100);
    assert_in_range(wave_sizes[1], PAGES_PER_MIB * 590 / 100, PAGES_PER_MIB * 602 / 100);
    assert_in_range(wave_sizes[2], PAGES_PER_MIB * 875 / 100, PAGES_PER_MIB * 887 / 100);
    assert_in_range(wave_sizes[3], PAGES_PER_MIB * 995 / 100, PAGES_PER_MIB * 10);
    assert_int_equal(engine_end(&m->engine), 0);
}

static void a_step_is_low_for_half_a_period_and_high_for_the_other(void **state)
{
    (void)state;
    look_four_times(400, 500);
    assert_true(fake_machine_step("step a 1M..8M period 1s for 3s"));
    assert_int_equal(wave_sizes[0], PAGES_PER_MIB);
    assert_int_equal(wave_sizes[1], 8 * PAGES_PER_MIB);
    assert_int_equal(wave_sizes[2], PAGES_PER_MIB);
    assert_int_equal(wave_sizes[3], 8 * PAGES_PER_MIB);
    assert_int_equal(told("low"), MIB);
    assert_int_equal(told("high"), 8 * MIB);
    assert_int_equal(told("short"), 0);
    assert_int_equal(engine_end(&m->engine), 0);
}

static void a_wave_beyond_memory_says_what_was_short(void **state)
{
    (void)state;
    assert_true(fake_machine_step("step a 1M..20M period 100ms for 1s"));
    assert_in_range(told("short"), 4 * MIB, 5 * MIB);
    assert_in_range(told("high"), 15 * MIB, 16 * MIB);
    assert_int_equal(engine_end(&m->engine), 0);
}

/* ---- caches and the balloon ---- */

static void want_15_mib(void)
{
    fake_machine_set_target(15 * PAGES_PER_MIB);
}

static void want_nothing(void)
{
    fake_machine_set_target(0);
}

static void a_cache_gives_what_the_host_wants_and_says_so(void **state)
{
    (void)state;
    fake_machine_at(100, want_15_mib);
    assert_true(fake_machine_step("cache web 8M cost 3; alloc own 512K; fill own"));
    assert_int_equal(m->cache_cost[0], 3);
    assert_true(fake_machine_step("wait balloon 15M within 5s; verify all; print"));
    assert_true(fake_machine_ever_said("memwork gave name=web bytes="));
    assert_true(told("gave") > 7 * MIB);
    assert_int_equal(told("balloon"), 15 * MIB);
    assert_int_equal(told("target"), 15 * MIB);
    assert_int_equal(engine_end(&m->engine), 0);
}

static void a_cache_gives_to_an_allocation_that_finds_nothing(void **state)
{
    (void)state;
    assert_int_equal(fake_machine_run("cache web 12M; alloc own 8M; fill own; verify all"), 0);
    assert_true(fake_machine_ever_said("memwork gave name=web bytes="));
}

static void a_cache_that_is_growing_is_not_asked(void **state)
{
    (void)state;
    assert_true(fake_machine_step("cache web 17M or less; verify web"));
    assert_in_range(told("bytes"), 15 * MIB, 16 * MIB);
    assert_false(fake_machine_ever_said("memwork gave"));
    assert_int_equal(engine_end(&m->engine), 0);
}

static void a_cache_that_gives_while_it_is_verified_is_still_right(void **state)
{
    (void)state;
    assert_true(fake_machine_step("cache web 14M"));
    want_8_mib();
    assert_true(fake_machine_step("verify web"));
    assert_in_range(told("bytes"), 7 * MIB, 8 * MIB);
    assert_int_equal(engine_end(&m->engine), 0);
}

static void a_cache_under_churn_does_not_fetch_back_what_it_gave(void **state)
{
    (void)state;
    fake_machine_at(1000, want_8_mib);
    fake_machine_at(2000, want_nothing);
    assert_true(fake_machine_step("cache web 12M; churn web 1M/s for 4s"));
    assert_in_range(told("held"), 7 * MIB, 8 * MIB);
    assert_int_equal(told("short"), 0);
    assert_int_equal(engine_end(&m->engine), 0);
}

static void the_cost_of_a_cache_can_be_changed(void **state)
{
    (void)state;
    assert_true(fake_machine_step("cache web 1M cost 3; cache web 1M cost 20"));
    assert_int_equal(m->cache_cost[0], 20);
    assert_true(fake_machine_step("free web"));
    assert_false(m->cache_is_open[0]);
    assert_int_equal(engine_end(&m->engine), 0);
}

static void waiting_ends_as_soon_as_it_is_so(void **state)
{
    (void)state;
    fake_machine_at(300, want_8_mib);
    assert_true(fake_machine_step("wait target at least 8M; wait balloon 8M; "
                                  "wait free at most 8M"));
    assert_int_equal(m->lines_count, 3);
    assert_in_range(number(m->lines[0], "ms"), 290, 320);
    assert_true(fake_machine_said(0, "what=wait for=target bytes=8388608 "));
    assert_int_equal(engine_end(&m->engine), 0);
}

static void waiting_too_long_is_a_failure(void **state)
{
    (void)state;
    assert_false(fake_machine_step("\n\n   wait balloon at least 1M within 2s"));
    assert_true(fake_machine_said(0, "memwork error line=3 column=4 why=timeout text=\"balloon is "
                                     "0 bytes, not at least 1048576, after 2000 ms\""));
    assert_in_range(m->now_ns, 2000 * FAKE_MS, 2050 * FAKE_MS);
    assert_int_equal(engine_end(&m->engine), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(churn_moves_what_its_rate_says_and_keeps_the_size),
        CASE(a_sine_rises_and_falls_as_a_sine),
        CASE(a_step_is_low_for_half_a_period_and_high_for_the_other),
        CASE(a_wave_beyond_memory_says_what_was_short),
        CASE(a_cache_gives_what_the_host_wants_and_says_so),
        CASE(a_cache_gives_to_an_allocation_that_finds_nothing),
        CASE(a_cache_that_is_growing_is_not_asked),
        CASE(a_cache_that_gives_while_it_is_verified_is_still_right),
        CASE(a_cache_under_churn_does_not_fetch_back_what_it_gave),
        CASE(the_cost_of_a_cache_can_be_changed),
        CASE(waiting_ends_as_soon_as_it_is_so),
        CASE(waiting_too_long_is_a_failure),
    };
    return cmocka_run_group_tests_name("apps/memwork/engine.c", tests, NULL, NULL);
}
