/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The period: ask, wait a moment for the answers, decide, and tell. Deciding on answers that are a
 * moment old and not a period makes the way from a guest's peak to its memory half as long.
 *
 * The first period only asks: connections are made in it, and a decision about machines that nobody
 * knows yet would be worth nothing.
 */

#include "tools/ballast/daemon/daemon_internal.h"

#include "tools/ballast/policy/policy_text.h"

/* How long answers may take: an eighth of the period, but no more than this. */
#define ANSWERS_MAX_MS 200
/* --once: so long machines have to take what was decided. */
#define ONCE_MS 1000

bool daemon_host_read(struct daemon *daemon, struct policy_host *host)
{
    struct host_source source = {
        .root = "",
        .cgroup = daemon->config.host_cgroup,
        .limit_bytes = daemon->config.host_memory_bytes,
    };

    if (!host_read(&source, fleet_resident(daemon->fleet, daemon_now_ms(NULL)), &daemon->host)) {
        return false;
    }
    if (daemon->config.host_cgroup[0] != '\0' && !daemon->host.cgroup) {
        log_line(daemon->log, CONFIG_LOG_WARNING, NULL, "host",
                 "there is no cgroup %s: as long as that is so the whole host's memory counts",
                 daemon->config.host_cgroup);
    }
    *host = (struct policy_host){
        .total_bytes = daemon->host.total_bytes,
        .available_bytes = daemon->host.available_bytes,
        .psi_some_centi = daemon->host.psi_some_centi,
        .psi_full_centi = daemon->host.psi_full_centi,
    };
    return true;
}

static void tell_manager(const struct daemon *daemon, const struct policy_host *host)
{
    size_t count = 0;
    char available[POLICY_SIZE_TEXT];

    (void)fleet_machines(daemon->fleet, &count);
    notify_status(&daemon->notify, "%zu machines, zone %s, %s available", count,
                  policy_zone_name(fleet_plan(daemon->fleet)->zone),
                  policy_size_text(host->available_bytes, available));
}

static void on_once(uv_timer_t *timer)
{
    daemon_stop(timer->data);
}

static void on_decide(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;
    struct policy_host host;
    int64_t now_ms = daemon_now_ms(NULL);

    if (!daemon_host_read(daemon, &host)) {
        /* Nothing is decided on memory that nobody knows, and the watchdog will notice. */
        log_line(daemon->log, CONFIG_LOG_ERROR, NULL, "host",
                 "the host's memory cannot be read: nothing is decided");
        return;
    }
    bool recorded = daemon_record_before(daemon);
    fleet_tick(daemon->fleet, &host, now_ms);
    api_period(&daemon->api);
    if (recorded) {
        daemon_record_after(daemon, now_ms);
    }
    daemon_history_add(daemon, &host);
    tell_manager(daemon, &host);
    daemon->decided_ms = daemon_now_ms(NULL);
    if (daemon->options->action == OPTIONS_ONCE) {
        (void)uv_timer_stop(&daemon->period);
        (void)uv_timer_start(timer, on_once, ONCE_MS, 0);
    }
}

static void on_period(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;
    uint64_t wait_ms = daemon->config.period_ms / 8;

    daemon_backends_poll(daemon->backends, daemon_now_ms(NULL));
    log_flush(daemon->log, false);
    daemon_state_watch(daemon);
    daemon->polls++;
    if (daemon->polls > 1) {
        (void)uv_timer_start(&daemon->decide, on_decide,
                             wait_ms < ANSWERS_MAX_MS ? wait_ms : ANSWERS_MAX_MS, 0);
    }
}

/* The manager hears that we live only while decisions are made in time: a loop that turns but
 * decides nothing is as bad as one that hangs. */
static void on_watchdog(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;
    int64_t age_ms = daemon_now_ms(NULL) - daemon->decided_ms;

    if (age_ms <= 3 * (int64_t)daemon->config.period_ms) {
        notify_alive(&daemon->notify);
    } else {
        log_line(daemon->log, CONFIG_LOG_ERROR, NULL, "late",
                 "the last decision is late: the watchdog is not told that all is well");
    }
}

void daemon_period_start(struct daemon *daemon)
{
    uint64_t watchdog_ms = daemon->notify.watchdog_ms / 2;

    daemon->decided_ms = daemon_now_ms(NULL);
    (void)uv_timer_start(&daemon->period, on_period, 0, daemon->config.period_ms);
    if (watchdog_ms > 0) {
        (void)uv_timer_start(&daemon->watchdog, on_watchdog, watchdog_ms, watchdog_ms);
    }
}

void daemon_period_stop(struct daemon *daemon)
{
    (void)uv_timer_stop(&daemon->period);
    (void)uv_timer_stop(&daemon->decide);
}
