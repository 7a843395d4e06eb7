/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time and sleeping. CLOCK_REALTIME is UTC; there is no time zone but what TZ tells newlib. Both
 * clocks count nanoseconds on the TSC. The processor is all the program's, so its processor time is
 * the time since the start.
 */

#define _DEFAULT_SOURCE 1 /* POSIX beside ISO C */

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "arch/x86_64/clock.h"
#include "kernel/real_time.h"
#include "libc/signal.h"

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_US INT64_C(1000)
#define US_PER_S  UINT64_C(1000000)

static int fail(int error)
{
    errno = error;
    return -1;
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / (uint64_t)NS_PER_S),
                              .tv_nsec = (long)(ns % (uint64_t)NS_PER_S) };
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    signal_point();
    if (now == NULL) {
        return fail(EFAULT);
    }
    if (clock == CLOCK_REALTIME) {
        *now = timespec_of(real_time_now_ns());
    } else if (clock == CLOCK_MONOTONIC) {
        *now = timespec_of(clock_now_ns());
    } else {
        return fail(EINVAL);
    }
    return 0;
}

int clock_getres(clockid_t clock, struct timespec *resolution)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
        return fail(EINVAL);
    }
    if (resolution != NULL) {
        *resolution = (struct timespec){ .tv_nsec = 1 };
    }
    return 0;
}

/* newlib's time() is made of it. `zone` is obsolete and nothing is written there. */
int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;

    (void)zone;
    if (now == NULL || clock_gettime(CLOCK_REALTIME, &precise) != 0) {
        return fail(EFAULT);
    }
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / NS_PER_US;
    return 0;
}

/* newlib's clock() is made of it. */
clock_t times(struct tms *used)
{
    clock_t ticks = (clock_t)(clock_now_ns() / ((uint64_t)NS_PER_S / CLOCKS_PER_SEC));

    signal_point();
    if (used != NULL) {
        *used = (struct tms){ .tms_utime = ticks };
    }
    return ticks;
}

/* ---- sleeping ---- */

/* What is beyond the clock's end is as good as for ever. */
static uint64_t later(uint64_t seconds, uint64_t ns)
{
    uint64_t now = clock_now_ns();

    if (seconds >= (UINT64_MAX - now) / (uint64_t)NS_PER_S - 1) {
        return UINT64_MAX;
    }
    return now + seconds * (uint64_t)NS_PER_S + ns;
}

/* Nanoseconds that are left of a sleep that ended early; 0: it did not. */
static uint64_t sleep_until(uint64_t end)
{
    if (!signal_sleep_until(end)) {
        return 0;
    }
    uint64_t now = clock_now_ns();

    return now < end ? end - now : 0;
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
    if (time == NULL) {
        return fail(EFAULT);
    }
    if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= NS_PER_S) {
        return fail(EINVAL);
    }
    uint64_t rest = sleep_until(later((uint64_t)time->tv_sec, (uint64_t)time->tv_nsec));

    if (rest == 0) {
        return 0;
    }
    if (left != NULL) {
        *left = timespec_of(rest);
    }
    return fail(EINTR);
}

/* Any number of microseconds, a million and more too. */
int usleep(useconds_t us)
{
    uint64_t rest = sleep_until(later(us / US_PER_S, us % US_PER_S * (uint64_t)NS_PER_US));

    return rest == 0 ? 0 : fail(EINTR);
}

/* Whole seconds that were not slept, rounded up. */
unsigned sleep(unsigned seconds)
{
    uint64_t rest = sleep_until(later(seconds, 0));

    return (unsigned)((rest + (uint64_t)NS_PER_S - 1) / (uint64_t)NS_PER_S);
}
