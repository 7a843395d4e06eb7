/* SPDX-License-Identifier: BSD-2-Clause */
/* What main() finds when it begins: arguments, environment, constructors, the state that each task
 * has for itself, floating point. Started with: env.NAME=value "env.TWO=a b" -- one "two words" */

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aerostat.h"
#include "tests/libc/check.h"

static int constructed;
static _Thread_local int own = 7;
static _Thread_local int own_zero;
static int ended;
static double others_sum;

__attribute__((constructor)) static void construct(void)
{
    constructed++;
}

static void last_words(void)
{
    printf("last words\n");
}

/* Sums in registers that the others use, too, with errno and variables of its own. */
static void other(void *argument)
{
    double sum = 0;

    CHECK(own == 7 && own_zero == 0 && errno == 0);
    own = 8;
    for (int i = 0; i < 100; i++) {
        sum += *(double *)argument;
        errno = 5;
        aerostat_yield();
        CHECK(errno == 5 && own == 8);
    }
    others_sum = sum;
    ended++;
}

static void check_tasks(void)
{
    double step = 0.25;
    double sum = 0;

    errno = 0;
    CHECK(aerostat_task_start("other", 16384, other, &step) == 0);
    own = 9;
    errno = 3;
    for (int i = 0; i < 200; i++) {
        sum += 0.5;
        aerostat_yield();
    }
    CHECK(errno == 3 && own == 9 && ended == 1);
    CHECK(sum == 100.0 && others_sum == 25.0);
    CHECK(aerostat_task_start("too large", 2 << 20, other, &step) == EINVAL);
}

static void fired(void *context)
{
    *(uint64_t *)context = aerostat_now_ns();
}

static void check_timers(void)
{
    uint64_t at[2] = { 0, 0 };
    struct aerostat_timer timers[2] = { { .fire = fired, .context = &at[0] },
                                        { .fire = fired, .context = &at[1] } };
    uint64_t now = aerostat_now_ns();

    CHECK(aerostat_timer_set(&timers[0], now + 20000000) == 0);
    CHECK(aerostat_timer_set(&timers[1], now + 5000000) == 0);
    aerostat_sleep_ns(60000000);
    CHECK(at[1] >= now + 5000000 && at[0] >= now + 20000000 && at[0] > at[1]);
    at[0] = 0;
    CHECK(aerostat_timer_set(&timers[0], aerostat_now_ns() + 5000000) == 0);
    aerostat_timer_cancel(&timers[0]);
    aerostat_sleep_ns(20000000);
    CHECK(at[0] == 0);
}

static void check_pages(void)
{
    struct aerostat_memory before;
    struct aerostat_memory after;
    char *pages;

    aerostat_memory(&before);
    for (size_t align = 1; align <= 64 * AEROSTAT_PAGE_BYTES; align *= 2) {
        pages = aerostat_pages_alloc(5 * AEROSTAT_PAGE_BYTES + 1, align);
        CHECK(pages != NULL && (uintptr_t)pages % align == 0);
        memset(pages, 1, 6 * AEROSTAT_PAGE_BYTES);
        aerostat_pages_free(pages, 5 * AEROSTAT_PAGE_BYTES + 1);
    }
    pages = aerostat_pages_alloc(AEROSTAT_HUGE_BYTES, AEROSTAT_HUGE_BYTES);
    CHECK(pages != NULL && (uintptr_t)pages % AEROSTAT_HUGE_BYTES == 0);
    aerostat_pages_free(pages, AEROSTAT_HUGE_BYTES);
    CHECK(aerostat_pages_alloc((size_t)1 << 50, 1) == NULL);
    CHECK(aerostat_pages_alloc(SIZE_MAX, 1) == NULL && aerostat_pages_alloc(0, 1) == NULL);
    aerostat_memory(&after);
    CHECK(before.in_use_bytes == after.in_use_bytes && before.total_bytes == after.total_bytes);
}

static bool variable_is(const char *name, const char *value)
{
    const char *found = getenv(name);

    return found != NULL && strcmp(found, value) == 0;
}

int main(int argc, char **argv, char **envp)
{
    char text[64];
    jmp_buf place;
    volatile int jumps = 0;

    CHECK(constructed == 1);
    CHECK(argc == 3 && argv[argc] == NULL && strcmp(argv[0], "start") == 0);
    CHECK(strcmp(argv[1], "one") == 0 && strcmp(argv[2], "two words") == 0);
    CHECK(envp == environ && variable_is("NAME", "value"));
    CHECK(variable_is("TWO", "a b") && getenv("NONE") == NULL);
    snprintf(text, sizeof(text), "%.3f %g %d", sqrt(2.0), 1e100, -5);
    CHECK(strcmp(text, "1.414 1e+100 -5") == 0);
    CHECK(strtod("2.5e3", NULL) == 2500.0);
    if (setjmp(place) < 3) {
        jumps++;
        longjmp(place, jumps);
    }
    CHECK(jumps == 3);
    check_tasks();
    check_timers();
    check_pages();
    CHECK(atexit(last_words) == 0);
    return checks_result();
}
