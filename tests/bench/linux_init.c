/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first and only process of the Linux guest that the benchmark compares with (tools/
 * linux_guest.sh puts it into an initramfs). It loads the balloon's modules, says "@ready" and then
 * does what the words behind `--` on the kernel's command line say; words and lines are those of
 * build/test.elf, so one stopwatch outside measures both:
 *
 *   test=touch mib=N [hold=MS] [watch=1]   touches and frees memory, tells when the balloon moved
 *   test=compute ms=N until=PAGES          loops, tells the longest time it was away
 *   test=reserved                          tells what the kernel keeps of the memory
 *   test=latency WORD...                   apps/latency's loop of requests, from the same source
 *
 * Linked statically at a fixed address, so that the counting plugin can watch for ready_mark().
 */

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "apps/latency/requests.h"
#include "base/assert.h"

#define PAGE_BYTES  4096U
#define MIB         (UINT64_C(1) << 20)
#define MODULES     6
#define WATCH_MS    2
#define NS_PER_MS   1000000
#define LOOK_TICKS  10000000U /* with -icount a tick is one nanosecond of virtual time */
#define BALLOON_DIR "/sys/bus/virtio/drivers/virtio_balloon"

void ready_mark(void);

static char **words;

/* ---- small helps ---- */

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[256] = "@";
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(line + 1, sizeof(line) - 2, format, args);
    va_end(args);
    line[1 + length] = '\n';
    (void)!write(STDOUT_FILENO, line, (size_t)length + 2); /* in one piece */
}

/* The first process must not end, or the kernel panics: which is what a mistake deserves. */
static void need(bool good, const char *what)
{
    if (!good) {
        say("failed what=\"%s\"", what);
        _exit(1);
    }
}

static const char *word(const char *key)
{
    size_t length = strlen(key);

    for (char **w = words; *w != NULL; w++) {
        if (strncmp(*w, key, length) == 0 && (*w)[length] == '=') {
            return *w + length + 1;
        }
    }
    return "";
}

static uint64_t number(const char *key)
{
    return strtoull(word(key), NULL, 10);
}

static void sleep_ms(uint64_t ms)
{
    struct timespec time = { .tv_sec = (time_t)(ms / 1000),
                             .tv_nsec = (long)(ms % 1000) * NS_PER_MS };

    (void)nanosleep(&time, NULL);
}

/* What the kernel has to give out. Every ballooned page lowers it at once, and asking is cheap. */
static uint64_t total_pages(void)
{
    struct sysinfo info;

    need(sysinfo(&info) == 0, "sysinfo");
    return (uint64_t)info.totalram * info.mem_unit / PAGE_BYTES;
}

/* ---- start ---- */

static void load_modules(void)
{
    for (int i = 0; i < MODULES; i++) {
        char path[32];
        int fd;

        snprintf(path, sizeof(path), "/modules/%d.ko", i);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        need(fd >= 0, path);
        need(syscall(SYS_finit_module, fd, "", 0) == 0, path);
        close(fd);
    }
}

/* The plugin counts until here. */
__attribute__((noinline)) void ready_mark(void)
{
    say("ready frames=%" PRIu64, total_pages());
}

/* ---- touch: memory that was used and is free again ---- */

static void watch(const char *what, uint64_t before, uint64_t taken)
{
    while (before - total_pages() != taken) {
        sleep_ms(WATCH_MS);
    }
    say("moved what=%s frames=%" PRIu64, what, taken);
}

static void touch(void)
{
    uint64_t bytes = number("mib") * MIB;
    uint64_t frames = bytes / PAGE_BYTES;
    uint64_t total = total_pages();
    unsigned char *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    need(memory != MAP_FAILED, "mmap");
    for (uint64_t i = 0; i < frames; i++) {
        *(volatile uint64_t *)(void *)(memory + i * PAGE_BYTES) = i + 1;
    }
    if (number("hold") != 0) {
        say("touch state=held frames=%" PRIu64, frames);
        sleep_ms(number("hold"));
        say("touch state=free frames=%" PRIu64, frames);
    }
    need(munmap(memory, bytes) == 0, "munmap");
    say("touch state=end frames=%" PRIu64, frames);
    if (number("watch") != 0) {
        watch("inflate", total, frames);
        watch("deflate", total, 0);
    }
}

/* ---- compute: a loop that is away only when somebody takes the processor ---- */

static uint64_t ticks(void)
{
    uint32_t low;
    uint32_t high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* Ends when the balloon holds so many pages, or after the time. Looking after that is a call into
 * the kernel and does not count as being away. */
static void compute(void)
{
    uint64_t total = total_pages();
    uint64_t until = number("until");
    uint64_t taken = 0;
    uint64_t longest = 0;
    uint64_t look;
    uint64_t last;
    uint64_t end;

    say("compute state=begin actual=0");
    last = ticks();
    end = last + number("ms") * NS_PER_MS;
    look = last;
    while (last < end && (until == 0 || taken < until)) {
        uint64_t now = ticks();

        longest = now - last > longest ? now - last : longest;
        if (now - look > LOOK_TICKS) {
            taken = total - total_pages();
            look = now = ticks();
        }
        last = now;
    }
    say("compute state=end longest_ns=%" PRIu64 " actual=%" PRIu64, longest, taken);
}

/* ---- reserved: what is present but not to be had ---- */

static void reserved(void)
{
    FILE *zones = fopen("/proc/zoneinfo", "re");
    char line[256];
    uint64_t present = 0;
    uint64_t managed = 0;
    uint64_t value;

    need(zones != NULL, "/proc/zoneinfo");
    while (fgets(line, sizeof(line), zones) != NULL) {
        if (sscanf(line, " present %" SCNu64, &value) == 1) {
            present += value;
        } else if (sscanf(line, " managed %" SCNu64, &value) == 1) {
            managed += value;
        }
    }
    fclose(zones);
    say("metadata bytes=%" PRIu64 " frames=%" PRIu64, (present - managed) * PAGE_BYTES, present);
}

/* ---- latency: the loop of apps/latency ---- */

#define CALIBRATION_MS 100
#define NS_PER_US      1000U

static uint64_t ns_per_tick;   /* in parts of 2^32 */
static uint64_t latency_total; /* pages, before the balloon took any */

void panic(const char *format, ...)
{
    need(false, format);
    abort();
}

static uint64_t clock_ns(void)
{
    struct timespec now;

    need(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
    return (uint64_t)now.tv_sec * NS_PER_MS * 1000 + (uint64_t)now.tv_nsec;
}

/* Linux may keep its time by a device, which is slow to ask; the time-stamp counter is not, and is
 * what our guest's clock is made of, too. With -icount it counts 1000 a microsecond. */
static void calibrate(void)
{
    uint64_t ns = clock_ns();
    uint64_t before = ticks();
    uint64_t ticks_per_us;

    sleep_ms(CALIBRATION_MS);
    ns = clock_ns() - ns;
    ticks_per_us = ((ticks() - before) * NS_PER_US + ns / 2) / ns;
    need(ticks_per_us != 0, "time-stamp counter");
    ns_per_tick = ((uint64_t)NS_PER_US << 32) / ticks_per_us;
}

static uint64_t latency_now_ns(void *context)
{
    (void)context;
    return (uint64_t)((unsigned __int128)ticks() * ns_per_tick >> 32);
}

static uint64_t latency_balloon_bytes(void *context)
{
    (void)context;
    return (latency_total - total_pages()) * PAGE_BYTES;
}

static void latency_print(void *context, const char *line)
{
    (void)context;
    say("%s", line);
}

static void latency(void)
{
    static const struct requests_host host = { .now_ns = latency_now_ns,
                                               .balloon_bytes = latency_balloon_bytes,
                                               .print = latency_print };
    struct requests_config config = requests_default;

    for (char **w = words; *w != NULL; w++) {
        need(strncmp(*w, "test=", 5) == 0 || requests_word(&config, *w), *w);
    }
    latency_total = total_pages();
    calibrate();
    (void)requests_run(&config, &host);
}

int main(int argc, char **argv)
{
    (void)argc;
    words = argv + 1;
    need(mount("proc", "/proc", "proc", 0, NULL) == 0, "/proc");
    need(mount("sysfs", "/sys", "sysfs", 0, NULL) == 0, "/sys");
    load_modules();
    need(access(BALLOON_DIR "/virtio0", F_OK) == 0, "there is no balloon");
    ready_mark();
    if (strcmp(word("test"), "touch") == 0) {
        touch();
    } else if (strcmp(word("test"), "compute") == 0) {
        compute();
    } else if (strcmp(word("test"), "reserved") == 0) {
        reserved();
    } else if (strcmp(word("test"), "latency") == 0) {
        latency();
    }
    for (;;) {
        pause();
    }
}
