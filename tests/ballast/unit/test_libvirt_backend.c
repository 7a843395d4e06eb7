/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The libvirt backend on a fake libvirt, with its real threads and a real loop.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/ballast/fakes/fake_libvirt.h"
#include "tests/ballast/fakes/recording_fleet.h"
#include "tools/ballast/backend/libvirt_backend.h"
#include "tools/ballast/host/host.h"

#define MIB      ((uint64_t)1 << 20)
#define KIB      1024ULL
#define WAIT_MS  5000
#define WALL_S   1700000000ULL
#define START_MS 1000000

/* ---- the seams: time, and a process ---- */

static int64_t now_ms;

static int64_t read_now(void *context)
{
    (void)context;
    return now_ms;
}

static int64_t read_wall(void *context)
{
    (void)context;
    return (int64_t)WALL_S * 1000 + now_ms - START_MS;
}

static struct host_process process;

bool host_process_read(const struct host_source *source, pid_t pid, uint64_t ram_size,
                       struct host_process *result)
{
    (void)source;
    (void)ram_size;
    *result = process;
    return pid == 4711;
}

bool host_process_glance(const struct host_source *source, pid_t pid, struct host_process *result)
{
    return host_process_read(source, pid, 0, result);
}

/* ---- the rig ---- */

static uv_loop_t loop;
static struct config config;
static struct libvirt_options options;
static struct libvirt_backend *backend;

/* A sentence about the backend that has these words. */
static bool has_trouble(const char *words)
{
    char text[512];
    for (size_t i = 0; libvirt_backend_trouble(backend, i, text, sizeof text); i++) {
        if (strstr(text, words) != NULL) {
            return true;
        }
    }
    return false;
}
static uv_timer_t tick;

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void start_with(const char *uri)
{
    const struct libvirt_backend_clock clock = { .now_ms = read_now, .wall_ms = read_wall };
    config.libvirt_uri_count = 1;
    snprintf(config.libvirt_uris[0], sizeof config.libvirt_uris[0], "%s", uri);
    backend = libvirt_backend_start(&loop, NULL, &config, &clock, &options);
    assert_non_null(backend);
}

static void start(void)
{
    start_with("qemu:///system");
}

static int set_up(void **state)
{
    (void)state;
    fake_libvirt_reset();
    recorded_reset();
    now_ms = START_MS;
    process = (struct host_process){ 0 };
    config = (struct config){ .period_ms = 2000 };
    libvirt_options_default(&options);
    options.symbols = fake_libvirt_symbols();
    options.root = "/nonexistent";
    options.retry_first_ms = 10;
    options.retry_max_ms = 40;
    options.stop_ms = 500;
    assert_int_equal(uv_loop_init(&loop), 0);
    /* So that uv_run() comes back when nothing happens. */
    uv_timer_init(&loop, &tick);
    uv_timer_start(&tick, on_tick, 5, 5);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_libvirt_hang(FAKE_LIBVIRT_ALL, false);
    libvirt_backend_stop(backend);
    backend = NULL;
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    /* Nothing of libvirt's is left behind, by threads that end later either. */
    for (int i = 0; i < WAIT_MS && fake_libvirt_open() > 0; i++) {
        uv_sleep(1);
    }
    assert_int_equal(fake_libvirt_open(), 0);
    return 0;
}

/* Runs the loop until the condition holds; in the end it must. */
#define RUN_UNTIL(condition)                                                                       \
    do {                                                                                           \
        uint64_t until = uv_hrtime() + (uint64_t)WAIT_MS * 1000000U;                               \
        while (!(condition) && uv_hrtime() < until) {                                              \
            uv_run(&loop, UV_RUN_ONCE);                                                            \
        }                                                                                          \
        assert_true(condition);                                                                    \
    } while (0)

static const struct facts *facts_of(const char *name)
{
    return &recorded_get(name)->machine.facts;
}

/* Polls, and waits until this machine was told again. */
static void poll_and_wait(const char *name)
{
    unsigned told = recorded_get(name)->told;
    libvirt_backend_poll(backend, now_ms);
    RUN_UNTIL(recorded_get(name)->told > told);
}

static void find(const char *name)
{
    RUN_UNTIL(recorded_get(name)->told > 0);
}

/* ---- finding and reading ---- */

static void running_domains_are_found_and_told(void **state)
{
    (void)state;
    fake_libvirt_add("one", 512 * KIB);
    unsigned two = fake_libvirt_add("two", 1024 * KIB);
    fake_libvirt_add("three", 256 * KIB);
    fake_libvirt_stop(fake_libvirt_add("off", 256 * KIB), 0, false);
    fake_libvirt_resize(two, 768 * KIB, false);
    start();
    find("one");
    find("two");
    find("three");
    assert_int_equal(recorded_get("off")->found, 0);
    assert_string_equal(recorded_get("one")->machine.where, "qemu:///system");
    assert_string_equal(recorded_get("one")->machine.backend->name, "libvirt");
    const struct facts *facts = facts_of("two");
    assert_int_equal(facts->kind, FACTS_MACHINE);
    assert_int_equal(facts->state, FACTS_RUNNING);
    assert_true(facts->device);
    assert_int_equal(facts->driver, POLICY_DRIVER_UNKNOWN);
    assert_true(facts->offered_known);
    assert_int_equal(facts->ram_bytes, 1024 * MIB);
    assert_int_equal(facts->actual_bytes, 768 * MIB);
    assert_int_equal(facts->pid, 0);
    assert_string_equal(facts->trouble, "");
    assert_false(has_trouble(""));
}

static void names_with_odd_characters_become_valid_ones_and_nobody_elses(void **state)
{
    (void)state;
    fake_libvirt_add("a b", 512 * KIB);
    fake_libvirt_add("a_b", 512 * KIB);
    fake_libvirt_add("a&b", 512 * KIB);
    fake_libvirt_add("-a b&c", 512 * KIB);
    start();
    find("a_b.00000063"); /* a part of its UUID */
    find("a_b");
    find("a_b.00000061");
    find("xa_b_c.00000060");
    assert_string_equal(facts_of("a_b")->formerly, "");
    assert_string_equal(facts_of("a_b.00000061")->formerly, "a_b");
    assert_string_equal(facts_of("a_b")->uuid, "00000062-0000-4000-8000-000000000000");
}

static void a_statistic_that_is_zero_is_zero_and_one_that_is_absent_is_missing(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    fake_libvirt_stat(one, "balloon.last-update", WALL_S - 1);
    fake_libvirt_stat(one, "balloon.usable", 0);
    fake_libvirt_stat(one, "balloon.unused", 3);
    start();
    find("one");
    assert_int_equal(facts_of("one")->available_bytes, 0);
    assert_int_equal(facts_of("one")->free_bytes, 3 * KIB);
    assert_true(facts_of("one")->total_bytes == POLICY_MISSING);
    assert_true(facts_of("one")->swap_in_bytes == POLICY_MISSING);
    assert_true(facts_of("one")->oom_kills == POLICY_MISSING);
    assert_int_equal(facts_of("one")->stats_ms, START_MS - 1000);
}

static void a_guest_that_never_told_statistics_has_none(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    fake_libvirt_stat(one, "balloon.last-update", 0);
    start();
    find("one");
    assert_int_equal(facts_of("one")->stats_ms, 0);
    assert_true(facts_of("one")->available_bytes == POLICY_MISSING);
    fake_libvirt_stat(one, "balloon.last-update", WALL_S + 3);
    fake_libvirt_stat(one, "balloon.usable", 7);
    now_ms += 4000;
    poll_and_wait("one");
    assert_int_equal(facts_of("one")->stats_ms, now_ms - 1000); /* as its stamp says */
    assert_int_equal(facts_of("one")->available_bytes, 7 * KIB);
}

static void statistics_age_while_their_stamp_stands_still(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    fake_libvirt_stat(one, "balloon.last-update", WALL_S);
    fake_libvirt_stat(one, "balloon.usable", 100);
    start();
    find("one");
    int64_t first_ms = facts_of("one")->stats_ms;
    assert_int_equal(first_ms, START_MS);
    fake_libvirt_stat(one, "balloon.usable", 200);
    now_ms += 2000;
    poll_and_wait("one");
    assert_int_equal(facts_of("one")->stats_ms, first_ms);
    assert_int_equal(facts_of("one")->available_bytes, 100 * KIB);
    fake_libvirt_no_stats(one); /* as told of a domain that is busy */
    now_ms += 2000;
    poll_and_wait("one");
    assert_int_equal(facts_of("one")->stats_ms, first_ms);
    assert_int_equal(facts_of("one")->available_bytes, 100 * KIB);
}

static void statistics_from_another_host_have_no_age_until_they_move(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    fake_libvirt_stat(one, "balloon.last-update", WALL_S);
    fake_libvirt_stat(one, "balloon.usable", 100);
    start_with("qemu+ssh://other/system");
    find("one");
    assert_int_equal(facts_of("one")->stats_ms, 0);
    fake_libvirt_stat(one, "balloon.last-update", 5); /* a clock of its own */
    now_ms += 2000;
    poll_and_wait("one");
    assert_int_equal(facts_of("one")->stats_ms, now_ms - 2000); /* no older than the look before */
}

static void a_stamp_from_the_future_proves_no_age(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    fake_libvirt_stat(one, "balloon.last-update", WALL_S + 3600);
    start();
    find("one");
    assert_int_equal(facts_of("one")->stats_ms, 0);
}

static void guests_are_asked_for_statistics_each_period(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    start();
    RUN_UNTIL(fake_libvirt_period(one) == 2);
}

static void a_domain_without_device_is_told_so(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    fake_libvirt_xml(one, NULL, false);
    start();
    find("one");
    assert_false(facts_of("one")->device);
}

static void what_keeps_memory_is_read_from_the_description(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    fake_libvirt_xml(one, "<memoryBacking><locked/><hugepages/></memoryBacking>", true);
    start();
    find("one");
    assert_true(facts_of("one")->locked);
    assert_true(facts_of("one")->huge_pages);
}

static void a_description_that_cannot_be_read_is_trouble(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    fake_libvirt_xml(one, "<broken", true);
    start();
    find("one");
    assert_false(facts_of("one")->device);
    assert_non_null(strstr(facts_of("one")->trouble, "XML"));
    fake_libvirt_xml(one, NULL, true);
    poll_and_wait("one");
    assert_true(facts_of("one")->device);
    assert_string_equal(facts_of("one")->trouble, "");
}

static void containers_are_shown_and_not_steered(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("box", 512 * KIB);
    fake_libvirt_xml(one, "<os><type>exe</type></os>", false);
    fake_libvirt_without_stats();
    start_with("lxc:///");
    find("box");
    assert_int_equal(facts_of("box")->kind, FACTS_CONTAINER);
    assert_int_equal(facts_of("box")->ram_bytes, 512 * MIB);
    assert_int_equal(facts_of("box")->actual_bytes, 512 * MIB);
    const struct fleet_machine *machine = &recorded_get("box")->machine;
    assert_false(machine->backend->set_target(machine->handle, 256 * MIB));
}

static void resident_memory_of_a_process_elsewhere_is_at_most_the_ram(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    fake_libvirt_stat(one, "balloon.rss", 600 * KIB);
    start();
    find("one");
    assert_int_equal(facts_of("one")->resident_bytes, 512 * MIB);
    assert_true(facts_of("one")->overhead_bytes == POLICY_MISSING);
}

static void a_process_on_this_host_tells_ram_and_the_rest(void **state)
{
    (void)state;
    char root[] = "/tmp/ballast-libvirt-XXXXXX";
    assert_non_null(mkdtemp(root));
    char command[256];
    snprintf(command, sizeof command,
             "mkdir -p %s/run/libvirt/qemu && echo 4711 > %s/run/libvirt/qemu/one.pid", root, root);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a fixed text */
    process =
        (struct host_process){ .resident_bytes = 400 * MIB, .ram_bytes = 300 * MIB, .vfio = true };
    fake_libvirt_add("one", 512 * KIB);
    options.root = root;
    start();
    find("one");
    assert_int_equal(facts_of("one")->pid, 4711);
    assert_int_equal(facts_of("one")->resident_bytes, 300 * MIB);
    assert_int_equal(facts_of("one")->overhead_bytes, 100 * MIB);
    assert_true(facts_of("one")->pinned);
    process.resident_bytes = 250 * MIB; /* the mappings are not walked each time */
    poll_and_wait("one");
    assert_int_equal(facts_of("one")->resident_bytes, 150 * MIB);
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
}

static void a_machine_the_fleet_refuses_is_trouble_and_asked_for_again(void **state)
{
    (void)state;
    fake_libvirt_add("one", 512 * KIB);
    fake_libvirt_add("two", 512 * KIB);
    recorded_refusal = "one";
    start();
    find("two");
    assert_true(has_trouble("machine one was not taken"));
    recorded_refusal = NULL;
    poll_and_wait("one");
    assert_false(has_trouble(""));
}

/* ---- coming, going and events ---- */

static void a_domain_that_starts_is_found_at_once(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    fake_libvirt_add("two", 512 * KIB);
    fake_libvirt_stop(one, 0, false);
    start();
    find("two");
    fake_libvirt_start(one, true);
    find("one");
}

static void a_domain_that_stops_is_gone_at_once_with_the_reason(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    fake_libvirt_stop(one, VIR_DOMAIN_EVENT_STOPPED_CRASHED, true);
    RUN_UNTIL(!recorded_get("one")->there);
    assert_string_equal(recorded_get("one")->why, "it crashed");
}

static void a_stop_without_event_is_noticed_by_reading(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    fake_libvirt_add("two", 512 * KIB);
    start();
    find("one");
    fake_libvirt_stop(one, 0, false);
    poll_and_wait("two");
    RUN_UNTIL(!recorded_get("one")->there);
}

static void a_restart_without_events_is_a_new_machine(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    fake_libvirt_start(one, false);
    poll_and_wait("one");
    assert_int_equal(recorded_get("one")->gone, 1);
    assert_int_equal(recorded_get("one")->found, 2);
}

static void stop_one_meanwhile(void)
{
    fake_libvirt_stop(0, VIR_DOMAIN_EVENT_STOPPED_DESTROYED, true);
}

static void a_reading_begun_before_a_stop_does_not_bring_the_domain_back(void **state)
{
    (void)state;
    fake_libvirt_add("one", 512 * KIB);
    fake_libvirt_add("two", 512 * KIB);
    start();
    find("one");
    fake_libvirt_meanwhile(stop_one_meanwhile);
    poll_and_wait("two");
    poll_and_wait("two");
    assert_false(recorded_get("one")->there);
    assert_int_equal(recorded_get("one")->found, 1);
}

static void grow_one_meanwhile(void)
{
    fake_libvirt_resize(0, 400 * KIB, true);
}

static void a_reading_begun_before_a_size_event_does_not_undo_it(void **state)
{
    (void)state;
    fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    fake_libvirt_meanwhile(grow_one_meanwhile);
    unsigned told = recorded_get("one")->told;
    libvirt_backend_poll(backend, now_ms);
    RUN_UNTIL(recorded_get("one")->told >= told + 2);
    assert_int_equal(facts_of("one")->actual_bytes, 400 * MIB);
}

static void somebody_elses_setmem_is_seen_as_a_change_of_size(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    fake_libvirt_resize(one, 300 * KIB, true);
    RUN_UNTIL(facts_of("one")->actual_bytes == 300 * MIB);
    assert_int_equal(recorded_get("one")->done, 0);
    fake_libvirt_resize(one, 350 * KIB, false); /* its event was lost */
    poll_and_wait("one");
    assert_int_equal(facts_of("one")->actual_bytes, 350 * MIB);
}

static void reboots_are_counted(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    fake_libvirt_reboot(one);
    RUN_UNTIL(facts_of("one")->resets == 1);
    fake_libvirt_reboot(one);
    RUN_UNTIL(facts_of("one")->resets == 2);
    poll_and_wait("one");
    assert_int_equal(facts_of("one")->resets, 2);
}

static void states_follow_events_and_readings(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    fake_libvirt_lifecycle(one, VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED);
    RUN_UNTIL(facts_of("one")->state == FACTS_PAUSED);
    fake_libvirt_lifecycle(one, VIR_DOMAIN_EVENT_RESUMED, 0);
    RUN_UNTIL(facts_of("one")->state == FACTS_RUNNING);
    fake_libvirt_lifecycle(one, VIR_DOMAIN_EVENT_CRASHED, 0);
    RUN_UNTIL(facts_of("one")->state == FACTS_PANICKED);
    fake_libvirt_state(one, VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_MIGRATION);
    poll_and_wait("one");
    assert_int_equal(facts_of("one")->state, FACTS_MIGRATING);
}

static void a_device_that_was_unplugged_is_gone_until_the_next_start(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    fake_libvirt_unplug(one, "virtio-disk3");
    poll_and_wait("one");
    assert_true(facts_of("one")->device);
    fake_libvirt_unplug(one, "balloon0");
    RUN_UNTIL(!facts_of("one")->device);
    poll_and_wait("one");
    assert_false(facts_of("one")->device);
    fake_libvirt_start(one, true);
    RUN_UNTIL(recorded_get("one")->found == 2 && facts_of("one")->device);
}

/* ---- targets and the device ---- */

static bool send_target(const char *name, uint64_t bytes)
{
    const struct fleet_machine *machine = &recorded_get(name)->machine;
    return machine->backend->set_target(machine->handle, bytes);
}

static bool switch_device(const char *name, bool present)
{
    const struct fleet_machine *machine = &recorded_get(name)->machine;
    return machine->backend->set_device(machine->handle, present);
}

static void a_target_is_set_and_its_outcome_told(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    assert_true(send_target("one", 300 * MIB + 1));
    RUN_UNTIL(recorded_get("one")->done == 1);
    assert_int_equal(fake_libvirt_memory(one), 300 * KIB + 1); /* never less than asked */
    assert_true(recorded_get("one")->done_bytes == 300 * MIB + 1);
    assert_string_equal(recorded_get("one")->done_error, "");
}

/* libvirt's size is up to a second older than what the guest tells, and the guest's sample up to a
 * period older than the size. */
static void statistics_belong_to_the_largest_size_that_the_guest_may_have_had(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    fake_libvirt_stat(one, "balloon.last-update", 1000);
    fake_libvirt_stat(one, "balloon.usable", 400 * KIB);
    start();
    find("one");
    fake_libvirt_resize(one, 300 * KIB, false);
    fake_libvirt_stat(one, "balloon.last-update", 1001);
    poll_and_wait("one");
    assert_int_equal(facts_of("one")->actual_bytes, 300 * MIB);
    assert_int_equal(facts_of("one")->stats_actual_bytes, 512 * MIB);

    fake_libvirt_stat(one, "balloon.last-update", 1002);
    poll_and_wait("one");
    assert_int_equal(facts_of("one")->stats_actual_bytes, 300 * MIB);

    assert_true(send_target("one", 400 * MIB));
    RUN_UNTIL(recorded_get("one")->done == 1);
    fake_libvirt_resize(one, 310 * KIB, false); /* what libvirt knows of the way to 400 MiB */
    fake_libvirt_stat(one, "balloon.last-update", 1003);
    poll_and_wait("one");
    assert_int_equal(facts_of("one")->stats_actual_bytes, 400 * MIB);
}

static void a_refused_target_is_told_with_libvirts_words(void **state)
{
    (void)state;
    fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    fake_libvirt_refuse();
    assert_true(send_target("one", 300 * MIB));
    RUN_UNTIL(recorded_get("one")->done == 1);
    assert_non_null(strstr(recorded_get("one")->done_error, "the domain does not want to"));
}

static void a_busy_domain_holds_up_nobody_else(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    unsigned two = fake_libvirt_add("two", 512 * KIB);
    start();
    find("one");
    RUN_UNTIL(fake_libvirt_period(one) != 0 && fake_libvirt_period(two) != 0);
    fake_libvirt_hang(one, true);
    assert_true(send_target("one", 300 * MIB));
    uv_sleep(20); /* it is under way */
    assert_true(send_target("one", 301 * MIB));
    assert_true(send_target("two", 302 * MIB));
    RUN_UNTIL(recorded_get("two")->done == 1);
    assert_int_equal(recorded_get("one")->done, 0);
    poll_and_wait("one"); /* readings go on */
    fake_libvirt_hang(one, false);
    RUN_UNTIL(recorded_get("one")->done == 2);
    assert_int_equal(fake_libvirt_memory(one), 301 * KIB); /* in order */
}

/* While libvirt hangs the fleet gives targets up and sends others: carried out one after the other
 * they would move the guest to and fro when it comes back. */
static void a_target_takes_the_place_of_one_that_still_waits(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    RUN_UNTIL(fake_libvirt_period(one) != 0);
    fake_libvirt_hang(one, true);
    assert_true(send_target("one", 300 * MIB));
    uv_sleep(20); /* it is under way */
    for (unsigned i = 1; i <= 50; i++) {
        assert_true(send_target("one", (300 + i) * MIB));
    }
    fake_libvirt_hang(one, false);
    RUN_UNTIL(recorded_get("one")->done_bytes == 350 * MIB);
    assert_int_equal(recorded_get("one")->done, 2);
    assert_int_equal(fake_libvirt_memory(one), 350 * KIB);
}

static void a_target_that_waited_is_not_given_to_the_next_process(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    RUN_UNTIL(fake_libvirt_period(one) != 0);
    fake_libvirt_hang(one, true);
    assert_true(send_target("one", 300 * MIB));
    uv_sleep(20); /* it is under way, the next one waits */
    assert_true(send_target("one", 200 * MIB));
    fake_libvirt_start(one, true);
    RUN_UNTIL(recorded_get("one")->found == 2);
    fake_libvirt_hang(one, false);
    RUN_UNTIL(fake_libvirt_memory(one) == 300 * KIB);
    for (int i = 0; i < 3; i++) {
        poll_and_wait("one");
        uv_sleep(20);
    }
    assert_int_equal(fake_libvirt_memory(one), 300 * KIB);
    assert_int_equal(recorded_get("one")->done, 0);
}

static void an_outcome_for_a_machine_that_was_restarted_is_not_told(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    RUN_UNTIL(fake_libvirt_period(one) != 0);
    fake_libvirt_hang(one, true);
    assert_true(send_target("one", 300 * MIB));
    uv_sleep(20);
    fake_libvirt_start(one, true);
    RUN_UNTIL(recorded_get("one")->found == 2);
    fake_libvirt_hang(one, false);
    poll_and_wait("one");
    RUN_UNTIL(fake_libvirt_memory(one) == 300 * KIB);
    poll_and_wait("one");
    assert_int_equal(recorded_get("one")->done, 0);
}

static void the_device_is_taken_out_of_the_definition_and_put_back(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    assert_true(switch_device("one", false));
    RUN_UNTIL(fake_libvirt_defined(one) != NULL);
    assert_non_null(strstr(fake_libvirt_defined(one), "<memballoon model=\"none\""));
    assert_true(switch_device("one", true));
    RUN_UNTIL(strstr(fake_libvirt_defined(one), "<memballoon model=\"virtio\"") != NULL);
    assert_non_null(strstr(fake_libvirt_defined(one), "autodeflate=\"on\""));
}

static void a_definition_that_is_refused_is_trouble(void **state)
{
    (void)state;
    fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    fake_libvirt_refuse();
    assert_true(switch_device("one", false));
    RUN_UNTIL(strstr(facts_of("one")->trouble, "refused the changed definition") != NULL);
}

static void the_switch_of_a_transient_domain_cannot_be_kept(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    fake_libvirt_transient(one);
    start();
    find("one");
    assert_false(switch_device("one", false));
    poll_and_wait("one");
    assert_non_null(strstr(facts_of("one")->trouble, "transient"));
}

static void a_switch_that_finds_no_connection_is_kept_until_there_is_one(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    fake_libvirt_lose();
    RUN_UNTIL(facts_of("one")->trouble[0] != '\0');
    assert_true(switch_device("one", false));
    assert_null(fake_libvirt_defined(one));
    fake_libvirt_return();
    RUN_UNTIL(fake_libvirt_defined(one) != NULL);
    assert_non_null(strstr(fake_libvirt_defined(one), "<memballoon model=\"none\""));
    RUN_UNTIL(facts_of("one")->trouble[0] == '\0');
}

/* ---- when libvirt fails ---- */

static void a_missing_library_is_a_clear_sentence(void **state)
{
    (void)state;
    options.symbols = NULL;
    options.library = "libvirt-that-is-not-there.so.0";
    start();
    libvirt_backend_poll(backend, now_ms);
    assert_true(has_trouble("libvirt is not installed"));
    assert_true(has_trouble("qemu:///system"));
}

static void machines_stay_while_the_connection_is_lost_and_go_on_when_it_is_back(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    unsigned two = fake_libvirt_add("two", 512 * KIB);
    start();
    find("one");
    find("two");
    fake_libvirt_lose();
    RUN_UNTIL(facts_of("one")->trouble[0] != '\0');
    assert_true(recorded_get("one")->there);
    assert_int_equal(facts_of("one")->state, FACTS_UNREACHABLE);
    assert_true(facts_of("one")->actual_bytes == POLICY_MISSING);
    assert_int_equal(facts_of("one")->ram_bytes, 512 * MIB);
    assert_false(send_target("one", 300 * MIB));
    assert_true(has_trouble(""));
    fake_libvirt_stop(two, 0, false);
    fake_libvirt_resize(one, 200 * KIB, false);
    unsigned opened = fake_libvirt_opened();
    RUN_UNTIL(fake_libvirt_opened() > opened + 1);
    fake_libvirt_return();
    RUN_UNTIL(facts_of("one")->trouble[0] == '\0');
    RUN_UNTIL(!recorded_get("two")->there);
    assert_int_equal(facts_of("one")->actual_bytes, 200 * MIB);
    assert_int_equal(recorded_get("one")->found, 1);
    assert_true(send_target("one", 300 * MIB));
    RUN_UNTIL(recorded_get("one")->done == 1);
    assert_string_equal(recorded_get("one")->done_error, "");
}

static void a_target_under_way_when_the_connection_breaks_has_failed(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    RUN_UNTIL(fake_libvirt_period(one) != 0);
    fake_libvirt_hang(one, true);
    assert_true(send_target("one", 300 * MIB));
    uv_sleep(20);
    fake_libvirt_lose();
    RUN_UNTIL(recorded_get("one")->done == 1);
    assert_string_not_equal(recorded_get("one")->done_error, "");
    fake_libvirt_hang(one, false);
}

static void connecting_is_tried_less_and_less_often(void **state)
{
    (void)state;
    fake_libvirt_lose();
    start();
    for (unsigned i = 0; i < 50; i++) {
        uv_sleep(10);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_in_range(fake_libvirt_opened(), 5, 25); /* 10, 20, 40, 40 ... in 500 ms */
    assert_true(has_trouble("no such socket"));
}

static void a_libvirt_that_does_not_answer_is_trouble_and_stops_nobody(void **state)
{
    (void)state;
    fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    fake_libvirt_hang(FAKE_LIBVIRT_ALL, true);
    for (unsigned i = 0; i < 4; i++) {
        now_ms += 2000;
        libvirt_backend_poll(backend, now_ms);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_string_equal(facts_of("one")->trouble, "libvirt does not answer");
    assert_int_equal(facts_of("one")->state, FACTS_UNREACHABLE);
    assert_int_equal(facts_of("one")->stats_ms, 0);
    assert_true(recorded_get("one")->there);
    unsigned told = recorded_get("one")->told;
    fake_libvirt_hang(FAKE_LIBVIRT_ALL, false);
    RUN_UNTIL(recorded_get("one")->told > told);
    assert_string_equal(facts_of("one")->trouble, "");
    assert_int_equal(facts_of("one")->state, FACTS_RUNNING);
    assert_int_equal(facts_of("one")->actual_bytes, 512 * MIB);
}

static void a_libvirt_that_hangs_from_the_start_is_trouble(void **state)
{
    (void)state;
    fake_libvirt_hang(FAKE_LIBVIRT_ALL, true);
    start();
    now_ms += 6000;
    libvirt_backend_poll(backend, now_ms);
    assert_true(has_trouble("does not answer"));
}

static void stopping_does_not_wait_for_a_libvirt_that_hangs(void **state)
{
    (void)state;
    fake_libvirt_add("one", 512 * KIB);
    options.stop_ms = 100;
    start();
    find("one");
    fake_libvirt_hang(FAKE_LIBVIRT_ALL, true);
    libvirt_backend_poll(backend, now_ms);
    uv_sleep(20);
    uint64_t before_ms = uv_hrtime() / 1000000U;
    libvirt_backend_stop(backend);
    backend = NULL;
    assert_in_range(uv_hrtime() / 1000000U - before_ms, 90, 2000);
    assert_false(recorded_get("one")->there);
}

static void a_target_sent_just_before_the_end_is_carried_out(void **state)
{
    (void)state;
    unsigned one = fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    assert_true(send_target("one", 300 * MIB));
    libvirt_backend_stop(backend);
    backend = NULL;
    assert_int_equal(fake_libvirt_memory(one), 300 * KIB);
}

static void a_uri_that_is_not_configured_any_more_loses_its_machines(void **state)
{
    (void)state;
    fake_libvirt_add("one", 512 * KIB);
    start();
    find("one");
    config.libvirt_uri_count = 0;
    libvirt_backend_configure(backend, &config);
    assert_false(recorded_get("one")->there);
    assert_non_null(strstr(recorded_get("one")->why, "not configured"));
    config.libvirt_uri_count = 1;
    libvirt_backend_configure(backend, &config);
    RUN_UNTIL(recorded_get("one")->found == 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(running_domains_are_found_and_told),
        CASE(names_with_odd_characters_become_valid_ones_and_nobody_elses),
        CASE(a_statistic_that_is_zero_is_zero_and_one_that_is_absent_is_missing),
        CASE(a_guest_that_never_told_statistics_has_none),
        CASE(statistics_age_while_their_stamp_stands_still),
        CASE(statistics_belong_to_the_largest_size_that_the_guest_may_have_had),
        CASE(statistics_from_another_host_have_no_age_until_they_move),
        CASE(a_stamp_from_the_future_proves_no_age),
        CASE(guests_are_asked_for_statistics_each_period),
        CASE(a_domain_without_device_is_told_so),
        CASE(what_keeps_memory_is_read_from_the_description),
        CASE(a_description_that_cannot_be_read_is_trouble),
        CASE(containers_are_shown_and_not_steered),
        CASE(resident_memory_of_a_process_elsewhere_is_at_most_the_ram),
        CASE(a_process_on_this_host_tells_ram_and_the_rest),
        CASE(a_machine_the_fleet_refuses_is_trouble_and_asked_for_again),
        CASE(a_domain_that_starts_is_found_at_once),
        CASE(a_domain_that_stops_is_gone_at_once_with_the_reason),
        CASE(a_stop_without_event_is_noticed_by_reading),
        CASE(a_restart_without_events_is_a_new_machine),
        CASE(a_reading_begun_before_a_stop_does_not_bring_the_domain_back),
        CASE(a_reading_begun_before_a_size_event_does_not_undo_it),
        CASE(somebody_elses_setmem_is_seen_as_a_change_of_size),
        CASE(reboots_are_counted),
        CASE(states_follow_events_and_readings),
        CASE(a_device_that_was_unplugged_is_gone_until_the_next_start),
        CASE(a_target_is_set_and_its_outcome_told),
        CASE(a_refused_target_is_told_with_libvirts_words),
        CASE(a_busy_domain_holds_up_nobody_else),
        CASE(a_target_takes_the_place_of_one_that_still_waits),
        CASE(a_target_that_waited_is_not_given_to_the_next_process),
        CASE(an_outcome_for_a_machine_that_was_restarted_is_not_told),
        CASE(the_device_is_taken_out_of_the_definition_and_put_back),
        CASE(a_definition_that_is_refused_is_trouble),
        CASE(a_switch_that_finds_no_connection_is_kept_until_there_is_one),
        CASE(the_switch_of_a_transient_domain_cannot_be_kept),
        CASE(a_missing_library_is_a_clear_sentence),
        CASE(machines_stay_while_the_connection_is_lost_and_go_on_when_it_is_back),
        CASE(a_target_under_way_when_the_connection_breaks_has_failed),
        CASE(connecting_is_tried_less_and_less_often),
        CASE(a_libvirt_that_does_not_answer_is_trouble_and_stops_nobody),
        CASE(a_libvirt_that_hangs_from_the_start_is_trouble),
        CASE(stopping_does_not_wait_for_a_libvirt_that_hangs),
        CASE(a_target_sent_just_before_the_end_is_carried_out),
        CASE(a_uri_that_is_not_configured_any_more_loses_its_machines),
    };
    return cmocka_run_group_tests_name("tools/ballast/backend/libvirt_backend.c", tests, NULL,
                                       NULL);
}
