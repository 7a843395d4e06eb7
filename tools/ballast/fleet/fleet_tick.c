/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A period: facts and settings become the policy's inputs, its decisions become targets. The dry
 * run does the same with a copy and leaves out the last step.
 *
 * Invariants: a machine has at most one unanswered target, and that no longer than FLIGHT_MS; a
 * machine that is not managed gets none.
 */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/fleet/fleet_internal.h"
#include "tools/ballast/policy/policy_text.h"

#define RETRY_FIRST_MS 2000U
#define RETRY_MAX_MS   30000U
/* No monitor that works takes so long to take a target; how long the guest takes is another matter.
 */
#define FLIGHT_MS 10000

/* ---- inputs ---- */

static enum policy_unreclaimable unreclaimable(const struct facts *facts)
{
    if (facts->kind == FACTS_CONTAINER) {
        return POLICY_PLATFORM;
    }
    if (!facts->device) {
        return POLICY_NO_DEVICE;
    }
    if (facts->locked) {
        return POLICY_LOCKED;
    }
    if (facts->huge_pages) {
        return POLICY_HUGE_PAGES;
    }
    return facts->pinned ? POLICY_PINNED : POLICY_RECLAIMABLE;
}

/* Larger than another number that bounds it; what is missing is bound by nothing. */
static bool above(uint64_t part, uint64_t whole)
{
    return part != POLICY_MISSING && whole != POLICY_MISSING && part > whole;
}

/* Statistics that no guest could tell in good faith, and the policy could not find out. */
static bool stats_lie(const struct facts *facts, int64_t now_ms)
{
    return facts->stats_ms > now_ms || above(facts->free_bytes, facts->total_bytes) ||
           above(facts->caches_bytes, facts->total_bytes) ||
           above(facts->stats_actual_bytes, facts->ram_bytes);
}

static struct policy_sample sample_of(const struct fleet_machine *machine, int64_t now_ms)
{
    const struct facts *facts = &machine->facts;
    const enum policy_unreclaimable why = unreclaimable(facts);
    return (struct policy_sample){
        .ram_bytes = facts->ram_bytes,
        .actual_bytes = facts->actual_bytes,
        .resident_bytes = facts->resident_bytes,
        .overhead_bytes = facts->overhead_bytes,
        .commanded_bytes = machine->commanded_bytes,
        .commands_taken = machine->commands_taken,
        .stats_ms = facts->stats_ms < 0 ? 0 : facts->stats_ms,
        .stats_actual_bytes = facts->stats_actual_bytes,
        .total_bytes = facts->total_bytes,
        .available_bytes = facts->available_bytes,
        .swap_in_bytes = facts->swap_in_bytes,
        .swap_out_bytes = facts->swap_out_bytes,
        .major_faults = facts->major_faults,
        .alloc_stalls = facts->alloc_stalls,
        .oom_kills = facts->oom_kills,
        .resets = facts->resets,
        .driver = facts->driver <= POLICY_DRIVER_OK ? facts->driver : POLICY_DRIVER_UNKNOWN,
        .unreclaimable = why,
        /* What is locked or pinned is not dropped when the guest reports it. */
        .reporting = facts->device && facts->reports && why == POLICY_RECLAIMABLE,
        /* It is only known that this was offered. A driver took it: all that can, do. What the
         * guest takes would otherwise be held for somebody else's doing, and left to them. */
        .deflate_on_oom = facts->device && (facts->offered & FACTS_DEFLATE_ON_OOM) != 0,
        .paused = facts->state == FACTS_PAUSED || facts->state == FACTS_PANICKED,
        .migrating = facts->state == FACTS_MIGRATING,
        .stats_lie = stats_lie(facts, now_ms),
    };
}

bool fleet_input(const struct fleet_machine *machine, const struct fleet_settings *settings,
                 int64_t now_ms, struct policy_machine *input)
{
    const struct facts *facts = &machine->facts;
    uint64_t ram = facts->ram_bytes;
    if (facts->kind == FACTS_CONTAINER && ram == POLICY_MISSING) {
        ram = facts->resident_bytes; /* without a limit it can only be booked with what it has */
    }
    if (facts->state == FACTS_STOPPED || ram == 0 || ram > POLICY_BYTES_MAX) {
        return false;
    }
    *input = (struct policy_machine){
        .class = settings->class,
        /* What is not managed may take all its RAM at any time, without asking here. */
        .enabled = settings->ballooning && settings->managed,
        .unmanaged = !settings->managed,
        .weight = settings->weight,
        .max_bytes = ram,
        .sample = sample_of(machine, now_ms),
    };
    if (input->enabled && input->sample.unreclaimable == POLICY_RECLAIMABLE) {
        input->max_bytes = fleet_settings_max(settings, ram);
    }
    const uint64_t min = settings->min_bytes;
    input->min_bytes = min < input->max_bytes ? min : input->max_bytes;
    return true;
}

size_t fleet_gather(struct fleet *fleet, int64_t now_ms)
{
    size_t count = 0;
    for (size_t i = 0; i < fleet->count; i++) {
        struct fleet_entry *entry = fleet_entry_of(fleet->machines[i]);
        struct policy_machine *input = &fleet->round[count];
        entry->active = fleet_input(&entry->shown, &entry->shown.settings, now_ms, input);
        if (entry->active) {
            input->id = (uint32_t)i;
            input->memory = entry->shown.policy.memory;
            count++;
        }
    }
    return count;
}

/* ---- outputs ---- */

/* A target that was not taken: told once for each reason, and not repeated for a while. */
static void target_failed(struct fleet *fleet, struct fleet_entry *entry,
                          enum fleet_event_kind kind, const char *code, const char *error,
                          int64_t now_ms)
{
    struct fleet_machine *machine = &entry->shown;
    char text[sizeof machine->last_error];
    snprintf(text, sizeof text, "%s", error);
    entry->retry_pause_ms = entry->retry_pause_ms == 0 ? RETRY_FIRST_MS : entry->retry_pause_ms * 2;
    if (entry->retry_pause_ms > RETRY_MAX_MS) {
        entry->retry_pause_ms = RETRY_MAX_MS;
    }
    entry->retry_ms = now_ms + entry->retry_pause_ms;
    if (strcmp(text, machine->last_error) != 0) {
        memcpy(machine->last_error, text, sizeof text);
        fleet_raise(fleet, kind, machine, entry->flight_bytes, code, now_ms,
                    "%s did not take its target: %s.", machine->name, text);
    }
}

void fleet_target_done(struct fleet *fleet, struct fleet_machine *machine, uint64_t bytes,
                       const char *error, int64_t now_ms)
{
    struct fleet_entry *entry = fleet_entry_of(machine);
    if ((!entry->in_flight && !entry->overdue) || entry->flight_bytes != bytes) {
        return; /* an answer to nothing that was asked */
    }
    entry->in_flight = false;
    entry->overdue = false;
    if (error != NULL) {
        target_failed(fleet, entry, FLEET_EVENT_REFUSED, "refused", error, now_ms);
        return;
    }
    machine->commanded_bytes = bytes;
    machine->commands_taken++;
    machine->last_error[0] = '\0';
    entry->retry_pause_ms = 0;
    entry->retry_ms = 0;
    const struct fleet_who who = fleet_who_of(entry);
    if (fleet->ops.save_target != NULL && who.identity[0] != '\0') {
        fleet->ops.save_target(fleet->ops.context, &who, bytes);
    }
}

/* A monitor that is silent must not keep its machine from ever getting a target again. */
static void target_give_up(struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms)
{
    if (entry->in_flight && now_ms - entry->flight_ms >= FLIGHT_MS) {
        entry->in_flight = false;
        entry->overdue = true;
        target_failed(fleet, entry, FLEET_EVENT_TROUBLE, "no-answer",
                      "there was no answer within 10 seconds", now_ms);
    }
}

static void send_tell(const struct fleet *fleet, const struct fleet_machine *machine,
                      int64_t now_ms)
{
    const struct policy_decision *decision = &machine->policy.decision;
    char text[256];
    char size[POLICY_SIZE_TEXT];
    if (decision->repeat && decision->behind_bytes == 0) {
        fleet_raise(fleet, FLEET_EVENT_TARGET, machine, decision->target_bytes, "repeat", now_ms,
                    "is told that its size is %s: another target may be in force",
                    policy_size_text(decision->target_bytes, size));
        return;
    }
    (void)policy_explain(&machine->policy, &fleet->plan, now_ms, text, sizeof text);
    fleet_raise(fleet, FLEET_EVENT_TARGET, machine, decision->target_bytes,
                decision->repeat ? "repeat" : policy_reason_name(decision->reason), now_ms, "%s",
                text);
}

static void target_send(struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms)
{
    struct fleet_machine *machine = &entry->shown;
    const struct policy_decision *decision = &machine->policy.decision;
    if (!decision->set_target || entry->in_flight || now_ms < entry->retry_ms ||
        machine->backend->set_target == NULL) {
        return;
    }
    send_tell(fleet, machine, now_ms);
    machine->commands++;
    entry->in_flight = true;
    entry->overdue = false;
    entry->flight_bytes = decision->target_bytes;
    entry->flight_ms = now_ms;
    if (!machine->backend->set_target(machine->handle, decision->target_bytes) &&
        entry->in_flight) {
        entry->in_flight = false;
        target_failed(fleet, entry, FLEET_EVENT_REFUSED, "refused", "it could not be sent", now_ms);
    }
}

/* Some rules come and go with every step that a machine makes: telling them says nothing. */
static enum policy_hold told_hold(enum policy_hold hold)
{
    const bool quiet =
        hold == POLICY_HOLD_MOVING || hold == POLICY_HOLD_FLOOR || hold == POLICY_HOLD_NEW;
    return quiet ? POLICY_HOLD_NONE : hold;
}

static void changes_tell(struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms)
{
    const struct fleet_machine *machine = &entry->shown;
    const struct policy_memory *memory = &machine->policy.memory;
    const enum policy_hold hold = told_hold(machine->policy.decision.hold);
    if (hold != entry->hold) {
        char text[200] = "no safety rule keeps it from giving memory any more.";
        if (hold != POLICY_HOLD_NONE) {
            (void)policy_explain_hold(&machine->policy, now_ms, text, sizeof text);
        }
        entry->hold = hold;
        fleet_raise(fleet, FLEET_EVENT_HOLD, machine, POLICY_MISSING, policy_hold_name(hold),
                    now_ms, "%s: %s", machine->name, text);
    }
    if (memory->drift != entry->drift) {
        static const char *const texts[] = {
            [POLICY_DRIFT_NONE] = "follows its targets again.",
            [POLICY_DRIFT_SELF_DEFLATED] = "took memory back by itself, because it had none left.",
            [POLICY_DRIFT_DRIVER_GONE] = "has all its memory back, and no driver any more.",
            [POLICY_DRIFT_FOREIGN] = "gets targets from somebody else: it is left to them.",
        };
        entry->drift = memory->drift;
        fleet_raise(fleet, FLEET_EVENT_DRIFT, machine,
                    memory->drift == POLICY_DRIFT_NONE ? POLICY_MISSING : memory->drift_bytes,
                    policy_drift_name(memory->drift), now_ms, "%s %s", machine->name,
                    texts[memory->drift]);
    }
}

static void zone_tell(const struct fleet *fleet, enum policy_zone before, int64_t now_ms)
{
    static const char *const texts[] = {
        [POLICY_GREEN] = "The host has memory enough.",
        [POLICY_SOFT] = "The host gets short of memory: surplus comes back.",
        [POLICY_HARD] = "The host is short of memory: spare machines go down to their floors.",
        [POLICY_LOW] = "The host has hardly any memory left: nothing new may start.",
    };
    if (fleet->plan.zone != before) {
        fleet_raise(fleet, FLEET_EVENT_ZONE, NULL, fleet->host.available_bytes,
                    policy_zone_name(fleet->plan.zone), now_ms, "%s", texts[fleet->plan.zone]);
    }
}

void fleet_tick(struct fleet *fleet, const struct policy_host *host, int64_t now_ms)
{
    const enum policy_zone zone = fleet->plan.zone;
    fleet->host = *host;
    fleet->host.reserved_bytes = fleet_reserved(fleet);
    const size_t count = fleet_gather(fleet, now_ms);
    fleet->decide(&fleet->policy, &fleet->host, &fleet->host_memory, fleet->round, count, now_ms,
                  &fleet->plan);
    fleet->planned = true;
    zone_tell(fleet, zone, now_ms);
    for (size_t i = 0, next = 0; i < fleet->count; i++) {
        struct fleet_entry *entry = fleet_entry_of(fleet->machines[i]);
        if (!entry->active) {
            /* What it needed and was promised is nobody's now, and in no sum over all machines. */
            entry->shown.policy = fleet_undecided(&entry->shown.policy.memory);
            continue;
        }
        entry->shown.policy = fleet->round[next++];
        if (!entry->shown.settings.managed) {
            entry->shown.policy.decision.set_target = false;
        }
        changes_tell(fleet, entry, now_ms);
        fleet_follow_tell(fleet, entry, now_ms);
        fleet_ledger_update(fleet, entry, now_ms);
        target_give_up(fleet, entry, now_ms);
        target_send(fleet, entry, now_ms);
    }
    fleet_reservations_update(fleet);
    fleet_watch_promises(fleet, now_ms);
}

struct policy_machine *fleet_dry_run(struct fleet *fleet, const struct policy_host *host,
                                     int64_t now_ms, struct policy_plan *plan, size_t *count)
{
    struct policy_machine *result = calloc(fleet->count + 1, sizeof *result);
    struct policy_host_memory host_memory = fleet->host_memory;
    struct policy_host asked = *host;
    *count = 0;
    if (result == NULL) {
        return NULL;
    }
    asked.reserved_bytes = fleet_reserved(fleet);
    const size_t active = fleet_gather(fleet, now_ms);
    fleet->decide(&fleet->policy, &asked, &host_memory, fleet->round, active, now_ms, plan);
    for (size_t i = 0, next = 0; i < fleet->count; i++) {
        const struct fleet_entry *entry = fleet_entry_of(fleet->machines[i]);
        result[i] =
            entry->active ? fleet->round[next++] : fleet_undecided(&entry->shown.policy.memory);
        result[i].id = (uint32_t)i;
        if (!entry->shown.settings.managed) {
            result[i].decision.set_target = false;
        }
    }
    *count = fleet->count;
    return result;
}
