/* SPDX-License-Identifier: BSD-2-Clause */
/* What is concluded about a guest's driver from what it does, and what is not. */

#include "tests/ballast/unit/fleet_fixture.h"

/* A machine that was told once, without a sign of a driver. */
static struct fleet_machine *silent(struct rig *rig, struct facts *facts)
{
    rig_begin(rig, "");
    struct fleet_machine *machine = rig_find(rig, "web", 0, &fake_backend);
    *facts = rig_facts(rig);
    facts->stats_ms = 0;
    facts->available_bytes = POLICY_MISSING;
    facts->swapped_bytes = 0;
    fleet_told(rig->fleet, machine, facts, rig->now);
    return machine;
}

static void tell(struct rig *rig, struct fleet_machine *machine, const struct facts *facts)
{
    rig->now += 2000;
    fleet_told(rig->fleet, machine, facts, rig->now);
}

static void without_a_sign_nothing_is_known_of_a_driver(void **state)
{
    (void)state;
    struct rig rig;
    struct facts facts;
    struct fleet_machine *machine = silent(&rig, &facts);
    facts.driver = POLICY_DRIVER_OK; /* it is not for a backend to say */
    facts.reports = true;
    tell(&rig, machine, &facts);
    assert_int_equal(machine->facts.driver, POLICY_DRIVER_UNKNOWN);
    assert_false(machine->facts.reports);
    struct fleet_diagnosis diagnosis;
    fleet_doctor(rig.fleet, machine, rig.now, &diagnosis);
    assert_int_equal(diagnosis.checks[2].verdict, FLEET_UNKNOWN);
    assert_non_null(strstr(diagnosis.checks[2].text, "no statistics have arrived"));
    assert_non_null(strstr(diagnosis.checks[2].text, "size has not moved"));
    rig_end(&rig);
}

static void statistics_that_arrive_show_a_driver(void **state)
{
    (void)state;
    struct rig rig;
    struct facts facts;
    struct fleet_machine *machine = silent(&rig, &facts);
    facts.stats_ms = rig.now + 1500;
    tell(&rig, machine, &facts);
    assert_int_equal(machine->facts.driver, POLICY_DRIVER_OK);
    /* The sign counts when statistics grow old: that is another matter. */
    for (int i = 0; i < 30; i++) {
        tell(&rig, machine, &facts);
    }
    assert_int_equal(machine->facts.driver, POLICY_DRIVER_OK);
    rig_end(&rig);
}

static void old_statistics_that_a_new_daemon_finds_show_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    rig.now = 100000;
    struct fleet_machine *machine = rig_find(&rig, "web", 0, &fake_backend);
    struct facts facts = rig_facts(&rig);
    facts.stats_ms = rig.now - 16000;
    fleet_told(rig.fleet, machine, &facts, rig.now);
    assert_int_equal(machine->facts.driver, POLICY_DRIVER_UNKNOWN);
    rig_end(&rig);
}

static void a_size_that_moves_shows_a_driver(void **state)
{
    (void)state;
    struct rig rig;
    struct facts facts;
    struct fleet_machine *machine = silent(&rig, &facts);
    facts.actual_bytes -= 64 * MIB;
    tell(&rig, machine, &facts);
    assert_int_equal(machine->facts.driver, POLICY_DRIVER_OK);
    rig_end(&rig);
}

/* The state that a migration brings along is another machine's doing. */
static void a_size_that_a_migration_brings_along_shows_no_driver(void **state)
{
    (void)state;
    struct rig rig;
    struct facts facts;
    struct fleet_machine *machine = silent(&rig, &facts);
    facts.state = FACTS_MIGRATING;
    tell(&rig, machine, &facts);
    facts.actual_bytes -= 64 * MIB;
    tell(&rig, machine, &facts);
    facts.state = FACTS_RUNNING;
    tell(&rig, machine, &facts);
    assert_int_equal(machine->facts.driver, POLICY_DRIVER_UNKNOWN);
    rig_end(&rig);
}

static void a_guest_that_starts_anew_has_to_show_its_driver_again(void **state)
{
    (void)state;
    struct rig rig;
    struct facts facts;
    struct fleet_machine *machine = silent(&rig, &facts);
    facts.stats_ms = rig.now + 1500;
    tell(&rig, machine, &facts);
    facts.resets++;
    tell(&rig, machine, &facts);
    assert_int_equal(machine->facts.driver, POLICY_DRIVER_UNKNOWN);
    tell(&rig, machine, &facts); /* the statistics of the guest before this one are still shown */
    assert_int_equal(machine->facts.driver, POLICY_DRIVER_UNKNOWN);
    facts.stats_ms = rig.now + 1000;
    tell(&rig, machine, &facts);
    assert_int_equal(machine->facts.driver, POLICY_DRIVER_OK);
    facts.device = false;
    tell(&rig, machine, &facts);
    assert_int_equal(machine->facts.driver, POLICY_DRIVER_UNKNOWN);
    rig_end(&rig);
}

/* ---- reports ---- */

static void memory_that_comes_back_without_a_balloon_was_reported(void **state)
{
    (void)state;
    struct rig rig;
    struct facts facts;
    struct fleet_machine *machine = silent(&rig, &facts);
    facts.resident_bytes -= 15 * MIB; /* a buffer of QEMU's */
    tell(&rig, machine, &facts);
    assert_false(machine->facts.reports);
    facts.resident_bytes -= 200 * MIB;
    tell(&rig, machine, &facts);
    assert_true(machine->facts.reports);
    rig_tick(&rig);
    assert_true(machine->policy.sample.reporting);
    facts.resident_bytes += 200 * MIB; /* it uses it again, and would report again */
    tell(&rig, machine, &facts);
    assert_true(machine->facts.reports);
    facts.resets++;
    tell(&rig, machine, &facts);
    assert_false(machine->facts.reports);
    rig_end(&rig);
}

static void memory_that_goes_another_way_was_not_reported(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct rig rig;
        struct facts facts;
        struct fleet_machine *machine = silent(&rig, &facts);
        facts.resident_bytes -= 200 * MIB;
        facts.swapped_bytes = i == 0 ? 200 * MIB : i == 1 ? POLICY_MISSING : 0;
        facts.actual_bytes -= i == 2 ? 200 * MIB : 0;
        facts.state = i == 3 ? FACTS_PAUSED : FACTS_RUNNING;
        facts.offered = i == 4 ? FACTS_DEFLATE_ON_OOM : facts.offered;
        tell(&rig, machine, &facts);
        assert_false(machine->facts.reports);
        rig_end(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_sign_nothing_is_known_of_a_driver),
        cmocka_unit_test(statistics_that_arrive_show_a_driver),
        cmocka_unit_test(old_statistics_that_a_new_daemon_finds_show_nothing),
        cmocka_unit_test(a_size_that_moves_shows_a_driver),
        cmocka_unit_test(a_size_that_a_migration_brings_along_shows_no_driver),
        cmocka_unit_test(a_guest_that_starts_anew_has_to_show_its_driver_again),
        cmocka_unit_test(memory_that_comes_back_without_a_balloon_was_reported),
        cmocka_unit_test(memory_that_goes_another_way_was_not_reported),
    };
    return cmocka_run_group_tests_name("fleet_evidence", tests, NULL, NULL);
}
