/* SPDX-License-Identifier: BSD-2-Clause */
/* Which events a reader gets, and that finding them does not take a look at all the others. */
#include "tests/ballast/unit/store_fixture.h"

#include "tools/ballast/store/store_internal.h"

static void add(struct store *store, const char *machine, const char *owner)
{
    struct store_event event = { .time_s = START, .bytes = POLICY_MISSING };

    (void)snprintf(event.machine, sizeof event.machine, "%s", machine);
    (void)snprintf(event.owner, sizeof event.owner, "%s", owner);
    (void)snprintf(event.kind, sizeof event.kind, "target");
    assert_true(store_event_add(store, &event) > 0);
}

/* Numbers 1 to 60: of the host, of db (bob's), of web (alice's), and so on; one of web was bob's.
 */
static void fill(struct store *store)
{
    for (int i = 0; i < 20; i++) {
        add(store, "", i == 3 ? "alice" : "");
        add(store, "db", "bob");
        add(store, "web", i == 7 ? "bob" : "alice");
    }
}

/* The numbers that were read, as text. */
static const char *numbers(struct store *store, const char *owner, const char *machine,
                           int64_t after, size_t limit)
{
    static char text[512];
    const struct store_event_filter filter = { .owner = owner, .machine = machine };
    struct store_event *events = NULL;
    size_t count = 0;
    size_t used = 0;

    assert_true(store_event_read(store, &filter, after, limit, &events, &count));
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%" PRId64 " ", events[i].number);
    }
    free(events);
    return text;
}

static void the_newest_are_given_the_oldest_first(void **state)
{
    struct store *store = ((struct store_fixture *)*state)->store;

    assert_string_equal(numbers(store, NULL, NULL, STORE_LATEST, 3), "");
    fill(store);
    assert_string_equal(numbers(store, NULL, NULL, STORE_LATEST, 3), "58 59 60 ");
    assert_string_equal(numbers(store, NULL, NULL, STORE_LATEST, 1), "60 ");
    assert_string_equal(numbers(store, NULL, NULL, 0, 3), "1 2 3 ");
    assert_string_equal(numbers(store, NULL, NULL, 58, 9), "59 60 ");
}

static void an_owner_gets_those_of_his_time_and_none_of_the_host(void **state)
{
    struct store *store = ((struct store_fixture *)*state)->store;

    fill(store);
    assert_string_equal(numbers(store, "alice", NULL, STORE_LATEST, 3), "54 57 60 ");
    assert_string_equal(numbers(store, "alice", NULL, 0, 4), "3 6 9 12 ");
    assert_string_equal(numbers(store, "bob", "web", 0, 9), "24 ");
    assert_string_equal(numbers(store, "bob", "web", STORE_LATEST, 9), "24 ");
    assert_string_equal(numbers(store, "carol", NULL, STORE_LATEST, 9), "");
    assert_string_equal(numbers(store, "", NULL, STORE_LATEST, 9), ""); /* nobody is no owner */
}

static void a_machine_may_be_asked_for(void **state)
{
    struct store *store = ((struct store_fixture *)*state)->store;

    fill(store);
    assert_string_equal(numbers(store, NULL, "web", STORE_LATEST, 2), "57 60 ");
    assert_string_equal(numbers(store, NULL, "web", 20, 2), "21 24 ");
    assert_string_equal(numbers(store, NULL, "x' OR 1 --", STORE_LATEST, 2), "");
}

/* What SQLite says it will do, in one line. */
static void plan_of(struct store *store, enum store_statement which, char *text, size_t size)
{
    char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", store_sql(which));
    sqlite3_stmt *statement = NULL;
    size_t used = 0;

    text[0] = '\0';
    assert_int_equal(sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        used += (size_t)snprintf(text + used, size - used, "%s; ",
                                 (const char *)sqlite3_column_text(statement, 3));
    }
    (void)sqlite3_finalize(statement);
    sqlite3_free(sql);
}

static void no_reader_scans_or_sorts_the_table(void **state)
{
    struct store *store = ((struct store_fixture *)*state)->store;
    static const struct {
        enum store_statement which;
        const char *index;
    } reads[] = {
        { STORE_EVENT_READ, "PRIMARY KEY" },
        { STORE_EVENT_READ_OWNER, "event_owner" },
        { STORE_EVENT_READ_MACHINE, "event_machine" },
        { STORE_EVENT_READ_BOTH, "event_" },
        { STORE_EVENT_LATEST, "PRIMARY KEY" },
        { STORE_EVENT_LATEST_OWNER, "event_owner" },
        { STORE_EVENT_LATEST_MACHINE, "event_machine" },
        { STORE_EVENT_LATEST_BOTH, "event_" },
    };

    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        char plan[256];

        plan_of(store, reads[i].which, plan, sizeof plan);
        if (strncmp(plan, "SEARCH event", 12) != 0 || strstr(plan, reads[i].index) == NULL ||
            strstr(plan, "TEMP B-TREE") != NULL) {
            fail_msg("%s: %s", store_sql(reads[i].which), plan);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, store_fixture_setup, store_fixture_teardown)
        CASE(the_newest_are_given_the_oldest_first),
        CASE(an_owner_gets_those_of_his_time_and_none_of_the_host),
        CASE(a_machine_may_be_asked_for),
        CASE(no_reader_scans_or_sorts_the_table),
    };

    return cmocka_run_group_tests_name("tools/ballast/store/store_log.c", tests, NULL, NULL);
}
