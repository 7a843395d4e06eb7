/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results as a table for people and as JSON for programs. Both are written from integers, in a
 * fixed order: the same results are the same bytes.
 */

#include <inttypes.h>

#include "tools/ballast/sim/sim_policy.h"

/* MiB x s in steps that people can compare. */
static void print_amount(FILE *out, uint64_t value)
{
    if (value >= 100000000) {
        fprintf(out, " %9" PRIu64 "M", value / 1000000);
    } else if (value >= 100000) {
        fprintf(out, " %9" PRIu64 "k", value / 1000);
    } else {
        fprintf(out, " %10" PRIu64, value);
    }
}

static void print_head(FILE *out, const char *name)
{
    fprintf(out,
            "\n%-17s  shortfall unavoidable   OOM violations  hard s   low s  moved GiB"
            " reversals  p50 s  p99 s  fairness\n",
            name);
}

static void print_row(FILE *out, const char *title, const struct sim_score *score)
{
    fprintf(out, "%-17s", title);
    print_amount(out, score->shortfall_mib_s);
    fprintf(out, " ");
    print_amount(out, score->unavoidable_mib_s);
    uint32_t fairness = sim_score_fairness(score);
    fprintf(out,
            " %5" PRIu64 " %10" PRIu64 " %7" PRIu64 " %7" PRIu64 " %10" PRIu64 " %9" PRIu64
            " %6u %6u    %u.%04u\n",
            score->out_of_memory, score->violations_s, score->hard_s, score->low_s,
            score->moved_mib / 1024, score->reversals, sim_score_wait(score, 50),
            sim_score_wait(score, 99), fairness / 10000, fairness % 10000);
}

void sim_print_table(const struct sim_results *results, FILE *out)
{
    const struct sim_options *options = &results->options;
    fprintf(out,
            "%u machines on %u host%s for %u hours, seed %" PRIu64
            "; shortfall in MiB x s, violations in machine seconds\n",
            options->machines, results->hosts, results->hosts == 1 ? "" : "s", options->hours,
            options->seed);
    for (size_t i = 0; i < results->count; i++) {
        if (i % options->policy_count == 0) {
            print_head(out, sim_family_name(results->results[i].family));
        }
        print_row(out, results->results[i].policy->title, &results->results[i].score);
    }
    print_head(out, "all families");
    for (size_t i = 0; i < options->policy_count; i++) {
        struct sim_score total;
        sim_results_total(results, i, &total);
        print_row(out, options->policies[i]->title, &total);
    }
}

static void print_score(FILE *out, const char *family, const char *policy,
                        const struct sim_score *score)
{
    fprintf(out,
            "{\"family\":\"%s\",\"policy\":\"%s\",\"shortfall_mib_s\":%" PRIu64
            ",\"unavoidable_mib_s\":%" PRIu64 ",\"out_of_memory\":%" PRIu64
            ",\"violations_s\":%" PRIu64 ",\"hard_s\":%" PRIu64 ",\"low_s\":%" PRIu64
            ",\"host_swap_mib_s\":%" PRIu64 ",\"moved_mib\":%" PRIu64 ",\"reversals\":%" PRIu64
            ",\"peaks\":%" PRIu64 ",\"wait_p50_s\":%u,\"wait_p99_s\":%u,\"fairness\":%u}",
            family, policy, score->shortfall_mib_s, score->unavoidable_mib_s, score->out_of_memory,
            score->violations_s, score->hard_s, score->low_s, score->host_swap_mib_s,
            score->moved_mib, score->reversals, score->peaks, sim_score_wait(score, 50),
            sim_score_wait(score, 99), sim_score_fairness(score));
}

void sim_print_json(const struct sim_results *results, FILE *out)
{
    const struct sim_options *options = &results->options;
    fprintf(out,
            "{\"seed\":%" PRIu64 ",\"machines\":%u,\"hosts\":%u,\"hours\":%u,\"period_ms\":%u,"
            "\"results\":[",
            options->seed, options->machines, results->hosts, options->hours, options->period_ms);
    for (size_t i = 0; i < results->count; i++) {
        const struct sim_result *result = &results->results[i];
        fprintf(out, i ? ",\n" : "\n");
        print_score(out, sim_family_name(result->family), result->policy->name, &result->score);
    }
    fprintf(out, "\n],\"total\":[");
    for (size_t i = 0; i < options->policy_count; i++) {
        struct sim_score total;
        sim_results_total(results, i, &total);
        fprintf(out, i ? ",\n" : "\n");
        print_score(out, "all", options->policies[i]->name, &total);
    }
    fprintf(out, "\n]}\n");
}
