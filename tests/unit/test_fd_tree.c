/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors and the tree of files: what is asked about it, directories, listings, refusals. */

#include "tests/unit/fd_fixture.h"

/* ---- questions ---- */

static void a_file_is_described(void **state)
{
    struct stat status;
    struct stat again;
    int fd = opened("dir/up");

    (void)state;
    assert_int_equal(stat("dir/up", &status), 0);
    assert_int_equal(fstat(fd, &again), 0);
    assert_memory_equal(&status, &again, sizeof status);
    assert_true(S_ISREG(status.st_mode));
    assert_int_equal(status.st_mode & 0777, 0644);
    assert_int_equal(status.st_size, 10);
    assert_int_equal(status.st_ino, 7);
    assert_int_equal(status.st_nlink, 1);
    assert_int_equal(status.st_mtime, 1234567);
    assert_int_equal(status.st_blocks, 1);
    assert_int_equal(close(fd), 0);
    assert_int_equal(stat("dir", &status), 0);
    assert_true(S_ISDIR(status.st_mode));
    assert_int_equal(status.st_size, 0);
    assert_fails(stat("none", &status), ENOENT);
    assert_fails(stat("loop", &status), ELOOP);
}

static void access_knows_what_may_be_done(void **state)
{
    (void)state;
    assert_int_equal(access("file", F_OK), 0);
    assert_int_equal(access("file", R_OK), 0);
    assert_int_equal(access("run", R_OK | X_OK), 0);
    assert_int_equal(access("dir", X_OK), 0);
    assert_fails(access("file", X_OK), EACCES);
    assert_fails(access("file", W_OK), EROFS);
    assert_fails(access("file", 64), EINVAL);
    assert_fails(access("none", F_OK), ENOENT);
}

static void a_symbolic_link_can_be_read(void **state)
{
    char target[16];

    (void)state;
    assert_int_equal(readlink("dir/up", target, sizeof target), 7);
    assert_memory_equal(target, "../file", 7);
    assert_int_equal(readlink("dir/up", target, 2), 2);
    assert_fails(readlink("file", target, sizeof target), EINVAL);
    assert_fails(readlink("none", target, sizeof target), ENOENT);
}

static void the_working_directory_can_be_changed(void **state)
{
    char path[32];

    (void)state;
    assert_string_equal(getcwd(path, sizeof path), "/");
    assert_int_equal(chdir("dir"), 0);
    assert_string_equal(getcwd(path, sizeof path), "/dir");
    assert_int_equal(close(opened("inner")), 0);
    assert_int_equal(close(opened("/file")), 0);
    assert_fails(open("file", O_RDONLY), ENOENT);
    assert_int_equal(chdir("deep/.."), 0);
    assert_int_equal(chdir("../todir/deep"), 0);
    assert_string_equal(getcwd(path, 10), "/dir/deep");
    assert_null(getcwd(path, 9));
    assert_int_equal(errno, ERANGE);
    assert_null(getcwd(path, 0));
    assert_int_equal(errno, EINVAL);
    assert_null(getcwd(NULL, 5));
    assert_int_equal(errno, EINVAL);
    assert_fails(chdir("../inner"), ENOTDIR);
    assert_fails(chdir("none"), ENOENT);
    assert_string_equal(getcwd(path, sizeof path), "/dir/deep");
}

static void nothing_can_be_changed(void **state)
{
    (void)state;
    assert_fails(unlink("file"), EROFS);
    assert_fails(unlink("loop"), EROFS);
    assert_fails(unlink("none"), ENOENT);
    assert_fails(rmdir("dir"), EROFS);
    assert_fails(rename("file", "other"), EROFS);
    assert_fails(rename("none", "other"), ENOENT);
    assert_fails(link("file", "other"), EROFS);
    assert_fails(link("file/x", "other"), ENOTDIR);
    assert_fails(symlink("file", "other"), EROFS);
    assert_fails(symlink("file", "dir"), EEXIST);
    assert_fails(mkdir("dir", 0777), EEXIST);
    assert_fails(mkdir("other", 0777), EROFS);
    assert_fails(mkdir("file/x", 0777), ENOTDIR);
    assert_fails(chmod("file", 0777), EROFS);
    assert_fails(chmod("loop", 0777), ELOOP);
    assert_fails(truncate("file", 0), EROFS);
}

/* ---- listings ---- */

static void assert_listed(DIR *stream, const char *name, unsigned char type)
{
    const struct dirent *entry = readdir(stream);

    assert_non_null(entry);
    assert_string_equal(entry->d_name, name);
    assert_int_equal(entry->d_type, type);
}

static void a_directory_is_listed_as_often_as_wanted(void **state)
{
    DIR *stream = opendir("todir");
    long second;

    (void)state;
    assert_non_null(stream);
    assert_listed(stream, "inner", DT_REG);
    second = telldir(stream);
    assert_listed(stream, "deep", DT_DIR);
    assert_listed(stream, "up", DT_LNK);
    assert_null(readdir(stream));
    assert_null(readdir(stream));
    assert_int_equal(errno, 0);
    seekdir(stream, second);
    assert_listed(stream, "deep", DT_DIR);
    rewinddir(stream);
    assert_listed(stream, "inner", DT_REG);
    assert_int_equal(lseek(dirfd(stream), 0, SEEK_SET), 0);
    assert_listed(stream, "inner", DT_REG);
    assert_int_equal(closedir(stream), 0);
}

static void two_listings_do_not_meet(void **state)
{
    DIR *one = opendir("dir");
    DIR *two = fdopendir(opened("dir"));
    DIR *empty = opendir("dir/deep");

    (void)state;
    assert_listed(one, "inner", DT_REG);
    assert_listed(one, "deep", DT_DIR);
    assert_listed(two, "inner", DT_REG);
    assert_listed(one, "up", DT_LNK);
    assert_null(readdir(empty));
    assert_int_equal(closedir(one), 0);
    assert_listed(two, "deep", DT_DIR);
    assert_int_equal(closedir(two), 0);
    assert_int_equal(closedir(empty), 0);
}

static void what_is_no_directory_is_not_listed(void **state)
{
    int fd = opened("file");

    (void)state;
    assert_null(opendir("file"));
    assert_int_equal(errno, ENOTDIR);
    assert_null(opendir("none"));
    assert_int_equal(errno, ENOENT);
    assert_null(fdopendir(fd));
    assert_int_equal(errno, ENOTDIR);
    assert_null(fdopendir(1));
    assert_int_equal(errno, ENOTDIR);
    assert_int_equal(close(fd), 0);
}

static void no_memory_for_a_listing_leaves_nothing_open(void **state)
{
    (void)state;
    no_memory = true;
    assert_null(opendir("dir"));
    assert_int_equal(errno, ENOMEM);
    no_memory = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_described, setup, teardown),
        cmocka_unit_test_setup_teardown(access_knows_what_may_be_done, setup, teardown),
        cmocka_unit_test_setup_teardown(a_symbolic_link_can_be_read, setup, teardown),
        cmocka_unit_test_setup_teardown(the_working_directory_can_be_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_can_be_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_directory_is_listed_as_often_as_wanted, setup, teardown),
        cmocka_unit_test_setup_teardown(two_listings_do_not_meet, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_directory_is_not_listed, setup, teardown),
        cmocka_unit_test_setup_teardown(no_memory_for_a_listing_leaves_nothing_open, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("libc/fd.c", tests, group_setup, NULL);
}
