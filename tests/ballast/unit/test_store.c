/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/ballast/store/: settings, targets, reservations, audit and events, over a restart too. */
#include "tests/ballast/unit/store_fixture.h"

#include <sys/syscall.h>

/* How often the disk was waited for. SQLite calls these; the program's own come before the C
 * library's. */
static unsigned syncs;

int fsync(int fd)
{
    syncs++;
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd) /* NOLINT(readability-inconsistent-declaration-parameter-name) */
{
    syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}

static struct fleet_settings usual(void)
{
    return (struct fleet_settings){ .class = POLICY_SPARE,
                                    .min_bytes = 256 * MIB,
                                    .max_bytes = 1024 * MIB,
                                    .weight = 2000,
                                    .ballooning = true,
                                    .managed = true,
                                    .owner = "alice",
                                    .revision = 7,
                                    .commanded = CONFIG_GIVEN_MIN | CONFIG_GIVEN_CLASS };
}

static void settings_come_back_after_a_restart(void **state)
{
    struct store_fixture *fixture = *state;
    struct fleet_settings saved = usual();
    struct fleet_settings loaded = { 0 };

    assert_true(store_save_settings(fixture->store, "web", &saved));
    store_fixture_close(fixture);
    store_fixture_open(fixture);
    assert_true(store_load_settings(fixture->store, "web", &loaded));
    assert_int_equal(loaded.class, saved.class);
    assert_int_equal(loaded.min_bytes, saved.min_bytes);
    assert_int_equal(loaded.max_bytes, saved.max_bytes);
    assert_int_equal(loaded.weight, saved.weight);
    assert_true(loaded.ballooning);
    assert_true(loaded.managed);
    assert_string_equal(loaded.owner, "alice");
    assert_int_equal(loaded.revision, 7);
    assert_int_equal(loaded.commanded, CONFIG_GIVEN_MIN | CONFIG_GIVEN_CLASS);

    saved.ballooning = false;
    saved.revision = 8;
    assert_true(store_save_settings(fixture->store, "web", &saved));
    assert_true(store_load_settings(fixture->store, "web", &loaded));
    assert_false(loaded.ballooning);
    assert_int_equal(loaded.revision, 8);
}

static void a_machine_without_settings_is_no_error(void **state)
{
    struct store_fixture *fixture = *state;
    struct fleet_settings loaded = { .weight = 5 };

    assert_false(store_load_settings(fixture->store, "web", &loaded));
    assert_string_equal(store_error(fixture->store), "");
    assert_int_equal(loaded.weight, 5);
    assert_int_equal(store_load_target(fixture->store, "web"), 0);
    assert_string_equal(store_error(fixture->store), "");
}

static void settings_that_somebody_spoiled_by_hand_are_not_used(void **state)
{
    static const char *const spoiled[] = {
        "UPDATE settings SET class = 9",
        "UPDATE settings SET class = -1",
        "UPDATE settings SET class = 2, weight = 0",
        "UPDATE settings SET weight = 50001",
        "UPDATE settings SET weight = 1000, min = -5",
        "UPDATE settings SET min = 2 * max",
        "UPDATE settings SET min = 0, max = 1 << 62",
        "UPDATE settings SET max = 0, revision = -1",
        "UPDATE settings SET revision = 0, commanded = 1 << 32",
        "UPDATE settings SET commanded = -1",
        "UPDATE settings SET commanded = 0, owner = printf('%.*c', 64, 'x')",
    };
    struct store_fixture *fixture = *state;
    struct fleet_settings saved = usual();
    struct fleet_settings loaded = { .weight = 5 };

    assert_true(store_save_settings(fixture->store, "web", &saved));
    for (size_t i = 0; i < sizeof spoiled / sizeof spoiled[0]; i++) {
        store_fixture_exec(fixture, spoiled[i]);
        assert_false(store_load_settings(fixture->store, "web", &loaded));
        assert_non_null(strstr(store_error(fixture->store), "web"));
        assert_int_equal(loaded.weight, 5);
    }
    store_fixture_exec(fixture, "UPDATE settings SET owner = printf('%.*c', 63, 'x')");
    assert_true(store_load_settings(fixture->store, "web", &loaded));
}

static void a_size_beyond_all_machines_is_refused(void **state)
{
    struct store_fixture *fixture = *state;
    struct fleet_settings settings = usual();

    settings.max_bytes = POLICY_BYTES_MAX + 1;
    assert_false(store_save_settings(fixture->store, "web", &settings));
    assert_string_not_equal(store_error(fixture->store), "");
    assert_false(store_save_target(fixture->store, "web", POLICY_MISSING));
    assert_false(store_save_reservation(fixture->store, "job", POLICY_MISSING));
    assert_false(store_load_settings(fixture->store, "web", &settings));
    assert_string_equal(store_error(fixture->store), "");
}

static void the_last_target_counts(void **state)
{
    struct store_fixture *fixture = *state;

    assert_true(store_save_target(fixture->store, "web", 512 * MIB));
    assert_true(store_save_target(fixture->store, "web", 300 * MIB));
    assert_true(store_save_target(fixture->store, "db", 400 * MIB));
    store_fixture_close(fixture);
    store_fixture_open(fixture);
    assert_int_equal(store_load_target(fixture->store, "web"), 300 * MIB);
    assert_int_equal(store_load_target(fixture->store, "db"), 400 * MIB);
}

struct seen {
    struct store *store;
    char text[128];
    uint64_t sum;
};

static void see(void *context, const char *name, uint64_t bytes)
{
    struct seen *seen = context;
    size_t length = strlen(seen->text);

    (void)snprintf(seen->text + length, sizeof seen->text - length, "%s ", name);
    seen->sum += bytes;
    /* Whoever hears of one may keep it again. */
    assert_true(store_save_reservation(seen->store, name, bytes));
}

static void ledgers_come_back_as_they_were_committed(void **state)
{
    struct store_fixture *fixture = *state;
    const struct fleet_ledger saved = { .lent_mib_s = 7, .peaks_met = 8, .peaks_missed = 9 };
    const struct fleet_ledger later = { .lent_mib_s = INT64_MAX, .peaks_met = UINT32_MAX };
    struct fleet_ledger ledger = { 0 };

    assert_false(store_load_ledger(fixture->store, "web", &ledger));
    assert_string_equal(store_error(fixture->store), "");
    assert_true(store_save_ledger(fixture->store, "web", &saved));
    assert_true(store_save_ledger(fixture->store, "db", &later));
    assert_true(store_commit(fixture->store));
    store_fixture_close(fixture);
    store_fixture_open(fixture);
    assert_true(store_load_ledger(fixture->store, "web", &ledger));
    assert_memory_equal(&ledger, &saved, sizeof ledger);
    assert_true(store_load_ledger(fixture->store, "db", &ledger));
    assert_memory_equal(&ledger, &later, sizeof ledger);
    store_fixture_exec(fixture, "UPDATE ledger SET peaks_met = -1");
    assert_false(store_load_ledger(fixture->store, "web", &ledger));
    assert_non_null(strstr(store_error(fixture->store), "web"));
}

static void reservations_come_back_and_released_ones_do_not(void **state)
{
    struct store_fixture *fixture = *state;
    struct seen seen = { 0 };

    assert_true(store_save_reservation(fixture->store, "job", 4096 * MIB));
    assert_true(store_save_reservation(fixture->store, "backup", 512 * MIB));
    assert_true(store_save_reservation(fixture->store, "gone", 64 * MIB));
    assert_true(store_save_reservation(fixture->store, "gone", 0));
    assert_true(store_save_reservation(fixture->store, "job", 2048 * MIB));
    store_fixture_close(fixture);
    store_fixture_open(fixture);
    seen.store = fixture->store;
    assert_true(store_each_reservation(fixture->store, see, &seen));
    assert_string_equal(seen.text, "backup job ");
    assert_int_equal(seen.sum, 2560 * MIB);
}

static void the_audit_log_is_read_in_order_from_a_time_on(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_audit *entries = NULL;
    size_t count = 0;

    for (int64_t i = 0; i < 5; i++) {
        struct store_audit entry = { .time_s = START + i,
                                     .who = "owner:alice",
                                     .action = "disable",
                                     .target = "web",
                                     .done = i % 2 == 0 };

        (void)snprintf(entry.detail, sizeof entry.detail, "change %" PRId64, i);
        assert_true(store_audit_add(fixture->store, &entry));
    }
    assert_true(store_audit_read(fixture->store, START + 1, 3, &entries, &count));
    assert_int_equal(count, 3);
    assert_int_equal(entries[0].time_s, START + 2); /* the newest three */
    assert_true(entries[0].done);
    assert_false(entries[1].done);
    assert_string_equal(entries[2].detail, "change 4");
    assert_string_equal(entries[2].who, "owner:alice");
    assert_string_equal(entries[2].action, "disable");
    assert_string_equal(entries[2].target, "web");
    free(entries);
    assert_true(store_audit_read(fixture->store, START + 5, 3, &entries, &count));
    assert_int_equal(count, 0);
    assert_null(entries);
}

static int64_t add_event(struct store *store, const char *text)
{
    struct store_event event = { .time_s = START,
                                 .kind = "target",
                                 .machine = "web",
                                 .owner = "alice",
                                 .code = "grow-peak",
                                 .bytes = 512 * MIB };
    int64_t number = 0;

    (void)snprintf(event.text, sizeof event.text, "%s", text);
    number = store_event_add(store, &event);
    assert_true(number > 0);
    return number;
}

static void events_are_numbered_upwards_and_read_behind_a_number(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_event *events = NULL;
    size_t count = 0;
    int64_t first = add_event(fixture->store, "one");
    int64_t second = 0;

    assert_int_equal(add_event(fixture->store, "two"), first + 1);
    store_fixture_close(fixture);
    store_fixture_open(fixture);
    second = add_event(fixture->store, "it's \"three\"\n\x01 \xff");
    assert_int_equal(second, first + 2);
    assert_true(store_event_read(fixture->store, &all_events, first, 10, &events, &count));
    assert_int_equal(count, 2);
    assert_int_equal(events[0].number, first + 1);
    assert_string_equal(events[0].text, "two");
    assert_string_equal(events[1].text, "it's \"three\"\n\x01 \xff");
    assert_string_equal(events[1].kind, "target");
    assert_string_equal(events[1].machine, "web");
    assert_string_equal(events[1].owner, "alice");
    assert_string_equal(events[1].code, "grow-peak");
    assert_int_equal(events[1].bytes, 512 * MIB);
    assert_int_equal(events[1].time_s, START);
    free(events);
}

static void an_event_without_bytes_stays_without(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_event event = { .time_s = START, .bytes = POLICY_MISSING };
    struct store_event *events = NULL;
    size_t count = 0;

    assert_true(store_event_add(fixture->store, &event) > 0);
    assert_true(store_event_read(fixture->store, &all_events, 0, 10, &events, &count));
    assert_int_equal(count, 1);
    assert_true(events[0].bytes == POLICY_MISSING);
    free(events);
}

static void numbers_of_events_that_were_dropped_do_not_come_again(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_event *events = NULL;
    size_t count = 0;
    int64_t last = 0;

    for (int i = 0; i < 3; i++) {
        last = add_event(fixture->store, "old");
    }
    (void)store_fixture_tidy(fixture->store, START + INT64_C(86400) * 31);
    assert_true(store_event_read(fixture->store, &all_events, 0, 10, &events, &count));
    assert_int_equal(count, 0);
    store_fixture_close(fixture);
    store_fixture_open(fixture);
    assert_int_equal(add_event(fixture->store, "new"), last + 1);
}

static void only_what_was_promised_waits_for_the_disk(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_audit entry = { .time_s = START };
    struct fleet_settings settings = usual();
    unsigned before = 0;

    /* The log's first frame syncs its header. */
    store_fixture_add(fixture->store, "web", START, 1);
    assert_true(store_commit(fixture->store));
    before = syncs;
    for (int64_t i = 1; i <= 20; i++) {
        store_fixture_add(fixture->store, "web", START + i, 1);
        (void)add_event(fixture->store, "a target");
        assert_true(store_save_target(fixture->store, "web", 1));
        assert_true(store_commit(fixture->store));
    }
    assert_int_equal(syncs, before);
    assert_true(store_save_settings(fixture->store, "web", &settings));
    assert_int_equal(syncs, before + 1);
    assert_true(store_save_reservation(fixture->store, "job", MIB));
    assert_int_equal(syncs, before + 2);
    assert_true(store_audit_add(fixture->store, &entry));
    assert_int_equal(syncs, before + 3);
    store_fixture_add(fixture->store, "web", START + 30, 1);
    assert_true(store_commit(fixture->store));
    assert_int_equal(syncs, before + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, store_fixture_setup, store_fixture_teardown)
        CASE(settings_come_back_after_a_restart),
        CASE(a_machine_without_settings_is_no_error),
        CASE(settings_that_somebody_spoiled_by_hand_are_not_used),
        CASE(a_size_beyond_all_machines_is_refused),
        CASE(the_last_target_counts),
        CASE(ledgers_come_back_as_they_were_committed),
        CASE(reservations_come_back_and_released_ones_do_not),
        CASE(the_audit_log_is_read_in_order_from_a_time_on),
        CASE(events_are_numbered_upwards_and_read_behind_a_number),
        CASE(an_event_without_bytes_stays_without),
        CASE(numbers_of_events_that_were_dropped_do_not_come_again),
        CASE(only_what_was_promised_waits_for_the_disk),
    };

    return cmocka_run_group_tests_name("tools/ballast/store/store_settings.c", tests, NULL, NULL);
}
