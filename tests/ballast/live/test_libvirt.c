/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The libvirt backend on a real libvirtd with two domains of the project's guest, and virsh as the
 * other hand. What the fleet would make of it is not the matter here: it only writes down.
 */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "tests/ballast/fakes/recording_fleet.h"
#include "tests/ballast/live/libvirt_rig.h"
#include "tools/ballast/backend/libvirt_backend.h"

#define MIB     ((uint64_t)1 << 20)
#define STEP_MS 120000
/* Period of the polls, and of the guests' statistics. */
#define PERIOD_MS 1000

static const char *reason; /* why there is no libvirtd */
static uv_loop_t loop;
static uv_timer_t tick;
static struct libvirt_backend *backend;

static int64_t read_now(void *context)
{
    (void)context;
    return (int64_t)(uv_hrtime() / 1000000U);
}

static int64_t read_wall(void *context)
{
    (void)context;
    return (int64_t)time(NULL) * 1000;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
    libvirt_backend_poll(backend, read_now(NULL));
}

static int set_up(void **state)
{
    (void)state;
    if (reason != NULL) {
        return 0;
    }
    const struct libvirt_rig_domain one = { .name = "one", .mib = 256, .append = "-- hold 1200s" };
    const struct libvirt_rig_domain two = { .name = "two", .mib = 256, .append = "-- hold 1200s" };
    if (!libvirt_rig_start() || !libvirt_rig_domain(&one) || !libvirt_rig_domain(&two) ||
        !libvirt_rig_line("one", "@ready", STEP_MS) ||
        !libvirt_rig_line("two", "@ready", STEP_MS)) {
        print_error("%s\n", libvirt_rig_output());
        return 1;
    }
    const struct libvirt_backend_clock clock = { .now_ms = read_now, .wall_ms = read_wall };
    struct config config = { .period_ms = PERIOD_MS, .libvirt_uri_count = 1 };
    snprintf(config.libvirt_uris[0], sizeof config.libvirt_uris[0], "%s", LIBVIRT_RIG_URI);
    struct libvirt_options options;
    libvirt_options_default(&options);
    options.keepalive_s = 2;
    options.keepalive_count = 2;
    recorded_reset();
    uv_loop_init(&loop);
    backend = libvirt_backend_start(&loop, NULL, &config, &clock, &options);
    uv_timer_init(&loop, &tick);
    uv_timer_start(&tick, on_tick, PERIOD_MS, PERIOD_MS);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (backend == NULL) {
        return 0; /* skipped, or set_up() failed */
    }
    libvirt_backend_stop(backend);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    libvirt_rig_signal(SIGTERM);
    return 0;
}

static const struct facts *facts_of(const char *name)
{
    return &recorded_get(name)->machine.facts;
}

/* Runs the loop until the condition holds; in the end it must. */
#define RUN_UNTIL(condition)                                                                       \
    do {                                                                                           \
        uint64_t until = uv_hrtime() + (uint64_t)STEP_MS * 1000000U;                               \
        while (!(condition) && uv_hrtime() < until) {                                              \
            uv_run(&loop, UV_RUN_ONCE);                                                            \
        }                                                                                          \
        assert_true(condition);                                                                    \
    } while (0)

#define NEEDS_LIBVIRTD                                                                             \
    if (reason != NULL) {                                                                          \
        print_message("skipped: %s\n", reason);                                                    \
        skip();                                                                                    \
    }

/* The definition has the balloon's model, sooner or later. */
static bool is_defined_with(const char *name, const char *model)
{
    for (int waited_ms = 0; waited_ms < STEP_MS; waited_ms += 100) {
        if (libvirt_rig_virsh("dumpxml --inactive %s", name) &&
            strstr(libvirt_rig_output(), model) != NULL) {
            return true;
        }
        uv_sleep(100);
    }
    return false;
}

static bool is_fresh(const char *name)
{
    return facts_of(name)->stats_ms > read_now(NULL) - 3 * PERIOD_MS;
}

static void both_domains_are_found_with_their_processes(void **state)
{
    (void)state;
    NEEDS_LIBVIRTD
    RUN_UNTIL(recorded_get("one")->told > 0 && recorded_get("two")->told > 0);
    for (unsigned i = 0; i < 2; i++) {
        const struct facts *facts = facts_of(i == 0 ? "one" : "two");
        assert_int_equal(facts->kind, FACTS_MACHINE);
        assert_int_equal(facts->state, FACTS_RUNNING);
        assert_true(facts->device);
        assert_int_equal(facts->offered, FACTS_DEFLATE_ON_OOM | FACTS_REPORTING);
        assert_int_equal(facts->ram_bytes, 256 * MIB);
        assert_int_equal(facts->actual_bytes, 256 * MIB);
        assert_true(facts->pid > 0);
        assert_in_range(facts->resident_bytes, 1 * MIB, 256 * MIB);
        assert_in_range(facts->overhead_bytes, 1 * MIB, 1024 * MIB);
        assert_string_equal(facts->trouble, "");
    }
}

static void statistics_are_switched_on_and_read(void **state)
{
    (void)state;
    NEEDS_LIBVIRTD
    RUN_UNTIL(is_fresh("one") && is_fresh("two"));
    assert_in_range(facts_of("one")->total_bytes, 200 * MIB, 256 * MIB);
    assert_in_range(facts_of("one")->available_bytes, 100 * MIB, 256 * MIB);
    assert_in_range(facts_of("one")->free_bytes, 100 * MIB, 256 * MIB);
    int64_t before_ms = facts_of("one")->stats_ms;
    RUN_UNTIL(facts_of("one")->stats_ms > before_ms + 2 * PERIOD_MS);
}

static void memory_moves_there_and_back(void **state)
{
    (void)state;
    NEEDS_LIBVIRTD
    const struct fleet_machine *machine = &recorded_get("one")->machine;
    uint64_t available = facts_of("one")->available_bytes;
    assert_true(machine->backend->set_target(machine->handle, 128 * MIB));
    RUN_UNTIL(recorded_get("one")->done == 1);
    assert_string_equal(recorded_get("one")->done_error, "");
    RUN_UNTIL(facts_of("one")->actual_bytes == 128 * MIB);
    RUN_UNTIL(facts_of("one")->available_bytes < available - 100 * MIB);
    assert_true(machine->backend->set_target(machine->handle, 256 * MIB));
    RUN_UNTIL(facts_of("one")->actual_bytes == 256 * MIB);
    RUN_UNTIL(facts_of("one")->available_bytes > available - 10 * MIB);
}

static void a_target_above_the_maximum_is_refused_in_words(void **state)
{
    (void)state;
    NEEDS_LIBVIRTD
    const struct fleet_machine *machine = &recorded_get("one")->machine;
    unsigned done = recorded_get("one")->done;
    assert_true(machine->backend->set_target(machine->handle, 512 * MIB));
    RUN_UNTIL(recorded_get("one")->done == done + 1);
    assert_non_null(strstr(recorded_get("one")->done_error, "libvirt refused"));
}

static void virsh_setmem_is_seen(void **state)
{
    (void)state;
    NEEDS_LIBVIRTD
    assert_true(libvirt_rig_virsh("setmem two 160M --live"));
    RUN_UNTIL(facts_of("two")->actual_bytes == 160 * MIB);
    assert_int_equal(recorded_get("two")->done, 0);
    assert_true(libvirt_rig_virsh("setmem two 256M --live"));
    RUN_UNTIL(facts_of("two")->actual_bytes == 256 * MIB);
}

static void a_reset_is_counted(void **state)
{
    (void)state;
    NEEDS_LIBVIRTD
    /* Three times on a busy machine no reset came within half a minute (observed: libvirt 9.0,
     * cause unknown; six runs since told it at once). Then it is tried again. */
    for (int i = 0; i < 3 && facts_of("two")->resets == 0; i++) {
        uint64_t until = uv_hrtime() + (uint64_t)STEP_MS / 3 * 1000000U;

        assert_true(libvirt_rig_virsh("reset two"));
        while (facts_of("two")->resets == 0 && uv_hrtime() < until) {
            uv_run(&loop, UV_RUN_ONCE);
        }
    }
    /* Once or more: five were told after these commands (observed: QEMU 7.2 on a busy machine), and
     * any change of the count means the same. */
    assert_true(facts_of("two")->resets > 0);
    assert_int_equal(facts_of("one")->resets, 0);
    int64_t before_ms = read_now(NULL);
    RUN_UNTIL(facts_of("two")->stats_ms > before_ms); /* the guest is back */
}

static void a_pause_is_seen_at_once(void **state)
{
    (void)state;
    NEEDS_LIBVIRTD
    assert_true(libvirt_rig_virsh("suspend two"));
    RUN_UNTIL(facts_of("two")->state == FACTS_PAUSED);
    assert_true(libvirt_rig_virsh("resume two"));
    RUN_UNTIL(facts_of("two")->state == FACTS_RUNNING);
}

static void the_device_is_there_or_not_at_the_next_start(void **state)
{
    (void)state;
    NEEDS_LIBVIRTD
    const struct fleet_machine *machine = &recorded_get("two")->machine;
    assert_true(machine->backend->set_device(machine->handle, false));
    assert_true(is_defined_with("two", "<memballoon model='none'"));
    assert_true(facts_of("two")->device);
    assert_true(libvirt_rig_virsh("destroy two"));
    RUN_UNTIL(!recorded_get("two")->there);
    assert_string_equal(recorded_get("two")->why, "it was destroyed");
    assert_true(libvirt_rig_virsh("start two"));
    RUN_UNTIL(recorded_get("two")->found == 2 && !facts_of("two")->device);
    assert_true(machine->backend->set_device(machine->handle, true));
    assert_true(is_defined_with("two", "<memballoon model='virtio' autodeflate='on'"));
    assert_true(libvirt_rig_virsh("destroy two"));
    RUN_UNTIL(!recorded_get("two")->there);
    assert_true(libvirt_rig_virsh("start two"));
    RUN_UNTIL(recorded_get("two")->found == 3 && facts_of("two")->device);
    RUN_UNTIL(is_fresh("two"));
}

static void a_libvirtd_that_stops_answering_is_trouble_until_it_answers(void **state)
{
    (void)state;
    NEEDS_LIBVIRTD
    libvirt_rig_signal(SIGSTOP);
    RUN_UNTIL(facts_of("one")->trouble[0] != '\0');
    assert_true(recorded_get("one")->there);
    libvirt_rig_signal(SIGCONT);
    RUN_UNTIL(facts_of("one")->trouble[0] == '\0' && is_fresh("one"));
}

static void a_libvirtd_that_was_killed_and_started_again_is_found_again(void **state)
{
    (void)state;
    NEEDS_LIBVIRTD
    libvirt_rig_signal(SIGKILL);
    RUN_UNTIL(facts_of("one")->trouble[0] != '\0');
    assert_true(libvirt_rig_start());
    RUN_UNTIL(facts_of("one")->trouble[0] == '\0' && is_fresh("one"));
    assert_int_equal(recorded_get("one")->found, 1);
    const struct fleet_machine *machine = &recorded_get("one")->machine;
    assert_true(machine->backend->set_target(machine->handle, 192 * MIB));
    RUN_UNTIL(facts_of("one")->actual_bytes == 192 * MIB);
}

int main(int argc, char **argv)
{
    (void)argc;
    reason = libvirt_rig_enter(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_domains_are_found_with_their_processes),
        cmocka_unit_test(statistics_are_switched_on_and_read),
        cmocka_unit_test(memory_moves_there_and_back),
        cmocka_unit_test(a_target_above_the_maximum_is_refused_in_words),
        cmocka_unit_test(virsh_setmem_is_seen),
        cmocka_unit_test(a_reset_is_counted),
        cmocka_unit_test(a_pause_is_seen_at_once),
        cmocka_unit_test(the_device_is_there_or_not_at_the_next_start),
        cmocka_unit_test(a_libvirtd_that_stops_answering_is_trouble_until_it_answers),
        cmocka_unit_test(a_libvirtd_that_was_killed_and_started_again_is_found_again),
    };
    return cmocka_run_group_tests_name("a private libvirtd", tests, set_up, tear_down);
}
