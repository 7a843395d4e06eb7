/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's part of /metrics. Before the first period nothing is known of the host, and its
 * families have no samples.
 */
#include "tools/ballast/api/metrics_internal.h"

#include <inttypes.h>

#include "tools/ballast/policy/policy_text.h"

/* Before the first period nothing is known of the host. */
static bool is_decided(const struct scrape *scrape)
{
    return fleet_host(scrape->api->fleet)->total_bytes != 0;
}

static void put_zone(const struct scrape *scrape)
{
    metrics_family(scrape, "ballast_host_zone", "gauge",
                   "1 for the zone that the host is in: how short of memory it is.");
    if (!is_decided(scrape)) {
        return;
    }
    enum policy_zone now = fleet_plan(scrape->api->fleet)->zone;
    for (unsigned zone = POLICY_GREEN; zone <= POLICY_LOW; zone++) {
        fprintf(scrape->out, "ballast_host_zone{zone=\"%s\"} %d\n",
                policy_zone_name((enum policy_zone)zone), zone == (unsigned)now);
    }
}

struct gauge {
    const char *name;
    const char *help;
    uint64_t value;
};

static void put_gauges(const struct scrape *scrape, const struct gauge *gauges, size_t count,
                       bool known)
{
    for (size_t i = 0; i < count; i++) {
        metrics_family(scrape, gauges[i].name, "gauge", gauges[i].help);
        if (known) {
            fprintf(scrape->out, "%s %" PRIu64 "\n", gauges[i].name, gauges[i].value);
        }
    }
}

#define PUT_GAUGES(scrape, gauges, known)                                                          \
    put_gauges(scrape, gauges, sizeof(gauges) / sizeof((gauges)[0]), known)

/* What all machines have, want and are given. */
static void put_sizes(const struct scrape *scrape)
{
    const struct policy_plan *plan = fleet_plan(scrape->api->fleet);
    const struct policy_host *host = fleet_host(scrape->api->fleet);
    const struct gauge gauges[] = {
        { "ballast_host_memory_bytes", "Memory that may be distributed at all.",
          host->total_bytes },
        { "ballast_host_available_bytes", "Memory that could be used without swapping.",
          host->available_bytes },
        { "ballast_host_asked_bytes", "Demand above the present sizes.", plan->asked_bytes },
        { "ballast_host_short_bytes", "Demand that could not be granted.", plan->short_bytes },
        { "ballast_host_granted_bytes", "Granted in the last period.", plan->granted_bytes },
        { "ballast_host_coming_bytes", "Asked of machines before and on its way.",
          plan->coming_bytes },
        { "ballast_host_taken_bytes", "Asked of machines in the last period.", plan->taken_bytes },
    };
    PUT_GAUGES(scrape, gauges, is_decided(scrape));
}

/* The host's entry in the books: sums of bookings. */
static void put_booked(const struct scrape *scrape)
{
    const struct books_host *books = &fleet_plan(scrape->api->fleet)->books;
    const struct gauge gauges[] = {
        { "ballast_host_reserve_bytes", "Memory that the host keeps for itself.",
          books->reserve_bytes },
        { "ballast_host_own_bytes", "In use beside the machines' RAM.", books->own_bytes },
        { "ballast_host_slush_bytes", "The fund that pays peaks at once, when it is full.",
          books->slush_bytes },
        { "ballast_host_slush_left_bytes", "What is in the fund.", books->slush_left_bytes },
        { "ballast_host_ceiling_bytes",
          "What all bookings and what has arrived for reservations may add up to.",
          books->ceiling_bytes },
        { "ballast_host_booked_bytes", "What all bookings add up to.", books->booked_bytes },
        { "ballast_host_arrived_bytes",
          "What has come free and may be granted to machines without the fund.",
          books->arrived_bytes },
        { "ballast_host_resident_bytes", "Host memory that the machines' RAM holds.",
          books->resident_bytes },
        { "ballast_host_overhead_bytes", "Host memory that machines cost beside their RAM.",
          books->overhead_bytes },
    };
    PUT_GAUGES(scrape, gauges, is_decided(scrape));
}

/* The same: sums of promises. */
static void put_promised(const struct scrape *scrape)
{
    const struct books_host *books = &fleet_plan(scrape->api->fleet)->books;
    const struct gauge gauges[] = {
        { "ballast_host_reserved_bytes", "Promised by reservations and not taken yet.",
          books->reserved_bytes },
        { "ballast_host_reserved_arrived_bytes", "What of that has come free.",
          books->reserved_arrived_bytes },
        { "ballast_host_promised_bytes", "Promised to machines, with their overhead.",
          books->promised_bytes },
        { "ballast_host_missing_for_promises_bytes", "Missing to keep all promises at once.",
          books->missing_bytes },
        { "ballast_host_could_promise_bytes", "What could still be promised.",
          books->could_promise_bytes },
    };
    PUT_GAUGES(scrape, gauges, is_decided(scrape));
}

/* What else was read of the host. */
static void put_memory(const struct scrape *scrape)
{
    static const struct host_memory nothing;
    const struct host_memory *memory = scrape->api->host == NULL ? &nothing : scrape->api->host;
    bool read = memory->total_bytes != 0;
    const struct gauge gauges[] = {
        { "ballast_host_swap_bytes", "The host's swap.", memory->swap_total_bytes },
        { "ballast_host_swap_free_bytes", "What of it is free.", memory->swap_free_bytes },
        { "ballast_host_ksm_saved_bytes",
          "Memory that machines have and the host does not spend, because KSM merged equal pages; "
          "they part again when a guest writes to them.",
          memory->ksm_saved_bytes },
    };
    PUT_GAUGES(scrape, gauges, read);
    metrics_family(
        scrape, "ballast_host_pressure_ratio", "gauge",
        "Part of the last 10 seconds in which some or all work waited for memory (PSI).");
    if (read && memory->psi) {
        const struct policy_host *host = fleet_host(scrape->api->fleet);
        fprintf(scrape->out, "ballast_host_pressure_ratio{kind=\"some\"} %g\n",
                host->psi_some_centi / 10000.0);
        fprintf(scrape->out, "ballast_host_pressure_ratio{kind=\"full\"} %g\n",
                host->psi_full_centi / 10000.0);
    }
}

void metrics_host(const struct scrape *scrape)
{
    put_zone(scrape);
    put_sizes(scrape);
    put_booked(scrape);
    put_promised(scrape);
    put_memory(scrape);
    metrics_family(scrape, "ballast_host_admits", "gauge",
                   "1 while new machines and reservations may come.");
    if (is_decided(scrape)) {
        fprintf(scrape->out, "ballast_host_admits %d\n", fleet_plan(scrape->api->fleet)->admit);
    }
    metrics_family(scrape, "ballast_decided_age_seconds", "gauge",
                   "How long ago was decided last: so old is what is told of the host.");
    if (is_decided(scrape)) {
        fputs("ballast_decided_age_seconds", scrape->out);
        metrics_age(scrape, fleet_host_memory(scrape->api->fleet)->now_ms);
    }
    metrics_family(scrape, "ballast_machines", "gauge", "Machines that are known.");
    fprintf(scrape->out, "ballast_machines %zu\n", scrape->count);
}
