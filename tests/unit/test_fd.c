/* SPDX-License-Identifier: BSD-2-Clause */
/* libc/fd.c, libc/path.c and libc/dir.c over a fake console and an archive: what each call gives,
 * and which errno it fails with. */

#include "tests/unit/fd_fixture.h"

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
    };
    return cmocka_run_group_tests_name("libc/fd.c", tests, group_setup, NULL);
}
