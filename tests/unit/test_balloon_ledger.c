/* SPDX-License-Identifier: BSD-2-Clause */
/* The ledger against the plainest model: one byte for each frame. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "drivers/virtio/balloon_ledger.h"
#include "tests/fakes/fake_balloon.h"
#include "tests/fakes/fake_seams.h"

#define FRAMES 8192U

static struct balloon_ledger ledger;
static uint8_t model[FRAMES];

static int setup(void **state)
{
    (void)state;
    fake_balloon_init(FRAMES);
    balloon_ledger_init(&ledger, &fake_balloon_mem);
    memset(model, 0, sizeof(model));
    return 0;
}

static void push(pfn_t first, pfn_t count)
{
    assert_int_equal(balloon_ledger_reserve(&ledger), OK);
    balloon_ledger_push(&ledger, first, count);
}

static void runs_come_back_from_the_end_of_the_last(void **state)
{
    struct balloon_run run;

    (void)state;
    push(100, 10);
    push(500, 3);
    run = balloon_ledger_pop(&ledger, 2);
    assert_int_equal(run.first, 501);
    assert_int_equal(run.count, 2);
    run = balloon_ledger_pop(&ledger, 99);
    assert_int_equal(run.first, 500);
    assert_int_equal(run.count, 1);
    run = balloon_ledger_pop(&ledger, 99);
    assert_int_equal(run.first, 100);
    assert_int_equal(run.count, 10);
    assert_int_equal(ledger.frames, 0);
    assert_true(EXPECT_PANIC(balloon_ledger_pop(&ledger, 1)));
}

static void neighbours_become_one_run(void **state)
{
    (void)state;
    push(512, 512);
    push(1024, 512);
    assert_int_equal(ledger.top->used, 1);
    assert_int_equal(balloon_ledger_pop(&ledger, PFN_NONE).count, 1024);
}

static void a_frame_cannot_be_entered_twice(void **state)
{
    (void)state;
    push(512, 512);
    assert_true(EXPECT_PANIC(balloon_ledger_push(&ledger, 600, 1)));
}

static void bookkeeping_frames_come_and_go(void **state)
{
    (void)state;
    for (pfn_t i = 0; i < 2000; i++) {
        push(2 * i + 1, 1);
        balloon_ledger_check(&ledger);
    }
    assert_int_equal(ledger.pages_held, 3);
    assert_int_equal(fake_balloon.allocs, 3);
    for (pfn_t i = 2000; i > 0; i--) {
        assert_int_equal(balloon_ledger_pop(&ledger, 7).first, 2 * i - 1);
        balloon_ledger_check(&ledger);
    }
    assert_int_equal(fake_balloon.allocs, 0);
}

static void room_that_is_not_used_is_given_back(void **state)
{
    (void)state;
    for (pfn_t i = 0; i < BALLOON_LEDGER_RUNS; i++) {
        push(2 * i + 1, 1);
    }
    assert_int_equal(balloon_ledger_reserve(&ledger), OK);
    assert_int_equal(fake_balloon.allocs, 1);
    balloon_ledger_trim(&ledger);
    assert_int_equal(fake_balloon.allocs, 0);
    fake_balloon.alloc_fails_after = 1;
    assert_int_equal(balloon_ledger_reserve(&ledger), ERR_NOMEM);
    balloon_ledger_check(&ledger);
}

static void it_agrees_with_a_byte_map(void **state)
{
    uint64_t held = 0;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        if (fake_balloon_random() % 100 < (i / 4000 % 2 == 0 ? 60U : 35U)) {
            pfn_t first = (pfn_t)(fake_balloon_random() % FRAMES);
            pfn_t count = 0;

            while (count < 6 && first + count < FRAMES && model[first + count] == 0) {
                model[first + count++] = 1;
            }
            if (count > 0) {
                push(first, count);
                held += count;
            }
        } else if (held > 0) {
            struct balloon_run run =
                balloon_ledger_pop(&ledger, (pfn_t)(1 + fake_balloon_random() % 9));

            for (pfn_t k = 0; k < run.count; k++) {
                assert_int_equal(model[run.first + k], 1);
                model[run.first + k] = 0;
            }
            held -= run.count;
        }
        assert_int_equal(ledger.frames, held);
        if (i % 500 == 0) {
            balloon_ledger_check(&ledger);
            for (pfn_t pfn = 0; pfn < FRAMES; pfn++) {
                assert_int_equal(balloon_ledger_contains(&ledger, pfn), model[pfn]);
            }
        }
    }
    while (ledger.frames > 0) {
        (void)balloon_ledger_pop(&ledger, PFN_NONE);
    }
    assert_int_equal(fake_balloon.allocs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(runs_come_back_from_the_end_of_the_last, setup),
        cmocka_unit_test_setup(neighbours_become_one_run, setup),
        cmocka_unit_test_setup(a_frame_cannot_be_entered_twice, setup),
        cmocka_unit_test_setup(bookkeeping_frames_come_and_go, setup),
        cmocka_unit_test_setup(room_that_is_not_used_is_given_back, setup),
        cmocka_unit_test_setup(it_agrees_with_a_byte_map, setup),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon_ledger.c", tests, NULL, NULL);
}
