/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes by command: what is refused and with which amount, what wins over the file, and that
 * nothing of a change that fails is made.
 */
#include "tests/ballast/unit/fleet_fixture.h"

static struct fleet_result change_class(struct rig *rig, const char *name, enum policy_class class)
{
    const struct fleet_change change = { .given = CONFIG_GIVEN_CLASS, .settings.class = class };
    return fleet_change(rig->fleet, name, &change, FLEET_ANY_REVISION, rig->now);
}

static void a_change_counts_is_saved_and_told_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    const struct fleet_machine *db = rig_add(&rig, "db", 0);
    rig_tick(&rig);
    assert_int_equal(db->settings.min_bytes, 2 * GIB);
    assert_int_equal(rig_minimum(&rig, "db", 3 * GIB).status, FLEET_OK);
    assert_int_equal(db->settings.min_bytes, 3 * GIB);
    assert_int_equal(db->settings.revision, 1);
    assert_int_equal(rig.owner.saves, 1);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SETTINGS, "command"), 1);
    /* The same again changes nothing: its ETag stays. */
    assert_int_equal(rig_minimum(&rig, "db", 3 * GIB).status, FLEET_OK);
    assert_int_equal(db->settings.revision, 1);
    assert_int_equal(rig.owner.saves, 1);
    rig_tick(&rig);
    assert_int_equal(db->policy.min_bytes, 3 * GIB);
    rig_end(&rig);
}

static void a_revision_that_is_another_changes_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    const struct fleet_machine *db = rig_add(&rig, "db", 0);
    rig_tick(&rig);
    const struct fleet_change change = { .given = CONFIG_GIVEN_WEIGHT, .settings.weight = 7 };
    assert_int_equal(fleet_change(rig.fleet, "db", &change, 1, rig.now).status, FLEET_CHANGED);
    assert_int_equal(db->settings.weight, 1000);
    assert_int_equal(fleet_change(rig.fleet, "db", &change, 0, rig.now).status, FLEET_OK);
    assert_int_equal(fleet_change(rig.fleet, "db", &change, 0, rig.now).status, FLEET_CHANGED);
    assert_int_equal(db->settings.weight, 7);
    rig_end(&rig);
}

static void bad_values_are_refused_and_nothing_is_lost(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[machine db]\nowner = alice\nminimum = 1G\nmaximum = 3G\n");
    const struct fleet_machine *db = rig_add(&rig, "db", 0);
    rig_tick(&rig);
    const struct fleet_settings before = db->settings;
    struct fleet_change bad[] = {
        { .given = 0 },
        { .given = CONFIG_GIVEN_SOCKET },
        { .given = CONFIG_GIVEN_WEIGHT, .settings.weight = 0 },
        { .given = CONFIG_GIVEN_WEIGHT, .settings.weight = 50001 },
        { .given = CONFIG_GIVEN_CLASS, .settings.class = (enum policy_class)7 },
        { .given = CONFIG_GIVEN_OWNER, .settings.owner = "../etc" },
        { .given = CONFIG_GIVEN_OWNER },
        { .given = CONFIG_GIVEN_MIN, .settings.min_bytes = 3 * GIB + 1 },
        { .given = CONFIG_GIVEN_MAX, .settings.max_bytes = GIB - 1 },
        { .given = CONFIG_GIVEN_MAX, .settings.max_bytes = 5 * GIB },
        { .given = CONFIG_GIVEN_MIN, .settings.min_bytes = POLICY_MISSING },
        { .given = CONFIG_GIVEN_MAX | CONFIG_GIVEN_CLASS,
          .settings = { .class = POLICY_GUARANTEED, .max_bytes = 2 * GIB } },
    };
    memset(bad[6].settings.owner, 'o', sizeof bad[6].settings.owner); /* without an end */
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct fleet_result result =
            fleet_change(rig.fleet, "db", &bad[i], FLEET_ANY_REVISION, rig.now);
        assert_int_equal(result.status, FLEET_INVALID);
        assert_true(strlen(result.text) > 20);
        assert_memory_equal(&db->settings, &before, sizeof before);
    }
    assert_int_equal(rig_minimum(&rig, "nobody", GIB).status, FLEET_NOT_FOUND);
    assert_int_equal(rig.owner.saves, 0);
    rig_end(&rig);
}

static void what_cannot_be_saved_is_not_changed(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    const struct fleet_machine *db = rig_add(&rig, "db", 0);
    rig_tick(&rig);
    rig.owner.disk_full = true;
    assert_int_equal(rig_switch(&rig, "db", false).status, FLEET_NOT_KEPT);
    assert_true(db->settings.ballooning);
    assert_int_equal(db->settings.revision, 0);
    assert_int_equal(db->switch_state, FLEET_SWITCH_ENABLED);
    assert_int_equal(rig.fakes[0].device_count, 0);
    rig_end(&rig);
}

static void a_promise_that_cannot_be_kept_is_refused_with_the_amount(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[policy]\nhost-reserve = 11G\n");
    const struct fleet_machine *a = rig_add(&rig, "a", 0);
    (void)rig_add(&rig, "b", 1);
    rig.host.available_bytes = 14 * GIB;
    rig_tick(&rig);
    /* 16 - 11 - 2 x 2 leaves 1. */
    const struct fleet_result minimum = rig_minimum(&rig, "a", 3 * GIB + 100 * MIB);
    assert_int_equal(minimum.status, FLEET_REFUSED);
    assert_int_equal(minimum.missing_bytes, 100 * MIB);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SETTINGS, "refused"), 1);
    const struct fleet_result class = change_class(&rig, "a", POLICY_GUARANTEED);
    assert_int_equal(class.status, FLEET_REFUSED);
    assert_int_equal(class.missing_bytes, GIB);
    assert_int_equal(a->settings.class, POLICY_BURST);
    assert_int_equal(a->settings.min_bytes, 2 * GIB);
    /* What fits to the byte is promised. */
    assert_int_equal(rig_minimum(&rig, "a", 3 * GIB).status, FLEET_OK);
    /* The other's promise may be lowered; but no balloon leaves it less than 35 % of 4 GiB, and the
     * host cannot give that to somebody else. */
    assert_int_equal(rig_minimum(&rig, "b", GIB).status, FLEET_OK);
    const struct fleet_result balloon = change_class(&rig, "a", POLICY_GUARANTEED);
    assert_int_equal(balloon.status, FLEET_REFUSED);
    assert_int_equal(balloon.missing_bytes / MIB, 409);
    rig_configure(&rig, "[policy]\nhost-reserve = 11G\nballoon-max = 75%\n");
    fleet_configure(rig.fleet, &rig.config, rig.now);
    assert_int_equal(change_class(&rig, "a", POLICY_GUARANTEED).status, FLEET_OK);
    rig_end(&rig);
}

static void a_promise_may_be_lowered_on_a_host_that_promised_too_much(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[policy]\nhost-reserve = 15G\n");
    const struct fleet_machine *a = rig_add(&rig, "a", 0);
    rig_tick(&rig);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SHORT, "promises"), 1);
    assert_int_equal(fake_last(&rig.owner, FLEET_EVENT_SHORT)->bytes, GIB);
    assert_int_equal(rig_minimum(&rig, "a", 3 * GIB / 2).status, FLEET_OK);
    assert_int_equal(a->settings.min_bytes, 3 * GIB / 2);
    rig_tick(&rig);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SHORT, "promises"), 1); /* told once */
    assert_int_equal(rig_minimum(&rig, "a", 2 * GIB).status, FLEET_REFUSED);
    assert_int_equal(rig_minimum(&rig, "a", GIB).status, FLEET_OK);
    rig_tick(&rig);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SHORT, "promises-kept"), 1);
    rig_end(&rig);
}

static void before_the_host_is_known_no_promise_is_raised(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    (void)rig_add(&rig, "a", 0);
    const struct fleet_result result = rig_minimum(&rig, "a", 3 * GIB);
    assert_int_equal(result.status, FLEET_REFUSED);
    assert_int_equal(result.missing_bytes, 0);
    assert_non_null(strstr(result.text, "not known yet"));
    assert_int_equal(rig_minimum(&rig, "a", GIB).status, FLEET_OK);
    rig_end(&rig);
}

static void a_command_wins_over_the_file_until_it_is_made_again(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[machine db]\nweight = 5\nminimum = 25%\nowner = alice\n");
    const struct fleet_machine *db = rig_add(&rig, "db", 0);
    rig_tick(&rig);
    assert_int_equal(db->settings.min_bytes, GIB);
    assert_int_equal(rig_minimum(&rig, "db", 3 * GIB).status, FLEET_OK);
    rig_configure(&rig, "[machine db]\nweight = 6\nminimum = 75%\nclass = spare\n");
    fleet_configure(rig.fleet, &rig.config, rig.now);
    assert_int_equal(db->settings.min_bytes, 3 * GIB);
    assert_int_equal(db->settings.weight, 6);
    assert_int_equal(db->settings.class, POLICY_SPARE);
    assert_string_equal(db->settings.owner, ""); /* what the file removed is the default again */
    assert_int_equal(db->settings.revision, 2);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SETTINGS, "configuration"), 1);
    rig_configure(&rig, "[policy]\nbuffer = 30%\n[default]\nweight = 9\n");
    fleet_configure(rig.fleet, &rig.config, rig.now);
    assert_int_equal(db->settings.weight, 9);
    assert_int_equal(db->settings.class, POLICY_BURST);
    assert_int_equal(db->settings.min_bytes, 3 * GIB);
    assert_int_equal(fleet_policy(rig.fleet)->buffer_percent, 30);
    /* And over a restart of the daemon. */
    fleet_free(rig.fleet);
    const struct fleet_ops ops = fake_owner_ops(&rig.owner);
    rig.fleet = fleet_new(&rig.config, &ops);
    db = rig_add(&rig, "db", 0);
    assert_int_equal(db->settings.min_bytes, 3 * GIB);
    assert_int_equal(db->settings.weight, 9);
    /* A reload that changes nothing is not told. */
    const size_t told = rig.owner.event_count;
    fleet_configure(rig.fleet, &rig.config, rig.now);
    assert_int_equal(rig.owner.event_count, told);
    rig_end(&rig);
}

static void a_file_may_switch_and_release(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[machine db]\nballooning = off\nmanaged = off\n");
    const struct fleet_machine *db = rig_add(&rig, "db", 0);
    assert_int_equal(db->switch_state, FLEET_SWITCH_PENDING_RESTART);
    assert_int_equal(rig.fakes[0].device_count, 1);
    assert_false(rig.fakes[0].device);
    rig_configure(&rig, "");
    fleet_configure(rig.fleet, &rig.config, rig.now);
    assert_int_equal(db->switch_state, FLEET_SWITCH_ENABLED);
    assert_true(rig.fakes[0].device);
    assert_true(db->settings.managed);
    rig_end(&rig);
}

static void parts_of_ram_follow_the_ram(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[machine db]\nminimum = 33%\nmaximum = 66%\n");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    assert_int_equal(db->settings.min_bytes, 4 * GIB / 100 * 33 + 4 * GIB % 100 * 33 / 100);
    rig_tick(&rig);
    assert_int_equal(db->policy.max_bytes, 4 * GIB / 100 * 66 + 4 * GIB % 100 * 66 / 100);
    struct facts facts = rig_facts(&rig);
    facts.ram_bytes = 100 * MIB;
    facts.pid++;
    fleet_told(rig.fleet, db, &facts, rig.now);
    assert_int_equal(db->settings.min_bytes, 33 * MIB);
    assert_int_equal(db->settings.max_bytes, 66 * MIB);
    rig_end(&rig);
}

static void a_maximum_counts_only_where_something_can_enforce_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[default]\nmaximum = 75%\n[machine gold]\nclass = guaranteed\n"
                    "[machine off]\nballooning = off\n");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    const struct fleet_machine *gold = rig_add(&rig, "gold", 1);
    const struct fleet_machine *off = rig_add(&rig, "off", 2);
    rig_tick(&rig);
    assert_int_equal(db->policy.max_bytes, 3 * GIB);
    assert_int_equal(gold->policy.max_bytes, 4 * GIB);
    assert_int_equal(off->policy.max_bytes, 4 * GIB);
    struct facts facts = rig_facts(&rig);
    facts.locked = true;
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    assert_int_equal(db->policy.max_bytes, 4 * GIB);
    rig_end(&rig);
}

/* A machine that is told its maximum only after it started with all its RAM. */
static void a_machine_that_is_limited_comes_down_to_its_maximum(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[machine db]\nmaximum = 2G\nminimum = 1G\n");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    uint64_t last = 4 * GIB;
    for (size_t i = 0; i < 30; i++) {
        struct facts facts = rig_facts(&rig);
        facts.actual_bytes = last;
        facts.stats_actual_bytes = last;
        facts.total_bytes = last;
        facts.available_bytes = last - GIB;
        facts.free_bytes = 64 * MIB;
        fleet_told(rig.fleet, db, &facts, rig.now);
        rig_tick(&rig);
        assert_int_not_equal(db->policy.decision.hold, POLICY_HOLD_LIES);
        if (rig.fakes[0].target_count > 0) {
            const uint64_t target = rig.fakes[0].targets[rig.fakes[0].target_count - 1];
            assert_true(target <= last && target >= 2 * GIB);
            last = target;
            fleet_target_done(rig.fleet, db, target, NULL, rig.now);
        }
    }
    assert_int_equal(last, 2 * GIB);
    assert_true(fake_events(&rig.owner, FLEET_EVENT_TARGET, "over-maximum") > 10);
    rig_end(&rig);
}

/* A machine whose monitor is silent has no part in the sum of promises: nobody could say whether
 * the host can keep one more. */
static void nothing_is_promised_to_a_machine_that_has_told_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_find(&rig, "db", 0, &fake_backend);
    struct facts silent;
    facts_clear(&silent);
    snprintf(silent.trouble, sizeof silent.trouble, "its QMP socket is silent");
    fleet_told(rig.fleet, db, &silent, rig.now);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_TROUBLE, NULL), 1);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SWITCH, NULL), 0); /* who knows */
    rig_tick(&rig);
    const struct fleet_result off = rig_switch(&rig, "db", false);
    assert_int_equal(off.status, FLEET_REFUSED);
    assert_non_null(strstr(off.text, "not known yet"));
    assert_true(db->settings.ballooning);
    assert_int_equal(rig_minimum(&rig, "db", 100 * GIB).status, FLEET_REFUSED);
    const struct fleet_change class = { .given = CONFIG_GIVEN_CLASS,
                                        .settings.class = POLICY_GUARANTEED };
    assert_int_equal(fleet_change(rig.fleet, "db", &class, FLEET_ANY_REVISION, rig.now).status,
                     FLEET_REFUSED);
    const struct fleet_change weight = { .given = CONFIG_GIVEN_WEIGHT, .settings.weight = 7 };
    assert_int_equal(fleet_change(rig.fleet, "db", &weight, FLEET_ANY_REVISION, rig.now).status,
                     FLEET_REFUSED); /* whose settings would these be? */
    assert_int_equal(rig.owner.saves, 0);
    const struct facts facts = rig_facts(&rig);
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    assert_int_equal(rig_switch(&rig, "db", false).status, FLEET_OK);
    rig_end(&rig);
}

/* balloon-max leaves 35 % of 4 GiB: whoever sets less is told what there really is. */
static void a_minimum_below_the_largest_balloon_is_told_with_the_least_size(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    const struct fleet_machine *db = rig_add(&rig, "db", 0);
    struct books_machine entry;
    rig_tick(&rig);
    assert_true(fleet_promise(rig.fleet, db, rig.now, &entry));
    assert_int_equal(entry.least_bytes, 2 * GIB);
    assert_int_equal(entry.least_rule, BOOKS_MINIMUM);
    assert_int_equal(rig_minimum(&rig, "db", 512 * MIB).status, FLEET_OK);
    /* At once, without a further period. */
    assert_true(fleet_promise(rig.fleet, db, rig.now, &entry));
    assert_int_equal(entry.promised_bytes, 512 * MIB);
    assert_int_equal(entry.least_rule, BOOKS_BALLOON_MAX);
    assert_in_range(entry.least_bytes, 4 * GIB * 35 / 100, 4 * GIB * 35 / 100 + 4096);
    rig_tick(&rig);
    assert_true(db->policy.decision.books.smallest_bytes >= entry.least_bytes);
    rig_end(&rig);
}

static void of_a_machine_that_is_not_known_nothing_is_promised(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct books_machine entry;
    const struct fleet_machine *db = rig_find(&rig, "db", 0, &fake_backend);
    assert_false(fleet_promise(rig.fleet, db, rig.now, &entry));
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_promised_to_a_machine_that_has_told_nothing),
        cmocka_unit_test(a_change_counts_is_saved_and_told_once),
        cmocka_unit_test(a_revision_that_is_another_changes_nothing),
        cmocka_unit_test(bad_values_are_refused_and_nothing_is_lost),
        cmocka_unit_test(what_cannot_be_saved_is_not_changed),
        cmocka_unit_test(a_promise_that_cannot_be_kept_is_refused_with_the_amount),
        cmocka_unit_test(a_promise_may_be_lowered_on_a_host_that_promised_too_much),
        cmocka_unit_test(before_the_host_is_known_no_promise_is_raised),
        cmocka_unit_test(a_command_wins_over_the_file_until_it_is_made_again),
        cmocka_unit_test(a_file_may_switch_and_release),
        cmocka_unit_test(a_maximum_counts_only_where_something_can_enforce_it),
        cmocka_unit_test(a_machine_that_is_limited_comes_down_to_its_maximum),
        cmocka_unit_test(parts_of_ram_follow_the_ram),
        cmocka_unit_test(a_minimum_below_the_largest_balloon_is_told_with_the_least_size),
        cmocka_unit_test(of_a_machine_that_is_not_known_nothing_is_promised),
    };
    return cmocka_run_group_tests_name("tools/ballast/fleet/fleet_change.c", tests, NULL, NULL);
}
