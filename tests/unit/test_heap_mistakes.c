/* SPDX-License-Identifier: BSD-2-Clause */
/* Mistakes of a program with its heap: each is caught, in a process of its own, and named. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <errno.h>

#include "tests/unit/heap_fixture.h"

/* ---- mistakes of a program ---- */

static void *volatile mistaken;

static void free_twice(void)
{
    heap_free(mistaken);
    heap_free(mistaken);
}

static void free_twice_with_others_between(void)
{
    heap_free(mistaken);
    heap_free(heap_malloc(heap_usable_size(objects[0])));
    heap_free(mistaken);
}

static void write_one_past_the_end(void)
{
    unsigned char *block = mistaken;

    block[heap_usable_size(block)] = 1;
    heap_free(block);
}

static void write_one_past_the_end_and_resize(void)
{
    unsigned char *block = mistaken;

    block[heap_usable_size(block)] = 1;
    (void)heap_realloc(block, 2 * heap_usable_size(objects[0]));
}

static void write_before_the_start(void)
{
    memset((unsigned char *)mistaken - 16, 0x41, 16);
    heap_free(mistaken);
}

static void free_the_middle(void)
{
    heap_free((unsigned char *)mistaken + 16);
}

static void free_what_no_heap_gave(void)
{
    mistaken = (void *)((uintptr_t)mistaken ^ (UINT64_C(0xdead) << 47));
    heap_free(mistaken);
}

/* The next block's head becomes that of a plausible block. */
static void write_far_past_the_end(void)
{
    memset(mistaken, 0, 3 * heap_usable_size(mistaken));
    heap_free(objects[4]);
    heap_free(objects[5]);
}

static void resize_what_was_freed(void)
{
    heap_free(mistaken);
    (void)heap_realloc(mistaken, 10);
}

/* In a child process, because the heap is damaged afterwards. */
static void assert_caught(void (*mistake)(void), size_t bytes)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        for (unsigned i = 0; i < 8; i++) {
            objects[i] = heap_malloc(bytes);
            memset(objects[i], 0xff, bytes);
        }
        mistaken = objects[3];
        _exit(panics(mistake) && strncmp(fake_seams.panic_text, "heap: ", 6) == 0 ? STATUS_CAUGHT
                                                                                  : STATUS_MISSED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) != STATUS_CAUGHT) {
        fail_msg("not caught with blocks of %zu bytes", bytes);
    }
}

static void mistakes_are_caught(void **state)
{
    static const size_t sizes[] = { 12, 17, 100, 1000, 5000 };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        assert_caught(free_twice, sizes[i]);
        assert_caught(free_twice_with_others_between, sizes[i]);
        assert_caught(write_one_past_the_end, sizes[i]);
        assert_caught(write_one_past_the_end_and_resize, sizes[i]);
        assert_caught(write_before_the_start, sizes[i]);
        assert_caught(resize_what_was_freed, sizes[i]);
    }
    assert_caught(free_the_middle, 100);
    assert_caught(free_what_no_heap_gave, 100);
    assert_caught(write_far_past_the_end, 100);
    assert_caught(write_one_past_the_end, 100000);
    assert_caught(write_one_past_the_end, HEAP_OWN_RUN_BYTES);
    assert_caught(write_before_the_start, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(mistakes_are_caught, start, stop),
    };

    return cmocka_run_group_tests_name("libc/heap", tests, NULL, NULL);
}
