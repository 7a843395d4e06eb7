/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What build/test.elf can do; chosen by `-- test=NAME` on the command line. Each returns the status
 * the machine ends with. docs/TESTING.md lists them.
 */

int scenario_fault_null(void);
int scenario_fault_guard(void);
int scenario_fault_text(void);
int scenario_fault_rodata(void);
int scenario_fault_execute(void);
int scenario_fault_away(void);
int scenario_fault_divide(void);
int scenario_fault_opcode(void);
int scenario_fault_gp(void);
int scenario_fault_double(void);
int scenario_assert(void);
int scenario_compute(void);
int scenario_churn(void);
int scenario_pattern(void);
int scenario_tasks(void);
int scenario_mappings(void);
int scenario_configuration(void);
int scenario_spurious(void);
int scenario_clock(void);
int scenario_alloc_cost(void);
int scenario_hoard(void);
int scenario_greedy(void);
int scenario_grow(void);
int scenario_touch(void);
int scenario_bare(void);
int scenario_entropy(void);
int scenario_pressure(void);
int scenario_fill(void);
int scenario_reclaim(void);
int scenario_console(void);
int scenario_time(void);
int scenario_random(void);
int scenario_initrd(void);
