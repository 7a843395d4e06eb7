/* SPDX-License-Identifier: BSD-2-Clause */
/* The archive that a loader passes: it arrives whole wherever it is put, a bad one is named, and
 * programs read it. The archive is that of tests/libc/files.sh. */

#include "tests/qemu/qtest.h"

#include <stdio.h>
#include <string.h>

#define NUMBERS 100000U

/* The line about a file, as the guest must write it. */
static void expect_file(struct qtest *t, const char *path, unsigned mode, const char *content,
                        size_t bytes)
{
    char want[128];
    uint32_t sum = 0;

    for (size_t i = 0; i < bytes; i++) {
        sum += (unsigned char)content[i];
    }
    snprintf(want, sizeof(want), "@file path=%s mode=%x bytes=%zu sum=%u", path, mode, bytes, sum);
    assert_string_equal(qtest_line(t, "@", QTEST_STEP_MS), want);
}

static void expect_tree(struct qtest *t)
{
    static char numbers[NUMBERS * 6];
    size_t length = 0;

    for (unsigned i = 0; i < NUMBERS; i++) {
        length += (size_t)snprintf(numbers + length, sizeof(numbers) - length, "%u\n", i);
    }
    qtest_ready(t, "on");
    expect_file(t, "empty", 0100644, "", 0);
    expect_file(t, "hello.txt", 0100644, "hello\n", 6);
    expect_file(t, "loop", 0120777, "loop", 4);
    expect_file(t, "numbers.txt", 0100644, numbers, length);
    expect_file(t, "sub", 0040755, "", 0);
    expect_file(t, "sub/deep", 0040755, "", 0);
    expect_file(t, "sub/run", 0100755, "#!\n", 3);
    expect_file(t, "sub/up", 0120777, "../hello.txt", 12);
    expect_file(t, "sub/deep/er", 0100644, "below", 5);
    qtest_line(t, "@initrd files=9", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void it_arrives_in_a_small_machine(struct qtest *t)
{
    expect_tree(t);
}

static void it_arrives_on_a_pc(struct qtest *t)
{
    expect_tree(t);
}

static void it_arrives_on_a_microvm(struct qtest *t)
{
    expect_tree(t);
}

static void it_arrives_above_1_gib(struct qtest *t)
{
    expect_tree(t);
}

/* Beside memory above 4 GiB it lies below the hole. */
static void it_arrives_in_a_machine_with_5_gib(struct qtest *t)
{
    expect_tree(t);
}

static void no_archive_is_no_error(struct qtest *t)
{
    qtest_line(t, "@initrd files=0", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, "error"), 0);
}

static void a_bad_archive_is_named_and_not_used(struct qtest *t)
{
    qtest_line(t, "content of a file lies beyond the end", QTEST_STEP_MS);
    qtest_line(t, "is not used: it is no good archive", QTEST_STEP_MS);
    qtest_line(t, "@initrd files=0", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void a_program_reads_files(struct qtest *t)
{
    qtest_line(t, "checks, 0 failed", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

#define TREE .image = "test.elf", .initrd = "files.cpio", .append = "-- test=initrd"

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        QTEST(it_arrives_in_a_small_machine, TREE, .memory_mib = 8),
        QTEST(it_arrives_on_a_pc, TREE, .machine = "pc"),
        QTEST(it_arrives_on_a_microvm, TREE, .machine = "microvm"),
        QTEST(it_arrives_above_1_gib, TREE, .memory_mib = 1536),
        QTEST(it_arrives_in_a_machine_with_5_gib, TREE, .memory_mib = 5120, .lazy_memory = true),
        QTEST(no_archive_is_no_error, .image = "test.elf", .append = "-- test=initrd"),
        QTEST(a_bad_archive_is_named_and_not_used, .image = "test.elf", .initrd = "files.cpio.cut",
              .append = "-- test=initrd"),
        QTEST(a_program_reads_files, .image = "libc-tests/files.elf", .initrd = "files.cpio"),
    };
    return qtest_main("tests/qemu/test_initrd.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
