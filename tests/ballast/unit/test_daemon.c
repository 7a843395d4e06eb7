/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program ballastd as it is started by a service manager: a process of its own, with a
 * configuration, signals, sd_notify, its API, and a machine that this test plays over QMP. What the
 * parts do is tested elsewhere; here it is that they are wired together.
 */

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/ballast/fakes/fake_machine.h"
#include "tests/ballast/fakes/fake_root.h"
#include "tests/ballast/unit/cli_fixture.h"

#define MIB ((uint64_t)1 << 20)
#define RAM (512 * MIB)
/* What a step may take where much else runs. */
#define STEP_MS 30000

/* A host that cannot hold the machine and its own reserve: it has to give. */
#define SMALL_HOST "[host]\nmemory = 512M\n[policy]\nperiod = 200ms\nreporting-trust = 0 %\n"

static struct {
    char folder[64];
    char config[96];
    char log[96];
    char program[PATH_MAX];
    char url[128];
    char socket[96];
    int notify; /* what sd_notify would read */
    char told[65536];
    size_t told_size;
    pid_t daemon;
    pthread_t thread; /* plays the machine */
    pthread_mutex_t lock;
    bool playing;
    struct fake_machine machine;
} rig;

/* ---- the machine ---- */

/* A guest that takes every target at once, and tells fresh statistics. */
static void *play(void *context)
{
    const struct timespec pause = { .tv_nsec = 2000000 };
    bool playing = true;

    (void)context;
    while (playing) {
        (void)pthread_mutex_lock(&rig.lock);
        rig.machine.last_update_s = (uint64_t)time(NULL);
        rig.machine.available_bytes = rig.machine.actual_bytes - 100 * MIB;
        fake_machine_work(&rig.machine);
        if (rig.machine.target_bytes != 0) {
            rig.machine.actual_bytes = rig.machine.target_bytes;
        }
        playing = rig.playing;
        (void)pthread_mutex_unlock(&rig.lock);
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

static uint64_t target(void)
{
    (void)pthread_mutex_lock(&rig.lock);
    const uint64_t bytes = rig.machine.target_bytes;
    (void)pthread_mutex_unlock(&rig.lock);
    return bytes;
}

/* ---- files ---- */

static void configure(const char *lines)
{
    FILE *file = fopen(rig.config, "w");

    assert_non_null(file);
    (void)fprintf(file,
                  "%s[qmp]\nfolder = %s/run\n[api]\nlisten = unix:%s\n[state]\nfolder = %s/state\n",
                  lines, rig.folder, rig.socket, rig.folder);
    assert_int_equal(fclose(file), 0);
}

static char *read_log(void)
{
    static char text[1 << 18];
    FILE *file = fopen(rig.log, "r");
    size_t size = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);

    if (file != NULL) {
        (void)fclose(file);
    }
    text[size] = '\0';
    return text;
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
    const struct timespec span = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    (void)nanosleep(&span, NULL);
}

/* Whether the service manager was told so since rig.told was emptied. */
static bool told(const char *text)
{
    char message[1024];
    ssize_t size;

    while ((size = recv(rig.notify, message, sizeof message - 1, MSG_DONTWAIT)) > 0) {
        message[size] = '\0';
        assert_true(rig.told_size + (size_t)size + 2 < sizeof rig.told);
        rig.told_size += (size_t)sprintf(rig.told + rig.told_size, "%s\n", message);
    }
    return strstr(rig.told, text) != NULL;
}

/* What is told is read meanwhile, or the daemon's socket would be full. */
#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        const int64_t from_ms = now_ms();                                                          \
        while (!(condition)) {                                                                     \
            if (now_ms() - from_ms > STEP_MS) {                                                    \
                fail_msg("not so after %d s: %s\n%s", STEP_MS / 1000, #condition, read_log());     \
            }                                                                                      \
            (void)told("");                                                                        \
            pause_ms(20);                                                                          \
        }                                                                                          \
    } while (false)

static bool logged(const char *text)
{
    return strstr(read_log(), text) != NULL;
}

static void told_forget(void)
{
    (void)told("");
    rig.told_size = 0;
    rig.told[0] = '\0';
}

/* ---- the program ---- */

/* In the child: as a service manager starts it. Does not return. */
static void become(const char *option)
{
    char *words[] = { rig.program, (char[]){ "-c" }, rig.config, NULL, NULL };
    char notify[128];
    char option_copy[32];
    int log = open(rig.log, O_WRONLY | O_CREAT | O_APPEND, 0600);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)snprintf(option_copy, sizeof option_copy, "%s", option == NULL ? "" : option);
    words[3] = option == NULL ? NULL : option_copy;
    (void)snprintf(notify, sizeof notify, "%s/notify", rig.folder);
    (void)setenv("NOTIFY_SOCKET", notify, 1);
    (void)setenv("WATCHDOG_USEC", "1000000", 1);
    (void)unsetenv("WATCHDOG_PID");
    if (log < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0) {
        _exit(99);
    }
    (void)execv(rig.program, words);
    _exit(98);
}

static pid_t start_with(const char *option)
{
    const pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        become(option);
    }
    return pid;
}

/* Its exit status, 128 + the number of the signal that ended it. */
static int wait_end(pid_t pid)
{
    int status = 0;
    const int64_t from_ms = now_ms();

    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (now_ms() - from_ms > STEP_MS) {
            (void)kill(pid, SIGKILL);
        }
        pause_ms(10);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_with(const char *option)
{
    return wait_end(start_with(option));
}

static void start(void)
{
    told_forget();
    rig.daemon = start_with(NULL);
    WAIT_FOR(told("READY=1"));
}

static int stop(int signal)
{
    const pid_t pid = rig.daemon;

    (void)told("");
    assert_int_equal(kill(pid, signal), 0);
    rig.daemon = 0;
    return wait_end(pid);
}

/* ---- asking it ---- */

static char answer[1 << 18];

static size_t take(char *data, size_t size, size_t count, void *context)
{
    size_t *used = context;
    const size_t bytes = size * count;

    if (*used + bytes >= sizeof answer) {
        return 0;
    }
    memcpy(answer + *used, data, bytes);
    *used += bytes;
    answer[*used] = '\0';
    return bytes;
}

static const char *get(const char *path)
{
    char url[256];
    size_t used = 0;
    CURL *curl = curl_easy_init();

    assert_non_null(curl);
    answer[0] = '\0';
    (void)snprintf(url, sizeof url, "http://localhost%s", path);
    (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, rig.socket);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &used);
    (void)curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    return answer;
}

/* The number behind a metric with its labels; -1: it is not there. */
static double metric(const char *name)
{
    const char *at = strstr(get("/metrics"), name);

    return at == NULL ? -1 : strtod(at + strlen(name), NULL);
}

#define COMMANDS "ballast_machine_commands_total{machine=\"vm\",owner=\"\",class=\"burst\"} "
#define SIZE     "ballast_machine_size_bytes{machine=\"vm\",owner=\"\",class=\"burst\"} "

/* ---- set up ---- */

static void make_folders(void)
{
    char path[128];

    (void)snprintf(rig.folder, sizeof rig.folder, "/tmp/ballastd-XXXXXX");
    assert_non_null(mkdtemp(rig.folder));
    (void)snprintf(path, sizeof path, "%s/run", rig.folder);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(rig.config, sizeof rig.config, "%s/ballast.conf", rig.folder);
    (void)snprintf(rig.log, sizeof rig.log, "%s/log", rig.folder);
    (void)snprintf(rig.socket, sizeof rig.socket, "%s/api.sock", rig.folder);
    (void)snprintf(rig.url, sizeof rig.url, "unix:%s", rig.socket);
}

static int set_up(void **state)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char self[PATH_MAX];
    char path[128];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    (void)state;
    memset(&rig, 0, sizeof rig);
    assert_true(length > 0);
    self[length] = '\0';
    (void)snprintf(rig.program, sizeof rig.program, "%.4000s/ballastd", dirname(self));
    make_folders();
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", rig.folder);
    rig.notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(rig.notify, (struct sockaddr *)&address, sizeof address), 0);
    (void)snprintf(path, sizeof path, "%s/run/vm.qmp", rig.folder);
    fake_machine_start(&rig.machine, path);
    (void)pthread_mutex_init(&rig.lock, NULL);
    rig.playing = true;
    return pthread_create(&rig.thread, NULL, play, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    if (rig.daemon > 0) {
        (void)stop(SIGKILL);
    }
    (void)pthread_mutex_lock(&rig.lock);
    rig.playing = false;
    (void)pthread_mutex_unlock(&rig.lock);
    (void)pthread_join(rig.thread, NULL);
    (void)pthread_mutex_destroy(&rig.lock);
    fake_machine_end(&rig.machine);
    (void)close(rig.notify);
    fake_root_remove(rig.folder, "");
    return 0;
}

/* ---- tests ---- */

static void a_machine_is_found_listed_and_given_targets(void **state)
{
    (void)state;
    configure(SMALL_HOST);
    start();
    WAIT_FOR(strstr(get("/v1/machines"), "\"name\":\"vm\"") != NULL ||
             strstr(answer, "\"name\": \"vm\"") != NULL);
    /* First it is told to keep what it has, whatever somebody else told it before. */
    WAIT_FOR(target() != 0 && target() < RAM);
    WAIT_FOR(metric(COMMANDS) >= 1);
    WAIT_FOR(metric(SIZE) > 0 && metric(SIZE) < (double)RAM);
    const double requests = metric("\nballast_http_requests_total ");
    assert_true(requests > 0);
    assert_true(metric("\nballast_http_requests_total ") > requests);
    struct ran list = run_line(rig.url, "list");
    assert_int_equal(list.status, CLI_OK);
    assert_has(list.out, "vm ");
    ran_free(&list);
    struct ran events = run_line(rig.url, "events");
    assert_has(events.out, "shrink-");
    ran_free(&events);
    assert_int_equal(stop(SIGTERM), 0);
    assert_true(target() < RAM); /* on-exit = leave is the default */
}

static void the_service_manager_is_told_how_it_goes(void **state)
{
    (void)state;
    configure(SMALL_HOST);
    start();
    WAIT_FOR(told("WATCHDOG=1"));
    WAIT_FOR(told("STATUS=1 machines, zone "));
    told_forget();
    assert_int_equal(kill(rig.daemon, SIGHUP), 0);
    WAIT_FOR(told("READY=1"));
    assert_true(strstr(rig.told, "RELOADING=1") < strstr(rig.told, "READY=1"));
    told_forget();
    assert_int_equal(stop(SIGINT), 0);
    assert_true(told("STOPPING=1"));
    assert_true(logged("the daemon ends: SIGINT"));
}

static void a_broken_file_leaves_the_last_good_configuration(void **state)
{
    (void)state;
    configure(SMALL_HOST "[machine vm]\nweight = 77\n");
    start();
    WAIT_FOR(strstr(get("/v1/machines/vm"), "77") != NULL);
    configure("[policy]\nperiod = never\n");
    told_forget();
    assert_int_equal(kill(rig.daemon, SIGHUP), 0);
    WAIT_FOR(logged("the last good configuration stays"));
    assert_true(logged("ballast.conf:2: "));
    WAIT_FOR(told("READY=1"));
    assert_non_null(strstr(get("/v1/machines/vm"), "77"));
    configure(SMALL_HOST "[machine vm]\nweight = 99\n");
    assert_int_equal(kill(rig.daemon, SIGHUP), 0);
    WAIT_FOR(strstr(get("/v1/machines/vm"), "99") != NULL);
    assert_int_equal(stop(SIGTERM), 0);
}

static void with_restore_machines_have_their_maximum_at_the_end(void **state)
{
    (void)state;
    configure(SMALL_HOST "on-exit = restore\n");
    start();
    WAIT_FOR(target() != 0 && target() < RAM);
    assert_int_equal(stop(SIGTERM), 0);
    assert_int_equal(target(), RAM);
    assert_true(told("STOPPING=1"));
}

static void a_second_instance_is_refused(void **state)
{
    (void)state;
    configure(SMALL_HOST);
    start();
    assert_int_equal(run_with(NULL), 3);
    assert_true(logged("another ballastd (pid "));
    WAIT_FOR(strstr(get("/healthz"), "ok") != NULL); /* and the first one lives */
    assert_int_equal(stop(SIGKILL), 128 + SIGKILL);
    start(); /* after a kill nothing is in the way */
    assert_int_equal(stop(SIGTERM), 0);
}

static void check_tells_what_is_wrong_and_touches_nothing(void **state)
{
    (void)state;
    configure(SMALL_HOST);
    assert_int_equal(run_with("--check"), 0);
    assert_true(logged("nothing is wrong"));
    configure("[policy]\nperiod = never\nidle-taxx = 5 %\n");
    assert_int_equal(run_with("--check"), 1);
    assert_true(logged("ballast.conf:2: "));
    assert_true(logged("ballast.conf:3: ")); /* all of it and not only the first */
    assert_int_equal(access(rig.socket, F_OK), -1);
    assert_int_equal(run_with("--chekc"), 2);
    assert_int_equal(rig.machine.clients, 0);
}

static void a_folder_where_others_could_replace_the_socket_is_told(void **state)
{
    (void)state;
    configure(SMALL_HOST);
    assert_int_equal(chmod(rig.folder, 0770), 0);
    assert_int_equal(run_with("--check"), 0);
    assert_true(logged("warning"));
    assert_true(logged("may be written by its group"));
    assert_int_equal(truncate(rig.log, 0), 0);
    start();
    assert_true(logged("may be written by its group"));
    assert_int_equal(stop(SIGTERM), 0);
}

static void once_looks_decides_and_ends(void **state)
{
    (void)state;
    configure(SMALL_HOST "on-exit = restore\n");
    assert_int_equal(run_with("--once"), 0);
    assert_true(logged("vm is there"));
    char path[128];
    (void)snprintf(path, sizeof path, "%s/state/ballast.db", rig.folder);
    assert_int_equal(access(path, F_OK), 0);
}

/* In a child: the command line tool records until it is told to end. */
static pid_t record_to(const char *file)
{
    char line[256];
    const pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)snprintf(line, sizeof line, "record -o %s --for 3s", file);
        _exit(run_line(rig.url, line).status);
    }
    return pid;
}

static void a_recording_over_a_reload_replays(void **state)
{
    char file[128];
    char line[256];

    (void)state;
    configure(SMALL_HOST);
    start();
    WAIT_FOR(strstr(get("/v1/machines"), "\"vm\"") != NULL);
    (void)snprintf(file, sizeof file, "%s/recording", rig.folder);
    const pid_t recorder = record_to(file);
    pause_ms(1500);
    configure(SMALL_HOST "idle-tax = 10 %\ninflate = 9 %\n");
    assert_int_equal(kill(rig.daemon, SIGHUP), 0);
    assert_int_equal(wait_end(recorder), CLI_OK);
    assert_true(logged("the configuration was read again"));
    (void)snprintf(line, sizeof line, "replay %s", file);
    struct ran replay = run_line(rig.url, line);
    if (replay.status != CLI_OK) {
        fail_msg("%s%s", replay.out, replay.err);
    }
    ran_free(&replay);
    assert_int_equal(stop(SIGTERM), 0);
}

/* ---- the state folder ---- */

static void set_weight(unsigned weight, int status)
{
    char line[64];

    (void)snprintf(line, sizeof line, "set vm --weight %u", weight);
    struct ran ran = run_line(rig.url, line);
    if (ran.status != status) {
        fail_msg("%s: %d: %s\n%s", line, ran.status, ran.err, read_log());
    }
    if (status != CLI_OK) {
        assert_has(ran.err, "was not made. The reason: the database");
    }
    ran_free(&ran);
}

static bool has_weight(unsigned weight)
{
    char text[32];

    (void)snprintf(text, sizeof text, "\"weight\":%u,", weight);
    return strstr(get("/v1/machines/vm"), text) != NULL;
}

static void a_deleted_state_folder_is_made_anew_with_all_that_was_kept(void **state)
{
    char database[128];

    (void)state;
    (void)snprintf(database, sizeof database, "%s/state/ballast.db", rig.folder);
    configure(SMALL_HOST);
    start();
    WAIT_FOR(metric(SIZE) > 0); /* it is known who the machine is */
    set_weight(77, CLI_OK);
    for (unsigned turn = 1; turn <= 2; turn++) {
        fake_root_remove(rig.folder, "/state");
        WAIT_FOR(access(database, F_OK) == 0 && strstr(get("/healthz"), "\"ok\"") != NULL);
        assert_int_equal(run_with(NULL), 3); /* the lock is there again, too */
    }
    assert_true(logged("the database was deleted under the daemon"));
    assert_true(logged("the database was made anew with all that was kept"));
    set_weight(78, CLI_OK);
    assert_int_equal(stop(SIGKILL), 128 + SIGKILL);
    start();
    WAIT_FOR(has_weight(78));
    assert_int_equal(stop(SIGTERM), 0);
}

static void what_cannot_be_kept_is_refused_and_health_says_why(void **state)
{
    char folder[128];
    char other[128];

    (void)state;
    configure(SMALL_HOST);
    start();
    WAIT_FOR(metric(SIZE) > 0); /* it is known who the machine is */
    (void)snprintf(folder, sizeof folder, "%s/state", rig.folder);
    (void)snprintf(other, sizeof other, "%s/other", rig.folder);
    FILE *file = fopen(other, "we");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    /* At once there is a file where the folder was: nothing can be made anew. */
    assert_int_equal(renameat2(AT_FDCWD, other, AT_FDCWD, folder, RENAME_EXCHANGE), 0);
    set_weight(77, CLI_FAILED);
    assert_non_null(strstr(get("/healthz"), "\"unwell\""));
    assert_has(answer, "the database was deleted under the daemon");
    assert_true(metric("\nballast_healthy ") == 0);
    assert_true(has_weight(1000));
    WAIT_FOR(logged("the database cannot be made anew"));
    assert_int_equal(renameat2(AT_FDCWD, other, AT_FDCWD, folder, RENAME_EXCHANGE), 0);
    WAIT_FOR(strstr(get("/healthz"), "\"ok\"") != NULL);
    assert_true(metric("\nballast_healthy ") == 1);
    set_weight(78, CLI_OK);
    assert_int_equal(stop(SIGTERM), 0);
}

/* As a disk that is full: no file may grow. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(prlimit(rig.daemon, RLIMIT_FSIZE, NULL, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(prlimit(rig.daemon, RLIMIT_FSIZE, &limit, NULL), 0);
}

static void a_full_disk_makes_the_daemon_unwell_until_there_is_room(void **state)
{
    (void)state;
    configure(SMALL_HOST);
    start();
    WAIT_FOR(metric(SIZE) > 0); /* it is known who the machine is */
    limit_files(1);
    set_weight(77, CLI_FAILED);
    assert_non_null(strstr(get("/healthz"), "\"unwell\""));
    assert_has(answer, "the database");
    limit_files(RLIM_INFINITY);
    set_weight(78, CLI_OK);
    assert_non_null(strstr(get("/healthz"), "\"ok\""));
    assert_int_equal(stop(SIGTERM), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_machine_is_found_listed_and_given_targets),
        TEST(the_service_manager_is_told_how_it_goes),
        TEST(a_broken_file_leaves_the_last_good_configuration),
        TEST(with_restore_machines_have_their_maximum_at_the_end),
        TEST(a_second_instance_is_refused),
        TEST(check_tells_what_is_wrong_and_touches_nothing),
        TEST(a_folder_where_others_could_replace_the_socket_is_told),
        TEST(once_looks_decides_and_ends),
        TEST(a_recording_over_a_reload_replays),
        TEST(a_deleted_state_folder_is_made_anew_with_all_that_was_kept),
        TEST(what_cannot_be_kept_is_refused_and_health_says_why),
        TEST(a_full_disk_makes_the_daemon_unwell_until_there_is_room),
    };
    return cmocka_run_group_tests_name("tools/ballast/daemon", tests, NULL, NULL);
}
