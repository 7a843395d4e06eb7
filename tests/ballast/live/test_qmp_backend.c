/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The QMP backend with a real QEMU. No guest is needed: what is tested is that QEMU's own answers
 * and events are understood. A second monitor plays the operator.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/ballast/fakes/fake_fleet.h"
#include "tools/ballast/backend/qmp_backend.h"
#include "tools/ballast/backend/qmp_view.h"
#include "tools/qmp/qmp.h"

#define MIB       ((uint64_t)1 << 20)
#define PERIOD_MS 250
#define LIMIT_MS  120000
#define ARGS_MAX  32

struct rig {
    char folder[64];
    char ballast_path[96];
    char operator_path[96];
    uv_loop_t loop;
    struct fleet fleet;
    struct config config;
    struct qmp_backend *backend;
    pid_t qemu; /* of timeout(1) in front of it */
    struct qmp *operator;
    int64_t polled_ms;
};

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t now_ms(void *context)
{
    (void)context;
    return clock_ms(CLOCK_MONOTONIC);
}

static int64_t wall_ms(void *context)
{
    (void)context;
    return clock_ms(CLOCK_REALTIME);
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    if (rig == NULL || uv_loop_init(&rig->loop) != 0) {
        return -1;
    }
    snprintf(rig->folder, sizeof(rig->folder), "/tmp/test_qmp_backend.XXXXXX");
    if (mkdtemp(rig->folder) == NULL) {
        return -1;
    }
    snprintf(rig->ballast_path, sizeof(rig->ballast_path), "%s/vm.qmp", rig->folder);
    snprintf(rig->operator_path, sizeof(rig->operator_path), "%s/operator", rig->folder);
    rig->config.period_ms = PERIOD_MS;
    rig->config.qmp_timeout_ms = 5000;
    snprintf(rig->config.qmp_folder, sizeof(rig->config.qmp_folder), "%s", rig->folder);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    if (rig->backend != NULL) {
        qmp_backend_stop(rig->backend);
    }
    qmp_close(rig->operator);
    if (rig->qemu > 0) {
        kill(rig->qemu, SIGTERM);
        (void)waitpid(rig->qemu, NULL, 0);
    }
    while (uv_run(&rig->loop, UV_RUN_NOWAIT) != 0) {
    }
    unlink(rig->ballast_path);
    unlink(rig->operator_path);
    rmdir(rig->folder);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    free(rig);
    return 0;
}

/* Starts a machine of 64 MiB that stands still; `more` ends with NULL. */
static void start_qemu(struct rig *rig, const char *const *more)
{
    char ballast_socket[128];
    char operator_socket[128];
    const char *qemu = getenv("QEMU");
    const char *args[ARGS_MAX] = { "timeout",      "600",  "qemu-system-x86_64",
                                   "-accel",       "tcg",  "-S",
                                   "-m",           "64",   "-nodefaults",
                                   "-display",     "none", "-qmp",
                                   ballast_socket, "-qmp", operator_socket };
    size_t count = 15;

    args[2] = qemu != NULL && qemu[0] != '\0' ? qemu : args[2];
    snprintf(ballast_socket, sizeof(ballast_socket), "unix:%s,server=on,wait=off",
             rig->ballast_path);
    snprintf(operator_socket, sizeof(operator_socket), "unix:%s,server=on,wait=off",
             rig->operator_path);
    while (*more != NULL && count + 1 < ARGS_MAX) {
        args[count++] = *more++;
    }
    args[count] = NULL;
    assert_int_equal(
        posix_spawnp(&rig->qemu, args[0], NULL, NULL, (char *const *)(uintptr_t)args, environ), 0);
    assert_int_equal(qmp_connect(rig->operator_path, LIMIT_MS, &rig->operator, NULL), QMP_OK);
}

static void start_backend(struct rig *rig)
{
    const struct qmp_backend_clock clock = { now_ms, wall_ms, NULL };

    rig->backend = qmp_backend_start(&rig->loop, &rig->fleet, &rig->config, &clock);
}

/* Lets the loop turn, with its periods, until the condition holds. */
#define UNTIL(rig, condition)                                                                      \
    do {                                                                                           \
        int64_t end_ms = now_ms(NULL) + LIMIT_MS;                                                  \
        while (!(condition) && now_ms(NULL) < end_ms) {                                            \
            turn(rig);                                                                             \
        }                                                                                          \
        assert_true(condition);                                                                    \
    } while (0)

static void turn(struct rig *rig)
{
    const struct timespec pause = { .tv_nsec = 2000000 };

    if (now_ms(NULL) - rig->polled_ms >= PERIOD_MS) {
        rig->polled_ms = now_ms(NULL);
        qmp_backend_poll(rig->backend, rig->polled_ms);
    }
    (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
    nanosleep(&pause, NULL);
}

/* The machine, when it is known and was told. */
static struct fleet_machine *known(struct rig *rig)
{
    struct fleet_machine *machine = fleet_find(&rig->fleet, "vm");

    return machine == NULL || machine->seen_ms == 0 ? NULL : machine;
}

/* Waits for that. */
static const struct fleet_machine *wait_known(struct rig *rig)
{
    const struct fleet_machine *machine;

    UNTIL(rig, known(rig) != NULL);
    machine = known(rig);
    if (machine == NULL) {
        abort(); /* UNTIL has seen it */
    }
    return machine;
}

static void command(struct rig *rig, const char *name)
{
    assert_int_equal(qmp_execute(rig->operator, name, NULL, LIMIT_MS, NULL, NULL), QMP_OK);
}

static void a_real_machine_is_found_told_and_commanded(void **state)
{
    static const char *const more[] = { "-device", "virtio-balloon,id=b0", NULL };
    struct rig *rig = *state;
    const struct fleet_machine *machine;
    int64_t began_ms;

    start_qemu(rig, more);
    began_ms = now_ms(NULL);
    start_backend(rig);
    machine = wait_known(rig);
    print_message("found and told after %" PRId64 " ms\n", now_ms(NULL) - began_ms);
    assert_string_equal(machine->facts.trouble, "");
    assert_int_equal(machine->facts.state, FACTS_PAUSED);
    assert_int_equal(machine->facts.ram_bytes, 64 * MIB);
    assert_int_equal(machine->facts.actual_bytes, 64 * MIB);
    assert_true(machine->facts.device);
    assert_true(machine->facts.removable);
    assert_true(machine->facts.offered_known);
    assert_int_equal(machine->facts.offered, FACTS_STATISTICS | FACTS_POISON);
    assert_int_equal(machine->facts.stats_ms, 0);
    assert_true(machine->facts.available_bytes == POLICY_MISSING);
    assert_true(machine->facts.pid > 0 && machine->facts.pid != rig->qemu);
    assert_in_range(machine->facts.resident_bytes, 0, 64 * MIB);
    assert_in_range(machine->facts.overhead_bytes, MIB, 512 * MIB);
    assert_false(machine->facts.locked || machine->facts.huge_pages || machine->facts.pinned ||
                 machine->facts.prealloc);

    began_ms = now_ms(NULL);
    assert_true(machine->backend->set_target(machine->handle, 48 * MIB));
    UNTIL(rig, rig->fleet.done == 1);
    print_message("target accepted after %" PRId64 " ms\n", now_ms(NULL) - began_ms);
    assert_string_equal(rig->fleet.done_error, "");
    assert_int_equal(machine->facts.actual_bytes, 64 * MIB); /* nobody drives the device */
}

/* The entry of a command in the answer to query-qmp-schema, or NULL. */
static const json_t *schema_command(const json_t *schema, const char *name)
{
    const json_t *entry;
    size_t index;

    json_array_foreach(schema, index, entry)
    {
        const char *type = json_string_value(json_object_get(entry, "meta-type"));
        const char *own = json_string_value(json_object_get(entry, "name"));

        if (type != NULL && own != NULL && strcmp(type, "command") == 0 && strcmp(own, name) == 0) {
            return entry;
        }
    }
    return NULL;
}

static bool has_feature(const json_t *entry, const char *feature)
{
    const json_t *one;
    size_t index;

    json_array_foreach(json_object_get(entry, "features"), index, one)
    {
        if (strcmp(json_string_value(one), feature) == 0) {
            return true;
        }
    }
    return false;
}

/* There is no exception: a QEMU that lacks one of the commands says so and is not asked again, and
 * this one lacks none. */
static void every_command_that_is_sent_is_stable_in_this_qemu(void **state)
{
    static const char *const more[] = { "-device", "virtio-balloon,id=b0", NULL };
    struct rig *rig = *state;
    json_t *schema = NULL;

    start_qemu(rig, more);
    assert_int_equal(qmp_execute(rig->operator, "query-qmp-schema", NULL, LIMIT_MS, &schema, NULL),
                     QMP_OK);
    /* The test itself sees what is unstable. */
    assert_true(has_feature(schema_command(schema, "x-query-virtio-status"), "unstable"));
    for (size_t i = 0; qmp_command_sent(i) != NULL; i++) {
        const json_t *entry = schema_command(schema, qmp_command_sent(i));

        print_message("%s\n", qmp_command_sent(i));
        assert_non_null(entry);
        assert_false(has_feature(entry, "unstable"));
        assert_false(has_feature(entry, "deprecated"));
    }
    json_decref(schema);
}

static void every_property_that_is_asked_for_is_there(void **state)
{
    static const enum qmp_question questions[] = { QMP_ASK_STATS,     QMP_ASK_BUS,
                                                   QMP_ASK_HOTPLUG,   QMP_ASK_DEFLATE,
                                                   QMP_ASK_REPORTING, QMP_ASK_HINTING,
                                                   QMP_ASK_POISON,    QMP_ASK_POLLING };
    static const char *const more[] = { "-device", "virtio-balloon,id=b0", NULL };
    struct rig *rig = *state;
    struct qmp_view view;

    start_qemu(rig, more);
    qmp_view_clear(&view);
    snprintf(view.device, sizeof(view.device), "/machine/peripheral/b0");
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        assert_int_equal(qmp_execute(rig->operator, qmp_question_command(questions[i]),
                                     qmp_question_arguments(&view, questions[i], 1), LIMIT_MS, NULL,
                                     NULL),
                         QMP_OK);
    }
}

static void its_events_are_told(void **state)
{
    static const char *const more[] = { "-device", "virtio-balloon,id=b0", NULL };
    struct rig *rig = *state;
    const struct fleet_machine *machine;

    start_qemu(rig, more);
    start_backend(rig);
    machine = wait_known(rig);
    command(rig, "cont");
    UNTIL(rig, machine->facts.state == FACTS_RUNNING);
    command(rig, "stop");
    UNTIL(rig, machine->facts.state == FACTS_PAUSED);
    command(rig, "system_reset");
    UNTIL(rig, machine->facts.resets == 1);
    command(rig, "quit");
    UNTIL(rig, rig->fleet.gone == 1);
    assert_string_equal(rig->fleet.why, "it was shut down");
}

static void a_killed_machine_is_gone(void **state)
{
    static const char *const more[] = { "-device", "virtio-balloon", NULL }; /* without a name */
    struct rig *rig = *state;
    const struct fleet_machine *machine;

    start_qemu(rig, more);
    start_backend(rig);
    machine = wait_known(rig);
    assert_true(machine->facts.offered_known); /* so its place was found */
    assert_true(machine->facts.pid > 0);
    assert_int_equal(kill(machine->facts.pid, SIGKILL), 0);
    UNTIL(rig, rig->fleet.gone == 1);
    assert_string_equal(rig->fleet.why, "its QEMU has ended");
}

static void allocated_memory_is_measured(void **state)
{
    static const char *const more[] = { "-object",
                                        "memory-backend-memfd,id=m0,size=64M,prealloc=on",
                                        "-machine", "q35,memory-backend=m0", NULL };
    struct rig *rig = *state;
    const struct fleet_machine *machine;

    start_qemu(rig, more);
    start_backend(rig);
    machine = wait_known(rig);
    assert_false(machine->facts.device);
    assert_true(machine->facts.prealloc);
    assert_false(machine->facts.huge_pages);
    /* Exact with each walk over the mappings; a QEMU that just starts moves in between. */
    UNTIL(rig, machine->facts.resident_bytes == 64 * MIB);
    assert_in_range(machine->facts.overhead_bytes, MIB, 512 * MIB);
}

static void a_monitor_with_another_client_is_named(void **state)
{
    static const char *const more[] = { "-device", "virtio-balloon,id=b0", NULL };
    struct rig *rig = *state;
    const struct fleet_machine *machine;
    struct qmp *other = NULL;

    start_qemu(rig, more);
    assert_int_equal(qmp_connect(rig->ballast_path, LIMIT_MS, &other, NULL), QMP_OK);
    rig->config.qmp_timeout_ms = 300;
    start_backend(rig);
    machine = wait_known(rig);
    assert_non_null(strstr(machine->facts.trouble, "one client at a time"));
    qmp_close(other);
    UNTIL(rig, machine->facts.trouble[0] == '\0');
    assert_int_equal(machine->facts.ram_bytes, 64 * MIB);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(a_real_machine_is_found_told_and_commanded),
        WITH_RIG(every_command_that_is_sent_is_stable_in_this_qemu),
        WITH_RIG(every_property_that_is_asked_for_is_there),
        WITH_RIG(its_events_are_told),
        WITH_RIG(a_killed_machine_is_gone),
        WITH_RIG(allocated_memory_is_measured),
        WITH_RIG(a_monitor_with_another_client_is_named),
    };

    return cmocka_run_group_tests_name("tools/ballast/backend/qmp_backend.c", tests, NULL, NULL);
}
