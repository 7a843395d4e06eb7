/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What yields on a host that has less than its machines need, and comes back when it has enough
 * again. The slush fund waits for peaks, but while machines suffer all the time there is no better
 * use for most of it. Margins are comfort: while somebody lacks what it cannot do without, those of
 * all machines become smaller alike, down to a half. Both yield within seconds to a minute, and
 * come back within minutes once all demand is met: earlier they would only swing.
 *
 * Invariant: both parts are within [0, their most].
 */
#include "tools/ballast/policy/policy_internal.h"

/* Parts are counted in 65536ths: sizes times parts stay in range. */
#define WHOLE 65536U
/* Of the fund, so much is lent at most, and within this time. */
#define LEND_MOST (WHOLE / 4 * 3)
#define LEND_MS   60000U
/* The same for margins: a lack is worse than suffering, so they are faster. */
#define SQUEEZE_MOST (WHOLE / 2)
#define SQUEEZE_MS   10000U
#define RELAX_MS     300000U

/* Rises to `most` within rise_ms while it must, and falls again within RELAX_MS while it may. */
static uint64_t yield_next(uint64_t now, bool must, bool may, uint64_t elapsed_ms, uint64_t most,
                           uint64_t rise_ms)
{
    now = policy_min(now, most);
    if (must) {
        return policy_min(now + elapsed_ms * most / rise_ms, most);
    }
    return may ? policy_less(now, elapsed_ms * most / RELAX_MS) : now;
}

void policy_strait_update(struct policy_round *round)
{
    struct policy_host_memory *memory = round->host_memory;
    struct policy_plan *plan = round->plan;
    const uint64_t elapsed =
        memory->now_ms == 0 ? 0 : policy_elapsed(memory->now_ms, round->now_ms, 5000);
    const bool lacking = memory->lacking_bytes != 0;
    const bool suffering = lacking || memory->suffering_bytes != 0;
    const bool enough = memory->short_bytes == 0;
    memory->squeezed =
        yield_next(memory->squeezed, lacking, enough, elapsed, SQUEEZE_MOST, SQUEEZE_MS);
    memory->lent = yield_next(memory->lent, suffering, enough, elapsed, LEND_MOST, LEND_MS);
    plan->books.slush_bytes -= policy_part(plan->books.slush_bytes, memory->lent, WHOLE);
}

uint64_t policy_margin_left(const struct policy_round *round, uint64_t margin)
{
    return margin - policy_part(margin, round->host_memory->squeezed, WHOLE);
}

bool policy_strait_is_dire(const struct policy_round *round)
{
    const struct policy_host_memory *memory = round->host_memory;
    return memory->lacking_bytes != 0 && memory->squeezed >= SQUEEZE_MOST;
}
