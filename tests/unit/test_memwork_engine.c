/* SPDX-License-Identifier: BSD-2-Clause */
/* memwork's engine on a fake machine: what statements do to memory, what they answer, and that no
 * wrong bit goes unnoticed. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/memwork_fixture.h"

/* ---- allocate, write, verify, free ---- */

static void everything_is_answered_in_one_line_each(void **state)
{
    (void)state;
    assert_int_equal(fake_machine_run("alloc a 4M; fill a seed 7\nverify all; free a; print done"),
                     0);
    assert_int_equal(m->lines_count, 6);
    assert_true(fake_machine_said(0, "memwork ok line=1 what=alloc name=a bytes=4194304 held="));
    assert_true(fake_machine_said(1, "memwork ok line=1 what=fill name=a bytes=4194304 held="));
    assert_true(fake_machine_said(2, "memwork ok line=2 what=verify name=all bytes=4194304 "));
    assert_true(fake_machine_said(3, "memwork ok line=2 what=free name=a bytes=4194304 held=0 "));
    assert_true(fake_machine_said(4, "memwork ok line=2 what=print text=\"done\" balloon=0 "));
    assert_true(fake_machine_said(5, "memwork end status=0 statements=5 gave=0 free=16777216"));
}

static void sizes_are_rounded_up_to_pages(void **state)
{
    (void)state;
    assert_true(fake_machine_step("alloc a 1"));
    assert_int_equal(told("bytes"), 4096);
    assert_true(fake_machine_step("alloc a 4097"));
    assert_int_equal(told("held"), 3 * 4096);
    assert_int_equal(engine_end(&m->engine), 0);
}

static void a_share_of_free_memory_can_be_allocated(void **state)
{
    (void)state;
    assert_true(fake_machine_step("alloc a 50%"));
    assert_int_equal(told("bytes"), PAGES / 100 * 50 * 4096);
    assert_int_equal(engine_end(&m->engine), 0);
}

static void too_much_is_refused_and_nothing_of_it_kept(void **state)
{
    (void)state;
    assert_false(fake_machine_step("alloc a 17M"));
    assert_true(fake_machine_said(0, "memwork error line=1 column=1 why=memory text=\"only "));
    assert_int_equal(m->free, PAGES);
    assert_false(fake_machine_step("fill a"));
    assert_true(fake_machine_said(1, "there is no region 'a'"));
    assert_int_equal(engine_end(&m->engine), 1);
}

static void or_less_takes_what_there_is(void **state)
{
    (void)state;
    assert_true(fake_machine_step("alloc a 17M or less"));
    /* The list of pages takes some itself. */
    assert_in_range(told("bytes"), 15 * MIB, 16 * MIB);
    assert_int_equal(m->free, 0);
    assert_true(fake_machine_step("fill a; free a 50% random; verify a"));
    assert_int_equal(engine_end(&m->engine), 0);
}

static void memory_in_single_pages_serves_as_well(void **state)
{
    (void)state;
    m->run_max = 1;
    assert_int_equal(fake_machine_run("alloc a 9M; fill a; free a 90% random; alloc b 4M; touch b;"
                                      "verify all; churn a 1M/s for 2s; verify a"),
                     0);
}

static void touched_memory_is_checked_in_its_first_word(void **state)
{
    (void)state;
    assert_true(fake_machine_step("alloc a 1M; touch a; touch a; verify a"));
    fake_machine_flip(9, 1, 0);
    assert_true(fake_machine_step("verify a"));
    fake_machine_flip(9, 0, 63);
    assert_false(fake_machine_step("verify a"));
    assert_true(ended_with_error(engine_end(&m->engine), "wrong"));
}

static void what_was_only_allocated_is_nobodys_business(void **state)
{
    (void)state;
    assert_true(fake_machine_step("alloc a 1M"));
    fake_machine_flip(9, 0, 0);
    assert_int_equal(engine_end(&m->engine), 0);
}

/* A flipped bit in any place is found by each of these. */
static void no_flipped_bit_goes_unnoticed(void **state)
{
    static const char *const finders[] = {
        "verify a",
        "verify all",
        "free a",
        "free all random",
        "churn a 100M/s for 5s",
        "print x",
        /* by the end */ "step a 0..1M period 10ms for 1s",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(finders); i++) {
        fake_machine_end();
        fake_machine_start(PAGES);
        assert_true(fake_machine_step("alloc a 1M; fill a"));
        /* Page 0 and 1 hold the list, page 2 its leaf; then the region's begin. */
        fake_machine_flip((uint32_t)(3 + i * 37), (unsigned)(i * 85), (unsigned)i * 9);
        (void)fake_machine_step(finders[i]);
        assert_true(ended_with_error(engine_end(&m->engine), "wrong"));
    }
}

static void the_first_wrong_word_is_named(void **state)
{
    (void)state;
    assert_true(fake_machine_step("alloc a 1M; fill a"));
    fake_machine_flip(0x20, 17, 4);
    fake_machine_flip(0x21, 3, 5);
    assert_false(fake_machine_step("hold 0s;\n verify a"));
    assert_true(fake_machine_ever_said("memwork error line=2 column=2 why=wrong text=\"2 words of "
                                       "'a' are wrong, the first is word 17 of page 0x20: 0x"));
    assert_int_equal(engine_end(&m->engine), 1);
}

static void pages_that_changed_places_are_wrong(void **state)
{
    (void)state;
    assert_true(fake_machine_step("alloc a 1M; fill a"));
    memcpy(m->memory + 40 * HOST_PAGE_WORDS, m->memory + 41 * HOST_PAGE_WORDS, HOST_PAGE_BYTES);
    assert_false(fake_machine_step("verify a"));
    assert_int_equal(engine_end(&m->engine), 1);
}

static void an_older_content_is_wrong(void **state)
{
    static uint64_t old[HOST_PAGE_WORDS];

    (void)state;
    assert_true(fake_machine_step("alloc a 1M; fill a"));
    memcpy(old, m->memory + 40 * HOST_PAGE_WORDS, HOST_PAGE_BYTES);
    assert_true(fake_machine_step("fill a; verify a"));
    memcpy(m->memory + 40 * HOST_PAGE_WORDS, old, HOST_PAGE_BYTES);
    assert_false(fake_machine_step("verify a"));
    assert_int_equal(engine_end(&m->engine), 1);
}

static void a_list_with_a_page_twice_is_noticed_by_the_checksum(void **state)
{
    (void)state;
    assert_true(fake_machine_step("alloc a 1M; fill a"));
    /* In the leaf, page 2: entry 5 becomes what entry 6 is. */
    m->memory[2 * HOST_PAGE_WORDS + 5] = m->memory[2 * HOST_PAGE_WORDS + 6];
    assert_false(fake_machine_step("verify a"));
    assert_true(fake_machine_ever_said("the checksum of 'a' is 0x"));
    m->memory[2 * HOST_PAGE_WORDS + 5]--;
    assert_int_equal(engine_end(&m->engine), 1);
}

static void the_checksum_is_told_and_changes_with_the_seed(void **state)
{
    char first[32];

    (void)state;
    assert_true(fake_machine_step("alloc a 1M; fill a seed 1; verify a"));
    memcpy(first, strstr(fake_machine_last_line(), "checksum="), 25);
    first[25] = '\0';
    assert_true(fake_machine_step("print"));
    assert_non_null(strstr(fake_machine_last_line(), first));
    assert_true(fake_machine_step("fill a seed 2; verify a"));
    assert_null(strstr(fake_machine_last_line(), first));
    assert_int_equal(engine_end(&m->engine), 0);
}

static void a_share_is_freed_in_order_or_at_random(void **state)
{
    (void)state;
    assert_true(fake_machine_step("alloc a 4M; fill a; free a 25%"));
    assert_int_equal(told("bytes"), MIB);
    /* In order means the newest first: the others are where they were. */
    assert_int_equal(m->used[3 + 700], 1);
    assert_int_equal(m->used[3 + 800], 0);
    assert_true(fake_machine_step("free a 1M random seed 5; verify a"));
    assert_int_equal(told("held"), 2 * MIB);
    assert_int_equal(engine_end(&m->engine), 0);
}

static void regions_have_a_limit(void **state)
{
    char text[32];

    (void)state;
    for (unsigned i = 0; i < ENGINE_REGIONS_MAX; i++) {
        snprintf(text, sizeof(text), "alloc r%u 4K", i);
        assert_true(fake_machine_step(text));
    }
    assert_false(fake_machine_step("alloc more 4K"));
    assert_true(fake_machine_ever_said("why=limit"));
    assert_true(fake_machine_step("free r7; alloc more 4K"));
    assert_int_equal(engine_end(&m->engine), 1);
}

/* ---- programs ---- */

static void blocks_are_repeated(void **state)
{
    (void)state;
    assert_int_equal(fake_machine_run("repeat 3 { print a; repeat 2 { print b }; repeat 0 { "
                                      "print never } }; print end"),
                     0);
    assert_true(fake_machine_ever_said("statements=10 "));
    assert_false(fake_machine_ever_said("never"));
}

static void quit_ends_a_program_from_anywhere(void **state)
{
    (void)state;
    assert_int_equal(fake_machine_run("alloc a 1M; repeat 9 { hold 10ms; quit }; bad"), 2);
    fake_machine_end();
    fake_machine_start(PAGES);
    assert_int_equal(fake_machine_run("alloc a 1M; repeat 9 { hold 10ms; quit }; hold 1s"), 0);
    assert_true(fake_machine_ever_said("statements=2 "));
}

static void a_script_that_is_wrong_does_nothing(void **state)
{
    (void)state;
    assert_int_equal(fake_machine_run("alloc a 1M; alloc b 1X"), 2);
    assert_true(fake_machine_said(0, "memwork error line=1 column=21 why=script text=\"a size "));
    assert_true(fake_machine_said(1, "memwork end status=2 statements=0 "));
}

static void a_machine_that_is_switched_off_ends_in_order(void **state)
{
    static const char *const long_ones[] = {
        "hold 20000s",
        "wait balloon 1M within 20000s",
        "churn a 1M/s for 20000s",
        "sine b 0..4M period 1s for 20000s",
        "repeat 1000000 { repeat 1000000 { } }",
        "repeat 1000000 { fill a; free a 50%; alloc a 1M }",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(long_ones); i++) {
        fake_machine_end();
        fake_machine_start(PAGES);
        assert_true(fake_machine_step("alloc a 2M; fill a"));
        m->calls_left = 500;
        assert_true(fake_machine_step(long_ones[i]));
        assert_int_equal(engine_end(&m->engine), 0);
    }
}

static void a_machine_that_is_switched_off_still_checks_everything(void **state)
{
    (void)state;
    assert_true(fake_machine_step("alloc a 12M; fill a"));
    fake_machine_flip(3000, 9, 9);
    m->calls_left = 0;
    assert_true(ended_with_error(engine_end(&m->engine), "wrong"));
}

/* Half of the pages have the old content, half the new one, and all of it counts. */
static void a_fill_that_is_interrupted_leaves_nothing_wrong(void **state)
{
    (void)state;
    for (unsigned calls = 1; calls < 12; calls++) {
        fake_machine_end();
        fake_machine_start(PAGES);
        assert_true(fake_machine_step("alloc a 10M; fill a seed 3; fill a seed 4"));
        m->calls_left = calls;
        assert_true(fake_machine_step("fill a seed 5; fill a seed 6"));
        assert_int_equal(engine_end(&m->engine), 0);
    }
}

static void a_cache_that_gives_while_it_is_filled_is_still_right(void **state)
{
    (void)state;
    assert_true(fake_machine_step("cache web 14M; fill web seed 8"));
    want_8_mib();
    assert_true(fake_machine_step("fill web seed 9; verify web"));
    assert_true(fake_machine_ever_said("memwork gave name=web"));
    assert_int_equal(engine_end(&m->engine), 0);
}

static void every_shortage_of_memory_is_survived(void **state)
{
    (void)state;
    for (uint32_t pages = 1; pages < 24; pages++) {
        fake_machine_end();
        fake_machine_start(pages);
        (void)fake_machine_step("alloc a 16K");
        (void)fake_machine_step("alloc b 16K or less; fill all; verify all");
        (void)fake_machine_step("sine b 0..64K period 10ms for 100ms");
        assert_true(engine_end(&m->engine) <= 1);
        assert_int_equal(m->free, pages);
    }
}

static void the_pattern_of_a_page_depends_on_everything(void **state)
{
    const uint64_t key = pattern_key(1, 2, 3, 4);

    (void)state;
    assert_true(key != pattern_key(2, 2, 3, 4));
    assert_true(key != pattern_key(1, 3, 3, 4));
    assert_true(key != pattern_key(1, 2, 4, 4));
    assert_true(key != pattern_key(1, 2, 3, 5));
    assert_true(pattern_word(key, 0) == key);
    assert_true(pattern_part(0) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(everything_is_answered_in_one_line_each),
        CASE(sizes_are_rounded_up_to_pages),
        CASE(a_share_of_free_memory_can_be_allocated),
        CASE(too_much_is_refused_and_nothing_of_it_kept),
        CASE(or_less_takes_what_there_is),
        CASE(memory_in_single_pages_serves_as_well),
        CASE(touched_memory_is_checked_in_its_first_word),
        CASE(what_was_only_allocated_is_nobodys_business),
        CASE(no_flipped_bit_goes_unnoticed),
        CASE(the_first_wrong_word_is_named),
        CASE(pages_that_changed_places_are_wrong),
        CASE(an_older_content_is_wrong),
        CASE(a_list_with_a_page_twice_is_noticed_by_the_checksum),
        CASE(the_checksum_is_told_and_changes_with_the_seed),
        CASE(a_share_is_freed_in_order_or_at_random),
        CASE(regions_have_a_limit),
        CASE(blocks_are_repeated),
        CASE(quit_ends_a_program_from_anywhere),
        CASE(a_script_that_is_wrong_does_nothing),
        CASE(a_machine_that_is_switched_off_ends_in_order),
        CASE(a_machine_that_is_switched_off_still_checks_everything),
        CASE(a_fill_that_is_interrupted_leaves_nothing_wrong),
        CASE(a_cache_that_gives_while_it_is_filled_is_still_right),
        CASE(every_shortage_of_memory_is_survived),
        cmocka_unit_test(the_pattern_of_a_page_depends_on_everything),
    };
    return cmocka_run_group_tests_name("apps/memwork/engine.c", tests, NULL, NULL);
}
