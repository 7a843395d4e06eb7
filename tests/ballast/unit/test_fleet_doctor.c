/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The doctor: a healthy machine is called healthy, and each fault is found by the check that is for
 * it, with words that say what to do.
 */
#include "tests/ballast/unit/fleet_fixture.h"

static const struct fleet_check *find(const struct fleet_diagnosis *diagnosis, const char *name)
{
    for (size_t i = 0; i < diagnosis->count; i++) {
        if (strcmp(diagnosis->checks[i].name, name) == 0) {
            return &diagnosis->checks[i];
        }
    }
    static const struct fleet_check none;
    fail_msg("there is no check %s", name);
    return &none;
}

static struct fleet_diagnosis examine(struct rig *rig, struct fleet_machine *machine,
                                      const struct facts *facts)
{
    struct fleet_diagnosis diagnosis;
    fleet_told(rig->fleet, machine, facts, rig->now);
    rig_tick(rig);
    rig_answer(rig);
    fleet_doctor(rig->fleet, machine, rig->now, &diagnosis);
    return diagnosis;
}

static void a_healthy_machine_is_healthy(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    rig_tick(&rig);
    db->policy.memory.mode = POLICY_MODE_TOTAL_STAYS;
    struct fleet_diagnosis diagnosis;
    fleet_doctor(rig.fleet, db, rig.now, &diagnosis);
    assert_int_equal(diagnosis.verdict, FLEET_GOOD);
    assert_string_equal(diagnosis.text, "Ballooning works.");
    assert_int_equal(diagnosis.count, 15);
    for (size_t i = 0; i < diagnosis.count; i++) {
        assert_int_equal(diagnosis.checks[i].verdict, FLEET_GOOD);
        assert_true(strlen(diagnosis.checks[i].text) > 10);
    }
    assert_non_null(strstr(find(&diagnosis, "statistics")->text, "are 2.0 s old"));
    assert_non_null(strstr(find(&diagnosis, "features")->text, "deflate-on-oom, "));
    assert_non_null(strstr(find(&diagnosis, "features")->text, "free-page-reporting."));
    rig_end(&rig);
}

static void each_fault_has_its_check_and_its_words(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    const struct facts good = rig_facts(&rig);
    struct facts faults[11];
    for (size_t i = 0; i < 11; i++) {
        faults[i] = good;
    }
    faults[0].device = false;
    faults[1].stats_ms = 0;
    faults[2].available_bytes = POLICY_MISSING;
    faults[3].free_bytes = faults[3].total_bytes + 1;
    faults[4].locked = true;
    faults[5].huge_pages = true;
    faults[6].pinned = true;
    strcpy(faults[7].trouble, "The monitor does not answer.");
    faults[8].prealloc = true;
    faults[9].offered = 0;
    faults[10].offered_known = false;
    static const struct {
        const char *check;
        enum fleet_verdict verdict;
        const char *words;
    } expected[] = {
        { "device", FLEET_BAD, "-device virtio-balloon-pci" },
        { "statistics", FLEET_BAD, "told no statistics" },
        { "statistics", FLEET_BAD, "lack what is available" },
        { "statistics", FLEET_BAD, "cannot be true" },
        { "reclaim", FLEET_BAD, "locked" },
        { "reclaim", FLEET_BAD, "huge pages" },
        { "reclaim", FLEET_BAD, "assigned" },
        { "monitor", FLEET_BAD, "does not answer" },
        { "prealloc", FLEET_NOTE, "allocated at its start" },
        { "reporting", FLEET_NOTE, "free-page-reporting=on" },
        { "features", FLEET_UNKNOWN, "not been told" },
    };
    for (size_t i = 0; i < 11; i++) {
        faults[i].stats_ms = faults[i].stats_ms == 0 ? 0 : rig.now;
        const struct fleet_diagnosis diagnosis = examine(&rig, db, &faults[i]);
        const struct fleet_check *check = find(&diagnosis, expected[i].check);
        assert_int_equal(check->verdict, expected[i].verdict);
        assert_non_null(strstr(check->text, expected[i].words));
        assert_int_equal(diagnosis.verdict, expected[i].verdict);
        if (expected[i].verdict == FLEET_BAD) {
            assert_string_equal(diagnosis.text, check->text);
        }
    }
    rig_end(&rig);
}

static void a_machine_that_is_switched_off_lacks_no_device(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[default]\nballooning = off\n");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    struct facts facts = rig_facts(&rig);
    struct fleet_diagnosis diagnosis = examine(&rig, db, &facts);
    assert_int_not_equal(diagnosis.verdict, FLEET_BAD);
    assert_non_null(strstr(diagnosis.text, "Ballooning is switched off"));
    facts.device = false;
    diagnosis = examine(&rig, db, &facts);
    assert_int_equal(find(&diagnosis, "device")->verdict, FLEET_NOTE);
    assert_int_equal(diagnosis.verdict, FLEET_NOTE);
    assert_non_null(strstr(diagnosis.text, "Ballooning is switched off"));
    rig_end(&rig);
}

static void of_a_machine_that_nobody_reaches_only_that_is_told(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_diagnosis diagnosis;
    struct fleet_machine *ghost =
        fleet_found(rig.fleet, "ghost", &fake_backend, NULL, "/run/ghost.qmp", rig.now);
    fleet_doctor(rig.fleet, ghost, rig.now, &diagnosis);
    assert_int_equal(diagnosis.verdict, FLEET_UNKNOWN);
    assert_string_equal(diagnosis.text, find(&diagnosis, "monitor")->text);
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    struct fleet_machine *silent[] = { ghost, db };
    for (size_t i = 0; i < 2; i++) {
        struct facts facts = silent[i]->facts;
        facts_unreachable(&facts, "QEMU does not answer");
        diagnosis = examine(&rig, silent[i], &facts);
        assert_int_equal(diagnosis.verdict, FLEET_BAD);
        assert_string_equal(diagnosis.text, "QEMU does not answer");
        assert_int_equal(diagnosis.count, 1);
    }
    rig_end(&rig);
}

/* As over libvirt, and with an old QEMU. */
static void that_kills_are_not_told_is_said_and_is_no_fault(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    struct facts facts = rig_facts(&rig);
    facts.oom_kills = facts.alloc_stalls = POLICY_MISSING;
    facts.stats_ms = rig.now;
    const struct fleet_diagnosis diagnosis = examine(&rig, db, &facts);
    assert_int_equal(diagnosis.verdict, FLEET_GOOD);
    assert_int_equal(find(&diagnosis, "kills")->verdict, FLEET_GOOD);
    assert_non_null(strstr(find(&diagnosis, "kills")->text, "not told here"));
    rig_end(&rig);
}

static void old_statistics_are_told_with_their_age(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    struct fleet_diagnosis diagnosis;
    fleet_doctor(rig.fleet, db, rig.now + 90000, &diagnosis);
    assert_int_equal(find(&diagnosis, "statistics")->verdict, FLEET_BAD);
    assert_non_null(strstr(diagnosis.text, "90 s old"));
    rig_end(&rig);
}

static void what_the_policy_found_is_told(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    rig_tick(&rig);
    struct fleet_diagnosis diagnosis;
    fleet_doctor(rig.fleet, db, rig.now, &diagnosis);
    assert_non_null(strstr(find(&diagnosis, "accounting")->text, "for the first time"));
    assert_int_equal(diagnosis.verdict, FLEET_GOOD);
    db->policy.memory.drift = POLICY_DRIFT_FOREIGN;
    fleet_doctor(rig.fleet, db, rig.now, &diagnosis);
    assert_int_equal(find(&diagnosis, "manager")->verdict, FLEET_BAD);
    assert_non_null(strstr(diagnosis.text, "ballast adopt db"));
    db->policy.memory.drift = POLICY_DRIFT_SELF_DEFLATED;
    db->policy.memory.drift_bytes = GIB;
    db->policy.memory.stalls = 2;
    db->policy.memory.held_until_ms = rig.now + 60000;
    fleet_doctor(rig.fleet, db, rig.now, &diagnosis);
    assert_int_equal(find(&diagnosis, "drift")->verdict, FLEET_NOTE);
    assert_non_null(strstr(find(&diagnosis, "stall")->text, "2 times in a row"));
    strcpy(db->last_error, "no such command");
    fleet_doctor(rig.fleet, db, rig.now, &diagnosis);
    assert_non_null(strstr(find(&diagnosis, "manager")->text, "no such command"));
    rig_end(&rig);
}

static void a_container_and_a_stranger_have_short_diagnoses(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *box = rig_find(&rig, "box", 0, &fake_backend);
    struct fleet_diagnosis diagnosis;
    fleet_doctor(rig.fleet, box, rig.now, &diagnosis);
    assert_int_equal(diagnosis.verdict, FLEET_UNKNOWN);
    assert_int_equal(diagnosis.count, 1);
    struct facts facts = rig_facts(&rig);
    facts.kind = FACTS_CONTAINER;
    facts.device = false;
    diagnosis = examine(&rig, box, &facts);
    assert_int_equal(diagnosis.verdict, FLEET_BAD);
    assert_int_equal(diagnosis.count, 2);
    assert_non_null(strstr(diagnosis.text, "shares the host's kernel"));
    rig_end(&rig);
}

static void before_the_first_decision_nothing_is_said_of_a_target(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_find(&rig, "db", 0, &fake_backend);
    const struct facts facts = rig_facts(&rig);
    struct fleet_diagnosis diagnosis;
    fleet_told(rig.fleet, db, &facts, rig.now);
    fleet_doctor(rig.fleet, db, rig.now, &diagnosis);
    assert_int_equal(find(&diagnosis, "target")->verdict, FLEET_UNKNOWN);
    rig_end(&rig);
}

/* It has 1 GiB of the 2 that are its minimum, and does not grow. */
static void a_machine_that_is_too_small_is_told_with_its_numbers(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    struct fleet_diagnosis diagnosis;
    for (unsigned i = 0; i < 10; i++) {
        struct facts facts = rig_facts(&rig);
        facts.actual_bytes = facts.stats_actual_bytes = facts.total_bytes = GIB;
        facts.free_bytes = facts.available_bytes = 100 * MIB;
        fleet_told(rig.fleet, db, &facts, rig.now);
        rig_tick(&rig);
        rig_answer(&rig);
    }
    fleet_doctor(rig.fleet, db, rig.now, &diagnosis);
    assert_int_equal(diagnosis.verdict, FLEET_BAD);
    const struct fleet_check *target = find(&diagnosis, "target");
    assert_int_equal(target->verdict, FLEET_BAD);
    assert_non_null(strstr(target->text, "has had 1 GiB for"));
    const struct fleet_check *promise = find(&diagnosis, "promise");
    assert_int_equal(promise->verdict, FLEET_BAD);
    assert_non_null(strstr(promise->text, "It has 1 GiB, and 2 GiB are promised to it"));
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_DRIFT, "behind"), 1);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SHORT, "below-promise"), 1);
    assert_true(fake_events(&rig.owner, FLEET_EVENT_TARGET, "repeat") >= 1);
    /* Nobody reaches it for a while, then it comes a little nearer: nothing is over. */
    struct facts facts = db->facts;
    facts_unreachable(&facts, "QEMU does not answer");
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    facts = rig_facts(&rig);
    facts.actual_bytes = facts.stats_actual_bytes = facts.total_bytes = GIB + 64 * MIB;
    facts.free_bytes = facts.available_bytes = 100 * MIB;
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_DRIFT, "follows"), 0);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SHORT, "promise-kept"), 0);
    facts = rig_facts(&rig);
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_DRIFT, "follows"), 1);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SHORT, "promise-kept"), 1);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_that_is_too_small_is_told_with_its_numbers),
        cmocka_unit_test(before_the_first_decision_nothing_is_said_of_a_target),
        cmocka_unit_test(a_healthy_machine_is_healthy),
        cmocka_unit_test(each_fault_has_its_check_and_its_words),
        cmocka_unit_test(a_machine_that_is_switched_off_lacks_no_device),
        cmocka_unit_test(of_a_machine_that_nobody_reaches_only_that_is_told),
        cmocka_unit_test(that_kills_are_not_told_is_said_and_is_no_fault),
        cmocka_unit_test(old_statistics_are_told_with_their_age),
        cmocka_unit_test(what_the_policy_found_is_told),
        cmocka_unit_test(a_container_and_a_stranger_have_short_diagnoses),
    };
    return cmocka_run_group_tests_name("tools/ballast/fleet/fleet_doctor.c", tests, NULL, NULL);
}
