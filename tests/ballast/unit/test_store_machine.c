/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/ballast/store/store_machine.c: whose what is kept is; and a database of a version that knew
 * names only.
 */
#include "tests/ballast/unit/store_fixture.h"

#define UUID_A "aaaaaaaa-0000-4000-8000-000000000001"
#define UUID_B "bbbbbbbb-0000-4000-8000-000000000002"

static const struct fleet_settings alices = { .class = POLICY_GUARANTEED,
                                              .weight = 5,
                                              .managed = true,
                                              .owner = "alice",
                                              .revision = 3,
                                              .commanded = CONFIG_GIVEN_OWNER };

static struct fleet_kept meet_as(struct store_fixture *fixture, const char *identity,
                                 const char *name, const char *formerly, const char *predecessor,
                                 bool copy)
{
    const struct fleet_meeting meeting = { .who = { .identity = identity, .name = name },
                                           .formerly = formerly,
                                           .predecessor = predecessor,
                                           .copy = copy };
    struct fleet_kept kept;

    assert_true(store_meet(fixture->store, &meeting, START, &kept));
    return kept;
}

static struct fleet_kept meet(struct store_fixture *fixture, const char *identity, const char *name)
{
    return meet_as(fixture, identity, name, "", "", false);
}

static size_t points_of(struct store_fixture *fixture, const char *identity)
{
    struct store_point *points = NULL;
    size_t count = 0;

    assert_true(
        store_history(fixture->store, identity, STORE_RAW, 0, 2 * START, 100, &points, &count));
    free(points);
    return count;
}

static size_t points_of_name(struct store_fixture *fixture, const char *name)
{
    struct store_point *points = NULL;
    size_t count = 0;

    assert_true(
        store_history_of_name(fixture->store, name, STORE_RAW, 0, 2 * START, 100, &points, &count));
    for (size_t i = 1; i < count; i++) {
        assert_true(points[i - 1].time_s < points[i].time_s);
    }
    free(points);
    return count;
}

static void add_point(struct store_fixture *fixture, const char *identity, int64_t time_s)
{
    const struct store_point point = { .time_s = time_s, .size_bytes = MIB };

    assert_true(store_add(fixture->store, identity, &point));
}

static int number_of(struct store_fixture *fixture, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int number = -1;

    assert_int_equal(sqlite3_prepare_v2(fixture->store->db, sql, -1, &statement, NULL), SQLITE_OK);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        number = sqlite3_column_int(statement, 0);
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    return number;
}

static void reopen(struct store_fixture *fixture)
{
    store_fixture_close(fixture);
    store_fixture_open(fixture);
}

static void what_is_kept_comes_back_to_its_machine_only(void **state)
{
    struct store_fixture *fixture = *state;
    struct fleet_kept kept = meet(fixture, UUID_A, "web");
    const struct fleet_ledger ledger = { .lent_mib_s = 9 };

    assert_false(kept.known);
    assert_false(kept.another);
    assert_true(store_save_settings(fixture->store, UUID_A, &alices));
    assert_true(store_save_target(fixture->store, UUID_A, 5 * MIB));
    assert_true(store_save_ledger(fixture->store, UUID_A, &ledger));
    add_point(fixture, UUID_A, START);
    reopen(fixture);
    kept = meet(fixture, UUID_B, "web");
    assert_false(kept.known);
    assert_true(kept.another);
    assert_false(kept.has_settings);
    assert_int_equal(kept.target_bytes, 0);
    assert_int_equal(kept.ledger.lent_mib_s, 0);
    add_point(fixture, UUID_B, START + 1);
    assert_int_equal(points_of(fixture, UUID_B), 1);
    assert_int_equal(points_of_name(fixture, "web"), 2);
    reopen(fixture);
    kept = meet(fixture, UUID_B, "web");
    assert_true(kept.known); /* it is told once that it is another one */
    assert_false(kept.another);
    kept = meet(fixture, UUID_A, "web");
    assert_true(kept.known);
    assert_true(kept.has_settings);
    assert_string_equal(kept.settings.owner, "alice");
    assert_int_equal(kept.target_bytes, 5 * MIB);
    assert_int_equal(kept.ledger.lent_mib_s, 9);
}

static void a_name_recalls_the_machine_that_was_met_last(void **state)
{
    struct store_fixture *fixture = *state;
    struct fleet_settings settings = { .weight = 1 };

    assert_false(store_recall(fixture->store, "web", &settings));
    assert_string_equal(store_error(fixture->store), "");
    (void)meet(fixture, UUID_A, "web");
    assert_true(store_save_settings(fixture->store, UUID_A, &alices));
    assert_true(store_recall(fixture->store, "web", &settings));
    assert_int_equal(settings.weight, 5);
    (void)meet(fixture, UUID_B, "web");
    assert_false(store_recall(fixture->store, "web", &settings));
    (void)meet(fixture, UUID_A, "web");
    assert_true(store_recall(fixture->store, "web", &settings));
    (void)meet(fixture, UUID_A, "shop"); /* it was renamed */
    assert_true(store_recall(fixture->store, "shop", &settings));
}

static void an_announced_machine_takes_the_place_of_its_predecessor_once(void **state)
{
    struct store_fixture *fixture = *state;
    char identity[FLEET_IDENTITY_MAX] = "";
    bool known = true;

    assert_true(store_expect(fixture->store, "web", "", START + 60, &known));
    assert_false(known);
    assert_true(store_expect(fixture->store, "web", "", 0, &known));
    assert_false(known);
    (void)meet(fixture, UUID_A, "web");
    assert_true(store_save_settings(fixture->store, UUID_A, &alices));
    assert_true(store_save_target(fixture->store, UUID_A, 5 * MIB));
    add_point(fixture, UUID_A, START);
    assert_true(store_expect(fixture->store, "web", "", START + 60, &known));
    assert_true(known);
    reopen(fixture);
    assert_false(store_expected(fixture->store, "db", START, identity));
    assert_false(store_expected(fixture->store, "web", START + 60, identity)); /* too late */
    assert_true(store_expected(fixture->store, "web", START + 59, identity));
    assert_string_equal(identity, UUID_A);

    struct fleet_kept kept = meet_as(fixture, UUID_B, "web", "", UUID_A, false);
    assert_true(kept.known);
    assert_string_equal(kept.settings.owner, "alice");
    assert_int_equal(kept.target_bytes, 0); /* that was of the other process */
    assert_true(kept.inherited);
    assert_int_equal(points_of(fixture, UUID_B), 1);
    assert_false(store_expected(fixture->store, "web", START, identity));
    kept = meet(fixture, UUID_A, "web");
    assert_false(kept.has_settings);
    assert_true(kept.another);
    assert_false(kept.inherited);
}

static void an_announcement_is_for_no_machine_with_belongings_of_its_own(void **state)
{
    struct store_fixture *fixture = *state;
    char identity[FLEET_IDENTITY_MAX] = "";
    bool known = false;

    (void)meet(fixture, UUID_B, "web");
    (void)meet(fixture, UUID_A, "web");
    assert_true(store_save_settings(fixture->store, UUID_A, &alices));
    assert_true(store_expect(fixture->store, "web", UUID_A, START + 60, &known));
    assert_false(meet_as(fixture, UUID_B, "web", "", UUID_A, false).has_settings);
    assert_true(store_expected(fixture->store, "web", START, identity));
    assert_true(meet_as(fixture, UUID_A, "web", "", UUID_A, false).has_settings);
    assert_false(store_expected(fixture->store, "web", START, identity));
    /* It can be taken back. */
    assert_true(store_expect(fixture->store, "web", UUID_A, START + 60, &known));
    assert_true(store_expect(fixture->store, "web", "", 0, &known));
    assert_true(known);
    assert_false(store_expected(fixture->store, "web", START, identity));
}

static void what_is_forgotten_is_gone_and_the_rest_stays(void **state)
{
    struct store_fixture *fixture = *state;
    const char *const present[] = { UUID_B };
    struct store_event event = { .time_s = START, .kind = "found", .machine = "web" };
    size_t machines = 7;

    (void)meet(fixture, UUID_A, "web");
    (void)meet(fixture, UUID_B, "web");
    (void)meet(fixture, "db at /x", "db");
    assert_true(store_save_settings(fixture->store, UUID_A, &alices));
    assert_true(store_save_settings(fixture->store, UUID_B, &alices));
    assert_true(store_save_settings(fixture->store, "db at /x", &alices));
    add_point(fixture, UUID_A, START);
    add_point(fixture, UUID_B, START + 1);
    assert_int_not_equal(store_event_add(fixture->store, &event), 0);
    assert_true(store_forget(fixture->store, "web", present, 1, &machines));
    assert_int_equal(machines, 1);
    assert_false(meet(fixture, UUID_A, "web").has_settings);
    assert_true(meet(fixture, UUID_B, "web").has_settings);
    assert_true(meet(fixture, "db at /x", "db").has_settings);
    assert_int_equal(points_of(fixture, UUID_A), 0);
    assert_int_equal(points_of_name(fixture, "web"), 1);
    /* Its points go when there is time, and its number with them. */
    (void)store_fixture_tidy(fixture->store, START + 60);
    assert_true(store_commit(fixture->store));
    assert_int_equal(number_of(fixture, "SELECT count(*) FROM series"), 1);
    assert_int_equal(number_of(fixture, "SELECT count(*) FROM raw"), 1);
    assert_int_equal(number_of(fixture, "SELECT count(*) FROM event"), 1);
    assert_true(store_forget(fixture->store, "nobody", present, 1, &machines));
    assert_int_equal(machines, 0);
}

static void machines_of_which_nothing_is_left_are_dropped_with_their_history(void **state)
{
    struct store_fixture *fixture = *state;

    (void)meet(fixture, UUID_A, "web");
    (void)meet(fixture, UUID_B, "web");
    assert_true(store_save_settings(fixture->store, UUID_B, &alices));
    (void)store_fixture_tidy(fixture->store, START + (int64_t)399 * 86400);
    assert_true(store_commit(fixture->store));
    assert_int_equal(number_of(fixture, "SELECT count(*) FROM machine"), 2);
    (void)store_fixture_tidy(fixture->store, START + (int64_t)401 * 86400);
    assert_true(store_commit(fixture->store));
    assert_int_equal(number_of(fixture, "SELECT count(*) FROM machine"), 1);
    assert_true(
        meet(fixture, UUID_B, "web").has_settings); /* settings stay until they are forgotten */
}

/* ---- a database of version 4, which knew names only ---- */

#define POINTS                                                                                     \
    "series INTEGER NOT NULL, time INTEGER NOT NULL, size INTEGER, target INTEGER, used INTEGER,"  \
    "available INTEGER, resident INTEGER, demand INTEGER, short INTEGER, zone INTEGER NOT NULL,"

/* As that version made it, with a machine and a half. */
static const char version_4[] =
    "CREATE TABLE settings (machine TEXT PRIMARY KEY, class INTEGER NOT NULL,"
    " min INTEGER NOT NULL, max INTEGER NOT NULL, weight INTEGER NOT NULL,"
    " ballooning INTEGER NOT NULL, managed INTEGER NOT NULL, owner TEXT NOT NULL,"
    " revision INTEGER NOT NULL, commanded INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE reservation (name TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE target (machine TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE audit (number INTEGER PRIMARY KEY, time INTEGER NOT NULL, who TEXT NOT NULL,"
    " action TEXT NOT NULL, target TEXT NOT NULL, detail TEXT NOT NULL, done INTEGER NOT NULL);"
    "CREATE INDEX audit_time ON audit (time);"
    "CREATE TABLE event (number INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL,"
    " kind TEXT NOT NULL, machine TEXT NOT NULL, owner TEXT NOT NULL, code TEXT NOT NULL,"
    " bytes INTEGER, text TEXT NOT NULL);"
    "CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " minute_done INTEGER NOT NULL DEFAULT 0, quarter_done INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE quarter (" POINTS
    " points INTEGER NOT NULL, PRIMARY KEY (series, time)) WITHOUT ROWID;"
    "CREATE TABLE minute (" POINTS
    " points INTEGER NOT NULL, PRIMARY KEY (series, time)) WITHOUT ROWID;"
    "CREATE TABLE raw (" POINTS " PRIMARY KEY (series, time)) WITHOUT ROWID;"
    "CREATE INDEX event_owner ON event (owner) WHERE owner <> '';"
    "CREATE INDEX event_machine ON event (machine);"
    "CREATE TABLE ledger (machine TEXT PRIMARY KEY, lent_mib_s INTEGER NOT NULL,"
    " peaks_met INTEGER NOT NULL, peaks_missed INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE clock (one INTEGER PRIMARY KEY CHECK (one = 1), trusted INTEGER NOT NULL);"
    "INSERT INTO settings VALUES ('web', 2, 1048576, 0, 77, 0, 1, 'alice', 4, 32);"
    "INSERT INTO settings VALUES ('a_b', 1, 0, 0, 78, 1, 1, 'bob', 2, 16);"
    "INSERT INTO target VALUES ('web', 3145728);"
    "INSERT INTO ledger VALUES ('web', 1234, 5, 6);"
    "INSERT INTO reservation VALUES ('build', 4194304);"
    "INSERT INTO audit VALUES (1, 1799999999, 'operator', 'disable', 'web', 'x', 1);"
    "INSERT INTO event VALUES (8, 1799999999, 'found', 'web', 'alice', 'qmp', NULL, 'There.');"
    "INSERT INTO series VALUES (1, '', 0, 0);"
    "INSERT INTO series VALUES (2, 'web', 0, 0);"
    "INSERT INTO raw VALUES (1, 1799999999, 1, 1, 1, 1, 1, 1, 1, 0);"
    "INSERT INTO raw VALUES (2, 1799999999, 11, 1, 1, 1, 1, 1, 1, 0);"
    "INSERT INTO minute VALUES (2, 1799999940, 12, 1, 1, 1, 1, 1, 1, 0, 30);"
    "INSERT INTO quarter VALUES (2, 1799999100, 13, 1, 1, 1, 1, 1, 1, 0, 400);"
    "INSERT INTO clock VALUES (1, 1799999999);"
    "PRAGMA application_id = 1112298324; PRAGMA user_version = 4;";

static uint64_t reserved;

static void on_reservation(void *context, const char *name, uint64_t bytes)
{
    (void)context;
    assert_string_equal(name, "build");
    reserved = bytes;
}

static void open_version_4(struct store_fixture *fixture)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, version_4, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    store_fixture_open(fixture);
}

static void the_first_machine_of_a_name_gets_what_was_kept_for_the_name(void **state)
{
    struct store_fixture *fixture = *state;
    struct fleet_settings settings;
    struct store_event *events = NULL;
    struct store_audit *entries = NULL;
    size_t count = 0;

    open_version_4(fixture);
    assert_true(store_recall(fixture->store, "web", &settings)); /* before it is seen */
    assert_string_equal(settings.owner, "alice");
    assert_int_equal(points_of_name(fixture, "web"), 1);
    struct fleet_kept kept = meet(fixture, UUID_A, "web");
    assert_true(kept.known);
    assert_false(kept.another);
    assert_true(kept.has_settings);
    assert_string_equal(kept.settings.owner, "alice");
    assert_int_equal(kept.settings.class, POLICY_SPARE);
    assert_int_equal(kept.settings.min_bytes, MIB);
    assert_int_equal(kept.settings.weight, 77);
    assert_false(kept.settings.ballooning);
    assert_int_equal(kept.settings.revision, 4);
    assert_int_equal(kept.target_bytes, 3 * MIB);
    assert_int_equal(kept.ledger.lent_mib_s, 1234);
    assert_int_equal(kept.ledger.peaks_missed, 6);
    assert_int_equal(points_of(fixture, UUID_A), 1);
    assert_int_equal(points_of(fixture, ""), 1); /* the host's */
    assert_true(store_each_reservation(fixture->store, on_reservation, NULL));
    assert_int_equal(reserved, 4 * MIB);
    assert_true(store_event_read(fixture->store, &all_events, 0, 10, &events, &count));
    assert_int_equal(count, 1);
    assert_string_equal(events[0].owner, "alice");
    free(events);
    assert_true(store_audit_read(fixture->store, 0, 10, &entries, &count));
    assert_int_equal(count, 1);
    assert_string_equal(entries[0].action, "disable");
    free(entries);
    /* Once, also over a restart. */
    reopen(fixture);
    kept = meet(fixture, UUID_B, "web");
    assert_true(kept.another);
    assert_false(kept.has_settings);
    assert_int_equal(points_of(fixture, UUID_B), 0);
    assert_true(meet(fixture, UUID_A, "web").has_settings);
}

static void what_was_kept_for_a_name_is_for_no_copy(void **state)
{
    struct store_fixture *fixture = *state;

    open_version_4(fixture);
    assert_false(meet_as(fixture, "web at /evil", "web", "", "", true).has_settings);
    assert_true(meet(fixture, UUID_A, "web").has_settings);
}

static void a_domain_finds_what_was_kept_for_its_former_name(void **state)
{
    struct store_fixture *fixture = *state;

    open_version_4(fixture);
    const struct fleet_kept kept = meet_as(fixture, UUID_A, "a_b.aaaaaaaa", "a_b", "", false);
    assert_string_equal(kept.settings.owner, "bob");
}

static void nothing_of_an_older_database_is_lost_before_it_is_claimed(void **state)
{
    struct store_fixture *fixture = *state;

    open_version_4(fixture);
    (void)store_fixture_tidy(fixture->store, START);
    reopen(fixture);
    const struct fleet_kept kept = meet(fixture, UUID_A, "web");
    assert_int_equal(kept.target_bytes, 3 * MIB);
    assert_int_equal(kept.ledger.lent_mib_s, 1234);
    assert_string_equal(kept.settings.owner, "alice");
}

/* The schema of the version before this one, as its program had it. */
static void a_program_of_the_version_before_refuses_the_database(void **state)
{
    struct store_fixture *fixture = *state;
    sqlite3 *db = NULL;
    char reason[STORE_REASON_MAX] = "";
    size_t count = 0;

    (void)store_migrations(&count);
    assert_true(count > 4);
    open_version_4(fixture);
    store_fixture_close(fixture);
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_false(store_version_known(db, "the database", 4, reason, sizeof reason));
    assert_non_null(strstr(reason, "run the newer ballastd"));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define OPEN(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, store_fixture_setup, store_fixture_teardown)
#define FOLDER(name)                                                                               \
    cmocka_unit_test_setup_teardown(name, store_fixture_folder, store_fixture_teardown)
        OPEN(what_is_kept_comes_back_to_its_machine_only),
        OPEN(a_name_recalls_the_machine_that_was_met_last),
        OPEN(an_announced_machine_takes_the_place_of_its_predecessor_once),
        OPEN(an_announcement_is_for_no_machine_with_belongings_of_its_own),
        OPEN(what_is_forgotten_is_gone_and_the_rest_stays),
        OPEN(machines_of_which_nothing_is_left_are_dropped_with_their_history),
        FOLDER(the_first_machine_of_a_name_gets_what_was_kept_for_the_name),
        FOLDER(what_was_kept_for_a_name_is_for_no_copy),
        FOLDER(a_domain_finds_what_was_kept_for_its_former_name),
        FOLDER(nothing_of_an_older_database_is_lost_before_it_is_claimed),
        FOLDER(a_program_of_the_version_before_refuses_the_database),
    };
    return cmocka_run_group_tests_name("tools/ballast/store/store_machine.c", tests, NULL, NULL);
}
