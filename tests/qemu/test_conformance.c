/* SPDX-License-Identifier: BSD-2-Clause */
/* newlib's own tests (tests/conformance/conformance.mk), each as a program of its own. They end
 * with status 0 when all is well, and with abort() otherwise; what some print is compared, too, as
 * newlib's scripts do. */

#include "tests/qemu/qtest.h"

static void passes(struct qtest *t)
{
    qtest_status(t, 0, QTEST_STEP_MS);
    assert_int_equal(vm_count_lines(t->vm, "Fail"), 0);
    assert_int_equal(vm_count_lines(t->vm, "FAILED"), 0);
}

static void passes_and_prints(struct qtest *t, const char *line)
{
    passes(t);
    assert_int_equal(vm_count_lines(t->vm, line), 1);
}

static void search_hsearchtest_passes(struct qtest *t)
{
    passes(t);
}

static void stdio_nulprintf_passes(struct qtest *t)
{
    passes_and_prints(t, "MMMMMMMM");
}

static void stdio_swprintf_passes(struct qtest *t)
{
    passes(t);
}

static void stdlib_atexit_passes(struct qtest *t)
{
    passes_and_prints(t, "a0cba");
}

static void stdlib_size_max_passes(struct qtest *t)
{
    passes(t);
}

static void string_memcpy_1_passes(struct qtest *t)
{
    passes(t);
}

static void string_memmove1_passes(struct qtest *t)
{
    passes(t);
}

static void string_strcmp_1_passes(struct qtest *t)
{
    passes(t);
}

static void string_tstring_passes(struct qtest *t)
{
    passes(t);
}

static void wctype_tiswctype_passes(struct qtest *t)
{
    passes(t);
}

static void wctype_twctype_passes(struct qtest *t)
{
    passes(t);
}

#define PROGRAM(function, name)                                                                    \
    QTEST(function, .image = "conformance/" name ".elf", .append = "results=off")

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        PROGRAM(search_hsearchtest_passes, "hsearchtest"),
        PROGRAM(stdio_nulprintf_passes, "nulprintf"),
        PROGRAM(stdio_swprintf_passes, "swprintf"),
        PROGRAM(stdlib_atexit_passes, "atexit"),
        PROGRAM(stdlib_size_max_passes, "size_max"),
        PROGRAM(string_memcpy_1_passes, "memcpy-1"),
        PROGRAM(string_memmove1_passes, "memmove1"),
        PROGRAM(string_strcmp_1_passes, "strcmp-1"),
        PROGRAM(string_tstring_passes, "tstring"),
        PROGRAM(wctype_tiswctype_passes, "tiswctype"),
        PROGRAM(wctype_twctype_passes, "twctype"),
    };

    return qtest_main("tests/qemu/test_conformance.c", tests, sizeof(tests) / sizeof(tests[0]),
                      argc, argv);
}
