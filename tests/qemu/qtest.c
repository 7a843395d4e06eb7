/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts, watches and ends the QEMU of a test case. cmocka leaves a failed case by longjmp and then
 * runs its teardown, so everything that must happen is in qtest_end(). A case that hangs all the
 * same is ended by an alarm: the process leaves, and its QEMU dies with it.
 */

#include "tests/qemu/qtest.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Longer than all limits of any case together. */
#define CASE_LIMIT_S       600
#define MEMORY_DEFAULT_MIB 128U
#define LOG_TAIL           25U
#define LOOK_MS            5

static struct qtest current;
static struct qtest beside;
static char image_path[512];
static char initrd_path[512];

static const char *build_folder(void)
{
    const char *build = getenv("BUILD");

    return build != NULL && build[0] != '\0' ? build : "build";
}

static void hung(int signal_number)
{
    static const char text[] = "qtest: the case hangs and is ended\n";

    (void)signal_number;
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    _exit(124);
}

/* ---- life of a case ---- */

static void start(struct qtest *t)
{
    char reason[256];

    t->vm = vm_start(&t->config, reason, sizeof(reason));
    if (t->vm == NULL) {
        fail_msg("%s", reason);
    }
}

void qtest_run(void **state)
{
    struct qtest *t = &current;
    const char *image;

    memset(t, 0, sizeof(*t));
    t->role = "";
    t->test = *state;
    t->config = t->test->vm;
    image = t->config.image != NULL ? t->config.image : "aerostat.elf";
    snprintf(image_path, sizeof(image_path), "%s/%s", build_folder(), image);
    t->config.image = image_path;
    if (t->config.initrd != NULL) {
        snprintf(initrd_path, sizeof(initrd_path), "%s/%s", build_folder(), t->config.initrd);
        t->config.initrd = initrd_path;
    }
    if (t->config.memory_mib == 0) {
        t->config.memory_mib = MEMORY_DEFAULT_MIB;
    }
    if (t->config.append == NULL) {
        t->config.append = "report=50";
    }
    t->ram_bytes = t->config.memory_mib * QTEST_MIB;
    signal(SIGALRM, hung);
    alarm(CASE_LIMIT_S);
    start(t);
    t->test->body(t);
    t->passed = true;
}

static void keep_log(struct qtest *t)
{
    char path[512];
    FILE *file;
    size_t count = 0;

    /* The folders exist already, or fopen tells. */
    (void)mkdir(build_folder(), 0777);
    snprintf(path, sizeof(path), "%s/logs", build_folder());
    (void)mkdir(path, 0777);
    snprintf(path, sizeof(path), "%s/logs/%s%s.log", build_folder(), t->test->name, t->role);
    vm_pump(t->vm, 0);
    while (vm_line(t->vm, count) != NULL) {
        count++;
    }
    file = fopen(path, "we");
    if (file == NULL) {
        fprintf(stderr, "qtest: cannot write %s: %s\n", path, strerror(errno));
    } else {
        for (size_t i = 0; i < count; i++) {
            fprintf(file, "%s\n", vm_line(t->vm, i));
        }
        fprintf(file, "%s", vm_errors(t->vm));
        fclose(file);
    }
    if (!t->passed) {
        fprintf(stderr, "qtest: the end of the serial log of %s%s (all of it in %s):\n",
                t->test->name, t->role, path);
        for (size_t i = count > LOG_TAIL ? count - LOG_TAIL : 0; i < count; i++) {
            fprintf(stderr, "    %s\n", vm_line(t->vm, i));
        }
        fprintf(stderr, "    %s\n", vm_errors(t->vm));
    }
}

static void end(struct qtest *t)
{
    if (t->vm != NULL) {
        keep_log(t);
        vm_end(t->vm);
        t->vm = NULL;
    }
}

struct qtest *qtest_beside(struct qtest *t, const struct vm_config *config)
{
    beside.passed = true; /* as far as it came */
    end(&beside);
    beside = *t;
    beside.config = *config;
    beside.ram_bytes = config->memory_mib * QTEST_MIB;
    beside.role = "-beside";
    start(&beside);
    return &beside;
}

int qtest_end(void **state)
{
    (void)state;
    beside.passed = current.passed;
    end(&beside);
    end(&current);
    alarm(0);
    return 0;
}

int qtest_main(const char *group, const struct CMUnitTest *tests, size_t count, int argc,
               char **argv)
{
    const char *filter = getenv("CMOCKA_TEST_FILTER");
    int option;

    while ((option = getopt(argc, argv, "k:l")) != -1) {
        if (option == 'k') {
            filter = optarg;
        } else if (option == 'l') {
            for (size_t i = 0; i < count; i++) {
                puts(tests[i].name);
            }
            return 0;
        } else {
            fprintf(stderr, "usage: %s [-l] [-k PATTERN]\n", argv[0]);
            return 125;
        }
    }
    if (filter != NULL && filter[0] != '\0') {
        cmocka_set_test_filter(filter);
    }
    return _cmocka_run_group_tests(group, tests, count, NULL, NULL);
}

/* ---- the guest's side ---- */

const char *qtest_line(struct qtest *t, const char *text, int timeout_ms)
{
    const char *line = NULL;
    struct vm_exit result;

    switch (vm_wait_line(t->vm, text, timeout_ms, &line)) {
    case VM_WAIT_OK:
        break;
    case VM_WAIT_TIMEOUT:
        fail_msg("no line with '%s' within %d ms", text, timeout_ms);
        break;
    case VM_WAIT_ENDED:
        (void)vm_wait_exit(t->vm, 0, &result);
        fail_msg("no line with '%s', but %s", text, result.text);
        break;
    }
    return line;
}

uint64_t qtest_ready(struct qtest *t, const char *balloon)
{
    const char *line = qtest_line(t, "@ready ", QTEST_STEP_MS);
    char word[16] = "";
    uint64_t frames = 0;

    assert_true(record_text(line, "balloon", word, sizeof(word)));
    assert_string_equal(word, balloon);
    assert_true(record_u64(line, "frames", &frames));
    return frames;
}

struct record_mem qtest_mem(struct qtest *t)
{
    int64_t end = vm_now_ms() + QTEST_STEP_MS;
    const char *line = vm_last_line(t->vm, "@mem ");
    struct record_mem mem = { 0 };

    while (line == NULL && vm_now_ms() < end) { /* the first comes right behind `@ready` */
        vm_pump(t->vm, LOOK_MS);
        line = vm_last_line(t->vm, "@mem ");
    }
    assert_non_null(line);
    assert_true(record_mem(line, &mem));
    return mem;
}

uint64_t qtest_counter(struct qtest *t, const char *key)
{
    const char *line = vm_last_line(t->vm, "@balloon ");
    uint64_t value = 0;

    assert_true(line == NULL || record_u64(line, key, &value));
    return value;
}

struct record_mem qtest_wait_frames(struct qtest *t, uint64_t frames)
{
    int64_t end = vm_now_ms() + QTEST_STEP_MS;
    struct record_mem mem = qtest_mem(t);

    while ((mem.balloon != frames || mem.actual != frames || mem.target != frames) &&
           vm_now_ms() < end) {
        vm_pump(t->vm, LOOK_MS);
        mem = qtest_mem(t);
    }
    if (mem.balloon != frames || mem.actual != frames || mem.target != frames) {
        fail_msg("the guest says balloon=%llu actual=%llu target=%llu instead of %llu",
                 (unsigned long long)mem.balloon, (unsigned long long)mem.actual,
                 (unsigned long long)mem.target, (unsigned long long)frames);
    }
    return mem;
}

void qtest_status(struct qtest *t, unsigned status, int timeout_ms)
{
    struct vm_exit result;

    if (vm_wait_exit(t->vm, timeout_ms, &result) != VM_WAIT_OK) {
        fail_msg("the guest did not end within %d ms", timeout_ms);
    }
    if (result.end != VM_END_STATUS || result.status != status) {
        fail_msg("not status %u: %s", status, result.text);
    }
}

void qtest_press_power(struct qtest *t)
{
    struct qmp_error error;
    enum qmp_status status =
        qmp_execute(vm_qmp(t->vm), "system_powerdown", NULL, QTEST_STEP_MS, NULL, &error);

    /* The guest may be gone before QEMU has written its answer. */
    if (status != QMP_OK && status != QMP_CLOSED) {
        fail_msg("system_powerdown: %s", error.text);
    }
}

void qtest_powerdown(struct qtest *t)
{
    qtest_press_power(t);
    qtest_status(t, 0, QTEST_STEP_MS);
}

void qtest_switch_off(struct qtest *t)
{
    struct vm_exit result;

    qtest_press_power(t);
    assert_int_equal(vm_wait_exit(t->vm, QTEST_STEP_MS, &result), VM_WAIT_OK);
    if (result.end != VM_END_POWEROFF) {
        fail_msg("not switched off: %s", result.text);
    }
}

/* ---- the host's side ---- */

json_t *qtest_command(struct qtest *t, const char *command, json_t *arguments)
{
    struct qmp_error error;
    json_t *reply = NULL;

    if (qmp_execute(vm_qmp(t->vm), command, arguments, QTEST_STEP_MS, &reply, &error) != QMP_OK) {
        fail_msg("%s: %s: %s", command, qmp_status_name(error.status), error.text);
    }
    return reply;
}

void qtest_do(struct qtest *t, const char *command)
{
    json_decref(qtest_command(t, command, NULL));
}

json_t *qtest_wait_word(struct qtest *t, const char *command, const char *member, const char *want,
                        const char *bad)
{
    int64_t end_ms = vm_now_ms() + 3 * QTEST_STEP_MS;
    const char *word = "nothing";

    while (vm_now_ms() < end_ms) {
        json_t *reply = qtest_command(t, command, NULL);

        word = json_string_value(json_object_get(reply, member));
        if (word != NULL && strcmp(word, want) == 0) {
            return reply;
        }
        if (word != NULL && strcmp(word, bad) == 0) {
            fail_msg("%s: %s instead of %s: %s", command, bad, want,
                     json_dumps(reply, JSON_COMPACT));
        }
        json_decref(reply);
        qtest_sleep(t, LOOK_MS);
    }
    fail_msg("%s: %s never became %s", command, member, want);
    return NULL;
}

void qtest_ask(struct qtest *t, uint64_t bytes)
{
    json_decref(qtest_command(t, "balloon", json_pack("{s:I}", "value", (json_int_t)bytes)));
}

uint64_t qtest_actual(struct qtest *t)
{
    json_t *reply = qtest_command(t, "query-balloon", NULL);
    uint64_t actual = 0;

    assert_true(qmp_get_u64(reply, "actual", &actual));
    json_decref(reply);
    return actual;
}

void qtest_wait_actual(struct qtest *t, uint64_t bytes, int timeout_ms)
{
    int64_t end = vm_now_ms() + timeout_ms;
    uint64_t actual = qtest_actual(t);

    while (actual != bytes && vm_now_ms() < end) {
        qtest_sleep(t, LOOK_MS);
        actual = qtest_actual(t);
    }
    if (actual != bytes) {
        fail_msg("actual stands at %llu bytes instead of %llu after %d ms",
                 (unsigned long long)actual, (unsigned long long)bytes, timeout_ms);
    }
}

void qtest_resize(struct qtest *t, uint64_t bytes)
{
    qtest_ask(t, bytes);
    qtest_wait_actual(t, bytes, QTEST_STEP_MS);
    (void)qtest_wait_frames(t, (t->ram_bytes - bytes) / QTEST_FRAME);
}

uint64_t qtest_resident(struct qtest *t)
{
    uint64_t bytes = 0;

    assert_true(vm_ram_resident(t->vm, &bytes));
    return bytes;
}

void qtest_sleep(struct qtest *t, int ms)
{
    int64_t end = vm_now_ms() + ms;

    while (vm_now_ms() < end) {
        int64_t left = end - vm_now_ms();

        vm_pump(t->vm, left < 1 ? 1 : (int)left);
    }
}

void qtest_calms_down(struct qtest *t, int ms, uint64_t most_us)
{
    int64_t end = vm_now_ms() + QTEST_STEP_MS;
    uint64_t busy[2];

    do {
        assert_true(vm_vcpu_time(t->vm, 0, &busy[0]));
        qtest_sleep(t, ms);
        assert_true(vm_vcpu_time(t->vm, 0, &busy[1]));
    } while (busy[1] - busy[0] > most_us && vm_now_ms() < end);
    assert_in_range(busy[1] - busy[0], 0, most_us);
}

struct record_mem qtest_mem_now(struct qtest *t)
{
    const uint64_t all = qtest_actual(t);
    const uint64_t frames = qtest_mem(t).balloon;

    qtest_ask(t, all - QTEST_MIB);
    (void)qtest_wait_frames(t, frames + QTEST_MIB / QTEST_FRAME);
    qtest_ask(t, all);
    return qtest_wait_frames(t, frames);
}
