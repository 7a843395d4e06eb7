/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command `ballast simulate`: reads its arguments, runs, and prints. What is wrong with them is
 * said in one sentence on the error output.
 */

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/ballast/sim/sim_policy.h"
#include "tools/ballast/sim/sim_trace.h"

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
};

static const char help[] =
    "Usage: ballast simulate [options]\n"
    "Runs simulated machines on simulated hosts under our policy and others, and scores them.\n"
    "\n"
    "  --family NAMES    of daily, spikes, database, batch, leak, boot, faults, mixed, trace;\n"
    "                    separated by commas (all but trace)\n"
    "  --policy NAMES    of ballast, static, proxmox, proxmox-95, mom, squeezed, qmemman, "
    "balance,\n"
    "                    pi (all)\n"
    "  --machines N      in all (1000)\n"
    "  --per-host N      machines of one host (50)\n"
    "  --hours N         of simulated time (24)\n"
    "  --period SECONDS  of our policy, 1 to 60 (2)\n"
    "  --seed N          another seed is another world (1)\n"
    "  --threads N       the results do not depend on it (2)\n"
    "  --trace FILE      a recorded trace, CSV or one JSON object a line; then this is the only\n"
    "                    family unless --family says otherwise\n"
    "  --json            print JSON instead of a table\n"
    "  --report DIR      write DIR/report.html with plots too\n"
    "  --help            print this\n"
    "\n"
    "Exit codes: 0 done, 1 it failed, 2 called wrongly.\n";

struct arguments {
    const char *name;
    struct sim_options options;
    const char *trace;
    const char *report;
    const char *families;
    const char *policies;
    bool json;
    bool help;
    bool machines_given;
};

enum {
    OPT_FAMILY = 1,
    OPT_POLICY,
    OPT_MACHINES,
    OPT_PER_HOST,
    OPT_HOURS,
    OPT_PERIOD,
    OPT_SEED,
    OPT_THREADS,
    OPT_TRACE,
    OPT_JSON,
    OPT_REPORT,
    OPT_HELP,
};

static const struct option long_options[] = {
    { "family", required_argument, NULL, OPT_FAMILY },
    { "policy", required_argument, NULL, OPT_POLICY },
    { "machines", required_argument, NULL, OPT_MACHINES },
    { "per-host", required_argument, NULL, OPT_PER_HOST },
    { "hours", required_argument, NULL, OPT_HOURS },
    { "period", required_argument, NULL, OPT_PERIOD },
    { "seed", required_argument, NULL, OPT_SEED },
    { "threads", required_argument, NULL, OPT_THREADS },
    { "trace", required_argument, NULL, OPT_TRACE },
    { "json", no_argument, NULL, OPT_JSON },
    { "report", required_argument, NULL, OPT_REPORT },
    { "help", no_argument, NULL, OPT_HELP },
    { NULL, 0, NULL, 0 },
};

static bool read_number(const struct arguments *arguments, uint64_t max, uint64_t *value)
{
    char *end = NULL;
    errno = 0;
    *value = strtoull(optarg, &end, 10);
    if (optarg[0] < '0' || optarg[0] > '9' || *end != '\0' || errno != 0 || *value > max) {
        fprintf(stderr, "%s: \"%s\" is not a number that can be meant here\n", arguments->name,
                optarg);
        return false;
    }
    return true;
}

static bool read_u32(const struct arguments *arguments, uint32_t max, uint32_t *value)
{
    uint64_t wide = 0;
    bool good = read_number(arguments, max, &wide);
    *value = (uint32_t)wide;
    return good;
}

/* The next name of a list separated by commas, copied to `name`. False at the end. */
static bool next_name(const char **list, char *name, size_t size)
{
    if (**list == '\0') {
        return false;
    }
    size_t length = strcspn(*list, ",");
    snprintf(name, size, "%.*s", (int)length, *list);
    *list += length + ((*list)[length] == ',');
    return true;
}

static bool read_families(struct arguments *arguments)
{
    const char *list = arguments->families;
    char name[32];
    memset(arguments->options.families, 0, sizeof arguments->options.families);
    while (next_name(&list, name, sizeof name)) {
        enum sim_family family = SIM_DAILY;
        if (!sim_family_parse(name, &family)) {
            fprintf(stderr, "%s: there is no family \"%s\"\n", arguments->name, name);
            return false;
        }
        arguments->options.families[family] = true;
    }
    return true;
}

static bool read_policies(struct arguments *arguments)
{
    struct sim_options *options = &arguments->options;
    const char *list = arguments->policies;
    char name[32];
    options->policy_count = 0;
    while (next_name(&list, name, sizeof name)) {
        const struct sim_policy *policy = sim_policy_find(name);
        if (!policy || options->policy_count == SIM_POLICIES_MAX) {
            fprintf(stderr, "%s: there is no policy \"%s\"\n", arguments->name, name);
            return false;
        }
        options->policies[options->policy_count++] = policy;
    }
    return true;
}

static bool read_option(struct arguments *arguments, int option)
{
    struct sim_options *options = &arguments->options;
    uint32_t seconds = 0;
    switch (option) {
    case OPT_FAMILY:
        arguments->families = optarg;
        return true;
    case OPT_POLICY:
        arguments->policies = optarg;
        return true;
    case OPT_MACHINES:
        arguments->machines_given = true;
        return read_u32(arguments, SIM_MACHINES_MAX, &options->machines);
    case OPT_PER_HOST:
        return read_u32(arguments, SIM_HOST_MACHINES, &options->machines_per_host);
    case OPT_HOURS:
        return read_u32(arguments, SIM_HOURS_MAX, &options->hours);
    case OPT_PERIOD:
        if (!read_u32(arguments, 60, &seconds)) {
            return false;
        }
        options->period_ms = seconds * 1000;
        return true;
    case OPT_SEED:
        return read_number(arguments, UINT64_MAX, &options->seed);
    case OPT_THREADS:
        return read_u32(arguments, 256, &options->threads);
    case OPT_TRACE:
        arguments->trace = optarg;
        return true;
    case OPT_JSON:
        arguments->json = true;
        return true;
    case OPT_REPORT:
        arguments->report = optarg;
        return true;
    case OPT_HELP:
        arguments->help = true;
        return true;
    default: /* getopt has said what is wrong */
        return false;
    }
}

static bool read_arguments(struct arguments *arguments, int argc, char **argv)
{
    optind = 0; /* the caller may have used getopt before */
    for (;;) {
        int option = getopt_long(argc, argv, "", long_options, NULL);
        if (option < 0) {
            break;
        }
        if (!read_option(arguments, option)) {
            return false;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "%s: \"%s\" is too much\n", arguments->name, argv[optind]);
        return false;
    }
    if (arguments->trace && !arguments->families) {
        arguments->families = "trace";
    }
    if (arguments->families && !read_families(arguments)) {
        return false;
    }
    return !arguments->policies || read_policies(arguments);
}

/* One line that is written over: long runs take minutes. */
static void show_progress(size_t done, size_t all, const char *family, const char *policy)
{
    static size_t shown = SIZE_MAX;
    size_t percent = done * 100 / all;

    if (done == all) {
        fprintf(stderr, "\r%60s\r", "");
    } else if (percent != shown) {
        fprintf(stderr, "\rsimulating: %3zu %%  %-9s %-12s", percent, family, policy);
    }
    shown = percent;
}

static int run(const struct arguments *arguments)
{
    struct sim_options options = arguments->options;
    options.progress = isatty(STDERR_FILENO) ? show_progress : NULL;
    struct sim_results *results = sim_run(&options);
    if (!results) {
        fprintf(stderr, "%s: there is not enough memory for so many machines\n", arguments->name);
        return EXIT_FAILED;
    }
    int status = EXIT_DONE;
    if (arguments->json) {
        sim_print_json(results, stdout);
    } else {
        sim_print_table(results, stdout);
    }
    if (arguments->report) {
        int error = sim_report_write(results, arguments->report);
        if (error != 0) {
            fprintf(stderr, "%s: the report in %s cannot be written: %s\n", arguments->name,
                    arguments->report, strerror(-error));
            status = EXIT_FAILED;
        } else {
            fprintf(stderr, "%s: the report is %s/report.html\n", arguments->name,
                    arguments->report);
        }
    }
    if (fflush(stdout) != 0) {
        fprintf(stderr, "%s: the output cannot be written: %s\n", arguments->name, strerror(errno));
        status = EXIT_FAILED;
    }
    sim_results_free(results);
    return status;
}

int sim_main(int argc, char **argv)
{
    struct arguments arguments = { .name = argv[0] };
    struct sim_trace *trace = NULL;
    sim_options_default(&arguments.options);
    if (!read_arguments(&arguments, argc, argv)) {
        fprintf(stderr, "Try '%s --help'.\n", arguments.name);
        return EXIT_USAGE;
    }
    if (arguments.help) {
        fputs(help, stdout);
        return EXIT_DONE;
    }
    if (arguments.trace) {
        char error[256];
        trace = sim_trace_load(arguments.trace, error, sizeof error);
        if (!trace) {
            fprintf(stderr, "%s: %s: %s\n", arguments.name, arguments.trace, error);
            return EXIT_FAILED;
        }
        arguments.options.trace = trace;
        if (!arguments.machines_given && trace->count <= SIM_MACHINES_MAX) {
            arguments.options.machines = (uint32_t)trace->count;
        }
    }
    const char *fault = sim_options_fault(&arguments.options);
    int status = EXIT_USAGE;
    if (fault) {
        fprintf(stderr, "%s: %s\n", arguments.name, fault);
    } else {
        status = run(&arguments);
    }
    sim_trace_free(trace);
    return status;
}
