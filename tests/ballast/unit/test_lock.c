/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/ballast/daemon/lock.c: one daemon for a folder, and what the dead leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>

#include "tools/ballast/daemon/lock.h"

struct fixture {
    char folder[64];
    char path[96];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    (void)snprintf(fixture->folder, sizeof fixture->folder, "/tmp/test_lock.XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/%s", fixture->folder, LOCK_FILE);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    (void)unlink(fixture->path);
    assert_int_equal(rmdir(fixture->folder), 0);
    free(fixture);
    return 0;
}

static int taken(const struct fixture *fixture)
{
    char reason[256] = "";
    int fd = lock_take(fixture->folder, reason, sizeof reason);

    if (fd < 0) {
        fail_msg("the lock is not free: %s", reason);
    }
    return fd;
}

static void spoil(const struct fixture *fixture, const char *text)
{
    int fd = open(fixture->path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static void a_second_instance_is_refused_and_told_the_pid(void **state)
{
    struct fixture *fixture = *state;
    char reason[256] = "";
    char pid[32];
    int fd = taken(fixture);

    /* Locks of flock() belong to the open file: this process counts as another. */
    assert_int_equal(lock_take(fixture->folder, reason, sizeof reason), LOCK_BUSY);
    (void)snprintf(pid, sizeof pid, "(pid %ld)", (long)getpid());
    assert_non_null(strstr(reason, pid));
    assert_non_null(strstr(reason, fixture->path));
    lock_release(fd);
    lock_release(taken(fixture));
}

static void the_lock_of_a_killed_daemon_is_no_obstacle(void **state)
{
    struct fixture *fixture = *state;
    int pipes[2];
    int status = 0;
    char byte = 0;
    char reason[256] = "";
    char expected[32];
    pid_t pid = 0;

    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        byte = lock_take(fixture->folder, reason, sizeof reason) >= 0;
        (void)!write(pipes[1], &byte, 1);
        for (;;) {
            (void)pause();
        }
    }
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    assert_int_equal(byte, 1);
    assert_int_equal(lock_take(fixture->folder, reason, sizeof reason), LOCK_BUSY);
    (void)snprintf(expected, sizeof expected, "(pid %ld)", (long)pid);
    assert_non_null(strstr(reason, expected));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    lock_release(taken(fixture));
    (void)close(pipes[0]);
    (void)close(pipes[1]);
}

static void whatever_stands_in_the_file_does_not_matter(void **state)
{
    struct fixture *fixture = *state;
    static const char *const texts[] = {
        "",        "nonsense",
        "-1\n",    "99999999999999999999\n",
        "12 34\n", "123456789012345678901234567890123456789012345678901\n"
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char reason[256] = "";
        int fd = -1;

        spoil(fixture, texts[i]);
        fd = taken(fixture);
        spoil(fixture, texts[i]);
        assert_int_equal(lock_take(fixture->folder, reason, sizeof reason), LOCK_BUSY);
        assert_non_null(strstr(reason, "another ballastd holds"));
        lock_release(fd);
    }
}

static void the_file_holds_this_pid_and_nothing_older(void **state)
{
    struct fixture *fixture = *state;
    char text[64] = "";
    char expected[32];
    int fd = -1;

    spoil(fixture, "1234567890\nand more\n");
    fd = taken(fixture);
    assert_true(pread(fd, text, sizeof text - 1, 0) > 0);
    (void)snprintf(expected, sizeof expected, "%ld\n", (long)getpid());
    assert_string_equal(text, expected);
    lock_release(fd);
    lock_release(-1);
}

static void a_folder_that_is_not_there_is_told(void **state)
{
    struct fixture *fixture = *state;
    char reason[256] = "";

    assert_int_equal(lock_take("/nowhere/at/all", reason, sizeof reason), LOCK_FAILED);
    assert_non_null(strstr(reason, "No such file"));
    /* A link could point at a file of somebody else. */
    assert_int_equal(symlink("/tmp/somewhere", fixture->path), 0);
    assert_int_equal(lock_take(fixture->folder, reason, sizeof reason), LOCK_FAILED);
    assert_non_null(strstr(reason, fixture->path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(a_second_instance_is_refused_and_told_the_pid),
        CASE(the_lock_of_a_killed_daemon_is_no_obstacle),
        CASE(whatever_stands_in_the_file_does_not_matter),
        CASE(the_file_holds_this_pid_and_nothing_older),
        CASE(a_folder_that_is_not_there_is_told),
    };

    return cmocka_run_group_tests_name("tools/ballast/daemon/lock.c", tests, NULL, NULL);
}
