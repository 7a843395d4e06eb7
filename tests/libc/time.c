/* SPDX-License-Identifier: BSD-2-Clause */
/* The clocks, and sleeping. An ordinary program: it tells what fails and returns 1. */

#define _DEFAULT_SOURCE 1

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "tests/libc/check.h"

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
/* A busy host may hold us up. */
#define LATE_NS (500 * NS_PER_MS)

static int64_t now_ns(clockid_t clock)
{
    struct timespec now = { 0, 0 };

    CHECK(clock_gettime(clock, &now) == 0);
    CHECK(now.tv_nsec >= 0 && now.tv_nsec < NS_PER_S);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void check_clocks(void)
{
    struct timespec resolution = { 7, 7 };
    struct timespec any;
    struct timeval day;
    int64_t last = now_ns(CLOCK_MONOTONIC);

    for (int i = 0; i < 1000; i++) {
        int64_t now = now_ns(CLOCK_MONOTONIC);

        CHECK(now >= last);
        last = now;
    }
    CHECK(clock_getres(CLOCK_MONOTONIC, &resolution) == 0);
    CHECK(resolution.tv_sec == 0 && resolution.tv_nsec == 1);
    CHECK(clock_getres(CLOCK_REALTIME, NULL) == 0);
    errno = 0;
    CHECK(clock_gettime((clockid_t)99, &any) == -1 && errno == EINVAL);
    errno = 0;
    CHECK(clock_getres((clockid_t)99, &any) == -1 && errno == EINVAL);
    CHECK(gettimeofday(&day, NULL) == 0);
    CHECK(day.tv_usec >= 0 && day.tv_usec < 1000000);
    int64_t apart = now_ns(CLOCK_REALTIME) - (day.tv_sec * NS_PER_S + day.tv_usec * 1000);

    CHECK(apart >= 0 && apart < LATE_NS);
}

static void check_date(void)
{
    time_t now = time(NULL);
    time_t also;
    struct tm civil;
    char text[64];

    CHECK(time(&also) - now <= 1 && also >= now);
    CHECK(gmtime_r(&now, &civil) != NULL);
    CHECK(civil.tm_year >= 2024 - 1900);
    CHECK(mktime(&civil) == now); /* no time zone is set */
    CHECK(strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &civil) == 19);
    printf("it is %s\n", text);
    CHECK(difftime(now + 5, now) == 5.0);
}

static void check_processor_time(void)
{
    struct tms used;
    clock_t before = clock();

    CHECK(before != (clock_t)-1);
    CHECK(times(&used) >= before);
    CHECK(used.tms_stime == 0 && used.tms_cutime == 0 && used.tms_cstime == 0);
    usleep(50000);
    CHECK(clock() - before >= CLOCKS_PER_SEC / 20 - 1);
}

static void sleeps(int64_t want_ns, int64_t began_ns)
{
    int64_t took = now_ns(CLOCK_MONOTONIC) - began_ns;

    CHECK(took >= want_ns);
    CHECK(took < want_ns + LATE_NS);
}

static void check_sleeping(void)
{
    static const long lengths[] = { 0, 1, 1000, 999999, 20 * 1000 * 1000 };
    int64_t began;

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        began = now_ns(CLOCK_MONOTONIC);
        CHECK(nanosleep(&(struct timespec){ 0, lengths[i] }, NULL) == 0);
        sleeps(lengths[i], began);
    }
    began = now_ns(CLOCK_MONOTONIC);
    CHECK(usleep(30000) == 0);
    sleeps(30 * NS_PER_MS, began);
    began = now_ns(CLOCK_MONOTONIC);
    CHECK(usleep(1100000) == 0);
    sleeps(1100 * NS_PER_MS, began);
    began = now_ns(CLOCK_MONOTONIC);
    CHECK(sleep(1) == 0);
    sleeps(NS_PER_S, began);
    CHECK(sleep(0) == 0);
}

static void check_what_no_sleep_is(void)
{
    static const struct timespec bad[] = { { -1, 0 }, { 0, -1 }, { 0, 1000000000 } };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        errno = 0;
        CHECK(nanosleep(&bad[i], NULL) == -1 && errno == EINVAL);
    }
}

int main(void)
{
    check_clocks();
    check_date();
    check_processor_time();
    check_sleeping();
    check_what_no_sleep_is();
    return checks_result();
}
