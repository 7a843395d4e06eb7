/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heap in the guest. Without an argument: at the end of memory malloc() says ENOMEM, and when
 * all is freed at least 99 % of what was taken is free page frames again, as the allocator counts.
 * With one it makes a mistake, which must end the machine with a report: "double", "overrun" (found
 * when the block is freed), "stranger" (an address that malloc() never gave).
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aerostat.h"
#include "tests/libc/check.h"

#define OBJECTS_MAX 200000U

static uint64_t in_use(void)
{
    struct aerostat_memory memory;

    aerostat_memory(&memory);
    return memory.in_use_bytes;
}

static uint64_t next_random(void)
{
    static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state >> 16;
}

/* 16 bytes to 64 KiB, as many between 16 and 32 bytes as between 32 and 64 KiB. */
static size_t next_size(void)
{
    size_t base = (size_t)16 << next_random() % 12;

    return base + next_random() % base;
}

static void check_the_end_and_back(void)
{
    static char *objects[OBJECTS_MAX];
    uint64_t before = in_use();
    uint64_t taken;
    uint64_t held;
    size_t count = 0;
    void *volatile huge; /* or a compiler takes it as given */

    errno = 0;
    while (count < OBJECTS_MAX) {
        size_t bytes = next_size();
        char *object = malloc(bytes);

        if (object == NULL) {
            break;
        }
        object[0] = 1;
        object[bytes - 1] = 1;
        objects[count++] = object;
    }
    CHECK(count > 1000 && count < OBJECTS_MAX);
    CHECK(errno == ENOMEM);
    errno = 0;
    huge = calloc(1, SIZE_MAX / 2);
    CHECK(huge == NULL && errno == ENOMEM);
    free(huge);
    taken = in_use() - before;
    for (size_t i = count; i > 0; i--) { /* in another order than they came */
        size_t other = next_random() % i;
        char *object = objects[other];

        objects[other] = objects[i - 1];
        free(object);
    }
    held = in_use() > before ? in_use() - before : 0;
    printf("heap: %zu objects, %llu bytes taken, %llu still held\n", count,
           (unsigned long long)taken, (unsigned long long)held);
    CHECK(taken > (uint64_t)16 << 20);
    CHECK(held <= taken / 100);
}

/* Here a compiler neither sees the mistakes nor leaves them out. */
static char *volatile first;
static char *volatile again;

static int make_mistake(const char *what)
{
    first = malloc(24);
    again = first;
    printf("mistake: %s\n", what);
    if (strcmp(what, "double") == 0) {
        free(first);
        free(again); /* NOLINT(clang-analyzer-unix.Malloc) */
    } else if (strcmp(what, "overrun") == 0) {
        memset(again, 'x', 25);
        free(first);
    } else if (strcmp(what, "stranger") == 0) {
        again += 16;
        free(again); /* NOLINT(clang-analyzer-unix.Malloc) */
    }
    printf("nobody noticed\n");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return make_mistake(argv[1]);
    }
    printf("heap\n"); /* stdout's buffer comes first */
    check_the_end_and_back();
    return checks_result();
}
