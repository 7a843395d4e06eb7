/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GET /metrics: what Prometheus reads, in its text format 0.0.4. Families are tables: a name, a
 * type, a help text and where the number is found. Sizes are bytes, times seconds, parts ratios. A
 * number that is not known is left out, not 0. States are one series per value, 1 for the one that
 * holds, so that a graph can show when it changed.
 */
#include "tools/ballast/api/metrics_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/policy/policy_text.h"

void metrics_family(const struct scrape *scrape, const char *name, const char *type,
                    const char *help)
{
    fprintf(scrape->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A number of seconds since a moment of the fleet's clock, behind what is written of its series. */
void metrics_age(const struct scrape *scrape, int64_t then_ms)
{
    int64_t age_ms = scrape->now_ms > then_ms ? scrape->now_ms - then_ms : 0;
    fprintf(scrape->out, " %" PRId64 ".%03d\n", age_ms / 1000, (int)(age_ms % 1000));
}

/* A label's value: three characters are escaped, and what is no UTF-8 is replaced. */
static void put_label(FILE *out, const char *key, const char *value)
{
    fprintf(out, "%s=\"", key);
    while (*value != '\0') {
        size_t length = api_utf8(value);
        if (length == 0) {
            fputs("\xef\xbf\xbd", out);
            value++;
            continue;
        }
        if (*value == '\\' || *value == '"') {
            fputc('\\', out);
        }
        if (*value == '\n') {
            fputs("\\n", out);
        } else {
            fwrite(value, 1, length, out);
        }
        value += length;
    }
    fputc('"', out);
}

/* Made once: a machine has some dozens of series. */
static char *make_labels(const struct fleet_machine *machine)
{
    const char *class_name = policy_class_name(machine->settings.class);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    fputc('{', out);
    put_label(out, "machine", machine->name);
    fputc(',', out);
    put_label(out, "owner", machine->settings.owner);
    fputc(',', out);
    put_label(out, "class", class_name == NULL ? "" : class_name);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* The begin of a series of the machine of this index. */
static void put_machine(const struct scrape *scrape, const char *family, size_t index)
{
    fputs(family, scrape->out);
    fputs(scrape->labels[index], scrape->out);
}

/* ---- the program ---- */

static void put_program(const struct scrape *scrape)
{
    const struct api *api = scrape->api;
    metrics_family(scrape, "ballast_build_info", "gauge", "The version of the daemon.");
    fputs("ballast_build_info{", scrape->out);
    put_label(scrape->out, "version", api->version);
    fputs("} 1\n", scrape->out);
    metrics_family(scrape, "ballast_start_time_seconds", "gauge",
                   "When the daemon started, in seconds since 1970.");
    fprintf(scrape->out, "ballast_start_time_seconds %" PRId64 "\n", api->started_s);
    const char *texts[API_PROBLEMS];
    metrics_family(
        scrape, "ballast_healthy", "gauge",
        "0: something is wrong with the daemon, for example its disk is full; see /healthz.");
    fprintf(scrape->out, "ballast_healthy %d\n", api_problems(api, texts) == 0);
    const struct {
        const char *name;
        const char *help;
        uint64_t value;
    } counters[] = {
        { "ballast_periods_total", "Periods in which was decided.", api->periods },
        { "ballast_http_requests_total", "Requests to the API.", api->requests },
        { "ballast_audit_failures_total", "Changes that the audit log could not take.",
          api->audit_failures },
        { "ballast_login_failures_total", "Requests with a wrong token.", api->logins.total },
    };
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        metrics_family(scrape, counters[i].name, "counter", counters[i].help);
        fprintf(scrape->out, "%s %" PRIu64 "\n", counters[i].name, counters[i].value);
    }
}

/* ---- decisions and holds ---- */

static void put_decisions(const struct scrape *scrape)
{
    metrics_family(scrape, "ballast_decisions_total", "counter",
                   "Decisions, one for each machine and period, by their reason.");
    for (size_t i = 0; i < API_REASONS; i++) {
        fprintf(scrape->out, "ballast_decisions_total{reason=\"%s\"} %" PRIu64 "\n",
                policy_reason_name((enum policy_reason)i), scrape->api->decisions[i]);
    }
}

#define HOLDS ((size_t)POLICY_HOLD_FLOOR + 1)

static void put_holds(const struct scrape *scrape)
{
    size_t holds[HOLDS] = { 0 };
    for (size_t i = 0; i < scrape->count; i++) {
        const struct policy_machine *policy = &scrape->machines[i]->policy;
        size_t hold = (size_t)policy->decision.hold;
        if (fleet_decided(policy) && hold < HOLDS) {
            holds[hold]++;
        }
    }
    metrics_family(scrape, "ballast_holds", "gauge",
                   "Machines that may not shrink now, by the safety rule.");
    for (size_t i = POLICY_HOLD_NONE + 1; i < HOLDS; i++) {
        fprintf(scrape->out, "ballast_holds{rule=\"%s\"} %zu\n",
                policy_hold_name((enum policy_hold)i), holds[i]);
    }
}

/* ---- machines ---- */

static void put_states(const struct scrape *scrape)
{
    const char *name = "ballast_machine_state";
    metrics_family(scrape, name, "gauge", "1 for the state that the machine is in.");
    for (size_t i = 0; i < scrape->count; i++) {
        for (unsigned state = FACTS_RUNNING; state < FACTS_STATES; state++) {
            put_machine(scrape, name, i);
            fprintf(scrape->out, ",state=\"%s\"} %d\n", api_state_name((enum facts_state)state),
                    state == (unsigned)scrape->machines[i]->facts.state);
        }
    }
}

static void put_statistics_age(const struct scrape *scrape)
{
    const char *name = "ballast_guest_statistics_age_seconds";
    metrics_family(scrape, name, "gauge", "How old the guest's statistics are.");
    for (size_t i = 0; i < scrape->count; i++) {
        int64_t then_ms = scrape->machines[i]->facts.stats_ms;
        if (then_ms > 0) {
            put_machine(scrape, name, i);
            fputc('}', scrape->out);
            metrics_age(scrape, then_ms);
        }
    }
}

static void put_machines(const struct scrape *scrape)
{
    for (size_t i = 0; i < api_metric_count; i++) {
        const struct api_metric *metric = &api_metrics_of_machines[i];
        metrics_family(scrape, metric->name, metric->type, metric->help);
        for (size_t j = 0; j < scrape->count; j++) {
            uint64_t value = metric->value(scrape->machines[j]);
            if (value != POLICY_MISSING) {
                put_machine(scrape, metric->name, j);
                fprintf(scrape->out, "} %" PRIu64 "\n", value);
            }
        }
    }
    put_states(scrape);
    put_statistics_age(scrape);
}

/* False: no memory. The labels made so far are freed by the caller. */
static bool make_all_labels(struct scrape *scrape)
{
    scrape->labels = calloc(scrape->count + 1, sizeof(*scrape->labels));
    for (size_t i = 0; scrape->labels != NULL && i < scrape->count; i++) {
        scrape->labels[i] = make_labels(scrape->machines[i]);
        if (scrape->labels[i] == NULL) {
            return false;
        }
    }
    return scrape->labels != NULL;
}

char *api_metrics(const struct api *api, int64_t now_ms, size_t *size)
{
    char *text = NULL;
    struct scrape scrape = { .api = api, .now_ms = now_ms };
    scrape.machines = fleet_machines(api->fleet, &scrape.count);
    bool good = make_all_labels(&scrape);
    scrape.out = good ? open_memstream(&text, size) : NULL;
    if (scrape.out != NULL) {
        put_program(&scrape);
        metrics_host(&scrape);
        put_decisions(&scrape);
        put_holds(&scrape);
        put_machines(&scrape);
        good = fclose(scrape.out) == 0;
    }
    for (size_t i = 0; scrape.labels != NULL && i < scrape.count; i++) {
        free(scrape.labels[i]);
    }
    free(scrape.labels);
    if (!good) {
        free(text);
        return NULL;
    }
    return text;
}
