/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life of a rig: its folder, the daemon, the guests, and their end. cmocka leaves a failed case by
 * longjmp and then runs the teardown, so everything that must happen is there. A case that hangs is
 * ended by an alarm; daemon and QEMUs asked the kernel to die with us.
 */

#include "tests/ballast/live/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CASE_LIMIT_S 900
#define LOG_TAIL     40U
#define LOOK_MS      20

static struct rig current;

static void hung(int signal_number)
{
    static const char text[] = "rig: the case hangs and is ended\n";

    (void)signal_number;
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    _exit(124);
}

static void path_of(const struct rig *rig, const char *file, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", rig->folder, file);
}

/* ---- a case ---- */

static void make_folder(struct rig *rig)
{
    const char *build = getenv("BUILD");
    char path[128];

    snprintf(rig->build, sizeof(rig->build), "%s",
             build != NULL && build[0] != '\0' ? build : "build");
    snprintf(rig->folder, sizeof(rig->folder), "/tmp/ballast-live-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    path_of(rig, "machines", path, sizeof(path));
    assert_int_equal(mkdir(path, 0700), 0);
}

void rig_run(void **state)
{
    struct rig *rig = &current;
    const struct rig_case *test = *state;

    memset(rig, 0, sizeof(*rig));
    rig->name = test->name;
    signal(SIGALRM, hung);
    signal(SIGPIPE, SIG_IGN);
    alarm(CASE_LIMIT_S);
    make_folder(rig);
    test->body(rig);
    rig->passed = true;
}

void rig_skip(struct rig *rig, const char *reason)
{
    print_message("skipped: %s\n", reason);
    rig->passed = true;
    skip();
    abort(); /* skip() does not come back, and does not say so to the compiler */
}

static void print_tail(const struct rig *rig)
{
    char *log = rig_log(&current);
    size_t lines = 0;
    const char *at = log + strlen(log);

    while (at > log && lines <= LOG_TAIL) {
        at--;
        lines += *at == '\n';
    }
    fprintf(stderr, "rig: the end of the daemon's log in %s:\n%s\n", rig->name, at);
    free(log);
}

/* The daemon's log is kept where the serial logs of other tests are; the folder goes. A shell is
 * what is wanted for that. */
static void keep_log(const struct rig *rig)
{
    char *command = NULL;

    if (asprintf(&command,
                 "mkdir -p '%s/logs' && { [ ! -e '%s/log' ] || cp '%s/log' '%s/logs/%s.log'; } && "
                 "rm -r '%s'",
                 rig->build, rig->folder, rig->folder, rig->build, rig->name, rig->folder) < 0 ||
        system(command) != 0) { /* NOLINT(cert-env33-c) */
        fprintf(stderr, "rig: the log of %s could not be kept\n", rig->name);
    }
    free(command);
}

int rig_end(void **state)
{
    struct rig *rig = &current;
    bool failed_here = false;

    (void)state;
    if (rig->daemon != 0) {
        int status = rig_stop(rig, SIGTERM);

        if (status != 0) {
            fprintf(stderr, "rig: the daemon ended with %d\n", status);
            failed_here = rig->passed;
            rig->passed = false;
        }
    }
    for (size_t i = 0; i < rig->guest_count; i++) {
        if (rig->guests[i].elsewhere != NULL) {
            rig->guests[i].elsewhere->end(rig->guests[i].name);
        }
        vm_end(rig->guests[i].vm);
    }
    if (!rig->passed) {
        print_tail(rig);
    }
    keep_log(rig);
    alarm(0);
    return failed_here ? -1 : 0; /* a body that failed was told already */
}

int rig_main(const char *group, const struct CMUnitTest *tests, size_t count, int argc, char **argv)
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

/* ---- the daemon ---- */

void rig_configure(struct rig *rig, const char *lines)
{
    char path[128];
    FILE *file;

    path_of(rig, "ballast.conf", path, sizeof(path));
    file = fopen(path, "we");
    assert_non_null(file);
    fprintf(file,
            "[qmp]\nfolder = %s/machines\n[api]\nlisten = unix:%s/api.sock\n[state]\nfolder = "
            "%s\n[log]\nlevel = debug\n[policy]\nperiod = 500ms\n%s\n",
            rig->folder, rig->folder, rig->folder, lines);
    assert_int_equal(fclose(file), 0);
}

_Noreturn static void become_daemon(const struct rig *rig, pid_t parent)
{
    char program[300];
    char config[128];
    char log[128];
    int fd;

    snprintf(program, sizeof(program), "%s/tools/ballastd", rig->build);
    path_of(rig, "ballast.conf", config, sizeof(config));
    path_of(rig, "log", log, sizeof(log));
    fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent ||
        dup2(fd, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0) {
        _exit(126);
    }
    execl(program, "ballastd", "--config", config, (char *)NULL);
    fprintf(stderr, "cannot run %s: %s\n", program, strerror(errno));
    _exit(127);
}

void rig_start(struct rig *rig)
{
    pid_t parent = getpid();
    int64_t limit = vm_now_ms() + RIG_STEP_MS;
    json_t *health = NULL;
    int status;

    assert_int_equal(rig->daemon, 0);
    rig->daemon = fork();
    assert_true(rig->daemon >= 0);
    if (rig->daemon == 0) {
        become_daemon(rig, parent);
    }
    while (rig_call(rig, "GET", "/healthz", NULL, &health) != 200) {
        json_decref(health);
        health = NULL;
        if (waitpid(rig->daemon, &status, WNOHANG) == rig->daemon) {
            rig->daemon = 0;
            fail_msg("the daemon ended at its start, with status %#x", (unsigned)status);
        }
        if (vm_now_ms() > limit) {
            fail_msg("the daemon's API did not answer in time");
        }
        rig_look_again(rig, LOOK_MS);
    }
    json_decref(health);
}

int rig_stop(struct rig *rig, int signal_number)
{
    int64_t limit = vm_now_ms() + RIG_STEP_MS;
    pid_t pid = rig->daemon;
    int status = 0;

    if (kill(pid, signal_number) != 0) {
        return -1;
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (vm_now_ms() > limit) {
            fprintf(stderr, "rig: the daemon does not end\n");
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, &status, 0);
            break;
        }
        (void)usleep(LOOK_MS * 1000);
    }
    rig->daemon = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void rig_reload(struct rig *rig)
{
    assert_int_equal(kill(rig->daemon, SIGHUP), 0);
}

char *rig_log(struct rig *rig)
{
    char path[128];
    FILE *file;
    char *text = NULL;
    size_t size = 0;

    path_of(rig, "log", path, sizeof(path));
    file = fopen(path, "re");
    if (file == NULL || getdelim(&text, &size, '\0', file) < 0) {
        free(text);
        text = strdup("");
    }
    if (file != NULL) {
        fclose(file);
    }
    return text;
}

void rig_wait_log(struct rig *rig, const char *text)
{
    int64_t limit = vm_now_ms() + RIG_STEP_MS;

    for (;;) {
        char *log = rig_log(rig);
        bool found = strstr(log, text) != NULL;

        free(log);
        if (found) {
            return;
        }
        if (vm_now_ms() > limit) {
            fail_msg("the daemon never logged '%s'", text);
        }
        rig_look_again(rig, LOOK_MS);
    }
}

void rig_look_again(struct rig *rig, int ms)
{
    int64_t end = vm_now_ms() + ms;

    do {
        for (size_t i = 0; i < rig->guest_count; i++) {
            if (rig->guests[i].vm != NULL) {
                vm_pump(rig->guests[i].vm, 0);
            }
        }
        (void)usleep(5000);
    } while (vm_now_ms() < end);
}

/* ---- guests ---- */

struct rig_guest *rig_find(struct rig *rig, const char *name)
{
    for (size_t i = 0; i < rig->guest_count; i++) {
        if (strcmp(rig->guests[i].name, name) == 0) {
            return &rig->guests[i];
        }
    }
    fail_msg("the rig has no guest %s", name);
    return NULL;
}

void rig_guest_elsewhere(struct rig *rig, const char *name, const struct rig_elsewhere *elsewhere)
{
    struct rig_guest *guest;

    assert_true(rig->guest_count < RIG_GUESTS_MAX);
    guest = &rig->guests[rig->guest_count++];
    memset(guest, 0, sizeof(*guest));
    snprintf(guest->name, sizeof(guest->name), "%s", name);
    guest->elsewhere = elsewhere;
}

/* What each guest of ours says when it takes commands. */
static const char *ready_line(const struct rig_guest *guest)
{
    static const char *const lines[][2] = { { "memwork.elf", "@memwork ready" },
                                            { "linux/vmlinux", "@linux ready" },
                                            { "libc-tests/liar.elf", "@liar offers" } };
    size_t length;
    size_t name_length;

    if (guest->elsewhere != NULL) {
        return lines[0][1];
    }
    length = strlen(guest->config.image);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        name_length = strlen(lines[i][0]);
        if (length >= name_length &&
            strcmp(guest->config.image + length - name_length, lines[i][0]) == 0) {
            return lines[i][1];
        }
    }
    fail_msg("by which line does %s say that it is ready?", guest->config.image);
    return NULL;
}

void rig_ready(struct rig *rig, const char *name)
{
    struct rig_guest *guest = rig_find(rig, name);

    if (!guest->ready) {
        rig_answer(rig, name, ready_line(guest));
        guest->ready = true;
    }
}

void rig_starts_anew(struct rig *rig, const char *name)
{
    rig_find(rig, name)->ready = false;
}

/* The words behind the rig's own: a QMP socket in the daemon's folder. */
static void add_words(struct rig *rig, struct rig_guest *guest, const struct vm_config *config)
{
    size_t count = 0;

    snprintf(guest->qmp_words, sizeof(guest->qmp_words),
             "unix:%s/machines/%s.qmp,server=on,wait=off", rig->folder, guest->name);
    guest->extra[count++] = "-qmp";
    guest->extra[count++] = guest->qmp_words;
    for (size_t i = 0; config->extra != NULL && config->extra[i] != NULL; i++) {
        assert_true(count + 1 < sizeof(guest->extra) / sizeof(guest->extra[0]));
        guest->extra[count++] = config->extra[i];
    }
    guest->extra[count] = NULL;
    guest->config.extra = guest->extra;
}

struct rig_guest *rig_guest(struct rig *rig, const char *name, const struct vm_config *config)
{
    struct rig_guest *guest = rig_guest_starts(rig, name, config);

    rig_ready(rig, name);
    return guest;
}

struct rig_guest *rig_guest_starts(struct rig *rig, const char *name,
                                   const struct vm_config *config)
{
    static const struct vm_config plain;
    struct rig_guest *guest = NULL;
    static char image[RIG_GUESTS_MAX][300];
    char reason[256];

    config = config == NULL ? &plain : config;
    for (size_t i = 0; i < rig->guest_count; i++) { /* one that was there before */
        if (strcmp(rig->guests[i].name, name) == 0) {
            guest = &rig->guests[i];
            vm_end(guest->vm);
        }
    }
    if (guest == NULL) {
        assert_true(rig->guest_count < RIG_GUESTS_MAX);
        guest = &rig->guests[rig->guest_count++];
    }
    memset(guest, 0, sizeof(*guest));
    snprintf(guest->name, sizeof(guest->name), "%s", name);
    guest->config = *config;
    snprintf(image[guest - rig->guests], sizeof(image[0]), "%s/%s", rig->build,
             config->image == NULL ? "memwork.elf" : config->image);
    guest->config.image = image[guest - rig->guests];
    guest->config.memory_mib = config->memory_mib == 0 ? 256 : config->memory_mib;
    guest->config.append = config->append == NULL ? "results=off -- console" : config->append;
    if (config->balloon_properties == NULL && !config->no_balloon) {
        guest->config.balloon_properties = "free-page-reporting=on";
    }
    guest->config.stay_on_reset = true;
    guest->config.may_pause = true;
    add_words(rig, guest, config);
    guest->vm = vm_start(&guest->config, reason, sizeof(reason));
    if (guest->vm == NULL) {
        fail_msg("%s: %s", name, reason);
    }
    return guest;
}

void rig_kill(struct rig *rig, const char *name)
{
    struct rig_guest *guest = rig_find(rig, name);

    assert_int_equal(kill(vm_pid(guest->vm), SIGKILL), 0);
    vm_end(guest->vm);
    guest->vm = NULL;
}

void rig_say(struct rig *rig, const char *name, const char *line)
{
    struct rig_guest *guest = rig_find(rig, name);
    char text[512];

    rig_ready(rig, name);
    if (guest->elsewhere != NULL) {
        assert_true(guest->elsewhere->say(name, line));
        return;
    }
    snprintf(text, sizeof(text), "%s\n", line);
    assert_true(vm_type(guest->vm, text, RIG_STEP_MS));
}

bool rig_answered(struct rig *rig, const char *name, const char *what)
{
    struct rig_guest *guest = rig_find(rig, name);
    enum vm_wait waited;

    if (guest->elsewhere != NULL) {
        return guest->elsewhere->answer(name, what, LOOK_MS);
    }
    waited = vm_wait_line(guest->vm, what, LOOK_MS, NULL);
    if (waited == VM_WAIT_ENDED) {
        fail_msg("%s has ended and never said '%s'", name, what);
    }
    return waited == VM_WAIT_OK;
}

void rig_answer(struct rig *rig, const char *name, const char *what)
{
    int64_t limit = vm_now_ms() + RIG_STEP_MS;

    while (!rig_answered(rig, name, what)) {
        if (vm_now_ms() > limit) {
            fail_msg("%s never said '%s'", name, what);
        }
        rig_look_again(rig, 1);
    }
}

void rig_foreign(struct rig *rig, const char *name, const char *command, json_t *arguments)
{
    struct qmp_error error;

    if (strcmp(command, "system_reset") == 0) {
        rig_starts_anew(rig, name);
    }
    if (qmp_execute(vm_qmp(rig_find(rig, name)->vm), command, arguments, RIG_STEP_MS, NULL,
                    &error) != QMP_OK) {
        fail_msg("%s to %s: %s", command, name, error.text);
    }
}
