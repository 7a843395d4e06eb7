/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs at the end of memory (tests/libc/nomem.c and tests/libc/heap.c), and their mistakes with
 * the heap, which end the machine. */

#include "tests/qemu/qtest.h"

static void its_checks_hold(struct qtest *t)
{
    qtest_status(t, 0, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, " 0 failed"), 1);
    assert_int_equal(vm_count_lines(t->vm, "not true"), 0);
}

static void every_call_works_or_says_why_without_memory(struct qtest *t)
{
    its_checks_hold(t);
    assert_int_equal(vm_count_lines(t->vm, "with memory"), 1);
}

static void and_without_a_balloon_device(struct qtest *t)
{
    every_call_works_or_says_why_without_memory(t);
}

static void malloc_ends_with_enomem_and_all_comes_back(struct qtest *t)
{
    its_checks_hold(t);
}

static void it_is_noticed(struct qtest *t)
{
    qtest_status(t, 1, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, "mistake: "), 1);
    assert_int_equal(vm_count_lines(t->vm, "nobody noticed"), 0);
    assert_int_equal(vm_count_lines(t->vm, "panic in task 'app': heap: "), 1);
    assert_int_equal(vm_count_lines(t->vm, " main+"), 1); /* the backtrace */
}

static void a_block_freed_twice_ends_the_machine(struct qtest *t)
{
    it_is_noticed(t);
}

static void a_byte_past_the_end_of_a_block_ends_the_machine(struct qtest *t)
{
    it_is_noticed(t);
}

static void freeing_what_was_never_allocated_ends_the_machine(struct qtest *t)
{
    it_is_noticed(t);
}

#define MISTAKE(function, name)                                                                    \
    QTEST(function, .image = "libc-tests/heap.elf", .append = "-- " name)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        QTEST(every_call_works_or_says_why_without_memory, .image = "libc-tests/nomem.elf",
              .initrd = "files.cpio"),
        QTEST(and_without_a_balloon_device, .image = "libc-tests/nomem.elf", .initrd = "files.cpio",
              .no_balloon = true),
        QTEST(malloc_ends_with_enomem_and_all_comes_back, .image = "libc-tests/heap.elf"),
        MISTAKE(a_block_freed_twice_ends_the_machine, "double"),
        MISTAKE(a_byte_past_the_end_of_a_block_ends_the_machine, "overrun"),
        MISTAKE(freeing_what_was_never_allocated_ends_the_machine, "stranger"),
    };

    return qtest_main("tests/qemu/test_nomem.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
