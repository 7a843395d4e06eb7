/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How short the host is. The bounds are parts of the reserve: with every machine at its size and
 * all of it used, reserve and slush fund are free, and a peak that took the whole fund leaves the
 * reserve; only what goes deeper is a shortage. Entering a zone is immediate; leaving it takes more
 * memory than entering, some seconds, and one zone at a time.
 */
#include "tools/ballast/policy/policy_internal.h"

/* A zone is not left earlier. */
#define ZONE_STAY_MS 5000U

/* Eighths of the reserve: the zone begins below `enter`, and ends above `leave`. */
static const struct {
    uint64_t enter, leave;
} bounds[] = {
    [POLICY_GREEN] = { 0, 0 },
    [POLICY_SOFT] = { 6, 8 },
    [POLICY_HARD] = { 4, 5 },
    [POLICY_LOW] = { 2, 3 },
};

static enum policy_zone zone_by_memory(uint64_t available, uint64_t reserve, enum policy_zone now)
{
    enum policy_zone zone = POLICY_GREEN;
    for (enum policy_zone z = POLICY_SOFT; z <= POLICY_LOW; z++) {
        const bool inside = now >= z;
        if (available < policy_part(reserve, bounds[z].enter, 8) ||
            (inside && available <= policy_part(reserve, bounds[z].leave, 8))) {
            zone = z;
        }
    }
    return zone;
}

/* Pressure that raised the zone does so until it is half gone. */
static bool zone_pressed(const struct policy_round *round, bool before)
{
    const uint64_t scale = before ? 50 : 100;
    return round->host.psi_some_centi >= round->settings->psi_some_percent * scale ||
           round->host.psi_full_centi >= round->settings->psi_full_percent * scale;
}

void policy_zone_update(struct policy_round *round)
{
    struct policy_host_memory *memory = round->host_memory;
    const uint64_t reserve = round->plan->books.reserve_bytes;
    const uint64_t available = round->host.available_bytes;
    enum policy_zone zone = zone_by_memory(available, reserve, memory->zone);
    const bool pressed = zone_pressed(round, memory->zone > POLICY_GREEN);
    if (pressed && zone < POLICY_LOW) {
        /* Below what memory says by one, and not by one more each period. */
        zone = zone_by_memory(available, reserve, POLICY_GREEN) + 1U;
    }
    if (zone < memory->zone) {
        const bool may =
            policy_elapsed(memory->zone_ms, round->now_ms, ZONE_STAY_MS) == ZONE_STAY_MS;
        zone = may ? memory->zone - 1U : memory->zone;
    }
    if (zone != memory->zone || memory->zone_ms == 0) {
        memory->zone = zone;
        memory->zone_ms = round->now_ms;
    }
    round->plan->zone = zone;
    round->plan->admit = zone != POLICY_LOW;
    if (zone != POLICY_GREEN) {
        /* Under pressure what is called available is not, so more of it is asked for. */
        const uint64_t goal = pressed ? 2 * reserve + round->plan->books.slush_bytes : reserve;
        round->zone_need = policy_less(goal, available);
    }
}
