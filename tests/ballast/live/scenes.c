/* SPDX-License-Identifier: BSD-2-Clause */
/* Guests that use memory, told over memwork's console. */

#include "tests/ballast/live/scenes.h"

#include <stdio.h>
#include <string.h>

#define STEP_MIB 8U

void scene_ready(struct rig *rig, const char *name)
{
    rig_answer(rig, name, "@memwork ready");
    scene_settled(rig, name);
}

void scene_settled(struct rig *rig, const char *name)
{
    rig_until_word(rig, name, "driver", "ok");
    rig_until_least(rig, name, "used_bytes", 1);
    rig_until_word(rig, name, "state", "running");
    for (int waits = 0; waits < 300; waits++) {
        const char *hold = rig_word(rig, name, "decision/hold");

        if (strcmp(hold, "new") != 0 && strcmp(hold, "reset") != 0) {
            return;
        }
        rig_sleep(rig, 100);
    }
    fail_msg("%s is never let go of", name);
}

void scene_rest(struct rig *rig, const char *name)
{
    uint64_t commands = rig_number(rig, name, "commands");
    int quiet = 0;

    for (int waits = 0; quiet < 30; waits++) {
        uint64_t now = rig_number(rig, name, "commands");

        if (waits > 900) {
            fail_msg("%s is never left at rest", name);
        }
        quiet = now == commands ? quiet + 1 : 0;
        commands = now;
        rig_sleep(rig, 100);
    }
}

void scene_grow(struct rig *rig, const char *name, unsigned mib)
{
    char line[256];

    /* A share that cannot be had is asked for again: the loop ends when all is there. */
    snprintf(line, sizeof(line),
             "repeat %u { wait free at least %uM within 120s; alloc work %uM; fill work }; print "
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
