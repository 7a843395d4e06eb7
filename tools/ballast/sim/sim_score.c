/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sums of scores and what is computed from them. Everything that is added up is an integer, so the
 * order of the hosts does not matter and threads cannot change a result.
 */

#include <assert.h>

#include "tools/ballast/sim/sim.h"

void sim_score_add(struct sim_score *sum, const struct sim_score *score)
{
    sum->shortfall_mib_s += score->shortfall_mib_s;
    sum->unavoidable_mib_s += score->unavoidable_mib_s;
    sum->out_of_memory += score->out_of_memory;
    sum->violations_s += score->violations_s;
    sum->hard_s += score->hard_s;
    sum->low_s += score->low_s;
    sum->host_swap_mib_s += score->host_swap_mib_s;
    sum->moved_mib += score->moved_mib;
    sum->reversals += score->reversals;
    sum->peaks += score->peaks;
    for (size_t i = 0; i <= SIM_WAIT_MAX; i++) {
        sum->waits[i] += score->waits[i];
    }
    sum->share_count += score->share_count;
    sum->share_sum += score->share_sum;
    sum->share_square_sum += score->share_square_sum;
}

uint32_t sim_score_wait(const struct sim_score *score, uint32_t percent)
{
    assert(percent <= 100);
    uint64_t enough = (score->peaks * percent + 99) / 100;
    uint64_t seen = 0;
    for (uint32_t i = 0; i <= SIM_WAIT_MAX && score->peaks > 0; i++) {
        seen += score->waits[i];
        if (seen >= enough) {
            return i;
        }
    }
    return 0;
}

uint32_t sim_score_fairness(const struct sim_score *score)
{
    if (score->share_square_sum == 0) {
        return 10000;
    }
    unsigned __int128 square = (unsigned __int128)score->share_sum * score->share_sum * 10000;
    unsigned __int128 squares = (unsigned __int128)score->share_square_sum * score->share_count;
    return (uint32_t)(square / squares);
}

void sim_results_total(const struct sim_results *results, size_t policy, struct sim_score *total)
{
    assert(policy < results->options.policy_count);
    *total = (struct sim_score){ 0 };
    for (size_t i = policy; i < results->count; i += results->options.policy_count) {
        sim_score_add(total, &results->results[i].score);
    }
}
