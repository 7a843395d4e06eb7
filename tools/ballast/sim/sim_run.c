/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All runs: one task for each family, policy and host; threads take the next one from a counter.
 * A host's result depends on the options alone, and results are sums of integers, so neither the
 * number of threads nor their order shows. Curves come from host 0 only: one task writes each.
 */

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/sim/sim_host.h"

static const char *const family_names[SIM_FAMILY_COUNT] = {
    [SIM_DAILY] = "daily",   [SIM_SPIKES] = "spikes", [SIM_DATABASE] = "database",
    [SIM_BATCH] = "batch",   [SIM_LEAK] = "leak",     [SIM_BOOT] = "boot",
    [SIM_FAULTS] = "faults", [SIM_MIXED] = "mixed",   [SIM_TRACE] = "trace",
};

const char *sim_family_name(enum sim_family family)
{
    assert(family < SIM_FAMILY_COUNT);
    return family_names[family];
}

bool sim_family_parse(const char *name, enum sim_family *family)
{
    for (int i = 0; i < SIM_FAMILY_COUNT; i++) {
        if (strcmp(name, family_names[i]) == 0) {
            *family = (enum sim_family)i;
            return true;
        }
    }
    return false;
}

void sim_options_default(struct sim_options *options)
{
    *options = (struct sim_options){
        .seed = 1,
        .machines = 1000,
        .machines_per_host = 50,
        .hours = 24,
        .period_ms = 2000,
        .threads = 2,
    };
    for (int i = 0; i < SIM_TRACE; i++) {
        options->families[i] = true;
    }
    for (size_t i = 0; sim_policies[i]; i++) {
        options->policies[options->policy_count++] = sim_policies[i];
    }
}

const char *sim_options_fault(const struct sim_options *options)
{
    bool any = false;
    for (int i = 0; i < SIM_FAMILY_COUNT; i++) {
        any |= options->families[i];
    }
    if (options->machines < 1 || options->machines > SIM_MACHINES_MAX) {
        return "the number of machines must be from 1 to 1000000";
    }
    if (options->machines_per_host < 1 || options->machines_per_host > SIM_HOST_MACHINES) {
        return "the machines of one host must be from 1 to 1000";
    }
    if (options->hours < 1 || options->hours > SIM_HOURS_MAX) {
        return "the hours must be from 1 to 8760";
    }
    if (options->period_ms < 1000 || options->period_ms > 60000 || options->period_ms % 1000 != 0) {
        return "the period must be whole seconds, from 1 to 60";
    }
    if (options->threads < 1 || options->threads > 256) {
        return "the number of threads must be from 1 to 256";
    }
    if (!any) {
        return "there is no family to simulate";
    }
    if (options->policy_count == 0) {
        return "there is no policy to simulate";
    }
    if (options->families[SIM_TRACE] && !options->trace) {
        return "the family \"trace\" needs a recorded trace";
    }
    return NULL;
}

struct work {
    struct sim_results *results;
    atomic_size_t next;
    atomic_bool failed;
    pthread_mutex_t lock; /* of the scores in results */
    size_t done;          /* guarded by the lock */
};

static bool do_task(struct work *work, size_t task)
{
    struct sim_results *results = work->results;
    /* Hosts vary fastest: threads work on the same family and policy, and end together. */
    uint32_t host = (uint32_t)(task % results->hosts);
    struct sim_result *result = &results->results[task / results->hosts];
    struct sim_score *score = calloc(1, sizeof *score);
    bool done = score && sim_host_run(&results->options, result->family, result->policy, host,
                                      score, host == 0 ? &result->curve : NULL);
    if (done) {
        pthread_mutex_lock(&work->lock);
        sim_score_add(&result->score, score);
        work->done++;
        if (results->options.progress) {
            results->options.progress(work->done, results->count * results->hosts,
                                      sim_family_name(result->family), result->policy->name);
        }
        pthread_mutex_unlock(&work->lock);
    }
    free(score);
    return done;
}

static void *worker(void *argument)
{
    struct work *work = argument;
    size_t tasks = work->results->count * work->results->hosts;
    for (;;) {
        size_t task = atomic_fetch_add(&work->next, 1);
        if (task >= tasks || atomic_load(&work->failed)) {
            return NULL;
        }
        if (!do_task(work, task)) {
            atomic_store(&work->failed, true);
        }
    }
}

/* The caller's thread works too, so this succeeds when no other can be started. */
static void work_all(struct work *work, uint32_t threads)
{
    pthread_t others[256];
    uint32_t started = 0;
    assert(threads <= sizeof others / sizeof others[0]);
    while (started + 1 < threads && pthread_create(&others[started], NULL, worker, work) == 0) {
        started++;
    }
    worker(work);
    for (uint32_t i = 0; i < started; i++) {
        pthread_join(others[i], NULL);
    }
}

static struct sim_results *results_new(const struct sim_options *options)
{
    struct sim_results *results = calloc(1, sizeof *results);
    if (!results) {
        return NULL;
    }
    results->options = *options;
    results->hosts =
        (options->machines + options->machines_per_host - 1) / options->machines_per_host;
    results->results = calloc(SIM_FAMILY_COUNT * options->policy_count, sizeof *results->results);
    if (!results->results) {
        free(results);
        return NULL;
    }
    for (int family = 0; family < SIM_FAMILY_COUNT; family++) {
        for (size_t i = 0; options->families[family] && i < options->policy_count; i++) {
            results->results[results->count].family = (enum sim_family)family;
            results->results[results->count].policy = options->policies[i];
            results->count++;
        }
    }
    return results;
}

struct sim_results *sim_run(const struct sim_options *options)
{
    assert(sim_options_fault(options) == NULL);
    struct sim_results *results = results_new(options);
    if (!results) {
        return NULL;
    }
    struct work work = { .results = results };
    pthread_mutex_init(&work.lock, NULL);
    work_all(&work, options->threads);
    pthread_mutex_destroy(&work.lock);
    if (atomic_load(&work.failed)) {
        sim_results_free(results);
        return NULL;
    }
    return results;
}

void sim_results_free(struct sim_results *results)
{
    if (results) {
        free(results->results);
        free(results);
    }
}
