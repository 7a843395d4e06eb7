/* SPDX-License-Identifier: BSD-2-Clause */
/* Picks the scenario by name. */

#include <stddef.h>

#include "base/bits.h"
#include "base/log.h"
#include "base/string.h"

#include "kernel/app.h"
#include "kernel/app_words.h"
#include "tests/guest/scenarios.h"

#define NAME_MAX           32U
#define STATUS_NO_SCENARIO 3

static const struct {
    const char *name;
    int (*run)(void);
} scenarios[] = {
    { "fault-null", scenario_fault_null },
    { "fault-guard", scenario_fault_guard },
    { "fault-text", scenario_fault_text },
    { "fault-rodata", scenario_fault_rodata },
    { "fault-execute", scenario_fault_execute },
    { "fault-away", scenario_fault_away },
    { "fault-divide", scenario_fault_divide },
    { "fault-opcode", scenario_fault_opcode },
    { "fault-gp", scenario_fault_gp },
    { "fault-double", scenario_fault_double },
    { "assert", scenario_assert },
    { "compute", scenario_compute },
    { "churn", scenario_churn },
    { "pattern", scenario_pattern },
    { "tasks", scenario_tasks },
    { "mappings", scenario_mappings },
    { "configuration", scenario_configuration },
    { "spurious", scenario_spurious },
    { "clock", scenario_clock },
    { "alloc-cost", scenario_alloc_cost },
    { "hoard", scenario_hoard },
    { "greedy", scenario_greedy },
    { "grow", scenario_grow },
    { "entropy", scenario_entropy },
    { "pressure", scenario_pressure },
    { "fill", scenario_fill },
    { "reclaim", scenario_reclaim },
    { "touch", scenario_touch },
    { "bare", scenario_bare },
    { "console", scenario_console },
    { "time", scenario_time },
    { "random", scenario_random },
    { "initrd", scenario_initrd },
};

int app_main(void)
{
    char name[NAME_MAX];

    if (!app_word_text("test", name, sizeof(name))) {
        log_error("no test=NAME behind -- on the command line");
        return STATUS_NO_SCENARIO;
    }
    for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
        if (strcmp(name, scenarios[i].name) == 0) {
            return scenarios[i].run();
        }
    }
    log_error("there is no scenario '%s'", name);
    return STATUS_NO_SCENARIO;
}
