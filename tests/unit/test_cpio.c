/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel/cpio.c and kernel/cpio_entry.c: what is found by which path, what a listing shows, and
 * which archives are refused, at which byte and why. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/cpio_tree.h"

/* ---- finding ---- */

static void a_file_is_found_with_its_content_and_numbers(void **state)
{
    struct cpio_node node;

    (void)state;
    cpio_fixture_add(&archive, (struct cpio_spec){ .name = "a",
                                                   .mode = 0100640,
                                                   .data = "content",
                                                   .inode = 0xABCDEF01,
                                                   .mtime = 0xfedcba98 });
    finish();
    assert_int_equal(find_in("", "a", CPIO_FOLLOW, &node), CPIO_FOUND);
    assert_true(is(node.data, "content"));
    assert_true(is(node.path, "a"));
    assert_int_equal(node.mode, 0100640);
    assert_int_equal(node.inode, 0xABCDEF01);
    assert_int_equal(node.mtime, 0xfedcba98);
    assert_int_equal(node.links, 1);
    assert_true(node.data.start >= copy && node.data.start < copy + archive.length);
}

static void slashes_and_dots_in_a_path_mean_what_posix_says(void **state)
{
    static const char *const same[] = { "etc/motd",          "/etc/motd",
                                        "./etc/motd",        "//etc///motd",
                                        "etc/./motd",        "etc/deep/../motd",
                                        "../../etc/motd",    "/../etc/deep/../../etc/motd",
                                        "etc/deep/./../motd" };

    (void)state;
    a_small_tree();
    finish();
    for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
        assert_content(same[i], "hello\n");
    }
    assert_int_equal(find(""), CPIO_MISSING);
    assert_int_equal(find("etc/none"), CPIO_MISSING);
    assert_int_equal(find("etc/mot"), CPIO_MISSING);
    assert_int_equal(find("etc/motd2"), CPIO_MISSING);
    assert_int_equal(find("none/../etc/motd"), CPIO_MISSING);
    assert_int_equal(find("readme/../etc/motd"), CPIO_NOT_A_DIRECTORY);
    assert_int_equal(find("readme/"), CPIO_NOT_A_DIRECTORY);
    assert_int_equal(find("readme/."), CPIO_NOT_A_DIRECTORY);
    assert_int_equal(find("readme/x"), CPIO_NOT_A_DIRECTORY);
    assert_int_equal(find("etc/"), CPIO_FOUND);
    assert_int_equal(find("/"), CPIO_FOUND);
    assert_int_equal(find(".."), CPIO_FOUND);
}

static void a_path_without_a_slash_in_front_begins_in_the_directory_given(void **state)
{
    struct cpio_node node;

    (void)state;
    a_small_tree();
    finish();
    assert_int_equal(find_in("etc", "motd", CPIO_FOLLOW, &node), CPIO_FOUND);
    assert_true(is(node.data, "hello\n"));
    assert_int_equal(find_in("etc/deep", "..", CPIO_FOLLOW, &node), CPIO_FOUND);
    assert_true(is(node.path, "etc"));
    assert_int_equal(find_in("etc/deep", "../..", CPIO_FOLLOW, &node), CPIO_FOUND);
    assert_true(is(node.path, ""));
    assert_int_equal(find_in("etc", "/readme", CPIO_FOLLOW, &node), CPIO_FOUND);
    assert_int_equal(find_in("etc", "readme", CPIO_FOLLOW, &node), CPIO_MISSING);
}

static void names_in_the_archive_may_begin_with_a_slash_or_a_dot(void **state)
{
    (void)state;
    cpio_fixture_directory(&archive, "./");
    cpio_fixture_directory(&archive, "/bin/");
    cpio_fixture_file(&archive, "./bin/a", "A");
    cpio_fixture_file(&archive, "/bin/b", "B");
    cpio_fixture_file(&archive, ".hidden", "H");
    cpio_fixture_file(&archive, "..more", "M");
    finish();
    assert_content("bin/a", "A");
    assert_content("/bin/b", "B");
    assert_content(".hidden", "H");
    assert_content("..more", "M");
    assert_string_equal(listing("/"), "bin/.hidden ..more ");
    assert_string_equal(listing("bin"), "a b ");
}

static void a_path_or_a_part_of_one_may_be_too_long(void **state)
{
    char path[CPIO_PATH_MAX + 2];

    (void)state;
    a_small_tree();
    finish();
    memset(path, '/', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(find(path), CPIO_TOO_LONG);
    path[CPIO_PATH_MAX] = '\0';
    assert_int_equal(find(path), CPIO_FOUND);
    memset(path, 'n', CPIO_NAME_MAX + 1);
    path[CPIO_NAME_MAX + 1] = '\0';
    assert_int_equal(find(path), CPIO_TOO_LONG);
    path[CPIO_NAME_MAX] = '\0';
    assert_int_equal(find(path), CPIO_MISSING);
}

static void a_directory_that_no_entry_names_exists(void **state)
{
    struct cpio_node node;

    (void)state;
    cpio_fixture_file(&archive, "a/b/c", "deep");
    cpio_fixture_file(&archive, "a/b/d", "too");
    finish();
    assert_content("a/b/../b/c", "deep");
    assert_int_equal(find_in("", "a/b", CPIO_FOLLOW, &node), CPIO_FOUND);
    assert_int_equal(node.mode, 0040755);
    assert_true(is(node.path, "a/b"));
    assert_string_equal(listing("/"), "a/");
    assert_string_equal(listing("a"), "b/");
    assert_string_equal(listing("a/b"), "c d ");
}

static void the_root_has_the_numbers_of_its_entry(void **state)
{
    (void)state;
    finish();
    assert_int_equal(cpio_root(&cpio).mode, 0040755);
    assert_int_equal(cpio_root(&cpio).mtime, 0);
    archive.length = 0;
    cpio_fixture_add(&archive, (struct cpio_spec){ .name = ".", .mode = 0040700, .mtime = 77 });
    finish();
    assert_int_equal(cpio_root(&cpio).mode, 0040700);
    assert_int_equal(cpio_root(&cpio).mtime, 77);
}

/* ---- links ---- */

static void all_names_of_a_file_have_the_content_that_one_entry_has(void **state)
{
    struct cpio_node node;

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        static const char *const names[] = { "one", "two", "three" };

        cpio_fixture_add(&archive, (struct cpio_spec){ .name = names[i],
                                                       .mode = 0100644,
                                                       .inode = 5,
                                                       .links = 3,
                                                       .data = i == 2 ? "shared" : NULL });
    }
    cpio_fixture_add(
        &archive, (struct cpio_spec){
                      .name = "other disk", .mode = 0100644, .inode = 5, .links = 2, .device = 9 });
    cpio_fixture_add(&archive, (struct cpio_spec){ .name = "empty", .mode = 0100644, .inode = 5 });
    cpio_fixture_end(&archive);
    cpio_fixture_add(
        &archive,
        (struct cpio_spec){ .name = "other archive", .mode = 0100644, .inode = 5, .links = 2 });
    finish();
    assert_content("one", "shared");
    assert_content("two", "shared");
    assert_content("three", "shared");
    assert_content("other disk", "");
    assert_content("other archive", "");
    assert_content("empty", "");
    assert_int_equal(find_in("", "one", CPIO_FOLLOW, &node), CPIO_FOUND);
    assert_int_equal(node.links, 3);
}

static void symbolic_links_are_followed(void **state)
{
    struct cpio_node node;

    (void)state;
    a_small_tree();
    cpio_fixture_link(&archive, "to-file", "etc/motd");
    cpio_fixture_link(&archive, "to-root", "/");
    cpio_fixture_link(&archive, "to-dir", "etc/deep/");
    cpio_fixture_link(&archive, "etc/up", "../readme");
    cpio_fixture_link(&archive, "again", "to-file");
    cpio_fixture_link(&archive, "nowhere", "etc/none");
    finish();
    assert_content("to-file", "hello\n");
    assert_content("again", "hello\n");
    assert_content("to-dir/er", "below");
    assert_content("to-dir/../motd", "hello\n"); /* ".." of the target, not of the link */
    assert_content("etc/up", "12345");
    assert_content("to-root/to-root/etc/up", "12345");
    assert_int_equal(find("nowhere"), CPIO_MISSING);
    assert_int_equal(find("to-file/"), CPIO_NOT_A_DIRECTORY);
    assert_int_equal(find_in("", "nowhere", CPIO_NO_FOLLOW, &node), CPIO_FOUND);
    assert_true(is(node.data, "etc/none"));
    assert_int_equal(find_in("", "again", CPIO_NO_FOLLOW, &node), CPIO_FOUND);
    assert_true(is(node.path, "again"));
    assert_int_equal(find_in("", "to-dir/", CPIO_NO_FOLLOW, &node), CPIO_FOUND);
    assert_true(is(node.path, "etc/deep"));
    assert_int_equal(find_in("", "to-root/again", CPIO_NO_FOLLOW, &node), CPIO_FOUND);
    assert_true(is(node.path, "again"));
}

static void links_that_never_end_are_noticed(void **state)
{
    char name[8] = "l0";
    char target[8];

    (void)state;
    cpio_fixture_link(&archive, "self", "self");
    cpio_fixture_link(&archive, "ping", "pong");
    cpio_fixture_link(&archive, "pong", "ping");
    cpio_fixture_link(&archive, "grow", "grow/grow");
    cpio_fixture_file(&archive, name, "end");
    for (unsigned i = 1; i <= CPIO_LINKS_MAX + 1; i++) {
        snprintf(target, sizeof target, "l%u", i - 1);
        snprintf(name, sizeof name, "l%u", i);
        cpio_fixture_link(&archive, name, target);
    }
    finish();
    assert_int_equal(find("self"), CPIO_LOOP);
    assert_int_equal(find("ping"), CPIO_LOOP);
    assert_int_equal(find("grow"), CPIO_LOOP);
    snprintf(name, sizeof name, "l%u", CPIO_LINKS_MAX);
    assert_content(name, "end");
    snprintf(name, sizeof name, "l%u", CPIO_LINKS_MAX + 1);
    assert_int_equal(find(name), CPIO_LOOP);
}

/* ---- listing ---- */

static void a_listing_shows_each_name_once_and_only_its_own_level(void **state)
{
    (void)state;
    a_small_tree();
    cpio_fixture_file(&archive, "etcetera", "");
    cpio_fixture_file(&archive, "readme", "twice");
    finish();
    assert_string_equal(listing("/"), "etc/readme etcetera ");
    assert_string_equal(listing("etc"), "motd deep/");
    assert_string_equal(listing("etc/deep"), "er ");
}

static void any_position_in_a_listing_is_survived(void **state)
{
    struct cpio_node root;
    struct cpio_node node;
    struct cpio_text name;

    (void)state;
    a_small_tree();
    finish();
    root = cpio_root(&cpio);
    for (size_t from = 0; from < 10; from++) {
        size_t position = from;

        while (cpio_list(&cpio, &root, &position, &node, &name) == OK) {
            assert_true(is(name, "etc") || is(name, "readme"));
        }
    }
    size_t far = SIZE_MAX;

    assert_int_equal(cpio_list(&cpio, &root, &far, &node, &name), ERR_AGAIN);
}

static void listing_a_file_is_the_programmers_mistake(void **state)
{
    struct cpio_node file;
    struct cpio_node node;
    struct cpio_text name;
    size_t position = 0;

    (void)state;
    a_small_tree();
    finish();
    assert_int_equal(find_in("", "readme", CPIO_FOLLOW, &file), CPIO_FOUND);
    err_t err = OK;

    assert_true(EXPECT_PANIC(err = cpio_list(&cpio, &file, &position, &node, &name)));
    assert_int_equal(err, OK);
}

/* ---- several archives ---- */

static void a_later_archive_hides_what_has_the_same_name(void **state)
{
    (void)state;
    a_small_tree();
    cpio_fixture_end(&archive);
    /* Padding is counted from each header, so this archive may begin anywhere. */
    cpio_fixture_raw(&archive, "\0\0\0\0\0\0\0", 7);
    cpio_fixture_file(&archive, "etc/motd", "newer");
    cpio_fixture_file(&archive, "etc/extra", "more");
    finish();
    assert_content("etc/motd", "newer");
    assert_content("etc/extra", "more");
    assert_content("readme", "12345");
    assert_string_equal(listing("etc"), "motd deep/extra ");
}

static void a_directory_hidden_by_a_file_hides_what_lies_in_it(void **state)
{
    (void)state;
    cpio_fixture_file(&archive, "a/b", "lost");
    cpio_fixture_file(&archive, "a", "file");
    finish();
    assert_content("a", "file");
    assert_int_equal(find("a/b"), CPIO_NOT_A_DIRECTORY);
    assert_string_equal(listing("/"), "a ");
}

static void no_bytes_are_an_empty_tree(void **state)
{
    (void)state;
    assert_int_equal(cpio_open(&cpio, NULL, 0, &fault), OK);
    assert_int_equal(find("x"), CPIO_MISSING);
    assert_string_equal(listing("/"), "");
    cpio_fixture_raw(&archive, "\0\0\0\0\0", 5);
    assert_int_equal(open_archive(), OK);
    assert_string_equal(listing("/"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_found_with_its_content_and_numbers, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(slashes_and_dots_in_a_path_mean_what_posix_says, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_path_without_a_slash_in_front_begins_in_the_directory_given, setup, teardown),
        cmocka_unit_test_setup_teardown(names_in_the_archive_may_begin_with_a_slash_or_a_dot, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_path_or_a_part_of_one_may_be_too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(a_directory_that_no_entry_names_exists, setup, teardown),
        cmocka_unit_test_setup_teardown(the_root_has_the_numbers_of_its_entry, setup, teardown),
        cmocka_unit_test_setup_teardown(all_names_of_a_file_have_the_content_that_one_entry_has,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(symbolic_links_are_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(links_that_never_end_are_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_listing_shows_each_name_once_and_only_its_own_level,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(any_position_in_a_listing_is_survived, setup, teardown),
        cmocka_unit_test_setup_teardown(listing_a_file_is_the_programmers_mistake, setup, teardown),
        cmocka_unit_test_setup_teardown(a_later_archive_hides_what_has_the_same_name, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_directory_hidden_by_a_file_hides_what_lies_in_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_bytes_are_an_empty_tree, setup, teardown),
    };
    return cmocka_run_group_tests_name("kernel/cpio.c", tests, NULL, NULL);
}
