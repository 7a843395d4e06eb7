/* SPDX-License-Identifier: BSD-2-Clause */
/* libc/fd.c, libc/path.c and libc/dir.c over a fake console and an archive: what each call gives,
 * and which errno it fails with. */
#include "tests/fakes/libc_names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "kernel/console.h"
#include "kernel/initrd.h"
#include "libc/fd.h"
#include "libc/signal.h"
#include "tests/unit/cpio_fixture.h"

static struct cpio_fixture archive;
static struct cpio tree;
static char written[64];
static size_t written_bytes;
static const char *typed = "";
static bool no_memory;

/* ---- what is beneath ---- */

const struct cpio *initrd_tree(void)
{
    return &tree;
}

void console_write(const char *text, size_t bytes)
{
    assert_true(bytes <= sizeof written - written_bytes);
    memcpy(written + written_bytes, text, bytes);
    written_bytes += bytes;
}

ptrdiff_t console_read(char *buffer, size_t bytes)
{
    size_t length = strlen(typed) < bytes ? strlen(typed) : bytes;

    assert_true(bytes > 0);
    if (typed[0] == '!') {
        return -1;
    }
    memcpy(buffer, typed, length);
    return (ptrdiff_t)length;
}

void *libc_malloc(size_t bytes);

void *libc_malloc(size_t bytes)
{
    return no_memory ? NULL : calloc(1, bytes);
}

/* Of libc/signal.c: how often a busy program's handler could have run. */
static unsigned signal_points;

void signal_point(void)
{
    signal_points++;
}

static int group_setup(void **state)
{
    struct cpio_fault fault;

    (void)state;
    cpio_fixture_directory(&archive, ".");
    cpio_fixture_add(
        &archive,
        (struct cpio_spec){
            .name = "file", .mode = 0100644, .data = "0123456789", .inode = 7, .mtime = 1234567 });
    cpio_fixture_directory(&archive, "dir");
    cpio_fixture_file(&archive, "dir/inner", "inside");
    cpio_fixture_directory(&archive, "dir/deep");
    cpio_fixture_link(&archive, "dir/up", "../file");
    cpio_fixture_link(&archive, "loop", "loop");
    cpio_fixture_link(&archive, "todir", "dir");
    cpio_fixture_add(&archive, (struct cpio_spec){ .name = "run", .mode = 0100755, .data = "x" });
    cpio_fixture_add(&archive, (struct cpio_spec){ .name = "null", .mode = 0020666 });
    cpio_fixture_end(&archive);
    return cpio_open(&tree, archive.bytes, archive.length, &fault) == OK ? 0 : -1;
}

static int setup(void **state)
{
    (void)state;
    errno = 0;
    written_bytes = 0;
    typed = "";
    return 0;
}

/* Every test leaves the three standard descriptors open and nothing else. */
static int teardown(void **state)
{
    (void)state;
    for (int fd = 0; fd < FD_MAX; fd++) {
        if ((fcntl(fd, F_GETFD) == 0) != (fd <= 2)) {
            return -1;
        }
    }
    return chdir("/");
}

static void assert_fails(long result, int error)
{
    assert_int_equal(result, -1);
    assert_int_equal(errno, error);
    errno = 0;
}

static int opened(const char *path)
{
    int fd = open(path, O_RDONLY);

    assert_true(fd >= 0);
    return fd;
}

/* ---- the console ---- */

static void the_console_is_open_three_times(void **state)
{
    struct stat status;

    (void)state;
    for (int fd = 0; fd <= 2; fd++) {
        assert_int_equal(isatty(fd), 1);
        assert_int_equal(fstat(fd, &status), 0);
        assert_true(S_ISCHR(status.st_mode));
        assert_fails(lseek(fd, 0, SEEK_CUR), ESPIPE);
    }
    assert_fails(fcntl(3, F_GETFD), EBADF);
}

static void what_is_written_arrives_as_it_is(void **state)
{
    (void)state;
    assert_int_equal(write(1, "ab\0\n", 4), 4);
    assert_int_equal(write(2, "c", 1), 1);
    assert_int_equal(write(1, "", 0), 0);
    assert_int_equal(written_bytes, 5);
    assert_memory_equal(written, "ab\0\nc", 5);
}

static void what_is_typed_is_read(void **state)
{
    char buffer[8];

    (void)state;
    typed = "hello\n";
    assert_int_equal(read(0, buffer, sizeof buffer), 6);
    assert_memory_equal(buffer, "hello\n", 6);
    assert_int_equal(read(0, buffer, 2), 2);
    assert_int_equal(read(0, buffer, 0), 0);
    typed = "";
    assert_int_equal(read(0, buffer, sizeof buffer), 0);
    typed = "!";
    assert_fails(read(0, buffer, sizeof buffer), EINTR);
    assert_fails(pread(0, buffer, 1, 0), ESPIPE);
}

/* ---- files ---- */

static void a_file_is_read_from_where_the_offset_is(void **state)
{
    char buffer[16];
    int fd = opened("file");

    (void)state;
    assert_int_equal(fd, 3);
    assert_int_equal(read(fd, buffer, 4), 4);
    assert_memory_equal(buffer, "0123", 4);
    assert_int_equal(read(fd, buffer, 16), 6);
    assert_memory_equal(buffer, "456789", 6);
    assert_int_equal(read(fd, buffer, 16), 0);
    assert_int_equal(lseek(fd, -3, SEEK_END), 7);
    assert_int_equal(read(fd, buffer, 2), 2);
    assert_memory_equal(buffer, "78", 2);
    assert_int_equal(lseek(fd, -1, SEEK_CUR), 8);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 8);
    assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
    assert_int_equal(pread(fd, buffer, 3, 5), 3);
    assert_memory_equal(buffer, "567", 3);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 2);
    assert_int_equal(close(fd), 0);
}

static void reading_and_writing_let_a_handler_run(void **state)
{
    char byte;
    int fd = opened("file");

    (void)state;
    signal_points = 0;
    assert_int_equal(read(fd, &byte, 1), 1);
    assert_int_equal(signal_points, 1);
    assert_int_equal(write(1, "x", 1), 1);
    assert_int_equal(signal_points, 2);
    assert_int_equal(close(fd), 0);
}

static void offsets_are_checked(void **state)
{
    char buffer[4];
    int fd = opened("file");

    (void)state;
    assert_int_equal(lseek(fd, 1000, SEEK_SET), 1000); /* behind the end is fine */
    assert_int_equal(read(fd, buffer, 4), 0);
    assert_fails(lseek(fd, -1, SEEK_SET), EINVAL);
    assert_fails(lseek(fd, -1001, SEEK_CUR), EINVAL);
    assert_fails(lseek(fd, INT64_MAX, SEEK_CUR), EOVERFLOW);
    assert_fails(lseek(fd, 0, 17), EINVAL);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 1000);
    assert_int_equal(lseek(fd, INT64_MAX, SEEK_SET), INT64_MAX);
    assert_int_equal(read(fd, buffer, 4), 0);
    assert_int_equal(pread(fd, buffer, 4, INT64_MAX), 0);
    assert_fails(pread(fd, buffer, 4, -1), EINVAL);
    assert_int_equal(close(fd), 0);
}

static void a_file_cannot_be_written(void **state)
{
    int fd = opened("file");

    (void)state;
    assert_fails(write(fd, "x", 1), EBADF);
    assert_int_equal(isatty(fd), 0);
    assert_int_equal(errno, ENOTTY);
    assert_int_equal(close(fd), 0);
    assert_fails(open("file", O_WRONLY), EROFS);
    assert_fails(open("file", O_RDWR), EROFS);
    assert_fails(open("file", O_RDONLY | O_TRUNC), EROFS);
    assert_fails(open("file", O_WRONLY | O_CREAT | O_TRUNC, 0666), EROFS);
    assert_fails(open("new", O_WRONLY | O_CREAT, 0666), EROFS);
    assert_fails(open("new", O_RDONLY | O_CREAT, 0666), EROFS);
    assert_fails(open("file", O_RDONLY | O_CREAT | O_EXCL, 0666), EEXIST);
    fd = open("file", O_RDONLY | O_CREAT, 0666);
    assert_int_equal(fd, 3);
    assert_int_equal(close(fd), 0);
}

static void what_cannot_be_opened_says_why(void **state)
{
    char path[CPIO_PATH_MAX + 2];

    (void)state;
    assert_fails(open("none", O_RDONLY), ENOENT);
    assert_fails(open("", O_RDONLY), ENOENT);
    assert_fails(open("file/x", O_RDONLY), ENOTDIR);
    assert_fails(open("loop", O_RDONLY), ELOOP);
    assert_fails(open("dir/up", O_RDONLY | O_NOFOLLOW), ELOOP);
    assert_fails(open("dir", O_WRONLY), EISDIR);
    assert_fails(open("dir", O_RDONLY | O_CREAT, 0666), EISDIR);
    assert_fails(open("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
    assert_fails(open("null", O_RDONLY), ENXIO);
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_fails(open(path, O_RDONLY), ENAMETOOLONG);
}

static void a_directory_is_opened_and_not_read(void **state)
{
    char buffer[4];
    int fd = opened("dir");

    (void)state;
    assert_fails(read(fd, buffer, 4), EISDIR);
    assert_fails(pread(fd, buffer, 4, 0), EISDIR);
    assert_fails(write(fd, buffer, 4), EBADF);
    assert_int_equal(close(fd), 0);
}

/* ---- descriptors ---- */

static void descriptors_run_out(void **state)
{
    (void)state;
    for (int fd = 3; fd < FD_MAX; fd++) {
        assert_int_equal(opened("file"), fd);
    }
    assert_fails(open("file", O_RDONLY), EMFILE);
    assert_fails(dup(0), EMFILE);
    assert_null(opendir("dir"));
    assert_int_equal(errno, EMFILE);
    assert_int_equal(close(30), 0);
    assert_int_equal(opened("file"), 30);
    for (int fd = 3; fd < FD_MAX; fd++) {
        assert_int_equal(close(fd), 0);
    }
}

static void a_descriptor_that_is_not_open_is_refused(void **state)
{
    static const int fds[] = { -1, 3, FD_MAX, INT32_MAX, INT32_MIN };
    char buffer[1];
    struct stat status;

    (void)state;
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        assert_fails(read(fds[i], buffer, 1), EBADF);
        assert_fails(pread(fds[i], buffer, 1, 0), EBADF);
        assert_fails(write(fds[i], buffer, 1), EBADF);
        assert_fails(lseek(fds[i], 0, SEEK_SET), EBADF);
        assert_fails(close(fds[i]), EBADF);
        assert_fails(fstat(fds[i], &status), EBADF);
        assert_fails(dup(fds[i]), EBADF);
        assert_fails(dup2(fds[i], 5), EBADF);
        assert_fails(fcntl(fds[i], F_GETFL), EBADF);
        assert_int_equal(isatty(fds[i]), 0);
        assert_int_equal(errno, EBADF);
        assert_null(fdopendir(fds[i]));
        assert_int_equal(errno, EBADF);
    }
}

static void copies_of_a_descriptor_have_one_offset(void **state)
{
    char buffer[4];
    int fd = opened("file");
    int copy = dup(fd);

    (void)state;
    assert_int_equal(copy, fd + 1);
    assert_int_equal(read(fd, buffer, 4), 4);
    assert_int_equal(lseek(copy, 0, SEEK_CUR), 4);
    assert_int_equal(close(fd), 0);
    assert_int_equal(read(copy, buffer, 1), 1);
    assert_memory_equal(buffer, "4", 1);
    assert_int_equal(dup2(copy, 10), 10);
    assert_int_equal(dup2(10, 10), 10);
    assert_fails(dup2(10, FD_MAX), EBADF);
    assert_fails(dup2(10, -1), EBADF);
    assert_int_equal(fcntl(10, F_DUPFD, 20), 20);
    assert_fails(fcntl(10, F_DUPFD, FD_MAX), EINVAL);
    assert_fails(fcntl(10, F_DUPFD, -1), EINVAL);
    assert_fails(fcntl(10, 4711), EINVAL);
    assert_int_equal(close(copy), 0);
    assert_int_equal(lseek(20, 0, SEEK_CUR), 5);
    assert_int_equal(close(10), 0);
    assert_int_equal(close(20), 0);
}

static void output_can_go_elsewhere_and_come_back(void **state)
{
    int saved = dup(1);
    int fd = opened("file");

    (void)state;
    assert_int_equal(dup2(fd, 1), 1);
    assert_fails(write(1, "x", 1), EBADF);
    assert_int_equal(fcntl(1, F_GETFL) & O_ACCMODE, O_RDONLY);
    assert_int_equal(dup2(saved, 1), 1);
    assert_int_equal(write(1, "y", 1), 1);
    assert_int_equal(fcntl(1, F_GETFL) & O_ACCMODE, O_RDWR);
    assert_int_equal(close(saved), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(written_bytes, 1);
}

static void the_lowest_free_descriptor_is_taken(void **state)
{
    int saved = dup(0);

    (void)state;
    assert_int_equal(close(0), 0);
    assert_int_equal(opened("file"), 0);
    assert_int_equal(isatty(0), 0);
    assert_int_equal(dup2(saved, 0), 0);
    assert_int_equal(isatty(0), 1);
    assert_int_equal(close(saved), 0);
}

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
        cmocka_unit_test_setup_teardown(the_console_is_open_three_times, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_written_arrives_as_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_typed_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_is_read_from_where_the_offset_is, setup, teardown),
        cmocka_unit_test_setup_teardown(reading_and_writing_let_a_handler_run, setup, teardown),
        cmocka_unit_test_setup_teardown(offsets_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_cannot_be_written, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_opened_says_why, setup, teardown),
        cmocka_unit_test_setup_teardown(a_directory_is_opened_and_not_read, setup, teardown),
        cmocka_unit_test_setup_teardown(descriptors_run_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_descriptor_that_is_not_open_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(copies_of_a_descriptor_have_one_offset, setup, teardown),
        cmocka_unit_test_setup_teardown(output_can_go_elsewhere_and_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(the_lowest_free_descriptor_is_taken, setup, teardown),
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
