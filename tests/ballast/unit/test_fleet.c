/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machines come, tell and go: order, names, events, and what outlives a machine or the daemon.
 */
#include "tests/ballast/unit/fleet_fixture.h"

static void machines_are_sorted_by_name_whenever_they_come(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    static const char *const names[] = { "m", "a", "z", "b", "y" };
    static const char *const sorted[] = { "a", "b", "m", "y", "z" };
    for (size_t i = 0; i < 5; i++) {
        (void)rig_add(&rig, names[i], i);
    }
    size_t count;
    struct fleet_machine *const *machines = fleet_machines(rig.fleet, &count);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(machines[i]->name, sorted[i]);
        assert_ptr_equal(fleet_find(rig.fleet, sorted[i]), machines[i]);
    }
    rig_tick(&rig);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(machines[i]->policy.id, i);
    }
    fleet_gone(rig.fleet, fleet_find(rig.fleet, "m"), "it was shut down", rig.now);
    assert_null(fleet_find(rig.fleet, "m"));
    machines = fleet_machines(rig.fleet, &count);
    assert_int_equal(count, 4);
    assert_string_equal(machines[2]->name, "y");
    assert_string_equal(fake_last(&rig.owner, FLEET_EVENT_GONE)->text,
                        "m is gone: it was shut down.");
    rig_end(&rig);
}

static void a_name_that_is_none_is_not_taken(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    (void)rig_add(&rig, "db", 0);
    char long_name[CONFIG_NAME_MAX + 1];
    memset(long_name, 'x', sizeof long_name);
    long_name[CONFIG_NAME_MAX] = '\0';
    const char *const bad[] = { "", "../x", "a b", "-x", "a\n", long_name };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(fleet_found(rig.fleet, bad[i], &fake_backend, &rig.fakes[0], "there", rig.now));
    }
    size_t count;
    (void)fleet_machines(rig.fleet, &count);
    assert_int_equal(count, 1);
    rig_end(&rig);
}

static void there_are_at_most_so_many_machines(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    rig.fleet->ops = (struct fleet_ops){ 0 }; /* and nobody cares about events */
    rig.fakes[0].refuses_to_send = true;
    char name[16];
    for (unsigned i = 0; i < CONFIG_MACHINES_MAX; i++) {
        snprintf(name, sizeof name, "m%u", i);
        assert_non_null(
            fleet_found(rig.fleet, name, &fake_backend, &rig.fakes[0], "there", rig.now));
    }
    assert_null(fleet_found(rig.fleet, "more", &fake_backend, &rig.fakes[0], "there", rig.now));
    const struct facts facts = rig_facts(&rig);
    size_t count;
    struct fleet_machine *const *machines = fleet_machines(rig.fleet, &count);
    for (size_t i = 0; i < count; i++) {
        fleet_told(rig.fleet, machines[i], &facts, rig.now);
    }
    rig_tick(&rig);
    rig_end(&rig);
}

static void a_machine_that_has_told_nothing_has_no_part_in_decisions(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    const struct fleet_machine *db = rig_find(&rig, "db", 0, &fake_backend);
    rig_tick(&rig);
    assert_int_equal(db->policy.max_bytes, 0);
    assert_int_equal(rig.fakes[0].target_count, 0);
    rig_end(&rig);
}

static void states_and_resets_are_told_when_they_change(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    struct facts facts = rig_facts(&rig);
    facts.resets = 3;
    for (size_t i = 0; i < 3; i++) {
        fleet_told(rig.fleet, db, &facts, rig.now);
    }
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_RESET, NULL), 1);
    facts.state = FACTS_PANICKED;
    fleet_told(rig.fleet, db, &facts, rig.now);
    fleet_told(rig.fleet, db, &facts, rig.now);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_STATE, "panicked"), 1);
    assert_string_equal(fake_last(&rig.owner, FLEET_EVENT_STATE)->text,
                        "db is panicked now, it was running.");
    strcpy(facts.trouble, "The monitor does not answer.\033[2J");
    fleet_told(rig.fleet, db, &facts, rig.now);
    fleet_told(rig.fleet, db, &facts, rig.now);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_TROUBLE, "begins"), 1);
    assert_string_equal(db->facts.trouble, "The monitor does not answer.?[2J");
    facts.trouble[0] = '\0';
    fleet_told(rig.fleet, db, &facts, rig.now);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_TROUBLE, "over"), 1);
    rig_end(&rig);
}

static void the_last_target_outlives_the_daemon_but_not_the_machine(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    (void)rig_add(&rig, "db", 0);
    rig.owner.targets[0] = 3 * GIB;
    fleet_free(rig.fleet);
    const struct fleet_ops ops = fake_owner_ops(&rig.owner);
    rig.fleet = fleet_new(&rig.config, &ops);
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    assert_int_equal(db->commanded_bytes, 3 * GIB);
    rig_tick(&rig);
    assert_int_equal(db->policy.sample.commanded_bytes, 3 * GIB);
    struct facts facts = rig_facts(&rig);
    facts.pid++;
    fleet_told(rig.fleet, db, &facts, rig.now);
    assert_int_equal(db->commanded_bytes, 0);
    assert_int_equal(db->policy.memory.seen_ms, 0);
    assert_int_equal(rig.owner.targets[0], 0);
    rig.owner.targets[0] = 3 * GIB;
    fleet_gone(rig.fleet, db, "it was shut down", rig.now);
    db = rig_add(&rig, "db", 0);
    assert_int_equal(db->commanded_bytes, 0);
    rig_end(&rig);
}

static void settings_that_were_kept_broken_are_not_taken(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    rig.owner.kept_count = 1;
    strcpy(rig.owner.names[0], "db at here");
    rig.owner.kept[0] = (struct fleet_settings){ .revision = 5, .weight = 0 };
    const struct fleet_machine *db = rig_add(&rig, "db", 0);
    assert_int_equal(db->settings.weight, 1000);
    assert_int_equal(db->settings.revision, 0);
    /* Without a word of what was said by command, all of it was. */
    rig.owner.kept_count = 2;
    strcpy(rig.owner.names[1], "web at here");
    rig.owner.kept[1] = (struct fleet_settings){
        .revision = 5, .weight = 3, .min_bytes = GIB, .class = POLICY_SPARE, .managed = true
    };
    const struct fleet_machine *web = rig_add(&rig, "web", 1);
    assert_int_equal(web->settings.weight, 3);
    assert_int_equal(web->settings.min_bytes, GIB);
    assert_int_equal(web->settings.revision, 5);
    assert_false(web->settings.ballooning);
    rig_end(&rig);
}

static void every_kind_of_event_and_switch_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= FLEET_EVENT_TROUBLE; i++) {
        assert_non_null(fleet_event_name((enum fleet_event_kind)i));
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(fleet_event_name((enum fleet_event_kind)i),
                                    fleet_event_name((enum fleet_event_kind)j));
        }
    }
    assert_null(fleet_event_name((enum fleet_event_kind)(FLEET_EVENT_TROUBLE + 1)));
    assert_string_equal(fleet_switch_name(FLEET_SWITCH_PENDING_RESTART), "pending-restart");
    assert_null(fleet_switch_name((enum fleet_switch)(FLEET_SWITCH_UNSUPPORTED + 1)));
}

static void facts_begin_as_nothing_known(void **state)
{
    (void)state;
    struct facts facts;
    memset(&facts, 0x5a, sizeof facts);
    facts_clear(&facts);
    assert_int_equal(facts.ram_bytes, POLICY_MISSING);
    assert_int_equal(facts.oom_kills, POLICY_MISSING);
    assert_int_equal(facts.available_bytes, POLICY_MISSING);
    assert_int_equal(facts.stats_ms, 0);
    assert_false(facts.device);
    assert_string_equal(facts.trouble, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machines_are_sorted_by_name_whenever_they_come),
        cmocka_unit_test(a_name_that_is_none_is_not_taken),
        cmocka_unit_test(there_are_at_most_so_many_machines),
        cmocka_unit_test(a_machine_that_has_told_nothing_has_no_part_in_decisions),
        cmocka_unit_test(states_and_resets_are_told_when_they_change),
        cmocka_unit_test(the_last_target_outlives_the_daemon_but_not_the_machine),
        cmocka_unit_test(settings_that_were_kept_broken_are_not_taken),
        cmocka_unit_test(every_kind_of_event_and_switch_has_a_name_of_its_own),
        cmocka_unit_test(facts_begin_as_nothing_known),
    };
    return cmocka_run_group_tests_name("tools/ballast/fleet/fleet.c", tests, NULL, NULL);
}
