/* SPDX-License-Identifier: BSD-2-Clause */
/* Files, through stdio and through system calls. Started with the archive of tests/libc/files.sh as
 * initrd. The corners of each call are tested on the host (tests/unit/test_fd.c); this shows that a
 * program finds them beneath newlib. */

#define _GNU_SOURCE 1 /* more than ISO C, whose names -std=c11 leaves alone */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/libc/check.h"

#define NUMBERS      100000
#define NUMBERS_SIZE 588890
#define DESCRIPTORS  64

static bool fails_with(long result, int error)
{
    bool good = result == -1 && errno == error;

    errno = 0;
    return good;
}

static void check_stdio(void)
{
    char line[32];
    FILE *file = fopen("/hello.txt", "r");

    CHECK(file != NULL && fgets(line, sizeof(line), file) != NULL);
    CHECK(strcmp(line, "hello\n") == 0);
    CHECK(fgets(line, sizeof(line), file) == NULL && feof(file) != 0);
    CHECK(fseek(file, 1, SEEK_SET) == 0 && fgetc(file) == 'e' && ftell(file) == 2);
    CHECK(fclose(file) == 0);
    errno = 0;
    CHECK(fopen("hello.txt", "w") == NULL && errno == EROFS);
    CHECK(fopen("none", "r") == NULL && errno == ENOENT);
    CHECK(fopen("none", "a") == NULL && errno == EROFS);
    CHECK(remove("hello.txt") == -1 && errno == EROFS);
    file = fopen("empty", "r");
    CHECK(file != NULL && fgetc(file) == EOF && fclose(file) == 0);
}

static void check_long_file(void)
{
    char line[32];
    FILE *file = fopen("numbers.txt", "r");
    long count = 0;

    CHECK(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL && strtol(line, NULL, 10) == count) {
        count++;
    }
    CHECK(count == NUMBERS);
    CHECK(ftell(file) == NUMBERS_SIZE);
    CHECK(fseek(file, -6, SEEK_END) == 0 && fgets(line, sizeof(line), file) != NULL);
    CHECK(strcmp(line, "99999\n") == 0);
    CHECK(fclose(file) == 0);
}

static void check_calls(void)
{
    char buffer[8];
    struct stat status;
    int fd = open("sub/up", O_RDONLY);

    CHECK(fd == 3);
    CHECK(read(fd, buffer, 2) == 2 && memcmp(buffer, "he", 2) == 0);
    CHECK(lseek(fd, 0, SEEK_CUR) == 2);
    CHECK(pread(fd, buffer, sizeof(buffer), 4) == 2 && memcmp(buffer, "o\n", 2) == 0);
    CHECK(fails_with(write(fd, buffer, 1), EBADF));
    CHECK(fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 6);
    CHECK(status.st_mtime == 1234567890);
    CHECK(isatty(fd) == 0 && isatty(0) == 1 && isatty(1) == 1 && isatty(2) == 1);
    CHECK(fstat(1, &status) == 0 && S_ISCHR(status.st_mode));
    CHECK(close(fd) == 0 && fails_with(close(fd), EBADF));
    CHECK(stat("sub", &status) == 0 && S_ISDIR(status.st_mode));
    CHECK(access("sub/run", X_OK) == 0 && fails_with(access("hello.txt", X_OK), EACCES));
    CHECK(readlink("sub/up", buffer, sizeof(buffer)) == 8 && memcmp(buffer, "../hello", 8) == 0);
    CHECK(fails_with(open("loop", O_RDONLY), ELOOP));
    CHECK(fails_with(open("hello.txt/x", O_RDONLY), ENOTDIR));
    CHECK(fails_with(open("sub", O_WRONLY), EISDIR));
    CHECK(fails_with(mkdir("new", 0777), EROFS));
    CHECK(fails_with(rename("hello.txt", "new"), EROFS));
    CHECK(fails_with(unlink("none"), ENOENT));
}

static void check_descriptors(void)
{
    int last = -1;

    for (int fd = open("empty", O_RDONLY); fd >= 0; fd = open("empty", O_RDONLY)) {
        last = fd;
    }
    CHECK(errno == EMFILE && last == DESCRIPTORS - 1);
    for (int fd = 3; fd <= last; fd++) {
        CHECK(close(fd) == 0);
    }
    int saved = dup(1);
    int fd = open("empty", O_RDONLY);

    CHECK(saved == 3 && dup2(fd, 1) == 1);
    CHECK(fails_with(write(1, "lost\n", 5), EBADF));
    CHECK(dup2(saved, 1) == 1 && write(1, "back\n", 5) == 5);
    CHECK(close(saved) == 0 && close(fd) == 0);
}

static void check_listing(void)
{
    static const char *const names[] = { "empty", "hello.txt", "loop", "numbers.txt", "sub" };
    DIR *directory = opendir("/");
    const struct dirent *entry;
    size_t count = 0;

    CHECK(directory != NULL);
    while ((entry = readdir(directory)) != NULL && count < sizeof(names) / sizeof(names[0])) {
        CHECK(strcmp(entry->d_name, names[count]) == 0);
        CHECK((strcmp(entry->d_name, "sub") == 0) == (entry->d_type == DT_DIR));
        count++;
    }
    CHECK(entry == NULL && count == sizeof(names) / sizeof(names[0]));
    rewinddir(directory);
    CHECK((entry = readdir(directory)) != NULL && strcmp(entry->d_name, "empty") == 0);
    CHECK(closedir(directory) == 0);
    CHECK(opendir("hello.txt") == NULL && errno == ENOTDIR);
}

static void check_working_directory(void)
{
    char path[32];

    CHECK(strcmp(getcwd(path, sizeof(path)), "/") == 0);
    CHECK(chdir("sub/deep") == 0 && strcmp(getcwd(path, sizeof(path)), "/sub/deep") == 0);
    CHECK(access("er", R_OK) == 0 && access("../../hello.txt", R_OK) == 0);
    CHECK(fails_with(chdir("er"), ENOTDIR));
    CHECK(chdir("/") == 0);
}

int main(void)
{
    check_stdio();
    check_long_file();
    check_calls();
    check_descriptors();
    check_listing();
    check_working_directory();
    return checks_result();
}
