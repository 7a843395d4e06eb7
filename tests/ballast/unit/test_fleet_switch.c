/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ballooning switch: each state, each way from one to another, and what is promised meanwhile.
 */
#include "tests/ballast/unit/fleet_fixture.h"

static void switching_off_pins_at_the_maximum_and_waits_for_the_restart(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    struct facts facts = rig_facts(&rig);
    facts.actual_bytes = 2 * GIB;
    facts.stats_actual_bytes = 2 * GIB;
    facts.total_bytes = 2 * GIB - 100 * MIB;
    facts.free_bytes = GIB;
    facts.available_bytes = GIB;
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    rig_answer(&rig);
    assert_int_equal(db->switch_state, FLEET_SWITCH_ENABLED);
    assert_int_equal(rig_switch(&rig, "db", false).status, FLEET_OK);
    assert_int_equal(db->switch_state, FLEET_SWITCH_PENDING_RESTART);
    assert_int_equal(db->settings.revision, 1);
    assert_int_equal(rig.fakes[0].device_count, 1);
    assert_false(rig.fakes[0].device);
    rig.fakes[0].target_count = 0;
    rig_tick(&rig);
    assert_int_equal(rig.fakes[0].target_count, 1);
    assert_int_equal(rig.fakes[0].targets[0], 4 * GIB);
    assert_int_equal(db->policy.decision.hold, POLICY_HOLD_DISABLED);
    /* A guest's reboot changes nothing. */
    facts.resets++;
    fleet_told(rig.fleet, db, &facts, rig.now);
    assert_int_equal(db->switch_state, FLEET_SWITCH_PENDING_RESTART);
    /* A new process without the device does. */
    facts.pid = 200;
    facts.device = false;
    fleet_told(rig.fleet, db, &facts, rig.now);
    assert_int_equal(db->switch_state, FLEET_SWITCH_DISABLED);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SWITCH, "disabled"), 1);
    rig_end(&rig);
}

static void switching_on_again_before_the_restart_undoes_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    rig_tick(&rig);
    assert_int_equal(rig_switch(&rig, "db", false).status, FLEET_OK);
    assert_int_equal(rig_switch(&rig, "db", true).status, FLEET_OK);
    assert_int_equal(db->switch_state, FLEET_SWITCH_ENABLED);
    assert_true(rig.fakes[0].device);
    assert_int_equal(rig.fakes[0].device_count, 2);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SWITCH, "enabled"), 1);
    rig_end(&rig);
}

static void switching_on_without_a_device_waits_for_the_restart(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[machine db]\nballooning = off\n");
    struct fleet_machine *db = rig_find(&rig, "db", 0, &fake_backend);
    struct facts facts = rig_facts(&rig);
    facts.device = false;
    fleet_told(rig.fleet, db, &facts, rig.now);
    assert_int_equal(db->switch_state, FLEET_SWITCH_DISABLED);
    rig_tick(&rig);
    assert_int_equal(rig_switch(&rig, "db", true).status, FLEET_OK);
    assert_int_equal(db->switch_state, FLEET_SWITCH_PENDING_RESTART);
    assert_true(rig.fakes[0].device);
    /* Shut down, and started with the device. */
    facts.state = FACTS_STOPPED;
    fleet_told(rig.fleet, db, &facts, rig.now);
    facts.state = FACTS_RUNNING;
    facts.device = true;
    fleet_told(rig.fleet, db, &facts, rig.now);
    assert_int_equal(db->switch_state, FLEET_SWITCH_ENABLED);
    /* Started without it: whoever started it did not add one. */
    facts.device = false;
    facts.pid++;
    fleet_told(rig.fleet, db, &facts, rig.now);
    assert_int_equal(db->switch_state, FLEET_SWITCH_UNSUPPORTED);
    assert_non_null(strstr(db->unsupported, "without a balloon device"));
    rig_end(&rig);
}

static void what_the_host_cannot_honour_is_refused_with_the_missing_amount(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[policy]\nhost-reserve = 1G\n");
    struct fleet_machine *m[6];
    static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
    for (size_t i = 0; i < 6; i++) {
        m[i] = rig_add(&rig, names[i], i);
    }
    /* 16 GiB: what is used (6) and available (10) leaves nothing for the host's own use. Six
     * machines have 2 GiB promised each, and the reserve is 1: 3 are left. */
    rig.host.available_bytes = 10 * GIB;
    rig_tick(&rig);
    assert_int_equal(rig_switch(&rig, "a", false).status, FLEET_OK);
    const struct fleet_result result = rig_switch(&rig, "b", false);
    assert_int_equal(result.status, FLEET_REFUSED);
    assert_int_equal(result.missing_bytes, GIB);
    assert_non_null(strstr(result.text, "1 GiB are missing"));
    assert_int_equal(m[1]->switch_state, FLEET_SWITCH_REFUSED);
    assert_int_equal(m[1]->refused_missing_bytes, GIB);
    assert_true(m[1]->settings.ballooning);
    assert_int_equal(m[1]->settings.revision, 0);
    assert_int_equal(fake_last(&rig.owner, FLEET_EVENT_SWITCH)->bytes, GIB);
    /* It stays so and is not told again. */
    rig_tick(&rig);
    rig_tick(&rig);
    assert_int_equal(m[1]->switch_state, FLEET_SWITCH_REFUSED);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SWITCH, "refused"), 1);
    /* When a machine goes, it could be honoured: that is told, and the switch is as it was. */
    fleet_gone(rig.fleet, m[5], "it was shut down", rig.now);
    rig.host.available_bytes = 11 * GIB;
    rig_tick(&rig);
    assert_int_equal(m[1]->switch_state, FLEET_SWITCH_ENABLED);
    assert_int_equal(rig_switch(&rig, "b", false).status, FLEET_OK);
    assert_int_equal(m[1]->switch_state, FLEET_SWITCH_PENDING_RESTART);
    rig_end(&rig);
}

static void a_refused_wish_can_be_taken_back(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[policy]\nhost-reserve = 13G\n");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    rig_tick(&rig);
    assert_int_equal(rig_switch(&rig, "db", false).status, FLEET_REFUSED);
    assert_int_equal(rig_switch(&rig, "db", true).status, FLEET_OK);
    assert_int_equal(db->switch_state, FLEET_SWITCH_ENABLED);
    assert_int_equal(db->refused_missing_bytes, 0);
    rig_end(&rig);
}

static void a_refusal_ends_with_the_machine_that_it_was_about(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[policy]\nhost-reserve = 13G\n");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    rig_tick(&rig);
    assert_int_equal(rig_switch(&rig, "db", false).status, FLEET_REFUSED);
    struct facts facts = rig_facts(&rig);
    facts.pid++;
    facts.locked = true;
    fleet_told(rig.fleet, db, &facts, rig.now);
    assert_int_equal(db->switch_state, FLEET_SWITCH_UNSUPPORTED);
    assert_int_equal(db->refused_missing_bytes, 0);
    facts.pid++;
    facts.locked = false;
    fleet_told(rig.fleet, db, &facts, rig.now);
    assert_int_equal(db->switch_state, FLEET_SWITCH_ENABLED);
    rig_end(&rig);
}

static void what_cannot_balloon_has_no_switch_and_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool locked, huge, pinned, container;
        const char *reason;
    } cases[] = {
        { "locked", true, false, false, false, "locked" },
        { "huge", false, true, false, false, "huge pages" },
        { "vfio", false, false, true, false, "assigned" },
        { "box", false, false, false, true, "shares the host's kernel" },
    };
    struct rig rig;
    rig_begin(&rig, "");
    for (size_t i = 0; i < 4; i++) {
        struct fleet_machine *machine = rig_find(&rig, cases[i].name, i, &fake_backend);
        struct facts facts = rig_facts(&rig);
        facts.locked = cases[i].locked;
        facts.huge_pages = cases[i].huge;
        facts.pinned = cases[i].pinned;
        facts.kind = cases[i].container ? FACTS_CONTAINER : FACTS_MACHINE;
        fleet_told(rig.fleet, machine, &facts, rig.now);
        rig_tick(&rig);
        assert_int_equal(machine->switch_state, FLEET_SWITCH_UNSUPPORTED);
        assert_non_null(strstr(machine->unsupported, cases[i].reason));
        const struct fleet_result result = rig_switch(&rig, cases[i].name, false);
        assert_int_equal(result.status, FLEET_UNSUPPORTED);
        assert_string_equal(result.text, machine->unsupported);
        assert_int_equal(machine->policy.decision.hold, POLICY_HOLD_UNRECLAIMABLE);
    }
    rig_end(&rig);
}

static void a_backend_that_cannot_see_to_the_device_leaves_it_to_a_person(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_find(&rig, "db", 0, &fake_backend_simple);
    const struct facts facts = rig_facts(&rig);
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    assert_int_equal(rig_switch(&rig, "db", false).status, FLEET_OK);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SWITCH, "device-by-hand"), 1);
    /* Taken back: the device is there still, so there is nothing to do by hand. */
    assert_int_equal(rig_switch(&rig, "db", true).status, FLEET_OK);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SWITCH, "device-by-hand"), 1);
    rig_end(&rig);
}

static void the_state_is_right_after_a_restart_of_the_daemon(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    (void)rig_add(&rig, "db", 0);
    rig_tick(&rig);
    assert_int_equal(rig_switch(&rig, "db", false).status, FLEET_OK);
    fleet_free(rig.fleet);
    const struct fleet_ops ops = fake_owner_ops(&rig.owner);
    rig.fleet = fleet_new(&rig.config, &ops);
    const struct fleet_machine *db = rig_add(&rig, "db", 0);
    assert_false(db->settings.ballooning);
    assert_int_equal(db->settings.revision, 1);
    assert_int_equal(db->switch_state, FLEET_SWITCH_PENDING_RESTART);
    rig_end(&rig);
}

static void a_machine_gone_and_found_again_follows_what_was_saved(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    rig_tick(&rig);
    assert_int_equal(rig_switch(&rig, "db", false).status, FLEET_OK);
    fleet_gone(rig.fleet, db, "it was shut down", rig.now);
    db = rig_find(&rig, "db", 0, &fake_backend);
    struct facts facts = rig_facts(&rig);
    facts.device = false;
    fleet_told(rig.fleet, db, &facts, rig.now);
    assert_int_equal(db->switch_state, FLEET_SWITCH_DISABLED);
    rig_end(&rig);
}

static void a_machine_that_does_not_run_has_the_settings_it_would_start_with(void **state)
{
    (void)state;
    struct rig rig;
    struct fleet_settings settings;
    rig_begin(&rig, "[default]\nballooning = off\n[machine web]\nballooning = on\nowner = alice\n");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    assert_true(fleet_settings_of(rig.fleet, "web", &settings));
    assert_true(settings.ballooning);
    assert_string_equal(settings.owner, "alice");
    assert_true(fleet_settings_of(rig.fleet, "db", &settings));
    assert_false(settings.ballooning);
    rig_tick(&rig);
    assert_int_equal(rig_switch(&rig, "db", true).status, FLEET_OK);
    assert_true(fleet_settings_of(rig.fleet, "db", &settings));
    assert_true(settings.ballooning);
    fleet_gone(rig.fleet, db, "it was shut down", rig.now);
    assert_true(fleet_settings_of(rig.fleet, "db", &settings)); /* saved by command */
    assert_true(settings.ballooning);
    assert_true(fleet_settings_of(rig.fleet, "never-seen", &settings));
    assert_false(settings.ballooning);
    assert_false(fleet_settings_of(rig.fleet, "no name", &settings));
    size_t count;
    (void)fleet_machines(rig.fleet, &count);
    assert_int_equal(count, 0); /* asking makes no machine */
    rig_end(&rig);
}

static void what_is_switched_off_is_held_at_its_maximum_only_when_it_has_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    struct facts facts = rig_facts(&rig);
    facts.actual_bytes = facts.stats_actual_bytes = facts.total_bytes = 3 * GIB;
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    assert_int_equal(rig_switch(&rig, "db", false).status, FLEET_OK);
    assert_int_equal(db->switch_state, FLEET_SWITCH_PENDING_RESTART);
    assert_int_equal(db->lacking_bytes, GIB);
    assert_int_equal(db->lacking_ms, rig.now);
    const struct fake_event *told = fake_last(&rig.owner, FLEET_EVENT_SWITCH);
    assert_non_null(strstr(told->text, "it has 3 GiB, and 1 GiB are still missing"));
    facts = rig_facts(&rig);
    fleet_told(rig.fleet, db, &facts, rig.now);
    assert_int_equal(db->lacking_bytes, 0);
    told = fake_last(&rig.owner, FLEET_EVENT_SWITCH);
    assert_non_null(strstr(told->text, "held at its maximum"));
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_switched_off_is_held_at_its_maximum_only_when_it_has_it),
        cmocka_unit_test(switching_off_pins_at_the_maximum_and_waits_for_the_restart),
        cmocka_unit_test(switching_on_again_before_the_restart_undoes_it),
        cmocka_unit_test(switching_on_without_a_device_waits_for_the_restart),
        cmocka_unit_test(what_the_host_cannot_honour_is_refused_with_the_missing_amount),
        cmocka_unit_test(a_refused_wish_can_be_taken_back),
        cmocka_unit_test(a_refusal_ends_with_the_machine_that_it_was_about),
        cmocka_unit_test(what_cannot_balloon_has_no_switch_and_a_reason),
        cmocka_unit_test(a_backend_that_cannot_see_to_the_device_leaves_it_to_a_person),
        cmocka_unit_test(the_state_is_right_after_a_restart_of_the_daemon),
        cmocka_unit_test(a_machine_gone_and_found_again_follows_what_was_saved),
        cmocka_unit_test(a_machine_that_does_not_run_has_the_settings_it_would_start_with),
    };
    return cmocka_run_group_tests_name("tools/ballast/fleet/fleet_switch.c", tests, NULL, NULL);
}
