/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every system call with no page of memory free: each works, or fails with an errno that says so,
 * and afterwards, with memory, works as before. Started with the archive of tests/libc/files.sh as
 * initrd. The table in docs/LIBC.md has the calls.
 */

#define _GNU_SOURCE 1 /* more than ISO C, whose names -std=c11 leaves alone */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "aerostat.h"
#include "tests/libc/check.h"

/* ---- all memory ---- */

/* Pages taken begin with the address of the piece taken before, and its size. */
struct piece {
    struct piece *before;
    size_t bytes;
};

static struct piece *pieces;
static void *small_blocks; /* each begins with the address of the one before */
static char *kept;         /* a block from before */

static void take_pages(void)
{
    for (size_t bytes = (size_t)1 << 30; bytes >= AEROSTAT_PAGE_BYTES; bytes /= 2) {
        struct piece *piece;

        while ((piece = aerostat_pages_alloc(bytes, AEROSTAT_PAGE_BYTES)) != NULL) {
            *piece = (struct piece){ .before = pieces, .bytes = bytes };
            pieces = piece;
        }
    }
}

/* The heap has groups that are not full: every size until nothing is left of any. */
static void take_blocks(void)
{
    for (size_t bytes = 65536; bytes >= sizeof(void *); bytes = bytes * 7 / 8) {
        void **block;

        while ((block = malloc(bytes)) != NULL) {
            *block = small_blocks;
            small_blocks = (void *)block;
        }
    }
}

static void take_all(void)
{
    take_pages();
    take_blocks();
    take_pages();
}

static void give_back(void)
{
    while (small_blocks != NULL) {
        void *before = *(void **)small_blocks;

        free(small_blocks);
        small_blocks = before;
    }
    while (pieces != NULL) {
        struct piece before = *pieces;

        aerostat_pages_free(pieces, before.bytes);
        pieces = before.before;
    }
}

/* ---- the calls ---- */

static bool fails_with(long result, int error)
{
    bool good = result == -1 && errno == error;

    errno = 0;
    return good;
}

/* `full`: there is no memory, and what needs some says ENOMEM; otherwise it works. Not inline, for
 * a compiler may take an allocation as given that it can see to be unused. */
__attribute__((noinline)) static bool fits(bool full, const void *got)
{
    bool good = full ? got == NULL && errno == ENOMEM : got != NULL;

    errno = 0;
    return good;
}

static void check_heap(bool full)
{
    void *block = NULL;
    void *other;

    CHECK(fits(full, block = malloc(100)));
    free(block);
    CHECK(fits(full, other = realloc(kept, 200000)));
    kept = other != NULL ? other : kept;
    CHECK(strcmp(kept, "kept") == 0);
    CHECK(fits(full, block = calloc(10, 10)));
    free(block);
    CHECK(fits(full, block = aligned_alloc(64, 128)));
    free(block);
    CHECK(fits(full, block = memalign(64, 128)));
    free(block);
    CHECK(fits(full, block = valloc(100)));
    free(block);
    block = NULL;
    CHECK(posix_memalign(&block, 64, 100) == (full ? ENOMEM : 0) && (block == NULL) == full);
    free(block);
    CHECK(fits(full, block = strdup("text")));
    free(block);
    CHECK(malloc_usable_size(NULL) == 0);
    CHECK(malloc_trim(0) == 0);
}

static void check_memory(bool full)
{
    unsigned char *mapping =
        mmap(NULL, 5000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(full ? mapping == MAP_FAILED && errno == ENOMEM : mapping != MAP_FAILED);
    if (mapping != MAP_FAILED) {
        CHECK(mapping[0] == 0 && mapping[4999] == 0);
        CHECK(madvise(mapping, 5000, MADV_DONTNEED) == 0);
        CHECK(mprotect(mapping, 5000, PROT_READ | PROT_WRITE) == 0);
        CHECK(munmap(mapping, 5000) == 0);
    }
    CHECK(fails_with(munmap(NULL, 0), EINVAL));
    CHECK(fails_with(madvise(NULL, 0, MADV_DONTNEED), EINVAL));
    CHECK(fails_with(mprotect(NULL, 4096, PROT_NONE), ENOTSUP));
    CHECK(fails_with((long)(intptr_t)sbrk(1), ENOMEM));
    CHECK(sysconf(_SC_PAGESIZE) == 4096 && getpagesize() == 4096);
    CHECK(full ? sysconf(_SC_AVPHYS_PAGES) == 0 : sysconf(_SC_AVPHYS_PAGES) > 0);
    CHECK(sysconf(_SC_PHYS_PAGES) > 0 && sysconf(_SC_NPROCESSORS_ONLN) == 1);
}

static void check_descriptors(void)
{
    char buffer[16];
    struct stat status;
    int fd = open("hello.txt", O_RDONLY);
    int copy = dup(fd);

    CHECK(fd >= 3 && copy > fd);
    CHECK(read(fd, buffer, 2) == 2 && pread(fd, buffer, 2, 1) == 2 && memcmp(buffer, "el", 2) == 0);
    CHECK(lseek(fd, 0, SEEK_CUR) == 2 && lseek(copy, 0, SEEK_END) == 6);
    CHECK(write(1, "", 0) == 0 && fails_with(write(fd, "x", 1), EBADF));
    CHECK(dup2(fd, 40) == 40 && fcntl(40, F_DUPFD, 50) == 50 && fcntl(50, F_GETFL) == O_RDONLY);
    CHECK(fstat(50, &status) == 0 && status.st_size == 6);
    CHECK(isatty(1) == 1 && isatty(fd) == 0);
    CHECK(close(50) == 0 && close(40) == 0 && close(copy) == 0 && close(fd) == 0);
    CHECK(fails_with(close(fd), EBADF));
}

static void check_paths(void)
{
    char text[64];
    struct stat status;

    CHECK(stat("sub/up", &status) == 0 && status.st_size == 6);
    CHECK(access("sub/run", X_OK) == 0 && fails_with(access("hello.txt", W_OK), EROFS));
    CHECK(readlink("sub/up", text, sizeof(text)) == 12);
    CHECK(chdir("sub") == 0 && strcmp(getcwd(text, sizeof(text)), "/sub") == 0);
    CHECK(chdir("/") == 0);
    CHECK(fails_with(open("none", O_RDONLY), ENOENT));
    CHECK(fails_with(unlink("hello.txt"), EROFS) && fails_with(rmdir("sub"), EROFS));
    CHECK(fails_with(rename("hello.txt", "new"), EROFS));
    CHECK(fails_with(link("hello.txt", "new"), EROFS));
    CHECK(fails_with(symlink("hello.txt", "new"), EROFS));
    CHECK(fails_with(mkdir("new", 0777), EROFS) && fails_with(chmod("hello.txt", 0), EROFS));
    CHECK(fails_with(truncate("hello.txt", 0), EROFS));
}

/* A stream needs memory; none may leave its descriptor open when there is none. */
static void check_streams(bool full)
{
    int before = dup(0);
    DIR *directory = opendir("/");
    int fd;

    CHECK(fits(full, directory));
    if (directory != NULL) {
        CHECK(readdir(directory) != NULL && dirfd(directory) > before);
        seekdir(directory, telldir(directory));
        rewinddir(directory);
        CHECK(closedir(directory) == 0);
    }
    fd = open("/", O_RDONLY);
    directory = fdopendir(fd);
    CHECK(fits(full, directory));
    CHECK((directory != NULL ? closedir(directory) : close(fd)) == 0);
    FILE *file = fopen("hello.txt", "r");

    CHECK(fits(full, file));
    if (file != NULL) {
        CHECK(fgetc(file) == 'h' && fclose(file) == 0);
    }
    fd = dup(0);
    CHECK(fd == before + 1 && close(fd) == 0 && close(before) == 0);
}

static void check_time(void)
{
    struct timespec now = { 0, 0 };
    struct timespec short_time = { 0, 1000 };
    struct timeval day;
    struct tms used;
    struct tm civil;
    time_t seconds = time(NULL);

    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0 && clock_getres(CLOCK_REALTIME, &now) == 0);
    CHECK(gettimeofday(&day, NULL) == 0 && times(&used) != (clock_t)-1 && clock() > 0);
    CHECK(gmtime_r(&seconds, &civil) != NULL && mktime(&civil) == seconds);
    CHECK(nanosleep(&short_time, NULL) == 0 && usleep(10) == 0 && sleep(0) == 0);
}

static void ignore_it(int number)
{
    (void)number;
}

/* A handler for SIGTERM takes a task, once. The others take nothing. */
static void check_process(bool full)
{
    unsigned char random[16];

    CHECK(getpid() == 1 && kill(1, 0) == 0);
    CHECK(signal(SIGUSR1, ignore_it) == SIG_DFL && raise(SIGUSR1) == 0);
    CHECK(signal(SIGUSR1, SIG_DFL) == ignore_it);
    errno = 0;
    CHECK(full ? signal(SIGTERM, ignore_it) == SIG_ERR && errno == ENOMEM
               : signal(SIGTERM, ignore_it) == SIG_DFL);
    CHECK(signal(SIGTERM, SIG_DFL) == (full ? SIG_DFL : ignore_it));
    CHECK(getentropy(random, sizeof(random)) == 0);
    CHECK(getenv("NONE") == NULL);
}

static void other(void *argument)
{
    *(int *)argument = 1;
}

static void check_tasks(bool full)
{
    int ran = 0;

    CHECK(aerostat_task_start("other", 8192, other, &ran) == (full ? ENOMEM : 0));
    aerostat_yield();
    CHECK(ran == (full ? 0 : 1));
}

static void check_all(bool full)
{
    check_heap(full);
    check_memory(full);
    check_descriptors();
    check_paths();
    check_streams(full);
    check_time();
    check_process(full);
    check_tasks(full);
}

int main(void)
{
    struct aerostat_memory before;
    struct aerostat_memory after;

    printf("with no memory\n"); /* its buffer comes before that */
    kept = strdup("kept");
    CHECK(kept != NULL);
    aerostat_memory(&before);
    take_all();
    errno = 0;
    check_all(true);
    give_back();
    aerostat_memory(&after);
    CHECK(after.in_use_bytes <= before.in_use_bytes);
    errno = 0;
    check_all(false);
    free(kept);
    printf("with memory\n");
    return checks_result();
}
