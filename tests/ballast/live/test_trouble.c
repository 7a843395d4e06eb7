/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machines in trouble, real ones: paused, reset, panicked, unplugged, killed, steered by somebody
 * else; and a daemon that is killed and started again in the middle of every phase. Each is named,
 * none is fought, nobody else suffers.
 */

#include "tests/ballast/live/scenes.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Without reporting, which would give memory back before a balloon has to. */
static const struct vm_config half = { .memory_mib = 384,
                                       .balloon_properties = "free-page-reporting=off" };

/* Two machines on a host that is too small for both; `a` is idle and shrank while `b` uses most. */
static void start_shrunk(struct rig *rig)
{
    rig_configure(rig, "settle = 1s\nmargin = 16M\nstall-pause = 2s\n[host]\nmemory = 760M\n"
                       "[default]\nminimum = 96M\n");
    rig_start(rig);
    rig_guest(rig, "a", &half);
    rig_guest(rig, "b", &half);
    scene_ready(rig, "a");
    scene_ready(rig, "b");
    scene_grow(rig, "b", 280);
    scene_grown(rig, "b");
    rig_until_most(rig, "a", "size_bytes", 320 * RIG_MIB);
}

static void a_paused_machine_is_left_alone_until_it_runs(struct rig *rig)
{
    start_shrunk(rig);
    rig_foreign(rig, "a", "stop", NULL);
    rig_until_word(rig, "a", "state", "paused");
    rig_until_word(rig, "a", "decision/hold", "paused");
    rig_left_alone(rig, "a", 6);
    assert_string_equal(rig_word(rig, "a", "decision/hold"), "paused");
    rig_foreign(rig, "a", "cont", NULL);
    rig_until_word(rig, "a", "state", "running");
    scene_end(rig, "a");
    scene_end(rig, "b");
}

static void a_reset_machine_gets_its_maximum_until_it_is_stable(struct rig *rig)
{
    start_shrunk(rig);
    scene_free(rig, "b");
    rig_foreign(rig, "a", "system_reset", NULL);
    rig_wait_event(rig, "reset", "a");
    rig_until_least(rig, "a", "target_bytes", 384 * RIG_MIB);
    rig_ready(rig, "a");
    rig_until_least(rig, "a", "size_bytes", 384 * RIG_MIB);
    scene_settled(rig, "a");
    scene_end(rig, "b");
}

static void a_killed_machine_is_gone_and_its_memory_is_free(struct rig *rig)
{
    start_shrunk(rig);
    rig_kill(rig, "b");
    rig_until_gone(rig, "b");
    rig_wait_event(rig, "gone", "b");
    rig_until_least(rig, "a", "size_bytes", 384 * RIG_MIB);
    scene_end(rig, "a");
}

static void a_foreign_target_is_named_and_not_fought(struct rig *rig)
{
    int status;
    char *text;

    start_shrunk(rig);
    scene_rest(rig, "a");
    rig_foreign(rig, "a", "balloon", json_pack("{s:I}", "value", (json_int_t)(120 * RIG_MIB)));
    rig_until_word(rig, "a", "drift", "foreign");
    rig_until_word(rig, "a", "decision/hold", "foreign");
    rig_wait_event(rig, "drift", "a");
    rig_left_alone(rig, "a", 6);
    rig_until_most(rig, "a", "size_bytes", 120 * RIG_MIB);
    text = rig_ballast(rig, &status, "doctor a");
    assert_non_null(strstr(text, "else"));
    free(text);
    text = rig_ballast(rig, &status, "adopt a");
    assert_int_equal(status, 0);
    free(text);
    rig_until_word(rig, "a", "drift", "null");
    scene_end(rig, "a");
    scene_end(rig, "b");
}

static uint64_t lower(struct rig *rig, const char *name, uint64_t lowest)
{
    uint64_t size = rig_number(rig, name, "size_bytes");

    return size < lowest ? size : lowest;
}

/* It uses 306 MiB and says that it could do without them. */
static void a_liar_is_never_driven_below_what_it_uses(struct rig *rig)
{
    const struct vm_config liar = { .image = "libc-tests/liar.elf",
                                    .memory_mib = 384,
                                    .balloon_properties = "free-page-reporting=off",
                                    .append = "results=off" };
    uint64_t lowest = 384 * RIG_MIB;

    rig_configure(rig, "settle = 1s\nmargin = 16M\nstall-time = 2s\n[host]\nmemory = 860M\n"
                       "[default]\nminimum = 96M\n");
    rig_start(rig);
    rig_guest(rig, "liar", &liar);
    rig_guest(rig, "b", &half);
    scene_ready(rig, "liar");
    scene_ready(rig, "b");
    scene_grow(rig, "b", 240);
    for (int64_t limit = vm_now_ms() + RIG_STEP_MS;
         lowest == 384 * RIG_MIB || !rig_answered(rig, "b", "text=\"grown\"");) {
        lowest = lower(rig, "liar", lowest);
        if (vm_now_ms() > limit) {
            fail_msg("the liar has %d MiB, and b has not got its memory", (int)(lowest >> 20));
        }
    }
    for (int i = 0; i < 10; i++) {
        rig_periods(rig, 1);
        lowest = lower(rig, "liar", lowest);
    }
    assert_true(lowest >= 306 * RIG_MIB);
    assert_true(rig_number(rig, "liar", "target_bytes") >= 250 * RIG_MIB);
    scene_end(rig, "b");
}

/* Its own limit (balloon.max) keeps it from giving more than 32 MiB, whatever is free. */
static void a_guest_that_stalls_is_given_room_and_left_alone(struct rig *rig)
{
    const struct vm_config stubborn = { .memory_mib = 384,
                                        .balloon_properties = "free-page-reporting=off",
                                        .append = "results=off balloon.max=32 -- console" };

    rig_configure(rig, "settle = 1s\nmargin = 16M\nstall-pause = 120s\n[host]\nmemory = 760M\n"
                       "[default]\nminimum = 96M\n");
    rig_start(rig);
    rig_guest(rig, "stubborn", &stubborn);
    rig_guest(rig, "b", &half);
    scene_ready(rig, "stubborn");
    scene_ready(rig, "b");
    scene_grow(rig, "b", 200);
    rig_until_word(rig, "stubborn", "decision/hold", "stalled");
    rig_wait_event(rig, "hold", "stubborn");
    rig_until_least(rig, "stubborn", "target_bytes", 352 * RIG_MIB);
    rig_left_alone(rig, "stubborn", 10);
    assert_string_equal(rig_word(rig, "stubborn", "decision/hold"), "stalled");
    scene_grown(rig, "b");
    scene_end(rig, "b");
    scene_end(rig, "stubborn");
}

static void an_unplugged_balloon_books_the_maximum(struct rig *rig)
{
    static const char plugged[] = "virtio-balloon-pci,bus=port0,id=" VM_BALLOON_ID;
    static const char *const words[] = { "-device", "pcie-root-port,id=port0,chassis=1", "-device",
                                         plugged, NULL };
    const struct vm_config removable = { .memory_mib = 384, .no_balloon = true, .extra = words };

    rig_configure(rig, "settle = 1s\nmargin = 16M\n[host]\nmemory = 760M\n"
                       "[default]\nminimum = 96M\n");
    rig_start(rig);
    rig_guest(rig, "a", &removable);
    rig_guest(rig, "b", &half);
    scene_ready(rig, "a");
    scene_ready(rig, "b");
    scene_grow(rig, "b", 240);
    scene_grown(rig, "b");
    rig_foreign(rig, "a", "device_del", json_pack("{s:s}", "id", VM_BALLOON_ID));
    rig_until_word(rig, "a", "ballooning/state", "unsupported");
    rig_until_least(rig, "a", "booked_bytes", 384 * RIG_MIB);
    scene_end(rig, "a");
    scene_end(rig, "b");
}

static void the_daemon_is_killed_in_every_phase_and_nothing_is_lost(struct rig *rig)
{
    start_shrunk(rig);
    assert_int_equal(rig_stop(rig, SIGKILL), 128 + SIGKILL); /* at rest */
    rig_start(rig);
    scene_settled(rig, "a");
    scene_free(rig, "b");
    scene_grow(rig, "a", 240);
    for (unsigned phase = 0; phase < 5; phase++) { /* while memory moves from b to a */
        rig_periods(rig, phase);
        assert_int_equal(rig_stop(rig, SIGKILL), 128 + SIGKILL);
        rig_start(rig);
    }
    scene_grown(rig, "a");
    assert_string_equal(rig_word(rig, "a", "drift"), "null");
    assert_string_equal(rig_word(rig, "b", "drift"), "null");
    scene_end(rig, "a");
    scene_end(rig, "b");
}

static void a_second_daemon_is_refused(struct rig *rig)
{
    char command[512];

    rig_configure(rig, "[host]\nmemory = 760M\n");
    rig_start(rig);
    snprintf(command, sizeof(command),
             "timeout 120 %.200s/tools/ballastd --config %s/ballast.conf 2>&1 | grep -q '%d'",
             rig->build, rig->folder, (int)rig->daemon);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): as a person would */
    assert_int_equal(rig_stop(rig, SIGTERM), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_paused_machine_is_left_alone_until_it_runs),
        RIG_TEST(a_reset_machine_gets_its_maximum_until_it_is_stable),
        RIG_TEST(a_killed_machine_is_gone_and_its_memory_is_free),
        RIG_TEST(a_foreign_target_is_named_and_not_fought),
        RIG_TEST(a_liar_is_never_driven_below_what_it_uses),
        RIG_TEST(a_guest_that_stalls_is_given_room_and_left_alone),
        RIG_TEST(an_unplugged_balloon_books_the_maximum),
        RIG_TEST(the_daemon_is_killed_in_every_phase_and_nothing_is_lost),
        RIG_TEST(a_second_daemon_is_refused),
    };

    return rig_main("tests/ballast/live/test_trouble.c", tests, sizeof(tests) / sizeof(tests[0]),
                    argc, argv);
}
