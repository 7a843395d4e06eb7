/* SPDX-License-Identifier: BSD-2-Clause */
/* Options, the order of the parts, and the small helps that all of them share. */

#include "tests/bench/bench.h"
#include "tests/bench/bench_guest.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Enough for a median on a machine that does other things as well. */
#define ROUNDS_DEFAULT 11U

enum { EXIT_GOAL_MISSED = 1, EXIT_USAGE = 2, EXIT_NO_VALUE = 3 };

static const struct {
    const char *name;
    const char *what;
    bool (*run)(struct bench *bench);
} parts[] = {
    { "start", "guest instructions from kernel entry to ready", part_start },
    { "boot", "QEMU start to ready against a guest that does nothing", part_boot },
    { "resident", "guest RAM resident in the host when idle", part_resident },
    { "idle", "instructions per second when idle", part_idle },
    { "work", "guest instructions per frame moved", part_work },
    { "events", "notifications, interrupts and host discards per GiB", part_events },
    { "rate", "inflate and deflate rate against a bare loop", part_rate },
    { "gap", "longest gap in a computing task", part_gap },
    { "slice", "longest slice of balloon work, by balloon.slice", part_slice },
    { "latency", "how long requests take while the host moves memory", part_latency },
    { "oom", "round trips of an allocation that takes from the balloon", part_oom },
    { "alloc", "allocator: instructions and metadata", part_alloc },
    { "reporting", "time until freed memory has left the host", part_reporting },
    { "first", "inflation with and without a report before it", part_first },
    { "migration", "bytes sent by a migration with hints and without", part_migration },
    { "hugetlb", "huge pages of the host that an inflation frees", part_hugetlb },
    { "program", "a C program: size, memory, instructions to main()", part_program },
};

#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

/* ---- helps ---- */

bool bench_fail(struct bench *bench, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(bench->reason, sizeof(bench->reason), format, args);
    va_end(args);
    return false;
}

void bench_progress(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

const char *bench_file(const struct bench *bench, const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", bench->build, name);
    return path;
}

static int compare(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return (*left > *right) - (*left < *right);
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof(values[0]), compare);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

double bench_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- options ---- */

struct options {
    const char *only[PART_COUNT];
    size_t only_count;
    const char *json;
    bool strict;
    bool no_linux;
};

static void usage(FILE *out)
{
    fputs("usage: bench [options]\n"
          "Measures the guest under QEMU and prints a table of figures beside their goals.\n\n"
          "  --only NAME    measure this part only (may be given several times)\n"
          "  --list         list the parts\n"
          "  --rounds N     alternating runs where time is measured (default 11)\n"
          "  --no-linux     measure our guest only\n"
          "  --json FILE    write the table for programs, too\n"
          "  --strict       a goal that is missed makes the exit status 1\n"
          "  --help         this text\n\n"
          "Images and plugin are taken from the folder this program is in, Linux from its folder\n"
          "linux/ where tools/linux_guest.sh has put it; $QEMU names another\n"
          "QEMU.\n\n"
          "Exit status: 0 all was measured, whatever the goals say; 1 with --strict: all was\n"
          "measured and a goal is missed; 2 wrong usage; 3 a value could not be measured, or the\n"
          "file not be written. What this machine cannot do is skipped and counts for neither.\n"
          "`make bench` itself ends with 2 for all but 0, and names the status.\n",
          out);
}

static bool is_part(const char *name)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (strcmp(parts[i].name, name) == 0) {
            return true;
        }
    }
    fprintf(stderr, "bench: there is no part '%s'; --list shows them\n", name);
    return false;
}

static void list(void)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        printf("%-10s %s\n", parts[i].name, parts[i].what);
    }
}

static bool read_rounds(const char *text, unsigned *rounds)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (*end != '\0' || number < 1 || number > BENCH_ROUNDS_MAX) {
        fprintf(stderr, "bench: --rounds takes 1 to %u\n", BENCH_ROUNDS_MAX);
        return false;
    }
    *rounds = (unsigned)number;
    return true;
}

/* -1: go on; otherwise the exit status. */
static int read_options(int argc, char **argv, struct options *options, struct bench *bench)
{
    static const struct option known[] = {
        { "only", required_argument, NULL, 'o' },   { "list", no_argument, NULL, 'l' },
        { "rounds", required_argument, NULL, 'r' }, { "no-linux", no_argument, NULL, 'n' },
        { "json", required_argument, NULL, 'j' },   { "strict", no_argument, NULL, 's' },
        { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'o':
            if (!is_part(optarg) || options->only_count == PART_COUNT) {
                return EXIT_USAGE;
            }
            options->only[options->only_count++] = optarg;
            break;
        case 'l':
            list();
            return 0;
        case 'r':
            if (!read_rounds(optarg, &bench->rounds)) {
                return EXIT_USAGE;
            }
            break;
        case 'n':
            options->no_linux = true;
            break;
        case 'j':
            options->json = optarg;
            break;
        case 's':
            options->strict = true;
            break;
        case 'h':
            usage(stdout);
            return 0;
        default:
            usage(stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        usage(stderr);
        return EXIT_USAGE;
    }
    return -1;
}

static bool is_wanted(const struct options *options, const char *name)
{
    for (size_t i = 0; i < options->only_count; i++) {
        if (strcmp(options->only[i], name) == 0) {
            return true;
        }
    }
    return options->only_count == 0;
}

/* ---- running ---- */

/* The folder of this program. */
static bool find_build(char *path, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    char *slash;

    if (length < 0) {
        return false;
    }
    path[length] = '\0';
    slash = strrchr(path, '/');
    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    return true;
}

static void run_parts(struct bench *bench, const struct options *options)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (is_wanted(options, parts[i].name) && !parts[i].run(bench)) {
            bench_add_failure(bench, parts[i].what);
            bench_progress("%s: %s", parts[i].name, bench->reason);
        }
    }
}

int main(int argc, char **argv)
{
    static struct bench bench = { .rounds = ROUNDS_DEFAULT };
    static char build[512];
    struct options options = { 0 };
    const char *qemu = getenv("QEMU");
    double before = bench_clock();
    int status = read_options(argc, argv, &options, &bench);

    if (status >= 0) {
        return status;
    }
    if (!find_build(build, sizeof(build))) {
        fputs("bench: where is this program?\n", stderr);
        return EXIT_NO_VALUE;
    }
    snprintf(bench.qemu_version, sizeof(bench.qemu_version), "not started");
    bench.build = build;
    bench.qemu = qemu != NULL && qemu[0] != '\0' ? qemu : "qemu-system-x86_64";
    guest_find_linux(&bench, !options.no_linux);
    run_parts(&bench, &options);
    bench_print(&bench);
    printf("\n");
    bench_print_machine(&bench);
    printf("%zu figures in %.0f s, %u goals missed, %u without a value\n", bench.row_count,
           bench_clock() - before, bench_missed(&bench), bench_failed(&bench));
    if (options.json != NULL && !bench_write_json(&bench, options.json)) {
        fprintf(stderr, "bench: cannot write %s\n", options.json);
        return EXIT_NO_VALUE;
    }
    if (bench_failed(&bench) > 0) {
        return EXIT_NO_VALUE;
    }
    return options.strict && bench_missed(&bench) > 0 ? EXIT_GOAL_MISSED : 0;
}
