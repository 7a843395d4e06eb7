/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decisions as sentences. They are read by customers who never heard of balloons, so they say what
 * happens, which numbers decided, and what would change it. A sentence has no subject: who prints
 * it puts the machine's name before it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tools/ballast/policy/policy_internal.h"
#include "tools/ballast/policy/policy_text.h"

/* Why something was taken, or would have been. */
static const char *need_text(enum policy_reason reason)
{
    switch (reason) {
    case POLICY_SHRINK_FOR_PEAK:
        return "other machines need memory now";
    case POLICY_SHRINK_RESERVATION:
        return "memory is being collected for a reservation";
    case POLICY_SHRINK_COMMITTED:
        return "more memory is promised on this host than it has";
    case POLICY_SHRINK_ZONE:
        return "the host is short of memory";
    case POLICY_SHRINK_SLUSH:
        return "the fund that pays sudden peaks is being refilled";
    case POLICY_SHRINK_MAXIMUM:
        return "it has more than its maximum";
    case POLICY_KEEP:
    case POLICY_KEEP_SMALL:
    case POLICY_KEEP_HELD:
    case POLICY_KEEP_NO_MEMORY:
    case POLICY_GROW_PINNED:
    case POLICY_GROW_BELOW_MINIMUM:
    case POLICY_GROW_DEMAND:
    case POLICY_GROW_PEAK:
    case POLICY_GROW_SURPLUS:
    case POLICY_GROW_STALLED:
    case POLICY_GROW_DRIFT:
        break;
    }
    return "others could use it";
}

static const char *pinned_text(enum policy_hold hold)
{
    switch (hold) {
    case POLICY_HOLD_GUARANTEED:
        return "its class guarantees all of its memory";
    case POLICY_HOLD_UNMANAGED:
        return "it is not managed here";
    case POLICY_HOLD_DISABLED:
        return "ballooning is switched off for it";
    case POLICY_HOLD_NO_DRIVER:
        return "its guest has no driver that could give memory back";
    case POLICY_HOLD_UNRECLAIMABLE:
        return "memory taken from it would not come free in the host";
    case POLICY_HOLD_NONE:
    case POLICY_HOLD_NO_STATS:
    case POLICY_HOLD_STALE:
    case POLICY_HOLD_LIES:
    case POLICY_HOLD_RESET:
    case POLICY_HOLD_NEW:
    case POLICY_HOLD_PAUSED:
    case POLICY_HOLD_MIGRATING:
    case POLICY_HOLD_STALLED:
    case POLICY_HOLD_PEAK:
    case POLICY_HOLD_REVERSALS:
    case POLICY_HOLD_SUFFERS:
    case POLICY_HOLD_FOREIGN:
    case POLICY_HOLD_BEHIND:
    case POLICY_HOLD_MOVING:
    case POLICY_HOLD_FLOOR:
        break;
    }
    return "it is starting, and a starting guest gets all of its memory";
}

/* The sizes that sentences name, as text. */
struct numbers {
    char has[POLICY_SIZE_TEXT];
    char before[POLICY_SIZE_TEXT];
    char target[POLICY_SIZE_TEXT];
    char moved[POLICY_SIZE_TEXT];
    char used[POLICY_SIZE_TEXT];
    char demand[POLICY_SIZE_TEXT];
    char want[POLICY_SIZE_TEXT];
    char min[POLICY_SIZE_TEXT];
    char max[POLICY_SIZE_TEXT];
    char missing[POLICY_SIZE_TEXT];
};

static void numbers_write(struct numbers *text, const struct policy_machine *machine)
{
    const struct policy_decision *decision = &machine->decision;
    const uint64_t before = machine->decision.before_bytes;
    const uint64_t moved = policy_max(policy_less(decision->target_bytes, before),
                                      policy_less(before, decision->target_bytes));
    policy_size_text(machine->scratch.actual_bytes, text->has);
    policy_size_text(before, text->before);
    policy_size_text(decision->target_bytes, text->target);
    policy_size_text(moved, text->moved);
    policy_size_text(decision->used_bytes, text->used);
    policy_size_text(decision->demand_bytes, text->demand);
    policy_size_text(decision->want_bytes, text->want);
    policy_size_text(machine->min_bytes, text->min);
    policy_size_text(machine->max_bytes, text->max);
    policy_size_text(decision->short_bytes, text->missing);
}

static int explain_keep(const struct policy_machine *machine, const struct policy_plan *plan,
                        const struct numbers *n, int64_t now_ms, char *text, size_t size)
{
    const struct policy_decision *decision = &machine->decision;
    char hold[256];
    if (decision->behind_bytes != 0) {
        return snprintf(
            text, size,
            "keeps %s as its target, and has had %s for %" PRIu64
            " seconds: its guest does not follow; the target was sent again %" PRIu32 " times",
            n->target, n->has, policy_elapsed(machine->memory.behind_ms, now_ms, INT64_MAX) / 1000,
            machine->memory.repeats);
    }
    switch ((int)decision->reason) {
    case POLICY_KEEP_SMALL:
        return snprintf(text, size,
                        "keeps %s: it uses %s, needs %s and may have %s, and so small a change is "
                        "not worth making",
                        n->target, n->used, n->demand, n->want);
    case POLICY_KEEP_HELD:
        policy_explain_hold(machine, now_ms, hold, sizeof hold);
        if (decision->target_bytes > machine->max_bytes) {
            return snprintf(text, size, "keeps %s although its maximum is %s: %s", n->target,
                            n->max, hold);
        }
        return snprintf(text, size, "keeps %s although %s would be its share: %s", n->target,
                        n->want, hold);
    case POLICY_KEEP_NO_MEMORY:
        return snprintf(text, size,
                        "keeps %s although it needs %s: its share is %s, the host has too little "
                        "to give now, and %s are missing until other machines give or need less",
                        n->target, n->demand, n->want, n->missing);
    default:
        break;
    }
    if (machine->unmanaged) {
        return snprintf(text, size, "has %s: it is only shown here, and never asked for anything",
                        n->target);
    }
    if (decision->used_bytes == POLICY_MISSING) {
        return snprintf(text, size, "keeps %s: what it uses is not known", n->target);
    }
    const bool enough = plan->zone == POLICY_GREEN && plan->short_bytes == 0;
    return snprintf(text, size, "keeps %s: it uses %s and needs %s, and %s%s", n->target, n->used,
                    n->demand, enough ? "nobody is short of memory" : "its share is ",
                    enough ? "" : n->want);
}

static int explain_grow(const struct policy_machine *machine, const struct numbers *n, char *text,
                        size_t size)
{
    const struct policy_decision *decision = &machine->decision;
    switch ((int)decision->reason) {
    case POLICY_GROW_PINNED:
        return snprintf(text, size, "grows from %s to its maximum of %s: %s", n->before, n->target,
                        pinned_text(decision->hold));
    case POLICY_GROW_BELOW_MINIMUM:
        return snprintf(text, size, "grows from %s to %s: %s are guaranteed", n->before, n->target,
                        n->min);
    case POLICY_GROW_DEMAND:
        return snprintf(text, size,
                        "grows from %s to %s: it uses %s and needs %s, and the host has it",
                        n->before, n->target, n->used, n->demand);
    case POLICY_GROW_PEAK:
        return snprintf(text, size,
                        "grows from %s to %s at once: it uses %s and needs %s, and the fund for "
                        "peaks pays until other machines have given",
                        n->before, n->target, n->used, n->demand);
    case POLICY_GROW_STALLED:
        return snprintf(text, size, "is asked for less, %s instead of %s: it could not give more",
                        n->target, n->before);
    case POLICY_GROW_DRIFT:
        return snprintf(text, size,
                        "keeps the memory that it took back by itself: %s instead of %s", n->target,
                        n->before);
    default:
        break;
    }
    return snprintf(text, size,
                    "grows from %s to %s: nobody needs this memory more, and its share is %s",
                    n->before, n->target, n->want);
}

int policy_explain(const struct policy_machine *machine, const struct policy_plan *plan,
                   int64_t now_ms, char *text, size_t size)
{
    const enum policy_reason reason = machine->decision.reason;
    struct numbers n;
    numbers_write(&n, machine);
    if (reason <= POLICY_KEEP_NO_MEMORY) {
        return explain_keep(machine, plan, &n, now_ms, text, size);
    }
    if (reason <= POLICY_GROW_DRIFT) {
        return explain_grow(machine, &n, text, size);
    }
    return snprintf(text, size,
                    "gives %s and has %s then: %s; it uses %s, needs %s, and its share is %s",
                    n.moved, n.target, need_text(reason), n.used, n.demand, n.want);
}

int policy_explain_host(const struct policy_decision *decision, const struct policy_plan *plan,
                        char *text, size_t size)
{
    char bytes[POLICY_SIZE_TEXT];
    switch ((int)decision->reason) {
    case POLICY_KEEP_NO_MEMORY:
        return snprintf(text, size, "; the host has %s to give",
                        policy_size_text(plan->books.arrived_bytes, bytes));
    case POLICY_GROW_PEAK:
        return snprintf(text, size, "; %s are left in the fund",
                        policy_size_text(plan->books.slush_left_bytes, bytes));
    default:
        break;
    }
    return snprintf(text, size, "%s", "");
}

/* ---- holds ---- */

static const char *unreclaimable_text(enum policy_unreclaimable why)
{
    switch (why) {
    case POLICY_NO_DEVICE:
        return "it has no balloon device; add one and start it anew";
    case POLICY_LOCKED:
        return "its memory is locked in the host, so none would come free; start it without "
               "locking to change that";
    case POLICY_HUGE_PAGES:
        return "it runs on huge pages, which its driver cannot give back; use normal pages to "
               "change that";
    case POLICY_PINNED:
        return "a device assigned to it holds its memory; without the device it could give";
    case POLICY_PLATFORM:
        return "it is no virtual machine, so there is no balloon to lend memory by";
    case POLICY_RECLAIMABLE:
        break;
    }
    return "memory taken from it would not come free";
}

static uint64_t seconds_until(int64_t until_ms, int64_t now_ms)
{
    return (policy_elapsed(now_ms, until_ms, INT64_MAX) + 999) / 1000;
}

static int explain_told(const struct policy_machine *machine, int64_t now_ms, char *text,
                        size_t size)
{
    const struct policy_sample *sample = &machine->sample;
    char available[POLICY_SIZE_TEXT];
    char had[POLICY_SIZE_TEXT];
    switch ((int)machine->decision.hold) {
    case POLICY_HOLD_NO_STATS:
        return snprintf(text, size,
                        "its guest does not say how much memory it could spare; it may "
                        "give once its balloon driver sends statistics");
    case POLICY_HOLD_STALE:
        return snprintf(text, size,
                        "its guest's last statistics are %" PRIu64
                        " seconds old; it may give once there are new ones",
                        policy_elapsed(sample->stats_ms, now_ms, INT64_MAX) / 1000);
    default:
        break;
    }
    policy_size_text(sample->available_bytes, available);
    policy_size_text(policy_min(sample->stats_actual_bytes, policy_ram(machine)), had);
    return snprintf(text, size,
                    "its guest's statistics cannot be true (%s available of %s); it may give once "
                    "they can be",
                    available, had);
}

static int explain_timed(const struct policy_machine *machine, int64_t now_ms, char *text,
                         size_t size)
{
    const struct policy_decision *decision = &machine->decision;
    const uint64_t wait = seconds_until(decision->hold_until_ms, now_ms);
    switch ((int)decision->hold) {
    case POLICY_HOLD_RESET:
        if (decision->hold_until_ms == 0) {
            return snprintf(text, size,
                            "it is starting; it may give some time after its first "
                            "statistics");
        }
        return snprintf(text, size,
                        "it started a moment ago; it may give in %" PRIu64
                        " seconds if its size is steady then",
                        wait);
    case POLICY_HOLD_STALLED:
        return snprintf(text, size,
                        "it did not give what it was asked for (%" PRIu32
                        " times in a row); it is asked again in %" PRIu64 " seconds",
                        machine->memory.stalls, wait);
    case POLICY_HOLD_PEAK:
        return snprintf(text, size,
                        "it needed more memory a moment ago; it may give in %" PRIu64 " seconds",
                        wait);
    case POLICY_HOLD_REVERSALS:
        return snprintf(text, size,
                        "it grew and shrank %" PRIu32
                        " times within an hour; it may give in %" PRIu64 " seconds",
                        machine->memory.reversals, wait);
    default:
        break;
    }
    return snprintf(text, size,
                    "its guest suffers from too little memory; it may give when that has been over "
                    "for %" PRIu64 " seconds",
                    wait);
}

static int explain_behind(const struct policy_machine *machine, int64_t now_ms, char *text,
                          size_t size)
{
    char has[POLICY_SIZE_TEXT];
    char target[POLICY_SIZE_TEXT];
    policy_size_text(machine->scratch.actual_bytes, has);
    policy_size_text(machine->decision.before_bytes, target);
    return snprintf(text, size,
                    "it was asked to have %s, and has had %s for %" PRIu64
                    " seconds; it may give once its size follows",
                    target, has,
                    policy_elapsed(machine->memory.behind_ms, now_ms, INT64_MAX) / 1000);
}

static int explain_floor(const struct policy_machine *machine, char *text, size_t size)
{
    const struct policy_decision *decision = &machine->decision;
    char floor[POLICY_SIZE_TEXT];
    char used[POLICY_SIZE_TEXT];
    char margin[POLICY_SIZE_TEXT];
    char guaranteed[POLICY_SIZE_TEXT];
    policy_size_text(decision->floor_bytes, floor);
    policy_size_text(decision->used_bytes, used);
    policy_size_text(machine->decision.margin_bytes, margin);
    policy_size_text(machine->min_bytes, guaranteed);
    if (decision->floor_bytes <= policy_page_up(machine->min_bytes, machine->max_bytes)) {
        return snprintf(
            text, size,
            "%s are guaranteed, and it has no more; a smaller minimum would change that", floor);
    }
    if (decision->used_bytes + machine->decision.margin_bytes + POLICY_PAGE >
        decision->floor_bytes) {
        return snprintf(text, size,
                        "it uses %s and shall keep %s available; it may give when it uses less",
                        used, margin);
    }
    return snprintf(text, size,
                    "the largest balloon that is allowed (balloon-max) leaves it %s, more than the "
                    "%s that it is guaranteed",
                    floor, guaranteed);
}

int policy_explain_hold(const struct policy_machine *machine, int64_t now_ms, char *text,
                        size_t size)
{
    switch (machine->decision.hold) {
    case POLICY_HOLD_NONE:
        return snprintf(text, size, "%s", "");
    case POLICY_HOLD_GUARANTEED:
        return snprintf(text, size,
                        "all of its memory is guaranteed; another class would change that");
    case POLICY_HOLD_UNMANAGED:
        return snprintf(text, size,
                        "it is not managed here: it is shown, and never touched; managing it would "
                        "change that");
    case POLICY_HOLD_DISABLED:
        return snprintf(text, size,
                        "ballooning is switched off for it; switching it on would change that");
    case POLICY_HOLD_UNRECLAIMABLE:
        return snprintf(text, size, "%s", unreclaimable_text(machine->sample.unreclaimable));
    case POLICY_HOLD_NO_DRIVER:
        return snprintf(text, size,
                        "its guest runs no balloon driver; it may give once one is "
                        "loaded and the guest is stable");
    case POLICY_HOLD_NO_STATS:
    case POLICY_HOLD_STALE:
    case POLICY_HOLD_LIES:
        return explain_told(machine, now_ms, text, size);
    case POLICY_HOLD_RESET:
    case POLICY_HOLD_STALLED:
    case POLICY_HOLD_PEAK:
    case POLICY_HOLD_REVERSALS:
    case POLICY_HOLD_SUFFERS:
        return explain_timed(machine, now_ms, text, size);
    case POLICY_HOLD_NEW:
        return snprintf(text, size, "it was found just now; it may give once its size is steady");
    case POLICY_HOLD_PAUSED:
        return snprintf(text, size, "it is paused; it may give when it runs again");
    case POLICY_HOLD_MIGRATING:
        return snprintf(text, size, "it is being moved to another host, and left alone meanwhile");
    case POLICY_HOLD_FOREIGN:
        return snprintf(text, size,
                        "somebody else changed its size; it is left alone until it is "
                        "adopted again or started anew");
    case POLICY_HOLD_BEHIND:
        return explain_behind(machine, now_ms, text, size);
    case POLICY_HOLD_MOVING:
        return snprintf(text, size,
                        "it has not yet given what it was asked for last; it may give "
                        "more when that has arrived");
    case POLICY_HOLD_FLOOR:
        return explain_floor(machine, text, size);
    }
    return snprintf(text, size, "%s", "");
}
