/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doctor: one check after the other, each with what was found and what can be done about it.
 * It looks at what is known already and asks no machine, so it may be called at any time. Checks
 * stand in the order in which a person would look: without a device the rest does not matter.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/ballast/fleet/fleet_internal.h"
#include "tools/ballast/policy/policy_text.h"

static void add(struct fleet_diagnosis *diagnosis, const char *name, enum fleet_verdict verdict,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

static void add(struct fleet_diagnosis *diagnosis, const char *name, enum fleet_verdict verdict,
                const char *format, ...)
{
    if (diagnosis->count == FLEET_CHECKS_MAX) {
        return;
    }
    struct fleet_check *check = &diagnosis->checks[diagnosis->count++];
    check->name = name;
    check->verdict = verdict;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(check->text, sizeof check->text, format, arguments);
    va_end(arguments);
}

static void check_monitor(struct fleet_diagnosis *diagnosis, const struct fleet_entry *entry)
{
    const struct fleet_machine *machine = &entry->shown;
    if (machine->facts.trouble[0] != '\0') {
        add(diagnosis, "monitor", FLEET_BAD, "%s", machine->facts.trouble);
    } else if (!entry->told) {
        add(diagnosis, "monitor", FLEET_UNKNOWN,
            "Nothing was told about it yet: ask again in a few seconds.");
    } else if (!machine->settings.managed) {
        add(diagnosis, "monitor", FLEET_NOTE,
            "It answers, but is not managed by configuration or command: it is only shown.");
    } else {
        add(diagnosis, "monitor", FLEET_GOOD, "It answers (%s).", machine->backend->name);
    }
}

static void check_device(struct fleet_diagnosis *diagnosis, const struct fleet_machine *machine)
{
    const struct facts *facts = &machine->facts;
    if (facts->kind == FACTS_CONTAINER) {
        add(diagnosis, "device", FLEET_BAD, "%s", fleet_unsupported(facts));
    } else if (!facts->device && !machine->settings.ballooning) {
        add(diagnosis, "device", FLEET_NOTE,
            "It has no balloon device, because ballooning is switched off for it.");
    } else if (!facts->device) {
        add(diagnosis, "device", FLEET_BAD,
            "It has no balloon device: start it with one (-device virtio-balloon-pci, or "
            "<memballoon model='virtio'> in libvirt).");
    } else {
        add(diagnosis, "device", FLEET_GOOD, "It has a balloon device.");
    }
}

/* No stable command tells whether there is a driver, so it is known by what it does. */
static void check_driver(struct fleet_diagnosis *diagnosis, const struct facts *facts)
{
    if (facts->driver == POLICY_DRIVER_OK) {
        add(diagnosis, "driver", FLEET_GOOD,
            "The guest's driver works: statistics have arrived, or its size has moved.");
        return;
    }
    add(diagnosis, "driver", FLEET_UNKNOWN,
        "It is not known whether the guest has a driver: since its start %s, and its size has not "
        "moved. Install or load one (virtio_balloon in Linux, the balloon service of virtio-win in "
        "Windows).",
        facts->stats_ms > 0 ? "no new statistics have arrived" : "no statistics have arrived");
}

/* The balloon's own features in words; a transport's, from bit 24 on, tell nothing about it. */
static void feature_names(uint64_t features, char *text, size_t size)
{
    static const struct {
        uint64_t bit;
        const char *name;
    } names[] = {
        { FACTS_TELL_HOST, "must-tell-host" },
        { FACTS_STATISTICS, "statistics" },
        { FACTS_DEFLATE_ON_OOM, "deflate-on-oom" },
        { FACTS_HINTING, "free-page-hint" },
        { FACTS_POISON, "page-poison" },
        { FACTS_REPORTING, "free-page-reporting" },
    };
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0] && length < size; i++) {
        if ((features & names[i].bit) != 0) {
            length += (size_t)snprintf(text + length, size - length, "%s%s",
                                       length == 0 ? "" : ", ", names[i].name);
        }
    }
}

static void check_features(struct fleet_diagnosis *diagnosis, const struct facts *facts)
{
    if (!facts->offered_known) {
        add(diagnosis, "features", FLEET_UNKNOWN,
            "Which features its device offers has not been told yet.");
        return;
    }
    char names[128];
    feature_names(facts->offered, names, sizeof names);
    add(diagnosis, "features", FLEET_GOOD,
        "The device offers: %s. What the guest accepted of it cannot be asked.",
        names[0] == '\0' ? "nothing beyond the balloon itself" : names);
    const bool reporting = (facts->offered & FACTS_REPORTING) != 0;
    add(diagnosis, "reporting", reporting ? FLEET_GOOD : FLEET_NOTE, "%s",
        !reporting ? "The device does not offer free page reporting: free-page-reporting=on at its "
                     "next start gives back what the guest frees without moving its size."
        : facts->reports
            ? "The guest reports free pages: memory came back while its size stayed the same."
            : "The device offers free page reporting; no memory has come back by it yet. Until "
              "then no report is trusted.");
    const bool deflates = (facts->offered & FACTS_DEFLATE_ON_OOM) != 0;
    add(diagnosis, "deflate-on-oom", deflates ? FLEET_GOOD : FLEET_NOTE, "%s",
        deflates ? "A guest without memory may take its own back, if its driver can."
                 : "A guest without memory cannot take its own back: deflate-on-oom=on at its next "
                   "start is a last resort before it kills a program.");
}

static void check_statistics(struct fleet_diagnosis *diagnosis, const struct fleet *fleet,
                             const struct fleet_machine *machine, int64_t now_ms)
{
    const struct facts *facts = &machine->facts;
    const int64_t age = now_ms - facts->stats_ms;
    if (facts->stats_ms <= 0) {
        add(diagnosis, "statistics", FLEET_BAD,
            "The guest has told no statistics: without them nothing is taken from it.");
    } else if (facts->available_bytes == POLICY_MISSING) {
        add(diagnosis, "statistics", FLEET_BAD,
            "The guest's statistics lack what is available: a newer driver tells it.");
    } else if (machine->policy.sample.stats_lie ||
               machine->policy.decision.hold == POLICY_HOLD_LIES) {
        add(diagnosis, "statistics", FLEET_BAD,
            "The guest's statistics cannot be true: nothing is taken from it.");
    } else if (age > (int64_t)fleet->policy.stale_ms) {
        add(diagnosis, "statistics", FLEET_BAD,
            "The guest's last statistics are %lld s old: it is paused or hangs, or its driver is "
            "gone.",
            (long long)(age / 1000));
    } else {
        add(diagnosis, "statistics", FLEET_GOOD, "The guest's statistics are %lld.%lld s old.",
            (long long)(age / 1000), (long long)(age % 1000 / 100));
    }
}

/* Nothing is amiss with such a machine, but nobody should wait for an alert that cannot come. */
static void check_kills(struct fleet_diagnosis *diagnosis, const struct fleet_machine *machine)
{
    const struct facts *facts = &machine->facts;
    if (facts->stats_ms > 0 && facts->oom_kills == POLICY_MISSING &&
        facts->alloc_stalls == POLICY_MISSING) {
        add(diagnosis, "kills", FLEET_GOOD,
            "Programs that the guest kills and allocations that wait are not told here (libvirt, "
            "and QEMU before 10, pass neither on): what it swaps and faults shows that it "
            "suffers.");
    }
}

static void check_accounting(struct fleet_diagnosis *diagnosis, const struct policy_memory *memory)
{
    switch (memory->mode) {
    case POLICY_MODE_TOTAL_SHRINKS:
        add(diagnosis, "accounting", FLEET_GOOD,
            "The guest's total is its RAM less the balloon, and is read so.");
        break;
    case POLICY_MODE_TOTAL_STAYS:
        add(diagnosis, "accounting", FLEET_GOOD,
            "The guest counts the balloon as used memory, and is read so.");
        break;
    case POLICY_MODE_UNKNOWN:
        /* Nothing is amiss with a machine that has not been moved yet. */
        add(diagnosis, "accounting", FLEET_GOOD,
            "How the guest counts the balloon shows when its size moves for the first time.");
        break;
    }
}

static void check_reclaim(struct fleet_diagnosis *diagnosis, const struct facts *facts)
{
    const char *unsupported = fleet_unsupported(facts);
    add(diagnosis, "reclaim", unsupported != NULL ? FLEET_BAD : FLEET_GOOD, "%s",
        unsupported != NULL ? unsupported : "What the guest gives back comes free in the host.");
    if (facts->prealloc) {
        add(diagnosis, "prealloc", FLEET_NOTE,
            "Its RAM was allocated at its start: what is once taken and given again is not "
            "allocated in advance any more.");
    }
}

static void check_control(struct fleet_diagnosis *diagnosis, const struct fleet_machine *machine,
                          int64_t now_ms)
{
    const struct policy_memory *memory = &machine->policy.memory;
    if (memory->drift == POLICY_DRIFT_FOREIGN) {
        add(diagnosis, "manager", FLEET_BAD,
            "Somebody else sets its size: it is left to them. End the other manager, then `ballast "
            "adopt %s`.",
            machine->name);
    } else if (machine->last_error[0] != '\0') {
        add(diagnosis, "manager", FLEET_BAD, "The last target was refused: %s.",
            machine->last_error);
    } else {
        add(diagnosis, "manager", FLEET_GOOD, "Nobody else sets its size.");
    }
    if (memory->stalls != 0 && memory->held_until_ms > now_ms) {
        add(diagnosis, "stall", FLEET_BAD,
            "It did not give what it was asked for, %u times in a row: it is left alone for %lld "
            "s.",
            memory->stalls, (long long)((memory->held_until_ms - now_ms) / 1000));
    } else {
        add(diagnosis, "stall", FLEET_GOOD, "It gives what it is asked for.");
    }
    if (memory->drift == POLICY_DRIFT_SELF_DEFLATED) {
        char size[POLICY_SIZE_TEXT];
        add(diagnosis, "drift", FLEET_NOTE,
            "It took %s back by itself: its minimum may be too low for what runs there.",
            policy_size_text(memory->drift_bytes, size));
    }
}

/* What it has, beside what it was asked to have and what it was promised. */
static void check_size(struct fleet_diagnosis *diagnosis, const struct fleet_machine *machine,
                       int64_t now_ms)
{
    const struct policy_machine *policy = &machine->policy;
    const struct policy_decision *decision = &policy->decision;
    char has[POLICY_SIZE_TEXT];
    char asked[POLICY_SIZE_TEXT];
    if (!fleet_decided(policy)) {
        add(diagnosis, "target", FLEET_UNKNOWN, "Nothing has been decided about it yet.");
        return;
    }
    policy_size_text(machine->facts.actual_bytes, has);
    if (decision->behind_bytes != 0) {
        add(diagnosis, "target", FLEET_BAD,
            "It was asked to have %s, and has had %s for %lld s: the target was sent again %u "
            "times. Its driver hangs, or somebody else sets targets.",
            policy_size_text(decision->before_bytes, asked), has,
            (long long)((now_ms - policy->memory.behind_ms) / 1000), policy->memory.repeats);
    } else if (machine->facts.actual_bytes == POLICY_MISSING) {
        add(diagnosis, "target", FLEET_UNKNOWN, "Its size is not known.");
    } else {
        add(diagnosis, "target", FLEET_GOOD, "Its size follows what it is asked for.");
    }
    if (decision->below_bytes != 0) {
        const uint64_t promised = machine->facts.actual_bytes + decision->below_bytes;
        add(diagnosis, "promise", FLEET_BAD,
            "It has %s, and %s are promised to it: it has had less than that for %lld s.", has,
            policy_size_text(promised, asked),
            (long long)((now_ms - policy->memory.below_ms) / 1000));
    } else if (machine->settings.managed && machine->facts.actual_bytes != POLICY_MISSING) {
        add(diagnosis, "promise", FLEET_GOOD, "It has what is promised to it.");
    }
}

static void check_unplug(struct fleet_diagnosis *diagnosis, const struct facts *facts)
{
    add(diagnosis, "unplug", FLEET_GOOD,
        facts->removable ? "Its device could be unplugged while it runs."
                         : "Its device stays until its next start.");
}

/* Worse ones first. A note is worse than what cannot be told: there is something to know. */
static unsigned rank(enum fleet_verdict verdict)
{
    static const unsigned ranks[] = {
        [FLEET_GOOD] = 0, [FLEET_UNKNOWN] = 1, [FLEET_NOTE] = 2, [FLEET_BAD] = 3
    };
    return ranks[verdict];
}

static void conclude(struct fleet_diagnosis *diagnosis, bool switched_on)
{
    static const char *const texts[] = {
        [FLEET_GOOD] = "Ballooning works.",
        [FLEET_NOTE] = "Ballooning works; there is something worth knowing.",
        [FLEET_BAD] = "",
        [FLEET_UNKNOWN] = "Ballooning seems to work; not everything can be told.",
    };
    const struct fleet_check *worst = NULL;
    diagnosis->verdict = FLEET_GOOD;
    for (size_t i = 0; i < diagnosis->count; i++) {
        const struct fleet_check *check = &diagnosis->checks[i];
        if (rank(check->verdict) > rank(diagnosis->verdict)) {
            diagnosis->verdict = check->verdict;
            worst = check;
        }
    }
    /* A check that was made alone says all there is. */
    if (diagnosis->verdict == FLEET_BAD ||
        (diagnosis->verdict == FLEET_UNKNOWN && diagnosis->count == 1)) {
        memcpy(diagnosis->text, worst->text, sizeof diagnosis->text);
    } else if (!switched_on) {
        snprintf(diagnosis->text, sizeof diagnosis->text, "Ballooning is switched off for it.");
    } else {
        snprintf(diagnosis->text, sizeof diagnosis->text, "%s", texts[diagnosis->verdict]);
    }
}

void fleet_doctor(const struct fleet *fleet, const struct fleet_machine *machine, int64_t now_ms,
                  struct fleet_diagnosis *diagnosis)
{
    const struct facts *facts = &machine->facts;
    /* A machine is the first member of its entry; nothing is written through the pointer. */
    const struct fleet_entry *entry = (const struct fleet_entry *)machine;
    memset(diagnosis, 0, sizeof *diagnosis);
    check_monitor(diagnosis, entry);
    /* Of a machine that nobody reaches the rest is from before. */
    const bool known = entry->told && facts->state != FACTS_UNREACHABLE;
    if (known) {
        check_device(diagnosis, machine);
    }
    if (known && facts->kind == FACTS_MACHINE && facts->device) {
        check_driver(diagnosis, facts);
        check_features(diagnosis, facts);
        check_statistics(diagnosis, fleet, machine, now_ms);
        check_kills(diagnosis, machine);
        check_accounting(diagnosis, &machine->policy.memory);
        check_reclaim(diagnosis, facts);
        check_control(diagnosis, machine, now_ms);
        check_size(diagnosis, machine, now_ms);
        check_unplug(diagnosis, facts);
    }
    conclude(diagnosis, machine->settings.ballooning);
}
