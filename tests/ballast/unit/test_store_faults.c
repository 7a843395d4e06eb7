/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/ballast/store/: files that are not as they should be are refused with a reason and stay as
 * they are; a full disk costs what was not committed; older schemas are brought up.
 */
#include "tests/ballast/unit/store_fixture.h"

#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "tools/ballast/store/store_internal.h"

/* ---- files ---- */

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;

    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    (void)fclose(file);
    return bytes;
}

static void write_file(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* It does not open, says this, and not a byte of it changed. */
static void is_refused(const struct store_fixture *fixture, const char *because)
{
    char reason[512] = "";
    size_t before_size = 0;
    size_t after_size = 0;
    char *before = read_file(fixture->path, &before_size);
    struct store *store = store_open(fixture->folder, reason, sizeof reason);
    char *after = read_file(fixture->path, &after_size);

    if (store != NULL || strstr(reason, because) == NULL) {
        store_close(store);
        fail_msg("\"%s\" does not say \"%s\"", reason, because);
    }
    assert_non_null(strstr(reason, fixture->path));
    assert_int_equal(after_size, before_size);
    assert_memory_equal(after, before, before_size);
    free(before);
    free(after);
}

static void fill(struct store_fixture *fixture)
{
    store_fixture_open(fixture);
    for (int64_t i = 0; i < 2000; i++) {
        store_fixture_add(fixture->store, "web", START + i, 1);
    }
    store_fixture_close(fixture);
}

static void a_file_that_is_no_database_is_left_alone(void **state)
{
    struct store_fixture *fixture = *state;
    char text[5000];

    memset(text, 'x', sizeof text);
    write_file(fixture->path, text, sizeof text);
    is_refused(fixture, "not a database");
    write_file(fixture->path, text, 1);
    is_refused(fixture, "not a database");
}

static void a_damaged_database_is_left_alone(void **state)
{
    struct store_fixture *fixture = *state;
    size_t size = 0;
    char *bytes = NULL;
    unsigned refused = 0;

    fill(fixture);
    bytes = read_file(fixture->path, &size);
    assert_true(size > 40960);
    /* Cut off. */
    write_file(fixture->path, bytes, size / 2);
    is_refused(fixture, "damaged");
    /* A page in the middle full of something else. Pages that are free do not matter. */
    for (size_t page = 1; page < size / 4096; page++) {
        char *spoiled = malloc(size);
        char reason[512];
        struct store *store = NULL;

        assert_non_null(spoiled);
        memcpy(spoiled, bytes, size);
        memset(spoiled + page * 4096, 0x5a, 4096);
        write_file(fixture->path, spoiled, size);
        store = store_open(fixture->folder, reason, sizeof reason);
        if (store == NULL) {
            is_refused(fixture, "damaged");
            refused++;
        }
        store_close(store);
        free(spoiled);
    }
    assert_int_equal(refused, size / 4096 - 1);
    free(bytes);
}

static void another_programs_database_is_left_alone(void **state)
{
    struct store_fixture *fixture = *state;

    store_fixture_exec(fixture, "CREATE TABLE settings (anything)");
    is_refused(fixture, "another program");
    store_fixture_exec(fixture, "PRAGMA application_id = 77");
    is_refused(fixture, "another program");
}

static void a_newer_database_is_left_alone(void **state)
{
    struct store_fixture *fixture = *state;

    fill(fixture);
    store_fixture_exec(fixture, "PRAGMA user_version = 1000");
    is_refused(fixture, "version 1000");
    store_fixture_exec(fixture, "PRAGMA user_version = -3");
    is_refused(fixture, "version -3");
}

static void what_a_crash_left_of_a_newer_database_stays_too(void **state)
{
    struct store_fixture *fixture = *state;
    char log[160];
    size_t size = 0;
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        store_fixture_open(fixture);
        store_fixture_add(fixture->store, "web", START, 1);
        if (!store_commit(fixture->store)) {
            _exit(1);
        }
        _exit(sqlite3_exec(fixture->store->db, "PRAGMA user_version = 9", NULL, NULL, NULL));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    (void)snprintf(log, sizeof log, "%s-wal", fixture->path);
    free(read_file(log, &size));
    assert_true(size > 0);
    is_refused(fixture, "version 9");
    free(read_file(log, &size));
    assert_true(size > 0);
}

/* ---- folders ---- */

static void a_folder_that_is_not_there_is_told(void **state)
{
    char reason[512] = "";

    (void)state;
    assert_null(store_open("/nowhere/at/all", reason, sizeof reason));
    assert_non_null(strstr(reason, "/nowhere/at/all"));
    assert_non_null(strstr(reason, "No such file"));
    assert_null(store_open("/sys", reason, sizeof reason));
    assert_non_null(strstr(reason, "/sys"));
}

/* Runs a check as somebody who is not root, for whom modes count. */
static void as_nobody(struct store_fixture *fixture, const char *because)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        char reason[512] = "";
        struct store *store = NULL;

        if (geteuid() == 0 &&
            (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0)) {
            _exit(2);
        }
        store = store_open(fixture->folder, reason, sizeof reason);
        if (store != NULL || strstr(reason, because) == NULL) {
            (void)fprintf(stderr, "said: %s\n", reason);
            _exit(1);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void what_may_not_be_written_is_told(void **state)
{
    struct store_fixture *fixture = *state;

    assert_int_equal(chmod(fixture->folder, 0555), 0);
    as_nobody(fixture, "Permission denied");
    assert_int_equal(chmod(fixture->folder, 0755), 0);
    fill(fixture);
    assert_int_equal(chmod(fixture->path, 0444), 0);
    as_nobody(fixture, "Permission denied");
}

static void nobody_else_may_read_it(void **state)
{
    struct store_fixture *fixture = *state;
    struct stat status;

    store_fixture_open(fixture);
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_folder_in_the_files_place_is_told(void **state)
{
    struct store_fixture *fixture = *state;
    char reason[512] = "";

    assert_int_equal(mkfifo(fixture->path, 0600), 0);
    assert_null(store_open(fixture->folder, reason, sizeof reason));
    assert_non_null(strstr(reason, "is no file"));
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(mkdir(fixture->path, 0700), 0);
    assert_null(store_open(fixture->folder, reason, sizeof reason));
    assert_non_null(strstr(reason, "Is a directory"));
}

/* ---- a full disk ---- */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_costs_what_was_not_committed(void **state)
{
    struct store_fixture *fixture = *state;
    struct fleet_settings settings = { .class = POLICY_BURST, .weight = 1 };
    size_t kept = 0;
    bool good = true;

    (void)signal(SIGXFSZ, SIG_IGN);
    store_fixture_open(fixture);
    assert_true(store_save_settings(fixture->store, "web", &settings));
    limit_files(256 << 10);
    for (int64_t i = 0; good && i < 100000; i++) {
        struct store_point point = store_fixture_point(START + i, 1);

        good = store_add(fixture->store, "web", &point) && store_commit(fixture->store);
        kept += good;
    }
    assert_false(good);
    assert_true(kept > 10);
    assert_non_null(strstr(store_error(fixture->store), "room on the disk"));
    assert_false(store_save_settings(fixture->store, "db", &settings));
    assert_false(store_load_settings(fixture->store, "db", &settings));
    assert_string_not_equal(store_trouble(fixture->store), "");
    assert_true(store_load_settings(fixture->store, "web", &settings));
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_RAW), kept);
    /* There is room again, and no restart is needed. */
    limit_files(RLIM_INFINITY);
    store_fixture_add(fixture->store, "web", START + 200000, 1);
    assert_true(store_commit(fixture->store));
    assert_string_equal(store_trouble(fixture->store), "");
    assert_true(store_save_settings(fixture->store, "db", &settings));
    store_fixture_close(fixture);
    store_fixture_open(fixture);
    store_fixture_is_sound(fixture);
    assert_int_equal(store_fixture_count(fixture->store, "web", STORE_RAW), kept + 1);
}

static void a_disk_that_is_full_at_the_start_is_told(void **state)
{
    struct store_fixture *fixture = *state;
    char reason[512] = "";

    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files(4096);
    assert_null(store_open(fixture->folder, reason, sizeof reason));
    limit_files(RLIM_INFINITY);
    assert_non_null(strstr(reason, fixture->path));
    assert_non_null(strstr(reason, "File too large"));
    store_fixture_open(fixture);
}

/* ---- somebody else who writes ---- */

static int64_t clock_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A shell that was left open in the middle of a transaction must not cost each event a wait. */
static void who_holds_the_database_holds_up_the_daemon_once(void **state)
{
    struct store_fixture *fixture = *state;
    const struct store_event event = { .time_s = START, .kind = "found", .code = "qmp" };
    struct store_point point = store_fixture_point(START, 1);
    sqlite3 *other = NULL;
    int64_t begin_ms = 0;

    store_fixture_open(fixture);
    assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    begin_ms = clock_ms();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(store_event_add(fixture->store, &event), 0);
        assert_false(store_add(fixture->store, "web", &point));
    }
    assert_true(clock_ms() - begin_ms < 1000);
    assert_non_null(strstr(store_error(fixture->store), "locked"));
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_true(store_event_add(fixture->store, &event) > 0);
    assert_true(store_commit(fixture->store));
}

/* ---- checkpoints ---- */

static void a_checkpoint_moves_the_log_into_the_database(void **state)
{
    struct store_fixture *fixture = *state;
    struct stat status;
    char reason[512] = "";
    off_t before = 0;

    store_fixture_open(fixture);
    for (int64_t i = 0; i < 2000; i++) {
        store_fixture_add(fixture->store, "web", START + i, 1);
    }
    assert_true(store_commit(fixture->store));
    assert_int_equal(stat(fixture->path, &status), 0);
    before = status.st_size;
    assert_true(store_checkpoint(fixture->folder, reason, sizeof reason));
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_true(status.st_size > before);
    assert_false(store_checkpoint("/nowhere", reason, sizeof reason));
    assert_non_null(strstr(reason, "/nowhere"));
}

/* ---- migration ---- */

static const struct store_migration three_steps[] = {
    { "CREATE TABLE a (x); INSERT INTO a VALUES (1)" },
    { "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1" },
    { "CREATE TABLE b AS SELECT x + y AS z FROM a; DROP TABLE nothing_like_this" },
};

static void an_older_schema_is_brought_up_step_by_step(void **state)
{
    struct store_fixture *fixture = *state;
    char reason[STORE_REASON_MAX] = "";
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_true(store_migrate(db, "x", three_steps, 1, reason, sizeof reason));
    assert_true(store_migrate(db, "x", three_steps, 1, reason, sizeof reason));
    assert_int_equal(store_fixture_number(fixture, "PRAGMA user_version"), 1);
    assert_true(store_migrate(db, "x", three_steps, 2, reason, sizeof reason));
    assert_int_equal(store_fixture_number(fixture, "PRAGMA user_version"), 2);
    assert_int_equal(store_fixture_number(fixture, "SELECT y FROM a"), 2);
    assert_int_equal(store_fixture_number(fixture, "PRAGMA application_id"), STORE_APPLICATION_ID);
    /* A step that fails in its middle leaves the version before, whole. */
    assert_false(store_migrate(db, "x", three_steps, 3, reason, sizeof reason));
    assert_non_null(strstr(reason, "version 3"));
    assert_non_null(strstr(reason, "nothing_like_this"));
    assert_int_equal(store_fixture_number(fixture, "PRAGMA user_version"), 2);
    assert_int_equal(store_fixture_number(fixture, "SELECT count(*) FROM sqlite_schema"), 1);
    assert_false(store_migrate(db, "x", three_steps, 1, reason, sizeof reason));
    assert_non_null(strstr(reason, "newer ballastd"));
    (void)sqlite3_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, store_fixture_folder, store_fixture_teardown)
        CASE(a_file_that_is_no_database_is_left_alone),
        CASE(a_damaged_database_is_left_alone),
        CASE(another_programs_database_is_left_alone),
        CASE(a_newer_database_is_left_alone),
        CASE(what_a_crash_left_of_a_newer_database_stays_too),
        CASE(a_folder_that_is_not_there_is_told),
        CASE(what_may_not_be_written_is_told),
        CASE(nobody_else_may_read_it),
        CASE(a_folder_in_the_files_place_is_told),
        CASE(a_full_disk_costs_what_was_not_committed),
        CASE(a_disk_that_is_full_at_the_start_is_told),
        CASE(who_holds_the_database_holds_up_the_daemon_once),
        CASE(a_checkpoint_moves_the_log_into_the_database),
        CASE(an_older_schema_is_brought_up_step_by_step),
    };

    return cmocka_run_group_tests_name("tools/ballast/store/store_schema.c", tests, NULL, NULL);
}
