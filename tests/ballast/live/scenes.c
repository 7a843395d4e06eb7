/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests that use memory, told over memwork's console. */

#include "tests/ballast/live/scenes.h"

#include <stdio.h>
#include <string.h>

#define STEP_MIB 8U

void scene_ready(struct rig *rig, const char *name)
{
    rig_ready(rig, name);
    scene_settled(rig, name);
}

static bool is_one_of(json_t *value, const char *const *words)
{
    const char *word = json_string_value(value);

    while (word != NULL && *words != NULL && strcmp(*words, word) != 0) {
        words++;
    }
    return word != NULL && *words != NULL;
}

bool scene_is_settled(json_t *machine)
{
    static const char *const runs[] = { "running", NULL };
    static const char *const undriven[] = { "none", NULL };
    /* Holds of a machine that is not known, or not any more. Without a hold it is null. */
    static const char *const unknown[] = { "no-driver", "no-stats", "stale", "new", "reset", NULL };
    return is_one_of(rig_member(machine, "state"), runs) &&
           !is_one_of(rig_member(machine, "driver"), undriven) &&
           json_integer_value(rig_member(machine, "used_bytes")) > 0 &&
           !is_one_of(rig_member(machine, "decision/hold"), unknown);
}

void scene_settled(struct rig *rig, const char *name)
{
    rig_until(rig, name, scene_is_settled, "settled");
}

void scene_rest(struct rig *rig, const char *name)
{
    int64_t limit = vm_now_ms() + RIG_STEP_MS;
    uint64_t before;

    do {
        if (vm_now_ms() > limit) {
            fail_msg("%s is never left at rest", name);
        }
        before = rig_number(rig, name, "commands");
        rig_periods(rig, 6);
    } while (rig_number(rig, name, "commands") != before);
}

void scene_grow(struct rig *rig, const char *name, unsigned mib)
{
    char line[256];

    /* A share that cannot be had is asked for again: the loop ends when all is there. */
    snprintf(line, sizeof(line),
             "repeat %u { wait free at least %uM within 600s; alloc work %uM; fill work }; print "
             "grown",
             mib / STEP_MIB, STEP_MIB + 4, STEP_MIB);
    rig_say(rig, name, line);
}

void scene_grown(struct rig *rig, const char *name)
{
    rig_answer(rig, name, "text=\"grown\"");
}

void scene_free(struct rig *rig, const char *name)
{
    rig_say(rig, name, "verify all; free all; print freed");
    rig_answer(rig, name, "text=\"freed\"");
}

void scene_end(struct rig *rig, const char *name)
{
    struct rig_guest *guest = rig_find(rig, name);
    struct vm_exit result;

    rig_say(rig, name, "verify all; quit");
    assert_int_equal(vm_wait_exit(guest->vm, RIG_STEP_MS, &result), VM_WAIT_OK);
    if (result.end != VM_END_STATUS || result.status != 0) {
        fail_msg("%s: %s", name, result.text);
    }
    vm_end(guest->vm);
    guest->vm = NULL;
}
