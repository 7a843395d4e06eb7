/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the simulator is for: on small hosts our policy keeps every guarantee in every family, and
 * has the least shortfall of all policies. The hours are those in which most happens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/ballast/sim/sim_policy.h"

static struct sim_results *run(uint64_t seed, bool all)
{
    struct sim_options options;
    sim_options_default(&options);
    options.seed = seed;
    options.machines = 12;
    options.machines_per_host = 12;
    options.hours = all ? 4 : 9;
    options.threads = 2;
    if (!all) {
        options.policies[0] = &sim_policy_ballast;
        options.policy_count = 1;
    }
    struct sim_results *results = sim_run(&options);
    assert_non_null(results);
    return results;
}

static void every_guarantee_is_kept_in_every_family(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct sim_results *results = run(seed, false);
        for (size_t i = 0; i < results->count; i++) {
            assert_int_equal(results->results[i].score.violations_s, 0);
        }
        sim_results_free(results);
    }
}

static void no_other_policy_has_less_shortfall_in_total(void **state)
{
    (void)state;
    struct sim_results *results = run(1, true);
    static struct sim_score ours;
    static struct sim_score other;
    assert_ptr_equal(results->options.policies[0], &sim_policy_ballast);
    sim_results_total(results, 0, &ours);
    for (size_t i = 1; i < results->options.policy_count; i++) {
        sim_results_total(results, i, &other);
        assert_true(ours.shortfall_mib_s < other.shortfall_mib_s);
    }
    sim_results_free(results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_guarantee_is_kept_in_every_family),
        cmocka_unit_test(no_other_policy_has_less_shortfall_in_total),
    };
    return cmocka_run_group_tests_name("tools/ballast/sim", tests, NULL, NULL);
}
