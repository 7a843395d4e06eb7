/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon on a real QEMU: exact targets, orders that change or cannot be met, a machine that
 * stops or resets in the middle, and what the host really gets.
 */

#include "tests/qemu/guest_stats.h"

#include <string.h>
#include <time.h>

#define SHORTFALL "MiB more than is free"

static void it_reaches_the_exact_target_both_ways(struct qtest *t)
{
    static const uint64_t frames[] = {
        0, 1, 511, 512, 513, 16384, 32768, 20001, 32767, 10240, 7, 0
    };

    qtest_ready(t, "on");
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct record_mem mem;

        qtest_resize(t, t->ram_bytes - frames[i] * QTEST_FRAME);
        mem = qtest_mem(t);
        assert_int_equal(mem.total, mem.in_use + mem.backed + mem.returned + mem.balloon);
    }
    qtest_powerdown(t);
}

static void it_inflates_and_deflates_again_and_again(struct qtest *t)
{
    uint64_t in_use;

    qtest_ready(t, "on");
    qtest_resize(t, t->ram_bytes / 2);
    qtest_resize(t, t->ram_bytes);
    in_use = qtest_mem(t).in_use;
    for (unsigned i = 0; i < 25; i++) {
        qtest_ask(t, t->ram_bytes / 2);
        qtest_wait_actual(t, t->ram_bytes / 2, QTEST_STEP_MS);
        qtest_ask(t, t->ram_bytes);
        qtest_wait_actual(t, t->ram_bytes, QTEST_STEP_MS);
    }
    /* Nothing is used up on the way. */
    QTEST_UNTIL(t, qtest_wait_frames(t, 0).in_use == in_use);
    qtest_powerdown(t);
}

static void it_inflates_and_deflates_in_packed_rings(struct qtest *t)
{
    it_inflates_and_deflates_again_and_again(t);
}

static void chains_in_packed_rings_work_too(struct qtest *t)
{
    it_inflates_and_deflates_again_and_again(t);
}

static void a_target_that_changes_on_the_way_is_followed(struct qtest *t)
{
    static const unsigned parts[] = { 2, 9, 1, 7, 3, 10, 4, 8, 2, 6 }; /* tenths of the memory */

    qtest_ready(t, "on");
    for (unsigned round = 0; round < 5; round++) {
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
            qtest_ask(t, t->ram_bytes / 10 * parts[i] / QTEST_FRAME * QTEST_FRAME);
            qtest_sleep(t, (int)((round * 7 + i * 3) % 23));
        }
        qtest_resize(t, t->ram_bytes - round * 5 * QTEST_MIB);
    }
    qtest_powerdown(t);
}

static uint64_t free_frames(struct qtest *t)
{
    struct record_mem mem = qtest_mem(t);

    return mem.backed + mem.returned;
}

static void more_than_is_free_is_given_up_to_the_floor_and_said_once(struct qtest *t)
{
    const uint64_t floor_frames = 4 * QTEST_MIB / QTEST_FRAME; /* balloon.floor=4 below */
    struct record_mem mem;

    qtest_ready(t, "on");
    qtest_ask(t, QTEST_MIB);
    qtest_line(t, SHORTFALL, QTEST_STEP_MS);
    QTEST_UNTIL(t, free_frames(t) == floor_frames);
    mem = qtest_mem(t);
    assert_true(mem.balloon < mem.target);
    QTEST_UNTIL(t, qtest_actual(t) == t->ram_bytes - qtest_mem(t).balloon * QTEST_FRAME);

    qtest_calms_down(t, 3000, 60000); /* of 3,000,000 microseconds: it does not spin */
    assert_int_equal(vm_count_lines(t->vm, SHORTFALL), 1);

    qtest_resize(t, t->ram_bytes);
    qtest_resize(t, t->ram_bytes / 2);
    assert_int_equal(vm_count_lines(t->vm, SHORTFALL), 1);
    qtest_powerdown(t);
}

static void memory_that_the_guest_frees_goes_to_a_waiting_host(struct qtest *t)
{
    qtest_ready(t, "on");
    qtest_line(t, "@hoard state=full", QTEST_STEP_MS);
    qtest_ask(t, t->ram_bytes / 2);
    qtest_line(t, SHORTFALL, QTEST_STEP_MS);
    assert_true(qtest_actual(t) > t->ram_bytes / 2);
    qtest_line(t, "@hoard state=free", QTEST_STEP_MS);
    /* A free wakes the balloon; the next retry would be ten seconds away. */
    qtest_wait_actual(t, t->ram_bytes / 2, 6000);
    qtest_powerdown(t);
}

static void the_host_really_gets_the_memory(struct qtest *t)
{
    uint64_t asked = t->ram_bytes / 2;
    uint64_t before;
    uint64_t after;

    qtest_ready(t, "on");
    qtest_line(t, "@step name=free state=end", QTEST_STEP_MS);
    before = qtest_resident(t);
    assert_true(before > t->ram_bytes / 100 * 75);
    qtest_resize(t, t->ram_bytes - asked);
    after = qtest_resident(t);
    assert_true(before - after > asked / 100 * 95);
    /* And what comes back costs the host nothing until it is touched. */
    qtest_resize(t, t->ram_bytes);
    assert_true(qtest_resident(t) < after + 8 * QTEST_MIB);
    qtest_powerdown(t);
}

/* ---- statistics ---- */

/* To the frame, once the guest has given back its buffers: it does when the balloon rests. */
static bool stats_match(struct qtest *t)
{
    struct guest_stats s = guest_stats_fresh(t);
    struct record_mem mem = qtest_mem(t);

    assert_true(s.updated_s + QTEST_STEP_MS / 1000 >= (uint64_t)time(NULL));
    assert_true(s.available_bytes <= s.free_bytes);
    return s.free_bytes == (mem.backed + mem.returned) * QTEST_FRAME &&
           s.total_bytes == (mem.total - mem.balloon) * QTEST_FRAME;
}

static void statistics_are_fresh_and_exact_to_the_frame(struct qtest *t)
{
    static const unsigned given_mib[] = { 0, 64, 33, 0 };

    qtest_ready(t, "on");
    guest_stats_poll(t);
    for (size_t i = 0; i < sizeof(given_mib) / sizeof(given_mib[0]); i++) {
        qtest_resize(t, t->ram_bytes - given_mib[i] * QTEST_MIB - i * QTEST_FRAME);
        QTEST_UNTIL(t, stats_match(t));
    }
    qtest_powerdown(t);
}

static void statistics_keep_their_pace(struct qtest *t)
{
    uint64_t first_s;

    qtest_ready(t, "on");
    guest_stats_poll(t);
    first_s = guest_stats_after(t, 0).updated_s;
    for (uint64_t i = 0; i < 4; i++) { /* one a second, or fewer when the host is busy */
        uint64_t before_s = guest_stats_read(t).updated_s;

        assert_true(guest_stats_after(t, before_s).updated_s >= first_s + i);
    }
    qtest_powerdown(t);
}

/* ---- interruptions ---- */

/* The target outlives a reset in QEMU, so the new start moves to it again. */
static void a_reset_in_mid_inflation_loses_nothing(struct qtest *t)
{
    static const int delays_ms[] = { 0, 3, 10, 30, 60 };

    qtest_ready(t, "on");
    for (size_t i = 0; i < sizeof(delays_ms) / sizeof(delays_ms[0]); i++) {
        qtest_ask(t, t->ram_bytes / 8);
        qtest_sleep(t, delays_ms[i]);
        qtest_do(t, "system_reset");
        qtest_ready(t, "on");
        qtest_wait_actual(t, t->ram_bytes / 8, QTEST_STEP_MS);
        (void)qtest_wait_frames(t, t->ram_bytes / 8 * 7 / QTEST_FRAME);
        qtest_resize(t, t->ram_bytes);
    }
    qtest_powerdown(t);
}

static void a_stopped_machine_goes_on_where_it_was(struct qtest *t)
{
    uint64_t actual;

    qtest_ready(t, "on");
    for (int delay_ms = 0; delay_ms <= 20; delay_ms += 5) {
        qtest_ask(t, t->ram_bytes / 4);
        qtest_sleep(t, delay_ms);
        qtest_do(t, "stop");
        actual = qtest_actual(t);
        qtest_sleep(t, 200);
        assert_int_equal(qtest_actual(t), actual);
        qtest_do(t, "cont");
        qtest_wait_actual(t, t->ram_bytes / 4, QTEST_STEP_MS);
        qtest_resize(t, t->ram_bytes);
    }
    qtest_powerdown(t);
}

static void an_order_given_while_stopped_is_followed_later(struct qtest *t)
{
    qtest_ready(t, "on");
    qtest_do(t, "stop");
    qtest_ask(t, t->ram_bytes / 2);
    qtest_ask(t, t->ram_bytes / 4);
    qtest_do(t, "cont");
    qtest_wait_actual(t, t->ram_bytes / 4, QTEST_STEP_MS);
    qtest_powerdown(t);
}

static void an_order_from_before_the_start_is_followed(struct qtest *t)
{
    qtest_ask(t, t->ram_bytes / 2);
    qtest_do(t, "cont");
    qtest_ready(t, "on");
    qtest_wait_actual(t, t->ram_bytes / 2, QTEST_STEP_MS);
    qtest_powerdown(t);
}

/* ---- shapes of the driver ---- */

static void both_ways(struct qtest *t)
{
    qtest_ready(t, "on");
    qtest_resize(t, t->ram_bytes / 4);
    qtest_resize(t, t->ram_bytes);
    qtest_powerdown(t);
}

static void the_careful_profile_reaches_its_target(struct qtest *t)
{
    both_ways(t);
}

static void the_smallest_slice_reaches_its_target(struct qtest *t)
{
    both_ways(t);
}

static void it_works_by_interrupts_without_the_safety_poll(struct qtest *t)
{
    both_ways(t);
}

static void without_interrupts_the_safety_poll_serves_the_host(struct qtest *t)
{
    both_ways(t);
}

static void firmware_that_places_no_bars_and_routes_no_interrupts_is_made_up_for(struct qtest *t)
{
    both_ways(t);
}

static void guarded_memory_moves_both_ways(struct qtest *t)
{
    both_ways(t);
}

static void guarded_memory_comes_back_where_no_frame_is_left_for_a_table(struct qtest *t)
{
    qtest_ready(t, "on");
    qtest_resize(t, t->ram_bytes / 2);
    qtest_sleep(t, 500); /* the guest uses all that is left */
    qtest_ask(t, t->ram_bytes / 2 + QTEST_MIB);
    qtest_wait_actual(t, t->ram_bytes / 2 + QTEST_MIB, QTEST_STEP_MS);
    qtest_ask(t, t->ram_bytes);
    qtest_wait_actual(t, t->ram_bytes, QTEST_STEP_MS);
    qtest_powerdown(t);
}

static void an_idle_guest_costs_next_to_nothing(struct qtest *t)
{
    qtest_ready(t, "on");
    qtest_calms_down(t, 3000, 15000); /* microseconds of 3 s: half a percent */
    assert_true(qtest_resident(t) < 8 * QTEST_MIB);
    qtest_powerdown(t);
}

static const char *const qboot[] = { "-bios", "qboot.rom", NULL };

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        QTEST(it_reaches_the_exact_target_both_ways, .memory_mib = 256),
        QTEST(without_interrupts_the_safety_poll_serves_the_host,
              .append = "report=50 poll=100 balloon.interrupts=poll"),
        QTEST(firmware_that_places_no_bars_and_routes_no_interrupts_is_made_up_for, .extra = qboot,
              .append = "report=50 poll=100"),
        QTEST(it_inflates_and_deflates_again_and_again),
        QTEST(it_inflates_and_deflates_in_packed_rings, .balloon_properties = "packed=on"),
        QTEST(chains_in_packed_rings_work_too,
              .balloon_properties = "packed=on,event_idx=off,indirect_desc=off"),
        QTEST(a_target_that_changes_on_the_way_is_followed, .memory_mib = 1024),
        QTEST(more_than_is_free_is_given_up_to_the_floor_and_said_once, .memory_mib = 64,
              .append = "report=50 balloon.floor=4"),
        QTEST(memory_that_the_guest_frees_goes_to_a_waiting_host, .image = "test.elf",
              .append = "report=50 balloon.retry=10000 -- test=hoard leave=8 ms=1500"),
        QTEST(the_host_really_gets_the_memory, .image = "demo.elf", .memory_mib = 256),
        QTEST(statistics_are_fresh_and_exact_to_the_frame),
        QTEST(statistics_are_fresh_and_exact_to_the_frame, .balloon_properties = "packed=on"),
        QTEST(statistics_keep_their_pace),
        QTEST(a_reset_in_mid_inflation_loses_nothing, .memory_mib = 1024, .stay_on_reset = true),
        QTEST(a_stopped_machine_goes_on_where_it_was, .memory_mib = 1024),
        QTEST(an_order_given_while_stopped_is_followed_later),
        QTEST(an_order_from_before_the_start_is_followed, .paused = true),
        QTEST(the_careful_profile_reaches_its_target,
              .append = "report=50 balloon.profile=careful"),
        QTEST(the_smallest_slice_reaches_its_target, .append = "report=50 balloon.slice=2"),
        QTEST(it_works_by_interrupts_without_the_safety_poll, .append = "report=50 poll=0"),
        QTEST(guarded_memory_moves_both_ways, .append = "report=50 balloon.guard=on"),
        QTEST(guarded_memory_comes_back_where_no_frame_is_left_for_a_table, .image = "test.elf",
              .memory_mib = 64, .append = "report=50 balloon.guard=on -- test=greedy wait=32"),
        QTEST(an_idle_guest_costs_next_to_nothing, .append = "loglevel=info"),
    };

    return qtest_main("tests/qemu/test_balloon.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
