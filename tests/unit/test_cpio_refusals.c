/* SPDX-License-Identifier: BSD-2-Clause */
/* Archives that are damaged, cut, or mean nothing: refused whole, with the byte and the reason. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/cpio_tree.h"

/* ---- refusals ---- */

static void an_archive_cut_anywhere_is_refused(void **state)
{
    size_t whole;

    (void)state;
    a_small_tree();
    cpio_fixture_end(&archive);
    whole = archive.length;
    /* The last three bytes are padding behind the trailer's name, which may be missing. */
    for (archive.length = 1; archive.length < whole - 3; archive.length++) {
        assert_int_equal(open_archive(), ERR_INVALID);
        assert_true(fault.offset <= archive.length);
    }
    for (; archive.length <= whole; archive.length++) {
        assert_int_equal(open_archive(), OK);
    }
}

static void what_is_no_archive_is_refused(void **state)
{
    (void)state;
    cpio_fixture_raw(&archive, "\x1f\x8b\x08", 3);
    assert_refused("is it compressed?");
    archive.length = 0;
    cpio_fixture_add(&archive, (struct cpio_spec){ .name = "a", .magic = "070707" });
    assert_refused("newc");
}

static void garbage_behind_the_end_is_refused(void **state)
{
    (void)state;
    a_small_tree();
    cpio_fixture_end(&archive);
    size_t end = archive.length;

    cpio_fixture_raw(&archive, "\0\0garbage", 9);
    assert_refused("newc");
    assert_int_equal(fault.offset, end + 2);
}

static void numbers_that_are_none_are_refused(void **state)
{
    (void)state;
    for (size_t at = 6; at < 110; at++) {
        archive.length = 0;
        cpio_fixture_file(&archive, "a", "b");
        cpio_fixture_end(&archive);
        archive.bytes[at] = at % 2 == 0 ? 'g' : '\0';
        assert_refused("not hexadecimal");
        assert_int_equal(fault.offset, 0);
    }
}

static void sizes_beyond_the_archive_are_refused(void **state)
{
    (void)state;
    cpio_fixture_add(&archive, (struct cpio_spec){ .name = "a", .name_bytes = 0xffffffff });
    cpio_fixture_end(&archive);
    assert_refused("a name lies beyond the end");
    archive.length = 0;
    cpio_fixture_add(&archive, (struct cpio_spec){ .name = "a", .data_bytes = 0xffffffff });
    cpio_fixture_end(&archive);
    assert_refused("content of a file lies beyond the end");
}

static void a_name_ends_with_its_first_zero(void **state)
{
    (void)state;
    cpio_fixture_add(&archive, (struct cpio_spec){ .name = "abcd", .name_bytes = 3 });
    cpio_fixture_end(&archive);
    assert_refused("does not end");
    archive.length = 0;
    cpio_fixture_add(&archive, (struct cpio_spec){ .name = "abcd", .name_bytes = 6 });
    cpio_fixture_end(&archive);
    assert_refused("does not end");
}

static void names_that_no_path_can_mean_are_refused(void **state)
{
    static const char *const names[] = { "a//b", "a/./b", "a/../b", "..", "../a", "a/..", "a/." };
    char part[CPIO_NAME_MAX + 2];
    char whole[CPIO_PATH_MAX + 2];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        archive.length = 0;
        cpio_fixture_file(&archive, names[i], "x");
        cpio_fixture_end(&archive);
        assert_refused("empty part");
    }
    memset(part, 'p', sizeof part - 1);
    part[sizeof part - 1] = '\0';
    archive.length = 0;
    cpio_fixture_file(&archive, part, "x");
    cpio_fixture_end(&archive);
    assert_refused("CPIO_NAME_MAX");
    for (size_t i = 0; i < sizeof whole - 1; i++) {
        whole[i] = i % 2 == 0 ? 'w' : '/';
    }
    whole[sizeof whole - 1] = '\0';
    whole[sizeof whole - 2] = 'w';
    archive.length = 0;
    cpio_fixture_file(&archive, whole, "x");
    cpio_fixture_end(&archive);
    assert_refused("CPIO_PATH_MAX");
}

static void links_without_a_target_are_refused(void **state)
{
    (void)state;
    cpio_fixture_link(&archive, "l", "");
    cpio_fixture_end(&archive);
    assert_refused("symbolic link");
    archive.length = 0;
    cpio_fixture_add(&archive, (struct cpio_spec){
                                   .name = "l", .mode = 0120777, .data = "abc", .data_bytes = 4 });
    cpio_fixture_end(&archive);
    assert_refused("symbolic link");
}

static void a_file_without_a_name_is_refused(void **state)
{
    (void)state;
    cpio_fixture_file(&archive, "./", "x");
    cpio_fixture_end(&archive);
    assert_refused("no name");
}

static void check_sums_are_verified(void **state)
{
    struct cpio_spec spec = { .name = "a", .mode = 0100644, .magic = "070702", .data = "\x01\xff" };

    (void)state;
    spec.sum = 0x100;
    cpio_fixture_add(&archive, spec);
    finish();
    assert_content("a", "\x01\xff");
    archive.length = 0;
    spec.sum = 0x101;
    cpio_fixture_add(&archive, spec);
    cpio_fixture_end(&archive);
    assert_refused("check sum");
    archive.length = 0;
    spec.magic = "070701";
    cpio_fixture_add(&archive, spec);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_archive_cut_anywhere_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_archive_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(garbage_behind_the_end_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_that_are_none_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(sizes_beyond_the_archive_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_ends_with_its_first_zero, setup, teardown),
        cmocka_unit_test_setup_teardown(names_that_no_path_can_mean_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(links_without_a_target_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_without_a_name_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(check_sums_are_verified, setup, teardown),
    };
    return cmocka_run_group_tests_name("kernel/cpio.c", tests, NULL, NULL);
}
