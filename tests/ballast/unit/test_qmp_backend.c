/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The QMP backend on a real loop and real sockets, with machines that the test plays and a fleet
 * that writes down what it is told. The clock is the test's.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/ballast/fakes/fake_fleet.h"
#include "tests/ballast/fakes/fake_machine.h"
#include "tests/ballast/fakes/fake_root.h"
#include "tools/ballast/backend/qmp_backend.h"

#define MIB       ((uint64_t)1 << 20)
#define PERIOD_MS 1000
#define WALL_MS   INT64_C(1795265824000)

struct rig {
    char root[FAKE_ROOT_MAX]; /* with the folder "run" for the sockets */
    char path[CONFIG_PATH_MAX];
    uv_loop_t loop;
    struct fleet fleet;
    struct config config;
    struct config_machine listed[2];
    struct qmp_backend *backend;
    struct fake_machine machine;
    bool running; /* `machine` was started */
    bool blocked; /* walks over its process do not end */
    int64_t now_ms;
    int64_t start_ms;
};

static int64_t rig_now(void *context)
{
    return ((const struct rig *)context)->now_ms;
}

static int64_t rig_wall(void *context)
{
    const struct rig *rig = context;

    return WALL_MS + rig->now_ms - rig->start_ms;
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    char folder[CONFIG_PATH_MAX];

    if (rig == NULL || uv_loop_init(&rig->loop) != 0) {
        return -1;
    }
    fake_root_make(rig->root);
    snprintf(folder, sizeof(folder), "%s/run", rig->root);
    snprintf(rig->path, sizeof(rig->path), "%s/run/a.qmp", rig->root);
    (void)mkdir(folder, 0755);
    rig->start_ms = 5000000;
    rig->now_ms = rig->start_ms;
    rig->config.period_ms = PERIOD_MS;
    rig->config.qmp_timeout_ms = 3000;
    rig->config.machines = rig->listed;
    snprintf(rig->config.qmp_folder, sizeof(rig->config.qmp_folder), "%s", folder);
    *state = rig;
    return 0;
}

static void start(struct rig *rig)
{
    const struct qmp_backend_clock clock = { rig_now, rig_wall, rig };

    rig->backend = qmp_backend_start(&rig->loop, &rig->fleet, &rig->config, &clock);
    qmp_backend_set_root(rig->backend, rig->root);
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    if (rig->backend != NULL) {
        qmp_backend_stop(rig->backend);
    }
    if (rig->running) {
        fake_machine_end(&rig->machine);
    }
    while (uv_run(&rig->loop, UV_RUN_NOWAIT) != 0) {
    }
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    fake_root_remove(rig->root, "");
    free(rig);
    return 0;
}

/* A sentence about the backend that has these words. */
static bool has_trouble(const struct rig *rig, const char *words)
{
    char text[512];

    for (size_t i = 0; qmp_backend_trouble(rig->backend, i, text, sizeof(text)); i++) {
        if (strstr(text, words) != NULL) {
            return true;
        }
    }
    return false;
}

static bool walks(const struct rig *rig)
{
    return rig->backend != NULL && qmp_backend_walks(rig->backend) > 0;
}

/* Both sides work until nothing moves any more: what a period leaves time for. */
static void settle(struct rig *rig)
{
    const struct timespec pause = { .tv_nsec = 200000 };

    for (unsigned i = 0; i < 30 || (!rig->blocked && i < 20000 && walks(rig)); i++) {
        (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
        if (rig->running) {
            fake_machine_work(&rig->machine);
        }
        if (i % 10 == 9) {
            nanosleep(&pause, NULL); /* inotify has a thread of the kernel behind it */
        }
    }
}

/* Lets a period pass. */
static void period(struct rig *rig)
{
    rig->now_ms += PERIOD_MS;
    qmp_backend_poll(rig->backend, rig->now_ms);
    settle(rig);
}

/* A machine is there, and is known. */
static struct fleet_machine *begin(struct rig *rig)
{
    if (!rig->running) {
        fake_machine_start(&rig->machine, rig->path);
        rig->running = true;
    }
    start(rig);
    settle(rig);
    return fleet_find(&rig->fleet, "a");
}

/* ---- found ---- */

static void a_socket_in_the_folder_is_a_machine(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine = begin(rig);
    const struct facts *facts = &machine->facts;

    assert_non_null(machine);
    assert_string_equal(machine->where, rig->path);
    assert_string_equal(machine->backend->name, "qmp");
    assert_int_equal(facts->kind, FACTS_MACHINE);
    assert_int_equal(facts->state, FACTS_RUNNING);
    assert_int_equal(facts->ram_bytes, 512 * MIB);
    assert_int_equal(facts->actual_bytes, 512 * MIB);
    assert_true(facts->device);
    assert_true(facts->removable);
    assert_true(facts->offered_known);
    assert_int_equal(facts->offered, FACTS_REPORTING | FACTS_STATISTICS);
    assert_int_equal(facts->stats_ms, 0);
    assert_int_equal(rig->machine.polling_s, 1);
    assert_string_equal(facts->trouble, "");
    assert_int_equal(rig->fleet.told, 1); /* once, when all is known */
    assert_int_equal(machine->seen_ms, rig->now_ms);
}

static void a_socket_that_appears_later_is_found_too(void **state)
{
    struct rig *rig = *state;

    start(rig);
    settle(rig);
    assert_null(fleet_find(&rig->fleet, "a"));
    fake_machine_start(&rig->machine, rig->path);
    rig->running = true;
    period(rig);
    period(rig);
    assert_non_null(fleet_find(&rig->fleet, "a"));
}

static void a_listed_socket_is_a_machine_and_no_second_one(void **state)
{
    struct rig *rig = *state;

    rig->listed[0] = (struct config_machine){ .name = "db", .given = CONFIG_GIVEN_SOCKET };
    snprintf(rig->listed[0].socket, sizeof(rig->listed[0].socket), "%s", rig->path);
    rig->config.machine_count = 1;
    (void)begin(rig);
    period(rig);
    assert_non_null(fleet_find(&rig->fleet, "db"));
    assert_null(fleet_find(&rig->fleet, "a"));
    assert_int_equal(rig->machine.clients, 1);
}

static void other_files_are_no_machines(void **state)
{
    struct rig *rig = *state;

    fake_root_text(rig->root, "/run/file.qmp", "");
    fake_root_text(rig->root, "/run/.qmp", "");
    fake_root_link(rig->root, "/run/broken.qmp", "nowhere");
    (void)begin(rig);
    period(rig);
    assert_int_equal(rig->fleet.gone, 0);
    for (size_t i = 1; i < FAKE_FLEET_MAX; i++) {
        assert_string_equal(rig->fleet.machines[i].name, "");
    }
    assert_false(has_trouble(rig, ""));
}

static void each_socket_that_cannot_be_a_machine_is_named(void **state)
{
    static const char *const names[] = {
        "a b.qmp",
        ".hidden.qmp",
        ".qmp",
        "-x.qmp",
        "caf\xc3\xa9.qmp",
        "a-name-that-is-by-far-too-long-for-a-machine-that-has-to-be-typed-once-in-a-while.qmp",
    };
    struct rig *rig = *state;
    struct fake_machine machines[6];
    char path[512]; /* longer than an address */
    char text[512];

    for (size_t i = 0; i < 6; i++) {
        const char *name = names[i];

        snprintf(path, sizeof(path), "%s/run/x%zu", rig->root, i);
        fake_machine_start(&machines[i], path);
        snprintf(path, sizeof(path), "%s/run/%s", rig->root, name);
        assert_int_equal(rename(machines[i].path, path), 0);
    }
    (void)begin(rig);
    period(rig);
    for (size_t i = 0; i < 6; i++) {
        snprintf(text, sizeof(text), "the socket %s is no machine", names[i]);
        assert_true(has_trouble(rig, text));
        snprintf(path, sizeof(path), "%s/run/%s", rig->root, names[i]);
        unlink(path);
        fake_machine_end(&machines[i]);
        assert_int_equal(machines[i].clients, 0);
    }
    assert_false(qmp_backend_trouble(rig->backend, 6, text, sizeof(text)));
    period(rig);
    assert_false(has_trouble(rig, ""));
    assert_non_null(fleet_find(&rig->fleet, "a"));
}

static void a_folder_that_is_missing_is_told(void **state)
{
    struct rig *rig = *state;

    snprintf(rig->config.qmp_folder, sizeof(rig->config.qmp_folder), "%s/nowhere", rig->root);
    start(rig);
    period(rig);
    assert_true(has_trouble(rig, "nowhere"));
    assert_int_equal(mkdir(rig->config.qmp_folder, 0755), 0);
    period(rig);
    assert_false(has_trouble(rig, ""));
}

static void a_machine_that_the_fleet_refuses_is_told(void **state)
{
    struct rig *rig = *state;

    rig->fleet.refused_name = "a";
    (void)begin(rig);
    assert_true(has_trouble(rig, "a at "));
    assert_int_equal(rig->fleet.told, 0);
}

/* ---- told ---- */

static void statistics_are_paired_with_the_size_of_their_time(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine = begin(rig);
    int64_t before_ms;

    rig->machine.last_update_s = (uint64_t)(rig_wall(rig) / 1000);
    rig->machine.available_bytes = 100 * MIB;
    period(rig);
    assert_int_equal(machine->facts.stats_actual_bytes, 512 * MIB);
    assert_int_equal(machine->facts.available_bytes, 100 * MIB);
    assert_int_equal(machine->facts.total_bytes, 470 * MIB);
    assert_true(machine->facts.swap_in_bytes == POLICY_MISSING);
    assert_true(machine->facts.oom_kills == POLICY_MISSING);
    assert_int_equal(machine->facts.swap_out_bytes, 7);
    assert_in_range(machine->facts.stats_ms, rig->now_ms - 1000, rig->now_ms);
    before_ms = machine->facts.stats_ms;
    /* The size changes, the statistics stay: they belong to the old size and get older. */
    rig->machine.actual_bytes = 300 * MIB;
    period(rig);
    assert_int_equal(machine->facts.actual_bytes, 300 * MIB);
    assert_int_equal(machine->facts.stats_actual_bytes, 512 * MIB);
    assert_int_equal(machine->facts.stats_ms, before_ms);
    rig->machine.last_update_s += 3;
    period(rig);
    assert_int_equal(machine->facts.stats_actual_bytes, 300 * MIB);
    assert_true(machine->facts.stats_ms > before_ms);
}

/* It takes memory back while it is asked: its statistics are of another moment than its size. */
static void a_guest_that_grows_fast_has_not_more_than_its_size(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine;

    fake_machine_start(&rig->machine, rig->path);
    rig->running = true;
    rig->machine.actual_bytes = 100 * MIB;
    rig->machine.grows_by = 3 * MIB;
    machine = begin(rig);
    for (unsigned i = 0; i < 10; i++) {
        rig->machine.last_update_s = (uint64_t)(rig_wall(rig) / 1000) + 1;
        period(rig);
        assert_true(machine->facts.stats_ms > 0);
        /* The fake's guest counts all its size but 42 MiB. */
        assert_true(machine->facts.stats_actual_bytes >= machine->facts.total_bytes + 42 * MIB);
        assert_int_equal(machine->facts.stats_actual_bytes, machine->facts.actual_bytes);
    }
}

static void statistics_that_somebody_switched_off_are_switched_on_again(void **state)
{
    struct rig *rig = *state;
    struct config config = rig->config;

    (void)begin(rig);
    assert_int_equal(rig->machine.polling_s, 1);
    rig->machine.polling_s = 0;
    config.period_ms = 2500;
    qmp_backend_configure(rig->backend, &config);
    for (unsigned i = 0; i < 10; i++) {
        period(rig);
    }
    assert_int_equal(rig->machine.polling_s, 3);
}

static void a_change_of_size_is_told_at_once(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine = begin(rig);

    fake_machine_event(&rig->machine, "BALLOON_CHANGE", "{\"actual\": 314572800}");
    settle(rig);
    assert_int_equal(machine->facts.actual_bytes, 300 * MIB);
    assert_int_equal(rig->fleet.told, 2);
}

static void a_reset_is_counted_and_ends_the_statistics(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine = begin(rig);

    rig->machine.last_update_s = (uint64_t)(rig_wall(rig) / 1000);
    period(rig);
    assert_true(machine->facts.stats_ms > 0);
    fake_machine_event(&rig->machine, "RESET", "{\"guest\": true}");
    settle(rig);
    assert_int_equal(machine->facts.resets, 1);
    assert_int_equal(machine->facts.stats_ms, 0);
    period(rig); /* QEMU still shows the old ones */
    assert_int_equal(machine->facts.stats_ms, 0);
    assert_true(machine->facts.available_bytes == POLICY_MISSING);
    rig->machine.last_update_s += 2;
    period(rig);
    assert_true(machine->facts.stats_ms > 0);
}

static void states_are_told_as_they_come(void **state)
{
    static const struct {
        const char *event;
        const char *data;
        enum facts_state state;
    } cases[] = {
        { "STOP", "{}", FACTS_PAUSED },
        { "RESUME", "{}", FACTS_RUNNING },
        { "MIGRATION", "{\"status\": \"active\"}", FACTS_MIGRATING },
        { "MIGRATION", "{\"status\": \"failed\"}", FACTS_RUNNING },
        { "GUEST_PANICKED", "{\"action\": \"pause\"}", FACTS_PANICKED },
        { "RESET", "{}", FACTS_RUNNING },
        { "SHUTDOWN", "{\"guest\": true}", FACTS_STOPPED },
    };
    struct rig *rig = *state;
    const struct fleet_machine *machine = begin(rig);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fake_machine_event(&rig->machine, cases[i].event, cases[i].data);
        settle(rig);
        assert_int_equal(machine->facts.state, cases[i].state);
    }
    fake_machine_event(&rig->machine, "STOP", "{}"); /* no pause: it ends */
    rig->machine.status = "shutdown";
    period(rig);
    assert_int_equal(machine->facts.state, FACTS_STOPPED);
    assert_string_equal(machine->facts.trouble, "");
    for (unsigned i = 0; i < 5; i++) { /* but QEMU stays: the memory is still held */
        period(rig);
    }
    assert_int_equal(machine->facts.state, FACTS_PAUSED);
    assert_string_not_equal(machine->facts.trouble, "");
    rig->machine.status = "running";
    rig->machine.migration = "postcopy-active";
    period(rig);
    assert_int_equal(machine->facts.state, FACTS_MIGRATING);
    assert_string_equal(machine->facts.trouble, "");
}

static void a_machine_without_a_device_says_so(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine;

    fake_machine_start(&rig->machine, rig->path);
    rig->running = true;
    rig->machine.no_device = true;
    machine = begin(rig);
    assert_non_null(machine);
    assert_false(machine->facts.device);
    assert_int_equal(machine->facts.actual_bytes, 512 * MIB);
}

static void a_command_that_this_qemu_does_not_know_is_not_asked_again(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine;
    unsigned commands;

    fake_machine_start(&rig->machine, rig->path);
    rig->running = true;
    rig->machine.no_summary = true;
    rig->machine.q35 = true;
    machine = begin(rig);
    assert_int_equal(machine->facts.ram_bytes, 512 * MIB); /* the backends tell it */
    assert_false(machine->facts.removable);                /* it is on the root complex */
    commands = rig->machine.commands;
    period(rig);
    assert_int_equal(rig->machine.commands - commands, 4);
}

static void a_device_that_is_unplugged_is_searched_for(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine = begin(rig);

    rig->machine.no_device = true;
    fake_machine_event(&rig->machine, "DEVICE_DELETED", "{\"device\": \"b0\", \"path\": \"x\"}");
    settle(rig);
    assert_false(machine->facts.device);
    assert_false(machine->facts.offered_known);
    rig->machine.no_device = false;
    for (unsigned i = 0; i < 10; i++) {
        period(rig);
    }
    assert_true(machine->facts.device);
    assert_true(machine->facts.offered_known);
}

static void what_keeps_memory_from_coming_free_is_seen(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine;

    fake_machine_start(&rig->machine, rig->path);
    rig->running = true;
    rig->machine.more_peripherals = ", {\"name\": \"gpu\", \"type\": \"child<vfio-pci>\"}";
    rig->machine.objects = ", {\"name\": \"m0\", \"type\": \"child<memory-backend-memfd>\"}";
    rig->machine.hugetlb = "true";
    rig->machine.memdev = "{\"id\": \"m0\", \"size\": 536870912, \"prealloc\": true}";
    machine = begin(rig);
    assert_true(machine->facts.pinned);
    assert_true(machine->facts.huge_pages);
    assert_true(machine->facts.prealloc);
    assert_false(machine->facts.locked);
}

/* ---- the process ---- */

static void write_process(struct rig *rig, unsigned resident_pages)
{
    char path[64];
    char text[256];
    unsigned page_kib = (unsigned)sysconf(_SC_PAGESIZE) / 1024;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)getpid());
    snprintf(text, sizeof(text), "%u %u 1 1 0 1 0\n", 1024 * 1024 / page_kib, resident_pages);
    fake_root_text(rig->root, path, text);
    snprintf(path, sizeof(path), "/proc/%d/status", (int)getpid());
    fake_root_text(rig->root, path, "VmLck:\t524288 kB\nHugetlbPages:\t0 kB\n");
    snprintf(path, sizeof(path), "/proc/%d/smaps", (int)getpid());
    fake_root_text(rig->root, path,
                   "7f0000000000-7f0020000000 rw-p 00000000 00:00 0 \nRss: 204800 kB\n");
}

/* As it is while a process ends: the kernel tells zeros. */
static void end_process(struct rig *rig)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)getpid());
    fake_root_text(rig->root, path, "0 0 0 0 0 0 0\n");
}

static void the_process_behind_the_socket_is_measured(void **state)
{
    struct rig *rig = *state;
    unsigned pages_per_mib = (unsigned)(MIB / (uint64_t)sysconf(_SC_PAGESIZE));
    const struct fleet_machine *machine;

    write_process(rig, 250 * pages_per_mib);
    machine = begin(rig);
    assert_int_equal(machine->facts.pid, getpid());
    for (unsigned i = 0; i < 10; i++) { /* the root folder was set after the first look */
        period(rig);
    }
    assert_int_equal(machine->facts.resident_bytes, 200 * MIB);
    assert_int_equal(machine->facts.overhead_bytes, 50 * MIB);
    assert_true(machine->facts.locked);
    write_process(rig, 170 * pages_per_mib);
    period(rig);
    assert_int_equal(machine->facts.resident_bytes, 120 * MIB);
}

/* A walk that does not end: it waits for whoever writes. */
static void block_walks(struct rig *rig, char path[512])
{
    const unsigned pages_per_mib = (unsigned)(MIB / (uint64_t)sysconf(_SC_PAGESIZE));

    write_process(rig, 250 * pages_per_mib);
    snprintf(path, 512, "%s/proc/%d/smaps", rig->root, (int)getpid());
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0644), 0);
    rig->blocked = true;
}

/* Lets all that wait read nothing. */
static void end_walks(struct rig *rig, const char *path)
{
    while (walks(rig) || uv_loop_alive(&rig->loop)) {
        const int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        const struct timespec pause = { .tv_nsec = 200000 };

        if (fd >= 0) {
            close(fd);
        }
        (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
        nanosleep(&pause, NULL);
        if (rig->backend != NULL && !walks(rig)) {
            break; /* its watches keep the loop alive */
        }
    }
    rig->blocked = false;
}

/* Each walk over a large machine takes long; the loop has the other machines to care for. */
static void walks_over_twenty_machines_do_not_stop_the_loop(void **state)
{
    struct rig *rig = *state;
    const struct qmp_backend_clock clock = { rig_now, rig_wall, rig };
    struct fake_machine machines[20];
    char smaps[512];
    char path[CONFIG_PATH_MAX];

    block_walks(rig, smaps);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(path, sizeof(path), "%s/run/m%u.qmp", rig->root, i);
        fake_machine_start(&machines[i], path);
    }
    rig->backend = qmp_backend_start(&rig->loop, &rig->fleet, &rig->config, &clock);
    qmp_backend_set_root(rig->backend, rig->root);
    /* All of them get on, though not one walk has ended; and without it they are told in the end.
     */
    for (unsigned i = 0; i < 10; i++) {
        rig->now_ms += PERIOD_MS;
        qmp_backend_poll(rig->backend, rig->now_ms);
        for (unsigned j = 0; j < 20 * 30; j++) {
            (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
            fake_machine_work(&machines[j % 20]);
        }
        assert_int_equal(qmp_backend_walks(rig->backend), 20);
        assert_true(i > 0 || rig->fleet.told == 0);
    }
    for (unsigned i = 0; i < 20; i++) {
        char name[8];

        snprintf(name, sizeof(name), "m%u", i);
        const struct facts *facts = &fleet_find(&rig->fleet, name)->facts;

        assert_int_equal(facts->ram_bytes, 512 * MIB);
        assert_true(facts->resident_bytes == POLICY_MISSING);
        assert_true(machines[i].commands > 25);
    }
    end_walks(rig, smaps);
    assert_int_equal(qmp_backend_walks(rig->backend), 0);
    for (unsigned i = 0; i < 20; i++) {
        char name[8];

        snprintf(name, sizeof(name), "m%u", i);
        assert_int_equal(fleet_find(&rig->fleet, name)->facts.resident_bytes, 250 * MIB);
        fake_machine_end(&machines[i]);
    }
}

static void a_machine_may_end_while_its_process_is_walked_over(void **state)
{
    struct rig *rig = *state;
    char smaps[512];

    block_walks(rig, smaps);
    (void)begin(rig);
    assert_int_equal(qmp_backend_walks(rig->backend), 1);
    fake_machine_end(&rig->machine);
    rig->running = false;
    settle(rig);
    period(rig);
    assert_int_equal(rig->fleet.gone, 1);
    assert_int_equal(qmp_backend_walks(rig->backend), 0); /* nobody waits for it any more */
    qmp_backend_stop(rig->backend);
    rig->backend = NULL;
    end_walks(rig, smaps);
}

/* ---- targets ---- */

static void a_target_is_carried_out(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine = begin(rig);

    assert_true(machine->backend->set_target(machine->handle, 256 * MIB));
    assert_int_equal(rig->fleet.done, 0);
    settle(rig);
    assert_int_equal(rig->machine.target_bytes, 256 * MIB);
    assert_int_equal(rig->fleet.done, 1);
    assert_int_equal(rig->fleet.done_bytes, 256 * MIB);
    assert_string_equal(rig->fleet.done_error, "");
    assert_false(machine->backend->set_target(machine->handle, 0));
    assert_false(machine->backend->set_target(machine->handle, UINT64_MAX));
}

static void a_refused_target_is_told_with_the_reason(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine = begin(rig);

    rig->machine.refuses_balloon = true;
    assert_true(machine->backend->set_target(machine->handle, 256 * MIB));
    settle(rig);
    assert_string_equal(rig->fleet.done_error, "refused by the fake");
}

static void a_target_without_an_answer_fails_in_time(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine = begin(rig);

    rig->machine.mute = true;
    assert_true(machine->backend->set_target(machine->handle, 256 * MIB));
    for (unsigned i = 0; i < 5; i++) {
        period(rig);
    }
    assert_int_equal(rig->fleet.done, 1);
    assert_string_equal(rig->fleet.done_error, "QEMU did not answer in time");
    /* One that hangs is sent no target that it would carry out much later. */
    assert_false(machine->backend->set_target(machine->handle, 128 * MIB));
}

static void a_target_is_lost_with_the_connection(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine = begin(rig);

    rig->machine.mute = true;
    assert_true(machine->backend->set_target(machine->handle, 256 * MIB));
    fake_machine_end(&rig->machine);
    rig->running = false;
    settle(rig);
    assert_int_equal(rig->fleet.done, 1);
    assert_string_equal(rig->fleet.done_error, "the connection to QEMU was lost");
    assert_int_equal(rig->fleet.gone, 1);
}

/* ---- trouble ---- */

static void a_socket_that_serves_somebody_else_is_named(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine;

    fake_machine_start(&rig->machine, rig->path);
    rig->running = true;
    rig->machine.silent = true;
    machine = begin(rig);
    assert_non_null(machine);
    for (unsigned i = 0; i < 5; i++) {
        period(rig);
    }
    assert_non_null(strstr(machine->facts.trouble, "one client at a time"));
    assert_int_equal(machine->facts.state, FACTS_UNREACHABLE);
    assert_true(machine->facts.ram_bytes == POLICY_MISSING);
    assert_int_equal(machine->facts.pid, getpid());
    assert_int_equal(rig->fleet.told, 1);
    /* The other client goes: QEMU turns to whoever waits. */
    rig->machine.silent = false;
    fake_machine_hang_up(&rig->machine);
    for (unsigned i = 0; i < 5; i++) {
        period(rig);
    }
    assert_string_equal(machine->facts.trouble, "");
    assert_int_equal(machine->facts.ram_bytes, 512 * MIB);
    assert_int_equal(rig->fleet.gone, 0);
}

static void a_qemu_that_hangs_is_unreachable_and_gets_well(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine = begin(rig);
    int64_t seen_ms;
    unsigned told;

    rig->machine.last_update_s = (uint64_t)(rig_wall(rig) / 1000);
    rig->machine.available_bytes = 100 * MIB;
    period(rig);
    assert_int_equal(machine->facts.available_bytes, 100 * MIB);
    rig->machine.mute = true;
    for (unsigned i = 0; i < 6; i++) {
        period(rig);
    }
    seen_ms = machine->seen_ms;
    told = rig->fleet.told;
    assert_non_null(strstr(machine->facts.trouble, "does not answer"));
    assert_int_equal(machine->facts.state, FACTS_UNREACHABLE);
    assert_int_equal(machine->facts.ram_bytes, 512 * MIB); /* it cannot change unseen */
    assert_true(machine->facts.device);
    assert_true(machine->facts.actual_bytes == POLICY_MISSING); /* this could */
    assert_true(machine->facts.available_bytes == POLICY_MISSING);
    assert_int_equal(machine->facts.stats_ms, 0);
    period(rig);
    assert_int_equal(rig->fleet.told, told); /* once */
    assert_int_equal(machine->seen_ms, seen_ms);
    rig->machine.mute = false;
    settle(rig);
    assert_string_equal(machine->facts.trouble, "");
    assert_int_equal(machine->facts.state, FACTS_RUNNING);
    assert_int_equal(machine->facts.actual_bytes, 512 * MIB);
    assert_true(machine->backend->set_target(machine->handle, 256 * MIB));
}

/* The connection is made anew meanwhile, and nothing is learned by that. */
static void what_a_silent_machine_holds_and_may_take_stays_known(void **state)
{
    struct rig *rig = *state;
    const unsigned pages_per_mib = (unsigned)(MIB / (uint64_t)sysconf(_SC_PAGESIZE));
    const struct fleet_machine *machine = begin(rig);

    write_process(rig, 250 * pages_per_mib);
    for (unsigned i = 0; i < 10; i++) {
        period(rig);
    }
    assert_int_equal(machine->facts.resident_bytes, 200 * MIB);
    rig->machine.mute = true;
    rig->machine.silent = true;
    for (unsigned i = 0; i < 50; i++) {
        period(rig);
    }
    assert_int_equal(machine->facts.state, FACTS_UNREACHABLE);
    assert_int_equal(machine->facts.ram_bytes, 512 * MIB);
    assert_int_equal(machine->facts.resident_bytes, 200 * MIB);
    write_process(rig, 170 * pages_per_mib);
    period(rig);
    assert_int_equal(machine->facts.resident_bytes, 120 * MIB);
    end_process(rig);
    period(rig);
    assert_true(machine->facts.resident_bytes == POLICY_MISSING);
    assert_int_equal(machine->facts.ram_bytes, 512 * MIB);
}

static void a_connection_that_is_silent_for_long_is_made_anew(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine = begin(rig);

    rig->machine.mute = true;
    for (unsigned i = 0; i < 40; i++) {
        period(rig);
        if (i == 35) {
            rig->machine.mute = false;
        }
    }
    assert_true(rig->machine.clients > 1 || machine->facts.trouble[0] == '\0');
    assert_string_equal(machine->facts.trouble, "");
    assert_int_equal(rig->fleet.gone, 0);
}

static void what_is_no_qmp_is_tried_less_and_less(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine;

    fake_machine_start(&rig->machine, rig->path);
    rig->running = true;
    rig->machine.garbage = true;
    machine = begin(rig);
    for (unsigned i = 0; i < 60; i++) {
        period(rig);
    }
    assert_non_null(machine);
    assert_string_not_equal(machine->facts.trouble, "");
    assert_in_range(rig->machine.clients, 4, 8); /* after 0, 1, 3, 7, 15, 31 seconds */
}

static void a_lost_connection_is_made_again_at_once(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *machine = begin(rig);

    fake_machine_hang_up(&rig->machine);
    settle(rig);
    settle(rig);
    assert_int_equal(rig->machine.clients, 2);
    assert_int_equal(rig->fleet.gone, 0);
    assert_string_equal(machine->facts.trouble, "");
    assert_int_equal(machine->facts.resets, 0); /* the same process */
    assert_true(machine->backend->set_target(machine->handle, 256 * MIB));
}

static void a_qemu_that_ends_is_gone(void **state)
{
    struct rig *rig = *state;

    (void)begin(rig);
    fake_machine_event(&rig->machine, "SHUTDOWN", "{\"guest\": true}");
    settle(rig);
    fake_machine_end(&rig->machine);
    rig->running = false;
    settle(rig);
    assert_int_equal(rig->fleet.gone, 1);
    assert_string_equal(rig->fleet.why, "it was shut down");
    period(rig);
    assert_int_equal(rig->fleet.gone, 1);
    fake_machine_start(&rig->machine, rig->path); /* and started again */
    rig->running = true;
    period(rig);
    period(rig);
    assert_non_null(fleet_find(&rig->fleet, "a"));
}

/* A process that ends closes what it has in any order: for a moment its socket may still take a
 * connection, and drop it. */
static void nothing_untrue_is_told_of_a_qemu_that_just_ends(void **state)
{
    struct rig *rig = *state;
    unsigned told;

    (void)begin(rig);
    period(rig);
    told = rig->fleet.told;
    fake_machine_hang_up(&rig->machine);
    (void)uv_run(&rig->loop, UV_RUN_NOWAIT); /* it is lost, and made again */
    fake_machine_work(&rig->machine);
    fake_machine_end(&rig->machine);
    rig->running = false;
    settle(rig);
    period(rig);
    period(rig);
    assert_int_equal(rig->fleet.gone, 1);
    assert_int_equal(rig->fleet.told, told);
    assert_string_equal(rig->fleet.why, "its QEMU has ended");
}

static void a_killed_qemu_is_gone(void **state)
{
    struct rig *rig = *state;

    (void)begin(rig);
    fake_machine_end(&rig->machine);
    rig->running = false;
    settle(rig);
    assert_int_equal(rig->fleet.gone, 1);
    assert_string_equal(rig->fleet.why, "its QEMU has ended");
}

static void a_removed_file_does_not_end_a_connection(void **state)
{
    struct rig *rig = *state;

    (void)begin(rig);
    unlink(rig->path);
    period(rig);
    assert_non_null(fleet_find(&rig->fleet, "a"));
    assert_int_equal(rig->fleet.gone, 0);
}

/* ---- configuration ---- */

static void a_machine_that_is_no_longer_configured_is_gone(void **state)
{
    struct rig *rig = *state;
    struct config config = rig->config;

    (void)begin(rig);
    config.qmp_folder[0] = '\0';
    qmp_backend_configure(rig->backend, &config);
    assert_int_equal(rig->fleet.gone, 1);
    settle(rig);
    qmp_backend_configure(rig->backend, &rig->config);
    period(rig);
    period(rig);
    assert_non_null(fleet_find(&rig->fleet, "a"));
    config = rig->config;
    config.qmp_timeout_ms = 500; /* and what did not change stays */
    qmp_backend_configure(rig->backend, &config);
    period(rig);
    assert_int_equal(rig->fleet.gone, 1);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(a_socket_in_the_folder_is_a_machine),
        WITH_RIG(a_socket_that_appears_later_is_found_too),
        WITH_RIG(a_listed_socket_is_a_machine_and_no_second_one),
        WITH_RIG(other_files_are_no_machines),
        WITH_RIG(each_socket_that_cannot_be_a_machine_is_named),
        WITH_RIG(a_folder_that_is_missing_is_told),
        WITH_RIG(a_machine_that_the_fleet_refuses_is_told),
        WITH_RIG(statistics_are_paired_with_the_size_of_their_time),
        WITH_RIG(a_guest_that_grows_fast_has_not_more_than_its_size),
        WITH_RIG(statistics_that_somebody_switched_off_are_switched_on_again),
        WITH_RIG(a_change_of_size_is_told_at_once),
        WITH_RIG(a_reset_is_counted_and_ends_the_statistics),
        WITH_RIG(states_are_told_as_they_come),
        WITH_RIG(a_machine_without_a_device_says_so),
        WITH_RIG(a_command_that_this_qemu_does_not_know_is_not_asked_again),
        WITH_RIG(a_device_that_is_unplugged_is_searched_for),
        WITH_RIG(what_keeps_memory_from_coming_free_is_seen),
        WITH_RIG(the_process_behind_the_socket_is_measured),
        WITH_RIG(walks_over_twenty_machines_do_not_stop_the_loop),
        WITH_RIG(a_machine_may_end_while_its_process_is_walked_over),
        WITH_RIG(a_target_is_carried_out),
        WITH_RIG(a_refused_target_is_told_with_the_reason),
        WITH_RIG(a_target_without_an_answer_fails_in_time),
        WITH_RIG(a_target_is_lost_with_the_connection),
        WITH_RIG(a_socket_that_serves_somebody_else_is_named),
        WITH_RIG(a_qemu_that_hangs_is_unreachable_and_gets_well),
        WITH_RIG(what_a_silent_machine_holds_and_may_take_stays_known),
        WITH_RIG(a_connection_that_is_silent_for_long_is_made_anew),
        WITH_RIG(what_is_no_qmp_is_tried_less_and_less),
        WITH_RIG(a_lost_connection_is_made_again_at_once),
        WITH_RIG(a_qemu_that_ends_is_gone),
        WITH_RIG(nothing_untrue_is_told_of_a_qemu_that_just_ends),
        WITH_RIG(a_killed_qemu_is_gone),
        WITH_RIG(a_removed_file_does_not_end_a_connection),
        WITH_RIG(a_machine_that_is_no_longer_configured_is_gone),
    };

    return cmocka_run_group_tests_name("tools/ballast/backend/qmp_backend.c", tests, NULL, NULL);
}
