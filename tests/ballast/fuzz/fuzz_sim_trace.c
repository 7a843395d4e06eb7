/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a recorded trace: they are refused with a reason that names the line, or they are a
 * trace that keeps its promises.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/policy/policy.h"
#include "tools/ballast/sim/sim_trace.h"
#include "tools/ballast/sim/sim_units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_machine(const struct sim_trace_machine *machine)
{
    assert(machine->name[0] != '\0');
    assert(memchr(machine->name, '\0', sizeof machine->name));
    assert(machine->max >= 64 * SIM_MIB);
    assert((uint64_t)machine->max << 10 <= POLICY_BYTES_MAX);
    assert(machine->min >= 0 && machine->min <= machine->max);
    assert(machine->weight >= 1 && machine->weight <= POLICY_WEIGHT_MAX);
    assert(machine->class <= POLICY_SPARE);
    assert(machine->count >= 1);
    int64_t before = 0;
    for (size_t i = 0; i < machine->count; i++) {
        assert(machine->points[i].time_s >= before);
        assert(machine->points[i].used >= 0 && machine->points[i].cache >= 0);
        before = machine->points[i].time_s;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A head in front of two inputs of three, so that rows and periods are reached. */
    static const char *const heads[] = { "", "time,machine,max_mib,used_mib,class\n",
                                         "{\"ballast\":\"recording\"}\n" };
    char error[64] = "";
    const char *head = heads[size > 0 ? data[0] % 3 : 0];
    size_t before = strlen(head);
    char *text = malloc(before + size + 1);
    assert(text);
    memcpy(text, head, before);
    memcpy(text + before, data, size);
    struct sim_trace *trace = sim_trace_parse(text, before + size, error, sizeof error);
    if (trace) {
        assert(trace->count > 0);
        for (size_t i = 0; i < trace->count; i++) {
            check_machine(&trace->machines[i]);
        }
    } else {
        assert(strncmp(error, "line ", 5) == 0 || strncmp(error, "there is ", 9) == 0);
    }
    sim_trace_free(trace);
    free(text);
    return 0;
}
