/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The customer's ledger: how much memory a machine lent, in MiB x s below its maximum, and whether
 * its peaks were paid. A peak begins when what the machine cannot do without, its use and a margin,
 * is not granted at once, or when memory is granted for its demand; it is met when within two
 * periods nothing of that is missing any more, and counted once. Its buffer is comfort and no peak.
 *
 * It outlives daemon and machine: what is lost with a daemon that is killed is what came since
 * ledgers were kept last.
 */

#include "tools/ballast/fleet/fleet_internal.h"
#include "tools/ballast/policy/policy_text.h"

#define MIB_S        (((uint64_t)1 << 20) * 1000)
#define PEAK_PERIODS 2U
/* Longer gaps are no period: the daemon stood still, and nobody saw what the machine had. */
#define GAP_MS 60000

static void lent_update(struct fleet_entry *entry, int64_t now_ms)
{
    struct fleet_machine *machine = &entry->shown;
    const uint64_t max = machine->policy.max_bytes;
    const uint64_t actual = machine->facts.actual_bytes;
    int64_t elapsed = entry->ledger_ms == 0 ? 0 : now_ms - entry->ledger_ms;
    entry->ledger_ms = now_ms;
    if (actual >= max || elapsed <= 0) {
        return;
    }
    elapsed = elapsed < GAP_MS ? elapsed : GAP_MS;
    entry->lent_rest += (max - actual) * (uint64_t)elapsed;
    machine->ledger.lent_mib_s += entry->lent_rest / MIB_S;
    entry->lent_rest %= MIB_S;
}

/* What is missing of what it cannot do without. */
static uint64_t missing_of(const struct policy_decision *decision)
{
    if (decision->short_bytes == 0 || decision->used_bytes == POLICY_MISSING) {
        return 0;
    }
    const uint64_t need = decision->used_bytes + decision->margin_bytes;
    return need > decision->target_bytes ? need - decision->target_bytes : 0;
}

static void peak_update(struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms)
{
    struct fleet_machine *machine = &entry->shown;
    const struct policy_decision *decision = &machine->policy.decision;
    const uint64_t missing = missing_of(decision);
    const bool is_short = missing != 0;
    const bool paid = decision->set_target && (decision->reason == POLICY_GROW_DEMAND ||
                                               decision->reason == POLICY_GROW_PEAK);
    if (entry->peak == FLEET_PEAK_OPEN && is_short && ++entry->peak_periods > PEAK_PERIODS) {
        char size[POLICY_SIZE_TEXT];
        entry->peak = FLEET_PEAK_CLOSED;
        machine->ledger.peaks_missed++;
        fleet_raise(fleet, FLEET_EVENT_SHORT, machine, missing, "peak", now_ms,
                    "%s needs %s more than it can be given now.", machine->name,
                    policy_size_text(missing, size));
    } else if (entry->peak == FLEET_PEAK_NONE && is_short) {
        entry->peak = FLEET_PEAK_OPEN;
        entry->peak_periods = 1;
    } else if (!is_short &&
               (entry->peak == FLEET_PEAK_OPEN || (entry->peak == FLEET_PEAK_NONE && paid))) {
        entry->peak = FLEET_PEAK_CLOSED;
        machine->ledger.peaks_met++;
    } else if (entry->peak == FLEET_PEAK_CLOSED && !is_short && !paid) {
        entry->peak = FLEET_PEAK_NONE;
    }
}

void fleet_ledger_update(struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms)
{
    lent_update(entry, now_ms);
    peak_update(fleet, entry, now_ms);
}

void fleet_ledger_save(const struct fleet *fleet, struct fleet_entry *entry)
{
    const struct fleet_ledger *ledger = &entry->shown.ledger;
    const struct fleet_ledger *saved = &entry->saved;
    const struct fleet_who who = fleet_who_of(entry);
    if (fleet->ops.save_ledger != NULL && who.identity[0] != '\0' &&
        (ledger->lent_mib_s != saved->lent_mib_s || ledger->peaks_met != saved->peaks_met ||
         ledger->peaks_missed != saved->peaks_missed)) {
        fleet->ops.save_ledger(fleet->ops.context, &who, ledger);
        entry->saved = *ledger;
    }
}

void fleet_save_ledgers(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->count; i++) {
        fleet_ledger_save(fleet, fleet_entry_of(fleet->machines[i]));
    }
}
