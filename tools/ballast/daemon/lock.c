/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock against a second instance. The file is never removed: whoever removed it could remove
 * one that somebody else just locked, and two daemons would hold locks on two files of one name.
 * The pid in it is for people; the lock alone decides.
 */

#include "tools/ballast/daemon/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_MS 300
#define STEP_MS     20

/* The pid in the file, 0 when there is none that makes sense. */
static long read_pid(int fd)
{
    char text[32] = "";
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    char *end = NULL;
    long pid = 0;

    if (length <= 0) {
        return 0;
    }
    pid = strtol(text, &end, 10);
    return *end == '\n' && pid > 0 && pid <= INT_MAX ? pid : 0;
}

static void explain_busy(int fd, const char *path, char *reason, size_t reason_size)
{
    long pid = read_pid(fd);

    if (pid > 0) {
        (void)snprintf(reason, reason_size, "another ballastd (pid %ld) holds %s", pid, path);
    } else {
        (void)snprintf(reason, reason_size, "another ballastd holds %s", path);
    }
}

/* A daemon that was killed holds its lock until the kernel has taken it apart, and whoever starts
 * the next one at once should not be told that it still runs. */
static bool lock_within(int fd, unsigned patience_ms)
{
    for (unsigned waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited_ms += STEP_MS) {
        if (errno != EWOULDBLOCK || waited_ms >= patience_ms) {
            return false;
        }
        (void)poll(NULL, 0, STEP_MS);
    }
    return true;
}

int lock_take(const char *folder, char *reason, size_t reason_size)
{
    char path[PATH_MAX];
    char text[32];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    int fd = -1;

    if (snprintf(path, sizeof path, "%s/%s", folder, LOCK_FILE) >= (int)sizeof path) {
        (void)snprintf(reason, reason_size, "the state folder's name is too long");
        return LOCK_FAILED;
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        (void)snprintf(reason, reason_size, "cannot open %s: %s", path, strerror(errno));
        return LOCK_FAILED;
    }
    if (!lock_within(fd, PATIENCE_MS)) {
        int result = errno == EWOULDBLOCK ? LOCK_BUSY : LOCK_FAILED;

        if (result == LOCK_BUSY) {
            explain_busy(fd, path, reason, reason_size);
        } else {
            (void)snprintf(reason, reason_size, "cannot lock %s: %s", path, strerror(errno));
        }
        (void)close(fd);
        return result;
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length) {
        (void)snprintf(reason, reason_size, "cannot write %s: %s", path, strerror(errno));
        (void)close(fd);
        return LOCK_FAILED;
    }
    return fd;
}

bool lock_held(int fd, const char *folder)
{
    char path[PATH_MAX];
    struct stat mine;
    struct stat named;

    return snprintf(path, sizeof path, "%s/%s", folder, LOCK_FILE) < (int)sizeof path &&
           fstat(fd, &mine) == 0 && stat(path, &named) == 0 && mine.st_dev == named.st_dev &&
           mine.st_ino == named.st_ino;
}

void lock_release(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}
