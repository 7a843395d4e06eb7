/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of a machine's target, and whether its size follows. No monitor tells the target
 * that is in force, so a target of ours is known to be in force only from the moment in which it
 * was accepted until something happens that could have set another one: a machine is found, a
 * driver comes, a migration ends, the guest starts anew, the RAM becomes another, or a foreign
 * manager gives the machine back. From then on the target is in doubt, nobody is accused of
 * moving the size, and the wanted size is sent until it is accepted, also when its number is the
 * same as before.
 *
 * A size that stands away from its target for long shows that something is wrong all the same. The
 * target is sent again then, in intervals that double.
 *
 * Invariant: a size that has not come nearer to its target for REPEAT_FIRST_MS had that target sent
 * within the interval of the present repetition.
 */
#include "tools/ballast/policy/policy_internal.h"

#define REPEAT_FIRST_MS 10000U
#define REPEAT_MAX_MS   300000U
/* Less than this is no way that a size has come. */
#define STEP_LEAST (4 * POLICY_MIB)
/* What a machine lacks of its promise by rounding. */
#define PROMISE_SLACK POLICY_MIB

uint64_t policy_near(const struct policy_machine *machine)
{
    return policy_max(machine->max_bytes / 100, 4 * POLICY_MIB);
}

void policy_target_doubt(struct policy_memory *memory)
{
    memory->target_known = false;
    memory->arrived = false;
}

/* ---- what is known ---- */

/* Another RAM moves size and target alike: the balloon stays what it is. */
static void ram_watch(const struct policy_round *round, struct policy_machine *machine)
{
    struct policy_memory *memory = &machine->memory;
    const uint64_t ram = machine->sample.ram_bytes;
    if (ram == 0 || ram == POLICY_MISSING || ram == memory->ram_bytes) {
        return;
    }
    if (memory->ram_bytes != 0 && memory->target_bytes != 0) {
        const uint64_t target = memory->target_bytes + policy_less(ram, memory->ram_bytes);
        const uint64_t less = policy_less(memory->ram_bytes, ram);
        memory->target_bytes =
            policy_min(policy_max(policy_less(target, less), POLICY_PAGE), POLICY_BYTES_MAX);
        memory->disowned_bytes = machine->sample.commanded_bytes;
        memory->last_actual_bytes = machine->scratch.actual_bytes;
        memory->ram_ms = round->now_ms;
        policy_target_doubt(memory);
    }
    memory->ram_bytes = ram;
}

void policy_target_watch(const struct policy_round *round, struct policy_machine *machine)
{
    struct policy_memory *memory = &machine->memory;
    const struct policy_sample *sample = &machine->sample;
    if (memory->now_ms == 0) {
        memory->commands_taken = sample->commands_taken;
    } else if (sample->commands_taken != memory->commands_taken) {
        memory->commands_taken = sample->commands_taken;
        memory->disowned_bytes = 0;
        memory->target_known = true;
    }
    if (memory->disowned_bytes == POLICY_MISSING) {
        memory->disowned_bytes = sample->commanded_bytes;
    }
    ram_watch(round, machine);
    if (memory->migrated && !sample->migrating) {
        /* It has the size and the target that it brought along. */
        policy_adopt(memory);
        memory->disowned_bytes = sample->commanded_bytes;
    }
    memory->migrated = sample->migrating;
}

uint64_t policy_target_in_force(const struct policy_machine *machine)
{
    const struct policy_memory *memory = &machine->memory;
    const uint64_t commanded = machine->sample.commanded_bytes;
    if (commanded != memory->disowned_bytes && commanded != 0 && commanded != POLICY_MISSING) {
        return policy_min(commanded, machine->scratch.ram_bytes);
    }
    const bool unknown = memory->fresh || memory->target_bytes == 0;
    return unknown ? machine->scratch.actual_bytes
                   : policy_min(memory->target_bytes, machine->scratch.ram_bytes);
}

/* ---- what the size says ---- */

static uint64_t distance(uint64_t a, uint64_t b)
{
    return policy_less(a, b) + policy_less(b, a);
}

/* Nobody could follow, or nothing is asked. A balloon that holds memory had a driver; whether a
 * machine without any has one, only its statistics can tell. */
static bool is_excused(const struct policy_machine *machine)
{
    const struct policy_scratch *scratch = &machine->scratch;
    const bool driven = machine->sample.driver == POLICY_DRIVER_OK || scratch->told ||
                        scratch->actual_bytes < machine->decision.before_bytes;
    return scratch->still || machine->sample.paused || !driven ||
           machine->memory.drift == POLICY_DRIFT_DRIVER_GONE;
}

static void behind_end(struct policy_memory *memory)
{
    memory->behind_ms = 0;
    memory->behind_bytes = 0;
    memory->repeats = 0;
}

static void behind_watch(const struct policy_round *round, struct policy_machine *machine)
{
    struct policy_memory *memory = &machine->memory;
    const uint64_t actual = machine->scratch.actual_bytes;
    const uint64_t off = distance(actual, machine->decision.before_bytes);
    if (off <= policy_near(machine) || is_excused(machine)) {
        behind_end(memory);
        return;
    }
    const bool small = actual < machine->decision.before_bytes;
    if (memory->behind_ms == 0 || small != memory->small ||
        off + STEP_LEAST <= memory->behind_bytes) {
        behind_end(memory); /* it is on its way */
        memory->behind_ms = round->now_ms;
        memory->behind_bytes = off;
        memory->small = small;
        return;
    }
    memory->behind_bytes = policy_max(memory->behind_bytes, off);
    if (policy_elapsed(memory->behind_ms, round->now_ms, REPEAT_FIRST_MS) < REPEAT_FIRST_MS) {
        return;
    }
    machine->decision.behind_bytes = off;
    const uint64_t doubled = (uint64_t)REPEAT_FIRST_MS << policy_min(memory->repeats, 8);
    const uint64_t wait = policy_min(doubled, REPEAT_MAX_MS);
    if (policy_elapsed(memory->sent_ms, round->now_ms, wait) == wait) {
        policy_target_doubt(memory);
        memory->repeats += memory->repeats < UINT32_MAX ? 1 : 0;
    }
}

static void promise_watch(const struct policy_round *round, struct policy_machine *machine)
{
    struct policy_memory *memory = &machine->memory;
    const struct policy_sample *sample = &machine->sample;
    const bool judged = !machine->unmanaged && !sample->migrating &&
                        sample->actual_bytes != POLICY_MISSING && policy_has_balloon(machine);
    const uint64_t promised =
        policy_is_promised_all(machine) ? machine->max_bytes : machine->min_bytes;
    const uint64_t below = policy_less(promised, machine->scratch.actual_bytes);
    if (!judged || below < PROMISE_SLACK) {
        memory->below_ms = 0;
        return;
    }
    machine->decision.below_bytes = below;
    if (memory->below_ms == 0) {
        memory->below_ms = round->now_ms;
    }
}

void policy_target_compare(const struct policy_round *round, struct policy_machine *machine)
{
    behind_watch(round, machine);
    promise_watch(round, machine);
    machine->scratch.resend = !machine->memory.target_known && !machine->scratch.still;
}
