/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Points of history, and the store's housekeeping in portions that the event loop does not notice:
 * a commit writes to the page cache only, tidying gets a few milliseconds at a time, and what waits
 * for the disk runs in another thread.
 */

#include "tools/ballast/daemon/daemon_internal.h"

#include <stdio.h>

/* What a kill may cost, in ms. */
#define COMMIT_MS 10000
/* What was accepted by machines waits no longer than this: a daemon that is killed and started
 * again must know what it asked for, or its own doing looks like somebody else's. */
#define COMMIT_SOON_MS 20
/* Every so many commits roll-ups are made and the log is moved into the database. */
#define COMMITS_PER_ROUND 6
/* While tidying: how long a portion takes, and how much the loop has in between. */
#define TIDY_PORTION_MS 2
#define TIDY_PAUSE_MS   10

static void log_store(struct daemon *daemon, const char *doing)
{
    log_line(daemon->log, CONFIG_LOG_ERROR, NULL, "store", "%s: %s", doing,
             store_error(daemon->store));
}

/* A sum over machines of which one's size is not known, or nonsense, is of the others; where none
 * is known the sum is not known either. */
struct sum {
    uint64_t bytes;
    bool known; /* something was added, or there was nothing to add */
};

static void sum_add(struct sum *sum, uint64_t bytes)
{
    if (bytes <= POLICY_BYTES_MAX) {
        sum->bytes += bytes;
        sum->known = true;
    }
}

static uint64_t sum_of(const struct sum *sum)
{
    return sum->known ? sum->bytes : POLICY_MISSING;
}

static bool add_machine(struct daemon *daemon, const struct fleet_machine *machine, int64_t time_s,
                        enum policy_zone zone)
{
    const struct policy_decision *decision = &machine->policy.decision;
    struct store_point point = {
        .time_s = time_s,
        .size_bytes = machine->facts.actual_bytes,
        .target_bytes = machine->commanded_bytes == 0 ? POLICY_MISSING : machine->commanded_bytes,
        .used_bytes = decision->used_bytes,
        .available_bytes = machine->facts.available_bytes,
        .resident_bytes = machine->facts.resident_bytes,
        .demand_bytes = fleet_demand(decision),
        .short_bytes = fleet_short(decision),
        .zone = zone,
    };
    /* What nobody knows yet is nobody's history. */
    return machine->identity[0] == '\0' || store_add(daemon->store, machine->identity, &point);
}

void daemon_history_add(struct daemon *daemon, const struct policy_host *host)
{
    const struct policy_plan *plan = fleet_plan(daemon->fleet);
    size_t count = 0;
    struct fleet_machine *const *machines = fleet_machines(daemon->fleet, &count);
    struct store_point point = {
        .time_s = daemon_wall_s(NULL),
        .size_bytes = host->total_bytes,
        .available_bytes = host->available_bytes,
        .used_bytes =
            host->total_bytes -
            (host->available_bytes < host->total_bytes ? host->available_bytes : host->total_bytes),
        .resident_bytes = plan->books.resident_bytes + plan->books.overhead_bytes,
        .short_bytes = plan->short_bytes,
        .zone = plan->zone,
    };
    struct sum sizes = { .known = count == 0 };
    struct sum demands = { .known = count == 0 };
    bool good = true;

    for (size_t i = 0; good && i < count; i++) {
        sum_add(&sizes, machines[i]->facts.actual_bytes);
        sum_add(&demands, fleet_demand(&machines[i]->policy.decision));
        good = add_machine(daemon, machines[i], point.time_s, plan->zone);
    }
    point.target_bytes = sum_of(&sizes);
    point.demand_bytes = sum_of(&demands);
    if (!good || !store_add(daemon->store, "", &point)) {
        log_store(daemon, "history has a gap");
    }
}

static void checkpoint(uv_work_t *work)
{
    struct daemon_checkpoint *job = work->data;

    job->good = store_checkpoint(job->folder, job->reason, sizeof job->reason);
}

static void on_checkpoint_done(uv_work_t *work, int status)
{
    struct daemon_checkpoint *job = work->data;
    struct daemon *daemon = work->loop->data;

    job->running = false;
    if (status == 0 && !job->good) {
        log_line(daemon->log, CONFIG_LOG_WARNING, NULL, "store",
                 "the database's log could not be moved into it: %s", job->reason);
    }
}

static void start_checkpoint(struct daemon *daemon)
{
    struct daemon_checkpoint *job = &daemon->checkpoint;

    /* By its name it is another database, or none. */
    if (job->running || daemon->place != STORE_THERE) {
        return;
    }
    job->work.data = job;
    (void)snprintf(job->folder, sizeof job->folder, "%s", daemon->config.state_folder);
    job->running = uv_queue_work(&daemon->loop, &job->work, checkpoint, on_checkpoint_done) == 0;
}

static void on_tidy(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;
    const struct config *config = &daemon->config;
    int64_t until_ms = daemon_now_ms(NULL) + TIDY_PORTION_MS;
    int64_t now_s = daemon_wall_s(NULL);

    do {
        if (!store_tidy(daemon->store, now_s, config->raw_hours, config->minute_days,
                        config->quarter_days)) {
            (void)uv_timer_stop(timer);
            /* The next round goes on with the next machine. */
            if (store_error(daemon->store)[0] != '\0') {
                log_store(daemon, "history could not be tidied");
            }
            return;
        }
    } while (daemon_now_ms(NULL) < until_ms);
}

static void commit(struct daemon *daemon)
{
    if (!store_commit(daemon->store)) {
        log_store(daemon, "history and targets of the last seconds are lost");
    }
}

static void on_commit(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;

    fleet_save_ledgers(daemon->fleet);
    commit(daemon);
    daemon->commits++;
    if (daemon->commits % COMMITS_PER_ROUND == 0) {
        start_checkpoint(daemon);
        (void)uv_timer_start(&daemon->tidy, on_tidy, 0, TIDY_PAUSE_MS);
    }
}

static void on_commit_soon(uv_timer_t *timer)
{
    commit(timer->data);
}

void daemon_history_commit_soon(struct daemon *daemon)
{
    if (uv_is_active((uv_handle_t *)&daemon->soon) == 0) {
        (void)uv_timer_start(&daemon->soon, on_commit_soon, COMMIT_SOON_MS, 0);
    }
}

void daemon_history_start(struct daemon *daemon)
{
    (void)uv_timer_start(&daemon->commit, on_commit, COMMIT_MS, COMMIT_MS);
}

void daemon_history_stop(struct daemon *daemon)
{
    (void)uv_timer_stop(&daemon->commit);
    (void)uv_timer_stop(&daemon->soon);
    (void)uv_timer_stop(&daemon->tidy);
    (void)uv_timer_stop(&daemon->rescue);
}
