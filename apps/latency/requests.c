/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request after the other, without a pause and without a yield: what the host wants is done on
 * the way out of interrupts, in the middle of requests. The time of a request is from the end of
 * the one before to its own, so whatever delays is in one of them, wherever it comes: a loop that
 * looked at the clock before each request would leave out what happens between two.
 *
 * A request writes one word in each line of 64 bytes and then reads them all: a word that is wrong
 * ends the loop. Which request works on what memory is drawn from a fixed sequence.
 */

#define _GNU_SOURCE 1 /* MAP_ANONYMOUS, beside ISO C */

#include "apps/latency/requests.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"

#include "apps/latency/histogram.h"

#define MIB         (UINT64_C(1) << 20)
#define NS_PER_MS   UINT64_C(1000000)
#define LINE_BYTES  64U
#define LOOK_NS     NS_PER_MS
#define BYTES_MAX   (16 * MIB)
#define TEXT_MAX    200U
#define BAR_MAX     40U
#define SEED        UINT64_C(88172645463325252)
#define NUMBERS_MAX UINT64_C(1000000000)

const struct requests_config requests_default = {
    .ms = 5000,
    .bytes = 16384,
    .fresh_percent = 50,
    .held_mib = 64,
    .kept = 1024,
    .mib = 1,
};

enum kind { HELD, FRESH, KINDS };

struct run {
    const struct requests_config *config;
    const struct requests_host *host;
    unsigned char *held;
    void *kept[REQUESTS_KEPT_MAX]; /* a ring */
    uint64_t newest;               /* pieces so far: the next one's place in it */
    uint64_t kept_count;
    bool falling;
    uint64_t random;
    uint64_t done;
    uint64_t moves;
    bool taken; /* the first half of a move is over */
    struct histogram times[KINDS];
};

/* ---- words ---- */

bool requests_word(struct requests_config *config, const char *word)
{
    const struct {
        const char *name;
        uint64_t *value;
        uint64_t min;
        uint64_t max;
    } names[] = {
        { "requests=", &config->requests, 0, UINT64_MAX - 1 },
        { "ms=", &config->ms, 1, NUMBERS_MAX },
        { "bytes=", &config->bytes, LINE_BYTES, BYTES_MAX },
        { "fresh=", &config->fresh_percent, 0, 100 },
        { "held=", &config->held_mib, 16, NUMBERS_MAX },
        { "kept=", &config->kept, 2, REQUESTS_KEPT_MAX },
        { "moves=", &config->moves, 0, NUMBERS_MAX },
        { "mib=", &config->mib, 1, NUMBERS_MAX },
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t length = strlen(names[i].name);
        char *end;

        if (strncmp(word, names[i].name, length) == 0) {
            unsigned long long value = strtoull(word + length, &end, 10);

            *names[i].value = value;
            return word[length] >= '0' && word[length] <= '9' && *end == '\0' &&
                   value >= names[i].min && value <= names[i].max &&
                   config->bytes % LINE_BYTES == 0;
        }
    }
    return false;
}

/* ---- lines ---- */

__attribute__((format(printf, 2, 3))) static void say(const struct run *run, const char *format,
                                                      ...)
{
    char text[TEXT_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    run->host->print(run->host->context, text);
}

/* A bar of the square root, or the few slow requests could not be seen beside the many others. */
static unsigned bar_of(uint64_t count, uint64_t largest)
{
    unsigned length = 1;

    while (length < BAR_MAX &&
           (double)length * length * (double)largest < (double)count * BAR_MAX * BAR_MAX) {
        length++;
    }
    return length;
}

static void print_rows(const struct run *run, const char *name, const struct histogram *times)
{
    static const char bar[BAR_MAX + 1] = "########################################";
    uint64_t largest = 0;

    for (unsigned row = 0; row < HISTOGRAM_ROWS; row++) {
        uint64_t count = histogram_row_count(times, row);

        largest = count > largest ? count : largest;
    }
    for (unsigned row = 0; row < HISTOGRAM_ROWS; row++) {
        uint64_t count = histogram_row_count(times, row);

        if (count != 0) {
            say(run, "latency_row memory=%s from=%" PRIu64 " count=%" PRIu64 " bar=%.*s", name,
                histogram_row_from(row), count, (int)bar_of(count, largest), bar);
        }
    }
}

static void print_times(const struct run *run, const char *name, const struct histogram *times)
{
    if (times->count == 0) {
        return;
    }
    print_rows(run, name, times);
    say(run,
        "latency memory=%s count=%" PRIu64 " min=%" PRIu64 " p50=%" PRIu64 " p90=%" PRIu64
        " p99=%" PRIu64 " p999=%" PRIu64 " max=%" PRIu64,
        name, times->count, times->min, histogram_quantile(times, 50000),
        histogram_quantile(times, 90000), histogram_quantile(times, 99000),
        histogram_quantile(times, 99900), times->max);
}

/* ---- a request ---- */

/* xorshift64 (Marsaglia 2003). */
static uint64_t random_next(struct run *run)
{
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    return run->random;
}

/* True: everything that was written was there. */
static bool work(void *memory, uint64_t bytes, uint64_t seed)
{
    volatile uint64_t *words = memory;
    uint64_t wrong = 0;

    for (uint64_t i = 0; i < bytes / sizeof(*words); i += LINE_BYTES / sizeof(*words)) {
        words[i] = seed + i;
    }
    for (uint64_t i = 0; i < bytes / sizeof(*words); i += LINE_BYTES / sizeof(*words)) {
        wrong |= words[i] ^ (seed + i);
    }
    return wrong == 0;
}

static void *map(uint64_t bytes)
{
    void *memory =
        mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

static void unmap(void *memory, uint64_t bytes)
{
    if (munmap(memory, (size_t)bytes) != 0) {
        panic("munmap is refused for what mmap gave");
    }
}

static void drop_oldest(struct run *run)
{
    ASSERT(run->kept_count > 0);
    unmap(run->kept[(run->newest - run->kept_count) % REQUESTS_KEPT_MAX], run->config->bytes);
    run->kept_count--;
}

/* A fresh piece stays for a while. How many there are goes up to the limit and down again, one with
 * each request: a load that swings, whose free memory may be with the host when it is wanted. */
static void *take_fresh(struct run *run)
{
    void *piece;

    if (run->kept_count >= run->config->kept) {
        run->falling = true;
    } else if (run->kept_count < 2) {
        run->falling = false;
    }
    if (run->falling) {
        drop_oldest(run);
        drop_oldest(run);
    }
    piece = map(run->config->bytes);
    if (piece != NULL) {
        run->kept[run->newest++ % REQUESTS_KEPT_MAX] = piece;
        run->kept_count++;
    }
    return piece;
}

static enum requests_status request(struct run *run, enum kind kind)
{
    uint64_t bytes = run->config->bytes;
    uint64_t seed = random_next(run);
    void *memory;

    if (kind == HELD) {
        memory = run->held + seed % (run->config->held_mib * MIB / bytes) * bytes;
    } else {
        memory = take_fresh(run);
    }
    if (memory == NULL) {
        return REQUESTS_MEMORY;
    }
    return work(memory, bytes, seed) ? REQUESTS_OK : REQUESTS_WRONG;
}

/* ---- the loop ---- */

/* A move is over when the host has had enough, and has nothing any more. True: it is over, or half
 * of it, and a line says so, for whoever moves the balloon. */
static bool look_at_balloon(struct run *run)
{
    uint64_t bytes = run->host->balloon_bytes(run->host->context);

    if (!run->taken && bytes >= run->config->mib * MIB) {
        run->taken = true;
        say(run, "latency state=taken bytes=%" PRIu64, bytes);
        return true;
    }
    if (run->taken && bytes == 0) {
        run->taken = false;
        run->moves++;
        say(run, "latency state=given moves=%" PRIu64, run->moves);
        return true;
    }
    return false;
}

static bool is_over(const struct run *run, uint64_t elapsed_ns)
{
    const struct requests_config *config = run->config;

    return elapsed_ns >= config->ms * NS_PER_MS ||
           (config->requests != 0 && run->done >= config->requests) ||
           (config->moves != 0 && run->moves >= config->moves);
}

/* Looking after the balloon counts as part of the next request, the line about it does not. */
static enum requests_status loop(struct run *run, uint64_t start)
{
    const struct requests_host *host = run->host;
    uint64_t last = start;
    uint64_t look = start;

    while (!is_over(run, last - start)) {
        enum kind kind = random_next(run) % 100 < run->config->fresh_percent ? FRESH : HELD;
        enum requests_status status;

        if (last - look >= LOOK_NS) {
            look = last;
            last = look_at_balloon(run) ? host->now_ns(host->context) : last;
        }
        status = request(run, kind);
        if (status != REQUESTS_OK) {
            return status;
        }
        uint64_t now = host->now_ns(host->context);

        histogram_record(&run->times[kind], now - last);
        last = now;
        run->done++;
    }
    return REQUESTS_OK;
}

static void end(struct run *run)
{
    while (run->kept_count > 0) {
        drop_oldest(run);
    }
    if (run->held != NULL) {
        unmap(run->held, run->config->held_mib * MIB);
    }
}

enum requests_status requests_run(const struct requests_config *config,
                                  const struct requests_host *host)
{
    static const char *const words[] = { "ok", "wrong", "memory" };
    static struct run run;
    enum requests_status status = REQUESTS_MEMORY;
    uint64_t start;

    ASSERT(config->bytes >= LINE_BYTES && config->bytes <= config->held_mib * MIB);
    ASSERT(config->kept >= 2 && config->kept <= REQUESTS_KEPT_MAX);
    run = (struct run){ .config = config, .host = host, .random = SEED };
    histogram_init(&run.times[HELD]);
    histogram_init(&run.times[FRESH]);
    run.held = map(config->held_mib * MIB);
    say(&run, "latency state=begin bytes=%" PRIu64 " fresh=%" PRIu64 " held=%" PRIu64,
        config->bytes, config->fresh_percent, run.held == NULL ? 0 : config->held_mib * MIB);
    if (run.held != NULL) {
        memset(run.held, 1, (size_t)(config->held_mib * MIB));
    }
    start = host->now_ns(host->context);
    if (run.held != NULL) {
        status = loop(&run, start);
    }
    uint64_t ms = (host->now_ns(host->context) - start) / NS_PER_MS;

    end(&run);
    print_times(&run, "held", &run.times[HELD]);
    print_times(&run, "fresh", &run.times[FRESH]);
    histogram_add(&run.times[HELD], &run.times[FRESH]);
    print_times(&run, "all", &run.times[HELD]);
    say(&run, "latency state=end result=%s requests=%" PRIu64 " moves=%" PRIu64 " ms=%" PRIu64,
        words[status], run.done, run.moves, ms);
    return status;
}
