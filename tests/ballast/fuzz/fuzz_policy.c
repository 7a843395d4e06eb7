/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hostile samples: the input is a list of periods, in which any field of any sample and of the host
 * may hold any bits. Properties after each call: targets within their bounds, no machine shrinks
 * that is held, guaranteed machines never shrink, and the same call on a copy decides the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/policy/policy.h"
#include "tools/ballast/policy/policy_text.h"

#define MACHINES 5U
#define GIB      ((uint64_t)1 << 30)

struct input {
    const uint8_t *data;
    size_t left;
};

/* Values out of the input; when it is empty, zeros. */
static uint64_t take(struct input *input, size_t bytes)
{
    uint64_t value = 0;
    const size_t got = bytes < input->left ? bytes : input->left;
    memcpy(&value, input->data, got);
    input->data += got;
    input->left -= got;
    return value;
}

/* Mostly sizes that mean something, or mutations would hardly reach what comes behind the checks.
 */
static uint64_t take_size(struct input *input, uint64_t max)
{
    const uint64_t kind = take(input, 1);
    if (kind < 16) {
        return take(input, 8);
    }
    if (kind < 24) {
        return POLICY_MISSING;
    }
    return max / 256 * (kind - 24) + take(input, 1);
}

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void require_same(const struct policy_decision *a, const struct policy_decision *b)
{
    require(a->set_target == b->set_target);
    require(a->target_bytes == b->target_bytes);
    require(a->reason == b->reason);
    require(a->hold == b->hold);
    require(a->demand_bytes == b->demand_bytes);
    require(a->want_bytes == b->want_bytes);
    require(a->books.booked_bytes == b->books.booked_bytes);
}

static void machine_make(struct input *input, struct policy_machine *machine, uint32_t id)
{
    static const uint64_t sizes[] = { 1, 4096, 32U << 20, GIB, 8 * GIB, POLICY_BYTES_MAX };
    machine->id = id;
    machine->class = (enum policy_class)(take(input, 1) % 3);
    machine->enabled = take(input, 1) % 8 != 0;
    machine->weight = (uint32_t)(take(input, 2) % POLICY_WEIGHT_MAX) + 1;
    machine->max_bytes = sizes[take(input, 1) % (sizeof sizes / sizeof sizes[0])];
    machine->min_bytes = machine->max_bytes / 256 * take(input, 1);
}

static void sample_make(struct input *input, struct policy_machine *machine, int64_t now_ms)
{
    struct policy_sample *sample = &machine->sample;
    const uint64_t commanded = sample->commanded_bytes;
    const uint32_t taken = sample->commands_taken;
    const uint64_t flags = take(input, 2);
    const uint64_t ram = flags % 64 == 9 ? take_size(input, POLICY_BYTES_MAX) : sample->ram_bytes;
    const uint64_t max =
        ram > machine->max_bytes && ram <= POLICY_BYTES_MAX ? ram : machine->max_bytes;
    const uint32_t resets = sample->resets + (flags % 32 == 7 ? 1 : 0);
    *sample = (struct policy_sample){ 0 };
    sample->resets = resets;
    sample->commands_taken = taken;
    sample->ram_bytes = ram;
    sample->commanded_bytes = flags % 16 == 3 ? take_size(input, max) : commanded;
    sample->actual_bytes = take_size(input, max);
    sample->resident_bytes = take_size(input, max);
    sample->overhead_bytes = take_size(input, max);
    sample->stats_ms = flags % 8 == 5 ? (int64_t)take(input, 8) : now_ms - (int64_t)take(input, 1);
    sample->stats_actual_bytes = flags % 4 == 1 ? take_size(input, max) : sample->actual_bytes;
    sample->total_bytes = flags % 4 == 1 ? take_size(input, max) : POLICY_MISSING;
    sample->available_bytes = take_size(input, sample->stats_actual_bytes);
    sample->swap_in_bytes = take_size(input, max);
    sample->major_faults = take_size(input, max);
    sample->alloc_stalls = take_size(input, max);
    sample->oom_kills = flags % 4 == 2 ? take(input, 8) : 0;
    sample->driver = flags >> 8 & 1 ? POLICY_DRIVER_OK : (enum policy_driver)(take(input, 1) % 2);
    sample->unreclaimable =
        flags >> 9 & 7 ? POLICY_RECLAIMABLE : (enum policy_unreclaimable)(take(input, 1) % 6);
    sample->reporting = flags >> 12 & 1;
    sample->deflate_on_oom = flags >> 13 & 1;
    sample->paused = (flags >> 14 & 3) == 3 && (take(input, 1) & 1);
    sample->migrating = (flags >> 14 & 3) == 2 && (take(input, 1) & 1);
}

static void machine_check(const struct policy_machine *machine, const struct policy_plan *plan,
                          int64_t now_ms)
{
    const struct policy_decision *decision = &machine->decision;
    const uint64_t max = machine->max_bytes;
    const uint64_t told = machine->sample.ram_bytes;
    const uint64_t ram = told == POLICY_MISSING || told < max ? max
                         : told > POLICY_BYTES_MAX            ? POLICY_BYTES_MAX
                                                              : told;
    /* Nothing is asked to grow above its maximum, but for memory that it has already. */
    require(decision->target_bytes <= max || decision->target_bytes <= decision->before_bytes ||
            decision->target_bytes <= machine->sample.actual_bytes + 4095);
    require(decision->target_bytes <= ram);
    require(decision->want_bytes <= ram);
    require(decision->demand_bytes <= ram);
    require(decision->books.booked_bytes <= ram);
    require(decision->floor_bytes <= ram);
    require(decision->set_target ==
            (decision->target_bytes != decision->before_bytes || decision->repeat));
    if (decision->target_bytes < decision->before_bytes) {
        require(decision->hold == POLICY_HOLD_NONE);
        require(decision->target_bytes >= decision->floor_bytes);
        require(decision->target_bytes >= machine->min_bytes);
        require(decision->reason != POLICY_SHRINK_MAXIMUM || decision->target_bytes >= max);
        require(decision->target_bytes >= max - max * 65 / 100);
        require(machine->class != POLICY_GUARANTEED);
        require(machine->enabled);
        require(!machine->sample.paused);
        require(decision->before_bytes - decision->target_bytes <= decision->step_bytes);
    }
    if (machine->sample.migrating) {
        require(!decision->set_target);
    }
    /* A target in doubt is sent, and a size that does not follow had its target sent lately. */
    const bool reachable = !machine->sample.migrating && !machine->unmanaged &&
                           machine->sample.actual_bytes != POLICY_MISSING &&
                           machine->sample.unreclaimable != POLICY_NO_DEVICE &&
                           machine->sample.unreclaimable != POLICY_PLATFORM &&
                           machine->memory.drift != POLICY_DRIFT_FOREIGN;
    if (reachable && !machine->scratch.awaited) {
        require(machine->memory.target_known || decision->set_target);
        require(decision->behind_bytes == 0 || now_ms - machine->memory.sent_ms <= 300000);
    }
    char text[512];
    require(policy_explain(machine, plan, now_ms, text, sizeof text) < (int)sizeof text);
    require(policy_explain_hold(machine, now_ms, text, sizeof text) < (int)sizeof text);
    require((decision->hold == POLICY_HOLD_NONE) == (text[0] == '\0'));
}

static void books_check(const struct policy_plan *plan, const struct policy_machine *machines)
{
    const struct books_host *books = &plan->books;
    uint64_t booked = 0;
    for (size_t i = 0; i < MACHINES; i++) {
        const struct books_machine *entry = &machines[i].decision.books;
        booked += entry->booked_bytes;
        require(entry->booked_bytes <= entry->owed_bytes);
        require(entry->takeable_bytes <= entry->owed_bytes);
        require(machines[i].decision.hold == POLICY_HOLD_NONE || entry->takeable_bytes == 0);
        require(books_rule_name(entry->least_rule) != NULL);
        require(books_rule_name(entry->smallest_rule) != NULL);
        require(machines[i].sample.unreclaimable != POLICY_PLATFORM || entry->owed_bytes == 0);
    }
    require(booked == books->booked_bytes);
    /* Bookings alone may be above the ceiling; what is added to them never leads there. */
    require(books->reserved_arrived_bytes <= books->reserved_bytes);
    require(booked + books->reserved_arrived_bytes + books->arrived_bytes <=
            (booked > books->ceiling_bytes ? booked : books->ceiling_bytes));
    require(books->could_promise_bytes == 0 ||
            books->could_promise_bytes + books->promised_bytes + books->reserved_bytes <=
                books->total_bytes);
    require(books->could_promise_bytes == 0 || books->excess_bytes == 0);
    require(books->missing_bytes <= books->excess_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = { data, size };
    struct policy_settings settings;
    policy_settings_default(&settings);
    static struct policy_machine machines[MACHINES];
    static struct policy_machine again[MACHINES];
    struct policy_host_memory memory = { 0 };
    memset(machines, 0, sizeof machines);
    for (uint32_t i = 0; i < MACHINES; i++) {
        machine_make(&input, &machines[i], i + 1);
    }
    int64_t now_ms = 1 + (int64_t)take(&input, 4);
    const uint64_t total = take_size(&input, 64 * GIB);
    while (input.left != 0) {
        const uint64_t wait = take(&input, 1);
        now_ms += wait > 250 ? (int64_t)take(&input, 4) : (int64_t)wait * 16;
        const struct policy_host host = { .total_bytes = total,
                                          .available_bytes = take_size(&input, 16 * GIB),
                                          .reserved_bytes = take_size(&input, GIB),
                                          .psi_some_centi = (uint32_t)take(&input, 1),
                                          .psi_full_centi = (uint32_t)take(&input, 1) };
        for (size_t i = 0; i < MACHINES; i++) {
            sample_make(&input, &machines[i], now_ms);
        }
        struct policy_host_memory memory_again = memory;
        memcpy(again, machines, sizeof again);
        struct policy_plan plan;
        struct policy_plan plan_again;
        policy_decide(&settings, &host, &memory, machines, MACHINES, now_ms, &plan);
        policy_decide(&settings, &host, &memory_again, again, MACHINES, now_ms, &plan_again);
        for (size_t i = 0; i < MACHINES; i++) {
            machine_check(&machines[i], &plan, now_ms);
            require_same(&machines[i].decision, &again[i].decision);
            if (machines[i].decision.set_target) {
                machines[i].sample.commanded_bytes = machines[i].decision.target_bytes;
                machines[i].sample.commands_taken++;
            }
        }
        books_check(&plan, machines);
        /* What admission asks about is what the period's books say. */
        const struct books_host asked = books_ask(&settings, &host, machines, MACHINES, now_ms);
        require(asked.promised_bytes == plan.books.promised_bytes);
        require(asked.excess_bytes == plan.books.excess_bytes);
    }
    return 0;
}
