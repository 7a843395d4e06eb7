/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scenarios of a small host with a ballastd that manages two domains where they are, on a
 * private libvirtd: their memory moves by their demand, the owner's switch is kept in their
 * definitions, and whatever happens to them, to libvirtd or to the daemon is named and survived.
 * virsh is the other hand on the same domains.
 *
 * libvirtd lives as long as the program, domains and daemon as long as their case.
 */

#include "tests/ballast/live/scenes.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ballast/live/libvirt_rig.h"

#define LIBVIRT "[libvirt]\nuri = " LIBVIRT_RIG_URI "\n"

static const char *reason; /* why there is no libvirtd */

static const struct rig_elsewhere in_libvirt = {
    .say = libvirt_rig_type,
    .answer = libvirt_rig_take,
    .end = libvirt_rig_domain_remove,
};

/* ---- helpers ---- */

/* Configures and starts a ballastd for a host of this size, with domains of 384 MiB. */
static void start_host(struct rig *rig, const char *memory, const char *lines)
{
    char text[512];

    if (reason != NULL) {
        rig_skip(rig, reason);
    }
    if (!libvirt_rig_virsh("list") && !libvirt_rig_start()) { /* a case that failed left it so */
        fail_msg("libvirtd does not start: %s", libvirt_rig_output());
    }
    snprintf(text, sizeof(text),
             "settle = 1s\nmargin = 16M\ninflate = 8%%\nstall-pause = 2s\nswing-first = 2s\n"
             "swing-again = 4s\n"
             "[host]\nmemory = %s\n[default]\nminimum = 96M\n" LIBVIRT "%s",
             memory, lines);
    rig_configure(rig, text);
    rig_start(rig);
}

static void add_domain(struct rig *rig, const struct libvirt_rig_domain *like, const char *name)
{
    struct libvirt_rig_domain domain = *like;

    domain.name = name;
    domain.mib = domain.mib == 0 ? 384 : domain.mib;
    domain.append = "results=off -- console";
    rig_guest_elsewhere(rig, name, &in_libvirt);
    if (!libvirt_rig_domain(&domain)) {
        fail_msg("%s cannot be started: %s", name, libvirt_rig_output());
    }
    rig_ready(rig, name);
}

/* Two domains that do not report free pages, which would give memory back before a balloon has to.
 */
static void start_pair(struct rig *rig, const char *memory)
{
    const struct libvirt_rig_domain plain = { .no_reporting = true };

    start_host(rig, memory, "");
    add_domain(rig, &plain, "a");
    add_domain(rig, &plain, "b");
    scene_ready(rig, "a");
    scene_ready(rig, "b");
}

/* The same on a host that is too small for both; `a` is idle and shrank while `b` uses most. */
static void start_shrunk(struct rig *rig)
{
    start_pair(rig, "760M");
    scene_grow(rig, "b", 280);
    scene_grown(rig, "b");
    rig_until_most(rig, "a", "size_bytes", 320 * RIG_MIB);
}

static void virsh(const char *words)
{
    if (!libvirt_rig_virsh("%s", words)) {
        fail_msg("virsh %s: %s", words, libvirt_rig_output());
    }
}

/* Every word is right, and the domain ends by itself. */
static void end_well(struct rig *rig, const char *name)
{
    rig_say(rig, name, "verify all; quit");
    rig_answer(rig, name, "@memwork end status=0");
    rig_until_gone(rig, name);
}

/* The definition that counts at the next start has this in it, sooner or later. */
static void until_defined(struct rig *rig, const char *name, const char *text)
{
    int64_t limit = vm_now_ms() + RIG_STEP_MS;

    while (!libvirt_rig_virsh("dumpxml --inactive %s", name) ||
           strstr(libvirt_rig_output(), text) == NULL) {
        if (vm_now_ms() > limit) {
            fail_msg("the definition of %s never had %s: %s", name, text, libvirt_rig_output());
        }
        rig_look_again(rig, 100);
    }
}

/* A stop and a start, as at a host's maintenance. */
static void restart(struct rig *rig, const char *name)
{
    char words[64];

    snprintf(words, sizeof(words), "destroy %s", name);
    virsh(words);
    rig_until_gone(rig, name);
    rig_starts_anew(rig, name);
    if (!libvirt_rig_domain_start(name)) {
        fail_msg("%s does not start again: %s", name, libvirt_rig_output());
    }
}

/* ---- memory moves ---- */

static void two_domains_swap_their_demand(struct rig *rig)
{
    start_pair(rig, "760M");
    scene_grow(rig, "a", 280);
    scene_grown(rig, "a");
    rig_until_least(rig, "a", "size_bytes", 300 * RIG_MIB);
    rig_until_most(rig, "b", "size_bytes", 320 * RIG_MIB);

    scene_free(rig, "a");
    scene_grow(rig, "b", 280);
    scene_grown(rig, "b");
    rig_until_least(rig, "b", "size_bytes", 300 * RIG_MIB);
    rig_until_most(rig, "a", "size_bytes", 320 * RIG_MIB);

    assert_true(rig_number(rig, "a", "size_bytes") >= 96 * RIG_MIB);
    assert_string_equal(rig_word(rig, "a", "drift"), "null");
    assert_string_equal(rig_word(rig, "b", "drift"), "null");
    end_well(rig, "a");
    end_well(rig, "b");
}

static void a_peak_is_paid_and_a_guaranteed_domain_is_never_touched(struct rig *rig)
{
    const struct libvirt_rig_domain small = { .mib = 192, .no_reporting = true };
    const struct libvirt_rig_domain large = { .mib = 640, .no_reporting = true };

    start_host(rig, "1000M", "[machine db]\nclass = guaranteed\n");
    add_domain(rig, &small, "db");
    add_domain(rig, &large, "web");
    add_domain(rig, &small, "idle");
    scene_ready(rig, "web");
    scene_ready(rig, "idle");
    scene_grow(rig, "web", 400);
    scene_grown(rig, "web");
    rig_until_least(rig, "web", "size_bytes", 440 * RIG_MIB);
    rig_until_most(rig, "idle", "size_bytes", 160 * RIG_MIB);
    assert_int_equal(rig_number(rig, "db", "size_bytes"), 192 * RIG_MIB);
    /* What it is told, at its start and when its driver comes, is to have all its RAM. */
    assert_int_equal(rig_number(rig, "db", "target_bytes"), 192 * RIG_MIB);
    assert_int_equal(rig_number(rig, "db", "ledger/lent_mib_s"), 0);
    end_well(rig, "db");
    end_well(rig, "web");
    end_well(rig, "idle");
}

/* Without anybody's help: what the guest took back is not somebody else's target. */
static void a_domain_that_takes_its_memory_back_is_not_called_foreign(struct rig *rig)
{
    start_shrunk(rig);
    /* The daemon stands still meanwhile: a guest that is slow would get from it what it needs. */
    assert_int_equal(kill(rig->daemon, SIGSTOP), 0);
    rig_say(rig, "a", "alloc burst 340M; fill burst; print taken");
    rig_answer(rig, "a", "text=\"taken\"");
    assert_int_equal(kill(rig->daemon, SIGCONT), 0);
    rig_wait_event(rig, "drift", "a");
    assert_string_not_equal(rig_word(rig, "a", "drift"), "foreign");
    rig_until_least(rig, "a", "size_bytes", 335 * RIG_MIB);
    end_well(rig, "b");
    end_well(rig, "a");
}

/* ---- virsh is told the same ---- */

/* A number behind `name` in what virsh printed, in bytes; UINT64_MAX without one. */
static uint64_t printed_kib(const char *name)
{
    const char *at = strstr(libvirt_rig_output(), name);
    uint64_t kib = at == NULL ? UINT64_MAX : strtoull(at + strlen(name), NULL, 10);

    return kib == UINT64_MAX ? kib : kib * 1024U;
}

/* Both look at the same domain, not at the same moment: some time they agree in everything. */
static bool agree(struct rig *rig, const char *command, const char *const names[][2], size_t count)
{
    virsh(command);
    for (size_t i = 0; i < count; i++) {
        if (printed_kib(names[i][0]) != rig_number(rig, "a", names[i][1])) {
            return false;
        }
    }
    return true;
}

static void until_agreed(struct rig *rig, const char *command, const char *const names[][2],
                         size_t count)
{
    int64_t limit = vm_now_ms() + RIG_STEP_MS;

    while (!agree(rig, command, names, count)) {
        if (vm_now_ms() > limit) {
            for (size_t i = 0; i < count; i++) {
                print_error("%s is %llu\n", names[i][1],
                            (unsigned long long)rig_number(rig, "a", names[i][1]));
            }
            fail_msg("virsh %s tells otherwise: %s", command, libvirt_rig_output());
        }
        rig_look_again(rig, 300);
    }
}

static void virsh_and_the_api_tell_the_same_numbers(struct rig *rig)
{
    static const char *const memstat[][2] = {
        { "actual ", "size_bytes" },           { "available ", "guest/total_bytes" },
        { "unused ", "guest/free_bytes" },     { "usable ", "guest/available_bytes" },
        { "swap_in ", "guest/swap_in_bytes" }, { "swap_out ", "guest/swap_out_bytes" },
    };
    static const char *const domstats[][2] = {
        { "balloon.current=", "size_bytes" },
        { "balloon.maximum=", "ram_bytes" },
        { "balloon.usable=", "available_bytes" },
    };
    uint64_t process;
    uint64_t parts;

    start_shrunk(rig);
    until_agreed(rig, "dommemstat a", memstat, sizeof(memstat) / sizeof(memstat[0]));
    until_agreed(rig, "domstats --balloon a", domstats, sizeof(domstats) / sizeof(domstats[0]));
    process = printed_kib("balloon.rss=");
    parts = rig_number(rig, "a", "resident_bytes") + rig_number(rig, "a", "overhead_bytes");
    assert_in_range(parts, process - process / 8, process + process / 8);
    end_well(rig, "a");
    end_well(rig, "b");
}

/* ---- the owner's switch ---- */

static void the_switch_is_kept_in_the_definition(struct rig *rig)
{
    start_pair(rig, "1400M");
    rig_tool(rig, "disable a", 0, "");
    rig_until_word(rig, "a", "ballooning/state", "pending-restart");
    rig_until_least(rig, "a", "size_bytes", 384 * RIG_MIB);
    until_defined(rig, "a", "<memballoon model='none'");
    restart(rig, "a");
    rig_until_word(rig, "a", "ballooning/state", "disabled");
    rig_ready(rig, "a");

    rig_tool(rig, "enable a", 0, "");
    rig_until_word(rig, "a", "ballooning/state", "pending-restart");
    until_defined(rig, "a", "<memballoon model='virtio' autodeflate='on'");
    restart(rig, "a");
    rig_until_word(rig, "a", "ballooning/state", "enabled");
    scene_ready(rig, "a");
    end_well(rig, "a");
    end_well(rig, "b");
}

static void
a_domain_that_is_switched_off_gets_its_maximum_or_what_is_missing_is_told(struct rig *rig)
{
    start_shrunk(rig);
    scene_free(rig, "b");
    rig_tool(rig, "disable a", 0, "");
    rig_until_least(rig, "a", "size_bytes", 384 * RIG_MIB);
    rig_tool(rig, "disable b", 5, "MiB");
    rig_until_word(rig, "b", "ballooning/state", "refused");
    assert_true(rig_number(rig, "b", "ballooning/missing_bytes") > 0);
    until_defined(rig, "a", "<memballoon model='none'");
    until_defined(rig, "b", "<memballoon model='virtio'");
    end_well(rig, "a");
    end_well(rig, "b");
}

/* ---- trouble ---- */

static void a_reset_domain_gets_its_maximum_until_it_is_stable(struct rig *rig)
{
    start_shrunk(rig);
    scene_free(rig, "b");
    rig_starts_anew(rig, "a");
    virsh("reset a");
    rig_wait_event(rig, "reset", "a");
    rig_until_least(rig, "a", "target_bytes", 384 * RIG_MIB);
    rig_ready(rig, "a");
    rig_until_least(rig, "a", "size_bytes", 384 * RIG_MIB);
    scene_settled(rig, "a");
    assert_string_equal(rig_word(rig, "a", "drift"), "null");
    end_well(rig, "a");
    end_well(rig, "b");
}

static void a_suspended_domain_is_left_alone_and_a_destroyed_one_is_gone(struct rig *rig)
{
    start_shrunk(rig);
    virsh("suspend a");
    rig_until_word(rig, "a", "state", "paused");
    rig_until_word(rig, "a", "decision/hold", "paused");
    rig_left_alone(rig, "a", 6);
    virsh("resume a");
    rig_until_word(rig, "a", "state", "running");

    virsh("destroy b");
    rig_until_gone(rig, "b");
    rig_wait_event(rig, "gone", "b");
    scene_grow(rig, "a", 320); /* what it left is there for others */
    scene_grown(rig, "a");
    assert_string_equal(rig_word(rig, "a", "drift"), "null");
    end_well(rig, "a");
}

static void a_foreign_setmem_is_named_and_not_fought(struct rig *rig)
{
    uint64_t commands;

    start_shrunk(rig);
    scene_rest(rig, "a");
    virsh("setmem a 120M --live");
    rig_until_word(rig, "a", "drift", "foreign");
    rig_until_word(rig, "a", "decision/hold", "foreign");
    rig_wait_event(rig, "drift", "a");
    rig_left_alone(rig, "a", 6);
    commands = rig_number(rig, "a", "commands");
    rig_until_most(rig, "a", "size_bytes", 120 * RIG_MIB);
    rig_tool(rig, "doctor a", 1, "Somebody else");
    scene_free(rig, "b");
    rig_tool(rig, "adopt a", 0, "");
    rig_until_word(rig, "a", "drift", "null");
    scene_grow(rig, "a", 240); /* it gets memory from us again */
    scene_grown(rig, "a");
    assert_true(rig_number(rig, "a", "commands") > commands);
    end_well(rig, "a");
    end_well(rig, "b");
}

/* ---- ends ---- */

static void libvirtd_is_killed_and_nothing_is_lost(struct rig *rig)
{
    start_shrunk(rig);
    scene_free(rig, "b");
    scene_grow(rig, "a", 200); /* QEMU 11.1 itself needs more beside b at its maximum */
    rig_periods(rig, 1);       /* memory moves from b to a */
    libvirt_rig_signal(SIGKILL);
    rig_wait_event(rig, "trouble", "a");
    rig_tool(rig, "doctor a", 1, "libvirt");
    rig_tool(rig, "disable b", 0, ""); /* there is nobody to define it anew, now */
    assert_true(libvirt_rig_start());
    scene_grown(rig, "a");
    until_defined(rig, "b", "<memballoon model='none'");
    rig_until_least(rig, "b", "size_bytes", 384 * RIG_MIB);
    assert_int_equal(rig_events(rig, "gone", NULL), 0);
    assert_string_equal(rig_word(rig, "a", "drift"), "null");
    assert_string_equal(rig_word(rig, "b", "drift"), "null");
    end_well(rig, "a");
    end_well(rig, "b");
}

static void the_daemon_is_killed_in_every_phase_and_nothing_is_lost(struct rig *rig)
{
    start_shrunk(rig);
    assert_int_equal(rig_stop(rig, SIGKILL), 128 + SIGKILL); /* at rest */
    rig_start(rig);
    scene_settled(rig, "a");
    scene_free(rig, "b");
    scene_grow(rig, "a", 240);
    for (unsigned phase = 0; phase < 3; phase++) { /* while memory moves from b to a */
        rig_periods(rig, phase);
        assert_int_equal(rig_stop(rig, SIGKILL), 128 + SIGKILL);
        rig_start(rig);
    }
    scene_grown(rig, "a");
    assert_string_equal(rig_word(rig, "a", "drift"), "null");
    assert_string_equal(rig_word(rig, "b", "drift"), "null");
    end_well(rig, "a");
    end_well(rig, "b");
}

static void a_domain_that_was_started_anew_without_the_daemon_does_not_drift(struct rig *rig)
{
    start_shrunk(rig);
    assert_int_equal(rig_stop(rig, SIGKILL), 128 + SIGKILL);
    virsh("destroy a");
    rig_starts_anew(rig, "a");
    assert_true(libvirt_rig_domain_start("a"));
    rig_ready(rig, "a");
    rig_start(rig);
    scene_settled(rig, "a");
    rig_periods(rig, 4);
    assert_int_equal(rig_events(rig, "drift", "a"), 0);
    end_well(rig, "a");
    end_well(rig, "b");
}

/* ---- who a domain is ---- */

static size_t count_machines(struct rig *rig)
{
    json_t *reply = rig_get(rig, "/v1/machines");
    const size_t count = json_array_size(json_object_get(reply, "machines"));

    json_decref(reply);
    return count;
}

static void a_domain_defined_anew_under_its_name_inherits_nothing(struct rig *rig)
{
    const struct libvirt_rig_domain plain = { .no_reporting = true };

    start_host(rig, "2G", "");
    add_domain(rig, &plain, "web");
    scene_ready(rig, "web");
    rig_tool(rig, "set web --owner alice --class spare", 0, "");
    rig_tool(rig, "disable web", 0, "");
    until_defined(rig, "web", "model='none'");
    libvirt_rig_domain_remove("web");
    rig_until_gone(rig, "web");
    rig_starts_anew(rig, "web");
    if (!libvirt_rig_domain(&(struct libvirt_rig_domain){ .name = "web",
                                                          .mib = 384,
                                                          .append = "results=off -- console",
                                                          .no_reporting = true })) {
        fail_msg("web cannot be started: %s", libvirt_rig_output());
    }
    rig_ready(rig, "web");
    scene_ready(rig, "web");
    rig_periods(rig, 3);
    assert_string_equal(rig_word(rig, "web", "owner"), "");
    assert_string_equal(rig_word(rig, "web", "class"), "burst");
    assert_string_equal(rig_word(rig, "web", "ballooning/state"), "enabled");
    virsh("dumpxml --inactive web");
    assert_null(strstr(libvirt_rig_output(), "model='none'"));
    rig_tool(rig, "events --machine web", 0, "another machine of this name");
    rig_tool(rig, "forget web", 0, "forgotten");
    rig_tool(rig, "forget web", 5, "");
    end_well(rig, "web");
}

static void a_domain_with_a_qmp_socket_for_ballast_is_one_machine(struct rig *rig)
{
    char socket[128];

    start_host(rig, "2G", "");
    snprintf(socket, sizeof(socket), "%s/machines/web.qmp", rig->folder);
    const struct libvirt_rig_domain twice = { .no_reporting = true, .qmp = socket };
    add_domain(rig, &twice, "web");
    scene_ready(rig, "web");
    rig_until_word(rig, "web", "also/backend", "qmp");
    assert_string_equal(rig_word(rig, "web", "backend"), "libvirt");
    assert_int_equal(count_machines(rig), 1);
    rig_periods(rig, 2);
    assert_int_equal(rig_host(rig, "booked_bytes"), 384 * RIG_MIB);
    rig_tool(rig, "set web --owner alice", 0, "");
    rig_tool(rig, "show web", 0, "libvirt controls it");

    /* Whichever daemon comes first, and without libvirtd for a while. */
    rig_stop(rig, SIGKILL);
    rig_start(rig);
    rig_until_word(rig, "web", "also/backend", "qmp");
    assert_string_equal(rig_word(rig, "web", "owner"), "alice");
    assert_int_equal(count_machines(rig), 1);
    end_well(rig, "web");
}

/* libvirt sets currentMemory before the guest's driver runs. */
static void a_domain_that_is_started_small_does_not_stay_below_its_minimum(struct rig *rig)
{
    const struct libvirt_rig_domain small = { .current_mib = 90, .no_auto_deflate = true };

    start_host(rig, "4G", "[machine whole]\nclass = guaranteed\n");
    add_domain(rig, &small, "a");
    add_domain(rig, &small, "whole");
    rig_until_least(rig, "a", "size_bytes", 96 * RIG_MIB);
    rig_until_least(rig, "whole", "size_bytes", 384 * RIG_MIB);
    scene_settled(rig, "a");
    rig_periods(rig, 6);
    assert_true(rig_number(rig, "a", "size_bytes") >= 96 * RIG_MIB);
    assert_int_equal(rig_number(rig, "whole", "size_bytes"), 384 * RIG_MIB);
    assert_string_equal(rig_word(rig, "a", "drift"), "null");
    assert_string_equal(rig_word(rig, "whole", "drift"), "null");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_domain_that_is_started_small_does_not_stay_below_its_minimum),
        RIG_TEST(a_domain_defined_anew_under_its_name_inherits_nothing),
        RIG_TEST(a_domain_with_a_qmp_socket_for_ballast_is_one_machine),
        RIG_TEST(two_domains_swap_their_demand),
        RIG_TEST(a_peak_is_paid_and_a_guaranteed_domain_is_never_touched),
        RIG_TEST(a_domain_that_takes_its_memory_back_is_not_called_foreign),
        RIG_TEST(virsh_and_the_api_tell_the_same_numbers),
        RIG_TEST(the_switch_is_kept_in_the_definition),
        RIG_TEST(a_domain_that_is_switched_off_gets_its_maximum_or_what_is_missing_is_told),
        RIG_TEST(a_reset_domain_gets_its_maximum_until_it_is_stable),
        RIG_TEST(a_suspended_domain_is_left_alone_and_a_destroyed_one_is_gone),
        RIG_TEST(a_foreign_setmem_is_named_and_not_fought),
        RIG_TEST(libvirtd_is_killed_and_nothing_is_lost),
        RIG_TEST(the_daemon_is_killed_in_every_phase_and_nothing_is_lost),
        RIG_TEST(a_domain_that_was_started_anew_without_the_daemon_does_not_drift),
    };
    bool inside;
    int failed;

    reason = libvirt_rig_enter(argv);
    inside = reason == NULL;
    if (inside && !libvirt_rig_start()) {
        print_error("libvirtd does not start: %s\n", libvirt_rig_output());
        return 1;
    }
    failed = rig_main("tests/ballast/live/test_libvirt_scenes.c", tests,
                      sizeof(tests) / sizeof(tests[0]), argc, argv);
    if (inside) {
        libvirt_rig_signal(SIGTERM);
    }
    return failed;
}
