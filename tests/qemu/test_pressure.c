/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory pressure on a real QEMU: who is asked when the host wants more than is free, who when an
 * allocation would fail, and when the balloon is touched. The guest runs the scenario `pressure`
 * (tests/guest/pressure.c), whose sources are, from the cheapest: liar, late, cache, pool.
 */

#include "tests/qemu/guest_stats.h"

#include <stdio.h>

#define FRAMES_PER_MIB (QTEST_MIB / QTEST_FRAME)
/* The default of balloon.floor: free frames that the host does not get. */
#define FLOOR_FRAMES (2 * FRAMES_PER_MIB)
/* The driver's own bookkeeping needs a few frames while it works. */
#define SLACK_FRAMES 16U

static uint64_t number(const char *line, const char *key)
{
    uint64_t value = 0;

    if (!record_u64(line, key, &value)) {
        fail_msg("no number '%s' in '%s'", key, line);
    }
    return value;
}

/* Waits for the sources; returns the frames that are free. */
static uint64_t sources_ready(struct qtest *t)
{
    qtest_ready(t, "on");
    return number(qtest_line(t, "@pressure_ready ", QTEST_STEP_MS), "free");
}

/* The host asks for so many frames; returns the memory that leaves the guest. */
static uint64_t host_wants(struct qtest *t, uint64_t frames)
{
    uint64_t left = t->ram_bytes - frames * QTEST_FRAME;

    qtest_ask(t, left);
    return left;
}

/* The next source that is asked must be this one, in this place, or in any where none is named.
 * Returns the frames. */
static uint64_t asked(struct qtest *t, const char *name, const char *place)
{
    const char *line = qtest_line(t, "@pressure_asked ", QTEST_STEP_MS);
    char text[16] = "";

    assert_true(record_text(line, "name", text, sizeof(text)));
    assert_string_equal(text, name);
    assert_true(record_text(line, "place", text, sizeof(text)));
    if (place != NULL) {
        assert_string_equal(text, place);
    }
    return number(line, "frames");
}

/* Ends the guest, which then tells what became of everybody. */
static void finish(struct qtest *t)
{
    qtest_powerdown(t);
}

static const char *result_of(struct qtest *t, const char *record, const char *name)
{
    char text[64];
    const char *line;

    snprintf(text, sizeof(text), "%s name=%s ", record, name);
    line = vm_last_line(t->vm, text);
    assert_non_null(line);
    return line;
}

static uint64_t given(struct qtest *t, const char *name)
{
    return number(result_of(t, "@pressure_source", name), "given");
}

/* ---- the host wants more than is free ---- */

/* cache=8 pool=8 */
static void the_cheapest_is_asked_first_and_the_target_is_reached(struct qtest *t)
{
    uint64_t more = 12 * FRAMES_PER_MIB;
    uint64_t wanted = sources_ready(t) - FLOOR_FRAMES + more;
    uint64_t left = host_wants(t, wanted);

    assert_int_equal(asked(t, "cache", "work"), 8 * FRAMES_PER_MIB);
    assert_in_range(asked(t, "pool", "task"), 4 * FRAMES_PER_MIB,
                    4 * FRAMES_PER_MIB + SLACK_FRAMES);
    qtest_wait_actual(t, left, QTEST_STEP_MS);
    (void)qtest_wait_frames(t, wanted);
    finish(t);
    assert_int_equal(given(t, "cache"), 8 * FRAMES_PER_MIB);
    assert_in_range(given(t, "pool"), 4 * FRAMES_PER_MIB, 4 * FRAMES_PER_MIB + SLACK_FRAMES);
    assert_int_equal(vm_count_lines(t->vm, "missed its deadline"), 0);
}

/* cache=8 pool=8 */
static void what_is_free_costs_nobody_anything(struct qtest *t)
{
    uint64_t left = host_wants(t, sources_ready(t) - FLOOR_FRAMES - FRAMES_PER_MIB);

    qtest_wait_actual(t, left, QTEST_STEP_MS);
    finish(t);
    assert_int_equal(vm_count_lines(t->vm, "@pressure_asked "), 0);
    assert_int_equal(given(t, "cache"), 0);
}

/* late=8 cache=8 late_ms=150, within a deadline of a second */
static void a_promise_is_waited_for_instead_of_asking_the_next(struct qtest *t)
{
    uint64_t left = host_wants(t, sources_ready(t) - FLOOR_FRAMES + 4 * FRAMES_PER_MIB);
    uint64_t frames = asked(t, "late", "work");

    assert_in_range(frames, 4 * FRAMES_PER_MIB, 4 * FRAMES_PER_MIB + SLACK_FRAMES);
    assert_int_equal(number(qtest_line(t, "@pressure_gave name=late ", QTEST_STEP_MS), "frames"),
                     frames);
    qtest_wait_actual(t, left, QTEST_STEP_MS);
    finish(t);
    assert_in_range(given(t, "late"), 4 * FRAMES_PER_MIB, 4 * FRAMES_PER_MIB + SLACK_FRAMES);
    assert_int_equal(number(result_of(t, "@pressure_source", "late"), "missed"), 0);
    assert_int_equal(given(t, "cache"), 0);
}

/* liar=8 cache=8 */
static void a_liar_is_logged_once_and_left_out(struct qtest *t)
{
    uint64_t wanted = sources_ready(t) - FLOOR_FRAMES + 2 * FRAMES_PER_MIB;
    uint64_t left = host_wants(t, wanted);

    assert_in_range(asked(t, "liar", "work"), 2 * FRAMES_PER_MIB,
                    2 * FRAMES_PER_MIB + SLACK_FRAMES);
    (void)qtest_line(t, "liar missed its deadline", QTEST_STEP_MS);
    /* Who asks next, the driver or the task for it, is a matter of who is first after that. */
    assert_in_range(asked(t, "cache", NULL), 2 * FRAMES_PER_MIB, 2 * FRAMES_PER_MIB + SLACK_FRAMES);
    qtest_wait_actual(t, left, QTEST_STEP_MS);
    /* When it has been left alone for long enough it may try again, and its next miss is counted
     * but not news. */
    qtest_sleep(t, 1500);
    left = host_wants(t, wanted + 2 * FRAMES_PER_MIB);
    (void)asked(t, "liar", "work");
    (void)asked(t, "cache", NULL);
    qtest_wait_actual(t, left, QTEST_STEP_MS);
    finish(t);
    assert_int_equal(vm_count_lines(t->vm, "missed its deadline"), 1);
    assert_int_equal(number(result_of(t, "@pressure_source", "liar"), "missed"), 2);
    assert_int_equal(given(t, "liar"), 0);
    assert_in_range(given(t, "cache"), 4 * FRAMES_PER_MIB, 4 * FRAMES_PER_MIB + SLACK_FRAMES);
}

/* cache=4 pool=4 */
static void when_nobody_has_more_the_host_waits(struct qtest *t)
{
    uint64_t all = sources_ready(t) - FLOOR_FRAMES + 8 * FRAMES_PER_MIB;
    qtest_ask(t, QTEST_MIB);
    (void)asked(t, "cache", "work");
    (void)asked(t, "pool", "task");
    QTEST_UNTIL(t, (t->ram_bytes - qtest_actual(t)) / QTEST_FRAME >= all - SLACK_FRAMES);
    qtest_sleep(t, 1500);
    assert_in_range((t->ram_bytes - qtest_actual(t)) / QTEST_FRAME, all - SLACK_FRAMES, all);
    qtest_resize(t, t->ram_bytes);
    finish(t);
    assert_int_equal(given(t, "cache"), 4 * FRAMES_PER_MIB);
    assert_int_equal(given(t, "pool"), 4 * FRAMES_PER_MIB);
}

/* ---- statistics ---- */

/* cache=8 pool=4 */
static void the_host_is_told_what_can_be_given_up(struct qtest *t)
{
    uint64_t free_frames = sources_ready(t);
    struct guest_stats s;
    uint64_t left;

    guest_stats_poll(t);
    s = guest_stats_fresh(t);
    assert_int_equal(s.cache_bytes, 12 * QTEST_MIB);
    assert_int_equal(s.available_bytes, s.free_bytes + 12 * QTEST_MIB - FLOOR_FRAMES * QTEST_FRAME);
    left = host_wants(t, free_frames - FLOOR_FRAMES + 6 * FRAMES_PER_MIB);
    qtest_wait_actual(t, left, QTEST_STEP_MS);
    s = guest_stats_fresh(t);
    assert_in_range(s.cache_bytes, 6 * QTEST_MIB - SLACK_FRAMES * QTEST_FRAME, 6 * QTEST_MIB);
    assert_int_equal(s.available_bytes, s.free_bytes + s.cache_bytes - FLOOR_FRAMES * QTEST_FRAME);
    finish(t);
}

/* ---- an allocation would fail ---- */

/* The host takes 16 MiB; then the guest allocates all that is free and `over` MiB. Returns what it
 * got above what was free. */
static uint64_t allocated_over(struct qtest *t)
{
    const char *line;

    (void)sources_ready(t);
    (void)host_wants(t, 16 * FRAMES_PER_MIB);
    line = qtest_line(t, "@pressure_alloc ", QTEST_STEP_MS);
    return number(line, "got") - number(line, "free");
}

static uint64_t taken_from_balloon(struct qtest *t)
{
    return number(qtest_line(t, "@balloon ", QTEST_STEP_MS), "taken");
}

/* cache=8 over=4, deflate-on-oom=on */
static void sources_are_asked_before_the_balloon(struct qtest *t)
{
    assert_int_equal(allocated_over(t), 4 * FRAMES_PER_MIB);
    assert_int_equal(taken_from_balloon(t), 0);
    assert_int_equal(qtest_actual(t), t->ram_bytes - 16 * QTEST_MIB);
    finish(t);
    assert_int_equal(given(t, "cache"), 4 * FRAMES_PER_MIB);
    assert_null(vm_last_line(t->vm, "takes from the balloon"));
}

/* cache=2 pool=4 over=6, deflate-on-oom=on: who only bears tasks is no help in the middle of one */
static void the_balloon_is_asked_when_sources_have_nothing_left(struct qtest *t)
{
    uint64_t taken;

    assert_int_equal(allocated_over(t), 6 * FRAMES_PER_MIB);
    taken = taken_from_balloon(t);
    assert_int_equal(taken, 4 * FRAMES_PER_MIB);
    assert_int_equal(vm_count_lines(t->vm, "takes from the balloon"), 1);
    finish(t);
    assert_int_equal(given(t, "cache"), 2 * FRAMES_PER_MIB);
    assert_int_equal(given(t, "pool"), 0);
}

/* test=reclaim blocks=16, deflate-on-oom=on: the driver announces what was taken, and that is a
 * round trip, but not on the time of an allocation. One may be unlucky: the machine may lose its
 * processor between the return and the look. */
static void an_allocation_from_the_balloon_waits_for_no_host(struct qtest *t)
{
    const char *line;

    qtest_ready(t, "on");
    qtest_ask(t, 32 * QTEST_MIB);
    line = qtest_line(t, "@reclaim state=end ", QTEST_STEP_MS);
    assert_int_equal(number(line, "blocks"), 16);
    assert_in_range(number(line, "served"), 0, 1);
    line = vm_last_line(t->vm, "@balloon ");
    assert_non_null(line);
    assert_int_equal(number(line, "taken"), 32 * FRAMES_PER_MIB);
    assert_int_equal(number(line, "deflated"), 32 * FRAMES_PER_MIB);
}

/* over=4, no sources, no deflate-on-oom */
static void with_nobody_to_ask_it_fails_and_the_guest_lives(struct qtest *t)
{
    assert_int_equal(allocated_over(t), 0);
    assert_int_equal(taken_from_balloon(t), 0);
    qtest_wait_actual(t, t->ram_bytes - 16 * QTEST_MIB, QTEST_STEP_MS);
    qtest_resize(t, t->ram_bytes);
    finish(t);
}

/* liar=4 late=4 cache=4 over=8 late_ms=1, no deflate-on-oom: only what comes at once helps */
static void promises_are_no_help_to_an_allocation(struct qtest *t)
{
    uint64_t got = allocated_over(t);

    /* The timer may give during the allocation: that is memory, too. */
    assert_in_range(got, 4 * FRAMES_PER_MIB, 8 * FRAMES_PER_MIB);
    finish(t);
    assert_int_equal(given(t, "cache"), 4 * FRAMES_PER_MIB);
    assert_int_equal(given(t, "liar"), 0);
}

/* cache=4 over=8 nested=1: the cache allocates while it is asked because there is no memory */
static void a_source_that_allocates_while_it_gives_comes_to_an_end(struct qtest *t)
{
    assert_int_equal(allocated_over(t), 4 * FRAMES_PER_MIB);
    finish(t);
    assert_true(number(result_of(t, "@pressure_left", "cache"), "failed_inside") > 0);
    assert_int_equal(given(t, "cache"), 4 * FRAMES_PER_MIB);
}

/* pool=4 reserve=4 nested=1 balloon.floor=0: the pool, asked for the host, allocates where nothing
 * is free, and the reserve makes that good. */
static void sources_that_need_memory_get_it_from_the_others(struct qtest *t)
{
    uint64_t left = host_wants(t, sources_ready(t) + 2 * FRAMES_PER_MIB);

    assert_in_range(asked(t, "pool", "task"), 2 * FRAMES_PER_MIB,
                    2 * FRAMES_PER_MIB + SLACK_FRAMES);
    assert_int_equal(asked(t, "reserve", "alloc"), 1);
    qtest_wait_actual(t, left, QTEST_STEP_MS);
    finish(t);
    assert_int_equal(number(result_of(t, "@pressure_left", "pool"), "failed_inside"), 0);
    assert_in_range(given(t, "pool"), 2 * FRAMES_PER_MIB, 2 * FRAMES_PER_MIB + SLACK_FRAMES);
    assert_in_range(given(t, "reserve"), 1, SLACK_FRAMES);
}

/* ---- freed memory is filled ---- */

static void freed_memory_is_filled(struct qtest *t)
{
    const char *line;

    qtest_ready(t, "on");
    line = qtest_line(t, "@fill ", QTEST_STEP_MS);
    assert_true(number(line, "words") > 2000 * QTEST_FRAME / 4);
    assert_int_equal(number(line, "filled"), number(line, "words"));
    assert_int_equal(number(line, "left"), 0);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void freed_memory_is_left_alone_unless_that_is_wanted(struct qtest *t)
{
    const char *line;

    qtest_ready(t, "on");
    line = qtest_line(t, "@fill ", QTEST_STEP_MS);
    assert_int_equal(number(line, "left"), number(line, "words"));
    qtest_status(t, 0, QTEST_STEP_MS);
}

#define PRESSURE(function, words, ...)                                                             \
    QTEST(function, .image = "test.elf", .memory_mib = 64, .append = "report=50 " words,           \
          __VA_ARGS__)
#define ON_OOM .balloon_properties = "deflate-on-oom=on"

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        PRESSURE(the_cheapest_is_asked_first_and_the_target_is_reached,
                 "pressure.deadline=1000 -- test=pressure cache=8 pool=8"),
        PRESSURE(what_is_free_costs_nobody_anything, "-- test=pressure cache=8 pool=8"),
        PRESSURE(a_promise_is_waited_for_instead_of_asking_the_next,
                 "pressure.deadline=1000 -- test=pressure late=8 cache=8 late_ms=150"),
        PRESSURE(a_liar_is_logged_once_and_left_out, "-- test=pressure liar=8 cache=8"),
        PRESSURE(when_nobody_has_more_the_host_waits, "-- test=pressure cache=4 pool=4"),
        PRESSURE(the_host_is_told_what_can_be_given_up, "-- test=pressure cache=8 pool=4"),
        PRESSURE(sources_are_asked_before_the_balloon, "-- test=pressure cache=8 wait=16 over=4",
                 ON_OOM),
        PRESSURE(the_balloon_is_asked_when_sources_have_nothing_left,
                 "-- test=pressure cache=2 pool=4 wait=16 over=6", ON_OOM),
        QTEST(an_allocation_from_the_balloon_waits_for_no_host, .image = "test.elf",
              .memory_mib = 128, .append = "-- test=reclaim wait=96 blocks=16", ON_OOM),
        PRESSURE(with_nobody_to_ask_it_fails_and_the_guest_lives,
                 "-- test=pressure wait=16 over=4"),
        PRESSURE(promises_are_no_help_to_an_allocation,
                 "-- test=pressure liar=4 late=4 cache=4 late_ms=1 wait=16 over=8"),
        PRESSURE(a_source_that_allocates_while_it_gives_comes_to_an_end,
                 "-- test=pressure cache=4 wait=16 over=8 nested=1"),
        PRESSURE(
            sources_that_need_memory_get_it_from_the_others,
            "balloon.floor=0 pressure.deadline=1000 -- test=pressure pool=4 reserve=4 nested=1"),
        PRESSURE(freed_memory_is_filled, "fill=on fill.value=0xdeadbeef -- test=fill"),
        PRESSURE(freed_memory_is_left_alone_unless_that_is_wanted, "-- test=fill"),
    };

    return qtest_main("tests/qemu/test_pressure.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
