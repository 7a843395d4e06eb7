/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals. An ordinary program: it tells what fails and returns 1. With an argument it does one
 * thing for the host to see:
 *
 *     flag      waits for the power button in a loop around sleep(), and returns 0
 *     pause     waits in pause()
 *     exit      the handler calls exit(7)
 *     busy      never waits, and only asks for the time
 *     print     never waits, and only prints
 *     files     never waits, and only reads a file
 *     ignore    the button does nothing; it ends by itself with 0
 *     default   sets a handler and takes it back: the button ends the machine
 *     nobody    no handler: the same
 *     read      a read of the console ends with EINTR
 *     abort     status 128 + SIGABRT
 *     raise     status 128 + SIGTERM
 */

#define _DEFAULT_SOURCE 1

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/libc/check.h"

static volatile sig_atomic_t got;
static volatile sig_atomic_t count;

static void note(int number)
{
    got = number;
    count = count + 1;
}

/* Where a handler is an ordinary task (libc/signal.h), it may. */
static void leave(int number)
{
    exit(number == SIGTERM ? 7 : 8); /* NOLINT(bugprone-signal-handler,cert-sig30-c) */
}

/* ---- from inside ---- */

static void check_raise(void)
{
    CHECK(signal(SIGUSR1, note) == SIG_DFL);
    CHECK(raise(SIGUSR1) == 0);
    CHECK(got == SIGUSR1 && count == 1);
    CHECK(raise(SIGUSR1) == 0); /* the handler stays */
    CHECK(count == 2);
    CHECK(signal(SIGUSR1, SIG_IGN) == note);
    CHECK(raise(SIGUSR1) == 0);
    CHECK(count == 2);
    CHECK(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
    CHECK(raise(SIGCHLD) == 0);
    CHECK(raise(SIGCONT) == 0);
}

static void check_kill(void)
{
    CHECK(getpid() == 1);
    CHECK(signal(SIGINT, note) == SIG_DFL);
    got = 0;
    CHECK(kill(getpid(), SIGINT) == 0);
    CHECK(got == SIGINT);
    CHECK(kill(getpid(), 0) == 0);
    errno = 0;
    CHECK(kill(2, SIGINT) == -1 && errno == ESRCH);
    errno = 0;
    CHECK(kill(getpid(), NSIG) == -1 && errno == EINVAL);
}

static void check_refusals(void)
{
    static const int bad[] = { 0, -1, NSIG, 1000, SIGKILL, SIGSTOP };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        errno = 0;
        CHECK(signal(bad[i], note) == SIG_ERR);
        CHECK(errno == EINVAL);
    }
    errno = 0;
    CHECK(raise(0) == -1 && errno == EINVAL);
}

/* ---- from outside ---- */

/* A sleep ends early, by the handler. */
static int wait_for_flag(void)
{
    unsigned left;

    signal(SIGTERM, note);
    printf("waiting\n");
    errno = 0;
    left = sleep(60);
    CHECK(left > 0 && left <= 60);
    CHECK(got == SIGTERM && count == 1);
    printf("signal: flag %d\n", (int)got);
    return checks_result();
}

static int wait_in_pause(void)
{
    signal(SIGTERM, note);
    printf("waiting\n");
    errno = 0;
    CHECK(pause() == -1 && errno == EINTR);
    CHECK(got == SIGTERM && count == 1);
    printf("signal: pause ended\n");
    return checks_result();
}

static int be_busy(void)
{
    signal(SIGTERM, note);
    printf("waiting\n");
    while (got == 0) {
        (void)time(NULL);
    }
    printf("signal: seen while busy\n");
    return 0;
}

static int print(void)
{
    unsigned long lines = 0;

    signal(SIGTERM, note);
    printf("waiting\n");
    while (got == 0) {
        printf("%lu\n", lines++);
    }
    printf("signal: seen while printing\n");
    return 0;
}

/* Of an archive in which is a file (tests/libc/files.sh). */
static int read_files(void)
{
    char byte;
    int fd = open("hello.txt", O_RDONLY);

    CHECK(fd >= 0);
    signal(SIGTERM, note);
    printf("waiting\n");
    while (got == 0 && read(fd, &byte, 1) >= 0) {
        (void)lseek(fd, 0, SEEK_SET);
    }
    CHECK(got == SIGTERM);
    printf("signal: seen while reading\n");
    return checks_result();
}

static int ignore(void)
{
    signal(SIGTERM, SIG_IGN);
    printf("waiting\n");
    CHECK(sleep(2) == 0);
    printf("signal: ignored\n");
    return checks_result();
}

static int read_until_signal(void)
{
    char byte;

    signal(SIGTERM, note);
    printf("waiting\n");
    errno = 0;
    CHECK(read(STDIN_FILENO, &byte, 1) == -1 && errno == EINTR);
    CHECK(got == SIGTERM);
    printf("signal: read ended\n");
    return checks_result();
}

static int wait_for_the_end(void)
{
    printf("waiting\n");
    sleep(60);
    return 9;
}

static int do_one(const char *what)
{
    if (strcmp(what, "flag") == 0) {
        return wait_for_flag();
    }
    if (strcmp(what, "pause") == 0) {
        return wait_in_pause();
    }
    if (strcmp(what, "busy") == 0) {
        return be_busy();
    }
    if (strcmp(what, "print") == 0) {
        return print();
    }
    if (strcmp(what, "files") == 0) {
        return read_files();
    }
    if (strcmp(what, "ignore") == 0) {
        return ignore();
    }
    if (strcmp(what, "read") == 0) {
        return read_until_signal();
    }
    if (strcmp(what, "abort") == 0) {
        abort();
    }
    if (strcmp(what, "raise") == 0) {
        raise(SIGTERM);
    }
    if (strcmp(what, "exit") == 0) {
        signal(SIGTERM, leave);
    }
    if (strcmp(what, "default") == 0) {
        CHECK(signal(SIGTERM, note) == SIG_DFL && signal(SIGTERM, SIG_DFL) == note);
    }
    return wait_for_the_end();
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return do_one(argv[1]);
    }
    check_raise();
    check_kill();
    check_refusals();
    return checks_result();
}
