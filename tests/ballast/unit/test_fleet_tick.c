/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens around a decision: what becomes the policy's input, what is sent and what not, what
 * is told and how often, the ledger, and the dry run. Most tests put a script in the policy's
 * place, so that they say what was decided.
 */
#include "tests/ballast/unit/fleet_fixture.h"

static struct policy_decision script;
static enum policy_drift script_drift;
static enum policy_zone script_zone;
static size_t script_calls;

static void script_decide(const struct policy_settings *settings, const struct policy_host *host,
                          struct policy_host_memory *host_memory, struct policy_machine *machines,
                          size_t count, int64_t now_ms, struct policy_plan *plan)
{
    (void)settings;
    host_memory->now_ms = now_ms;
    *plan = (struct policy_plan){ .zone = script_zone,
                                  .admit = true,
                                  .books = { .arrived_bytes = host->reserved_bytes } };
    for (size_t i = 0; i < count; i++) {
        machines[i].decision = script;
        machines[i].decision.set_target =
            script.set_target && machines[i].sample.commanded_bytes != script.target_bytes;
        machines[i].memory.drift = script_drift;
        machines[i].memory.seen_ms++;
    }
    script_calls++;
}

static void rig_script(struct rig *rig, const char *text)
{
    rig_begin(rig, text);
    rig->fleet->decide = script_decide;
    script = (struct policy_decision){ .set_target = true,
                                       .target_bytes = 3 * GIB,
                                       .reason = POLICY_SHRINK_ZONE };
    script_drift = POLICY_DRIFT_NONE;
    script_zone = POLICY_GREEN;
    script_calls = 0;
}

static void a_target_is_sent_once_and_not_again_while_it_is_unanswered(void **state)
{
    (void)state;
    struct rig rig;
    rig_script(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    rig_tick(&rig);
    assert_int_equal(rig.fakes[0].target_count, 1);
    script.target_bytes = 2 * GIB;
    rig_tick(&rig);
    rig_tick(&rig);
    assert_int_equal(rig.fakes[0].target_count, 1);
    fleet_target_done(rig.fleet, db, 3 * GIB, NULL, rig.now);
    assert_int_equal(db->commanded_bytes, 3 * GIB);
    assert_int_equal(rig.owner.targets[0], 3 * GIB);
    rig_tick(&rig);
    assert_int_equal(rig.fakes[0].target_count, 2);
    assert_int_equal(rig.fakes[0].targets[1], 2 * GIB);
    assert_int_equal(db->commands, 2);
    const struct fake_event *told = fake_last(&rig.owner, FLEET_EVENT_TARGET);
    assert_string_equal(told->code, "shrink-zone");
    assert_int_equal(told->bytes, 2 * GIB);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_TARGET, NULL), 2);
    rig_end(&rig);
}

static void an_answer_to_nothing_is_passed_over(void **state)
{
    (void)state;
    struct rig rig;
    rig_script(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    fleet_target_done(rig.fleet, db, 1, NULL, rig.now);
    assert_int_equal(db->commanded_bytes, 0);
    rig_tick(&rig);
    fleet_target_done(rig.fleet, db, 1, NULL, rig.now);
    assert_int_equal(db->commanded_bytes, 0);
    fleet_target_done(rig.fleet, db, 3 * GIB, NULL, rig.now);
    fleet_target_done(rig.fleet, db, 3 * GIB, "late", rig.now);
    assert_int_equal(db->commanded_bytes, 3 * GIB);
    assert_string_equal(db->last_error, "");
    rig_end(&rig);
}

static void a_refused_target_is_told_once_and_repeated_ever_later(void **state)
{
    (void)state;
    struct rig rig;
    rig_script(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    for (size_t i = 0; i < 60; i++) {
        rig_tick(&rig);
        if (fleet_entry_of(db)->in_flight) {
            fleet_target_done(rig.fleet, db, 3 * GIB, "no balloon", rig.now);
        }
    }
    /* 0, 2, 4, 8, 16, 30, 30 seconds apart in 120. */
    assert_in_range(rig.fakes[0].target_count, 6, 8);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_REFUSED, NULL), 1);
    assert_string_equal(db->last_error, "no balloon");
    assert_int_equal(db->commanded_bytes, 0);
    rig.now += 60000;
    rig_tick(&rig);
    fleet_target_done(rig.fleet, db, 3 * GIB, NULL, rig.now);
    assert_string_equal(db->last_error, "");
    assert_int_equal(db->commanded_bytes, 3 * GIB);
    rig_end(&rig);
}

static void a_target_that_cannot_be_sent_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_script(&rig, "");
    const struct fleet_machine *db = rig_add(&rig, "db", 0);
    rig.fakes[0].refuses_to_send = true;
    rig_tick(&rig);
    assert_string_equal(db->last_error, "it could not be sent");
    rig.fakes[0].refuses_to_send = false;
    rig_tick(&rig);
    assert_int_equal(rig.fakes[0].target_count, 1);
    rig_end(&rig);
}

static void what_is_not_managed_is_shown_and_never_touched(void **state)
{
    (void)state;
    struct rig rig;
    rig_script(&rig, "[machine db]\nmanaged = off\n");
    const struct fleet_machine *db = rig_add(&rig, "db", 0);
    rig_tick(&rig);
    assert_int_equal(rig.fakes[0].target_count, 0);
    assert_false(db->policy.decision.set_target);
    assert_false(db->policy.enabled); /* its maximum is booked */
    assert_true(db->policy.unmanaged);
    rig_end(&rig);
}

static void each_change_is_told_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_script(&rig, "");
    (void)rig_add(&rig, "db", 0);
    script.hold = POLICY_HOLD_STALE;
    script_drift = POLICY_DRIFT_FOREIGN;
    script_zone = POLICY_HARD;
    for (size_t i = 0; i < 5; i++) {
        rig_tick(&rig);
    }
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_HOLD, "stale"), 1);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_DRIFT, "foreign"), 1);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_ZONE, "hard"), 1);
    script.hold = POLICY_HOLD_MOVING;
    script_drift = POLICY_DRIFT_NONE;
    script_zone = POLICY_GREEN;
    for (size_t i = 0; i < 5; i++) {
        rig_tick(&rig);
        script.hold = i % 2 == 0 ? POLICY_HOLD_FLOOR : POLICY_HOLD_MOVING;
    }
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_HOLD, NULL), 2);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_HOLD, "none"), 1);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_DRIFT, "none"), 1);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_ZONE, "green"), 1);
    rig_end(&rig);
}

static void a_foreign_machine_can_be_adopted_and_no_other(void **state)
{
    (void)state;
    struct rig rig;
    rig_script(&rig, "");
    const struct fleet_machine *db = rig_add(&rig, "db", 0);
    rig_tick(&rig);
    assert_int_equal(fleet_adopt(rig.fleet, "db", rig.now).status, FLEET_INVALID);
    assert_int_equal(fleet_adopt(rig.fleet, "no", rig.now).status, FLEET_NOT_FOUND);
    script_drift = POLICY_DRIFT_FOREIGN;
    rig_tick(&rig);
    assert_int_equal(fleet_adopt(rig.fleet, "db", rig.now).status, FLEET_OK);
    assert_int_equal(db->policy.memory.drift, POLICY_DRIFT_NONE);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_DRIFT, "adopted"), 1);
    rig_end(&rig);
}

static void the_ledger_counts_what_is_lent(void **state)
{
    (void)state;
    struct rig rig;
    rig_script(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    struct facts facts = rig_facts(&rig);
    facts.actual_bytes = 3 * GIB + MIB / 4;
    fleet_told(rig.fleet, db, &facts, rig.now);
    for (size_t i = 0; i < 11; i++) {
        rig_tick(&rig);
    }
    assert_int_equal(db->ledger.lent_mib_s, 1024 * 20 - 5); /* ten periods of two seconds */
    rig.now += 3600000;                                     /* nobody saw this hour */
    rig_tick(&rig);
    assert_int_equal(db->ledger.lent_mib_s, (1024 * 80 - 20));
    facts.actual_bytes = POLICY_MISSING;
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    assert_int_equal(db->ledger.lent_mib_s, (1024 * 80 - 20));
    rig_end(&rig);
}

static void the_ledger_outlives_daemon_and_machine(void **state)
{
    (void)state;
    struct rig rig;
    rig_script(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    struct facts facts = rig_facts(&rig);
    facts.actual_bytes = 3 * GIB;
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    rig_tick(&rig);
    fleet_save_ledgers(rig.fleet);
    assert_int_equal(rig.owner.ledger_saves, 1);
    fleet_save_ledgers(rig.fleet); /* nothing new, nothing written */
    assert_int_equal(rig.owner.ledger_saves, 1);
    fleet_free(rig.fleet); /* killed, and started anew */
    const struct fleet_ops ops = fake_owner_ops(&rig.owner);
    rig.fleet = fleet_new(&rig.config, &ops);
    db = rig_add(&rig, "db", 0);
    assert_int_equal(db->ledger.lent_mib_s, 2048);
    rig.fleet->decide = script_decide;
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig); /* the time before this daemon is nobody's */
    assert_int_equal(db->ledger.lent_mib_s, 2048);
    rig_tick(&rig);
    assert_int_equal(db->ledger.lent_mib_s, 4096);
    fleet_gone(rig.fleet, db, "it was shut down", rig.now);
    assert_int_equal(rig.owner.ledger_saves, 2);
    db = rig_add(&rig, "db", 0);
    assert_int_equal(db->ledger.lent_mib_s, 4096);
    rig_end(&rig);
}

static void peaks_are_met_within_two_periods_or_missed(void **state)
{
    (void)state;
    struct rig rig;
    rig_script(&rig, "");
    const struct fleet_machine *db = rig_add(&rig, "db", 0);
    static const struct {
        uint64_t lacks;
        bool paid;
        uint32_t met, missed;
    } periods[] = {
        { 0, false, 0, 0 }, { 0, true, 1, 0 },                     /* at once */
        { 0, true, 1, 0 },  { 0, false, 1, 0 },                    /* still the same one */
        { 5, false, 1, 0 }, { 5, true, 1, 0 },  { 0, true, 2, 0 }, /* within two periods */
        { 0, false, 2, 0 }, { 5, false, 2, 0 }, { 5, false, 2, 0 },
        { 5, false, 2, 1 }, { 5, false, 2, 1 }, /* missed, once */
        { 0, true, 2, 1 },  { 0, false, 2, 1 }, { 5, false, 2, 1 },
    };
    for (size_t i = 0; i < sizeof periods / sizeof periods[0]; i++) {
        /* The buffer is always 3 MiB short, which is no peak. */
        script.short_bytes = (periods[i].lacks + 3) * MIB;
        script.margin_bytes = 16 * MIB;
        script.used_bytes = script.target_bytes - script.margin_bytes + periods[i].lacks * MIB;
        script.reason = periods[i].paid ? POLICY_GROW_PEAK : POLICY_KEEP;
        rig_tick(&rig);
        assert_int_equal(db->ledger.peaks_met, periods[i].met);
        assert_int_equal(db->ledger.peaks_missed, periods[i].missed);
    }
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SHORT, "peak"), 1);
    rig_end(&rig);
}

/* What was promised and needed when it ran is nobody's any more: sums over all machines (promises,
 * the host's demand, decisions in force) must not hold it. */
static void a_machine_that_stops_leaves_no_decision_behind(void **state)
{
    (void)state;
    struct rig rig;
    rig_script(&rig, "[machine db]\nminimum = 2G\n");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    script.short_bytes = 5 * MIB;
    rig_tick(&rig);
    assert_int_equal(db->policy.min_bytes, 2 * GIB);
    assert_int_equal(db->policy.decision.short_bytes, 5 * MIB);
    struct facts facts = rig_facts(&rig);
    facts.state = FACTS_STOPPED;
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    assert_int_equal(db->policy.max_bytes, 0);
    assert_int_equal(db->policy.min_bytes, 0);
    /* Not 0: that would be a machine that needs nothing. */
    assert_false(fleet_decided(&db->policy));
    assert_int_equal(db->policy.decision.short_bytes, POLICY_MISSING);
    assert_int_equal(db->policy.decision.demand_bytes, POLICY_MISSING);
    assert_int_equal(db->policy.decision.books.booked_bytes, POLICY_MISSING);
    assert_int_equal(db->policy.decision.hold, POLICY_HOLD_NONE);
    struct policy_plan plan;
    size_t count;
    struct policy_machine *next = fleet_dry_run(rig.fleet, &rig.host, rig.now, &plan, &count);
    assert_int_equal(count, 1);
    assert_false(fleet_decided(&next[0]));
    assert_int_equal(next[0].decision.target_bytes, POLICY_MISSING);
    free(next);
    rig_end(&rig);
}

static void a_dry_run_carries_nothing_out_and_remembers_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_script(&rig, "[machine c]\nmanaged = off\n");
    struct fleet_machine *b = rig_add(&rig, "b", 1);
    const struct fleet_machine *c = rig_add(&rig, "c", 2);
    struct fleet_machine *a = rig_find(&rig, "a", 0, &fake_backend); /* has told nothing */
    rig_tick(&rig);
    fleet_target_done(rig.fleet, b, 3 * GIB, NULL, rig.now);
    script.target_bytes = 2 * GIB;
    const struct policy_memory before = b->policy.memory;
    const struct policy_host_memory host_before = rig.fleet->host_memory;
    const size_t told = rig.owner.event_count;
    struct policy_plan plan;
    size_t count;
    struct policy_machine *result =
        fleet_dry_run(rig.fleet, &rig.host, rig.now + 2000, &plan, &count);
    assert_int_equal(count, 3);
    assert_false(result[0].decision.set_target);
    assert_true(result[1].decision.set_target);
    assert_int_equal(result[1].decision.target_bytes, 2 * GIB);
    assert_false(result[2].decision.set_target);
    assert_true(plan.admit);
    free(result);
    assert_int_equal(rig.fakes[1].target_count, 1);
    assert_int_equal(rig.owner.event_count, told);
    assert_memory_equal(&b->policy.memory, &before, sizeof before);
    assert_memory_equal(&rig.fleet->host_memory, &host_before, sizeof host_before);
    assert_int_equal(a->policy.max_bytes, 0);
    assert_int_equal(c->policy.max_bytes, 4 * GIB);
    rig_end(&rig);
}

static void the_same_dry_run_is_what_the_next_period_does(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    static const char *const names[] = { "a", "b", "c", "d" };
    for (size_t i = 0; i < 4; i++) {
        (void)rig_add(&rig, names[i], i);
    }
    rig.host.available_bytes = 200 * MIB;
    for (size_t step = 0; step < 8; step++) {
        for (size_t i = 0; i < 4; i++) {
            struct facts facts = rig_facts(&rig);
            facts.stats_ms = rig.now + 1500;
            fleet_told(rig.fleet, fleet_find(rig.fleet, names[i]), &facts, rig.now + 1500);
        }
        struct policy_plan plan;
        size_t count;
        struct policy_machine *expected =
            fleet_dry_run(rig.fleet, &rig.host, rig.now + 2000, &plan, &count);
        rig_tick(&rig);
        assert_memory_equal(&plan, fleet_plan(rig.fleet), sizeof plan);
        for (size_t i = 0; i < count; i++) {
            const struct fleet_machine *machine = fleet_find(rig.fleet, names[i]);
            assert_memory_equal(&expected[i].decision, &machine->policy.decision,
                                sizeof expected[i].decision);
        }
        free(expected);
    }
    assert_true(rig.fakes[0].target_count > 0); /* and that was not nothing */
    rig_end(&rig);
}

static void hostile_facts_reach_the_policy_as_what_they_are(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    struct facts facts = rig_facts(&rig);
    facts.stats_ms = rig.now + 100000; /* would never grow old */
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    assert_true(db->policy.sample.stats_lie);
    facts = rig_facts(&rig);
    facts.free_bytes = facts.total_bytes + 1;
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    assert_true(db->policy.sample.stats_lie);
    facts = rig_facts(&rig);
    facts.free_bytes = POLICY_MISSING; /* missing is no lie */
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    assert_false(db->policy.sample.stats_lie);
    static const uint64_t rams[] = { 0, POLICY_MISSING, POLICY_BYTES_MAX + 1 };
    for (size_t i = 0; i < 3; i++) {
        facts.ram_bytes = rams[i];
        fleet_told(rig.fleet, db, &facts, rig.now);
        rig_tick(&rig);
        assert_false(fleet_entry_of(db)->active);
    }
    /* Numbers without any sense: nothing is taken on their ground, and nothing falls over. */
    memset(&facts, 0xff, sizeof facts);
    facts.kind = FACTS_MACHINE;
    facts.state = FACTS_RUNNING;
    facts.device = facts.removable = facts.offered_known = true;
    facts.locked = facts.huge_pages = facts.pinned = facts.prealloc = false;
    facts.driver = (enum policy_driver)77;
    facts.ram_bytes = 4 * GIB;
    const size_t sent = rig.fakes[0].target_count;
    for (size_t i = 0; i < 5; i++) {
        fleet_told(rig.fleet, db, &facts, rig.now);
        rig_tick(&rig);
    }
    assert_int_equal(rig.fakes[0].target_count, sent);
    assert_int_equal(strlen(db->facts.trouble), sizeof db->facts.trouble - 1);
    struct fleet_diagnosis diagnosis;
    fleet_doctor(rig.fleet, db, rig.now, &diagnosis);
    assert_int_equal(diagnosis.verdict, FLEET_BAD);
    rig_end(&rig);
}

static void a_guest_that_was_offered_to_take_memory_back_may_have_taken_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_script(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    struct facts facts = rig_facts(&rig);
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    assert_true(db->policy.sample.deflate_on_oom);
    assert_false(db->policy.sample.reporting); /* what is only offered gives nothing back */
    facts.offered = 0;
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    assert_false(db->policy.sample.deflate_on_oom);
    rig_end(&rig);
}

static void what_is_stopped_is_not_booked(void **state)
{
    (void)state;
    struct rig rig;
    rig_script(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    (void)rig_add(&rig, "web", 1);
    assert_int_equal(fleet_resident(rig.fleet, rig.now), 2 * GIB);
    struct facts facts = rig_facts(&rig);
    facts.state = FACTS_STOPPED;
    fleet_told(rig.fleet, db, &facts, rig.now);
    assert_int_equal(fleet_resident(rig.fleet, rig.now), GIB);
    rig_tick(&rig);
    assert_int_equal(rig.fakes[0].target_count, 0);
    assert_int_equal(rig.fakes[1].target_count, 1);
    assert_string_equal(fake_last(&rig.owner, FLEET_EVENT_STATE)->code, "stopped");
    rig_end(&rig);
}

static void a_target_that_is_never_answered_is_given_up_and_may_be_sent_again(void **state)
{
    (void)state;
    struct rig rig;
    rig_script(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    for (size_t i = 0; i < 5; i++) { /* sent in the first, and 8 s old in the last */
        rig_tick(&rig);
    }
    assert_int_equal(rig.fakes[0].target_count, 1);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_TROUBLE, NULL), 0);
    rig_tick(&rig);
    const struct fake_event *told = fake_last(&rig.owner, FLEET_EVENT_TROUBLE);
    assert_non_null(told);
    assert_string_equal(told->code, "no-answer");
    assert_string_equal(told->machine, "db");
    assert_non_null(strstr(db->last_error, "10 seconds"));
    for (size_t i = 0; i < 2; i++) {
        rig_tick(&rig);
    }
    assert_int_equal(rig.fakes[0].target_count, 2);
    for (size_t i = 0; i < 8; i++) {
        rig_tick(&rig);
    }
    assert_int_equal(rig.fakes[0].target_count, 3);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_TROUBLE, NULL), 1); /* told once */
    fleet_target_done(rig.fleet, db, 3 * GIB, NULL, rig.now);
    assert_int_equal(db->commanded_bytes, 3 * GIB);
    assert_string_equal(db->last_error, "");
    rig_end(&rig);
}

/* It may take all its RAM, and nothing can be asked of it: it is booked so, sent nothing, and what
 * nobody sees is nobody's deed. */
static void a_machine_that_nobody_reaches_is_booked_whole_and_left_alone(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    struct facts facts = rig_facts(&rig);
    facts.actual_bytes = facts.stats_actual_bytes = 2 * GIB;
    facts.total_bytes = 2 * GIB;
    facts.offered = 0; /* it takes nothing back by itself */
    for (size_t i = 0; i < 20; i++) {
        facts.stats_ms = rig.now;
        fleet_told(rig.fleet, db, &facts, rig.now);
        rig_tick(&rig);
    }
    struct facts silent = facts;
    facts_unreachable(&silent, "QEMU does not answer");
    const size_t sent = rig.fakes[0].target_count;
    const int64_t seen_ms = db->seen_ms;
    for (size_t i = 0; i < 20; i++) {
        fleet_told(rig.fleet, db, &silent, rig.now);
        rig_tick(&rig);
        assert_true(db->policy.decision.books.booked_bytes >= 4 * GIB);
        assert_true(db->policy.decision.used_bytes == POLICY_MISSING);
    }
    assert_int_equal(rig.fakes[0].target_count, sent);
    assert_int_equal(db->seen_ms, seen_ms);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_STATE, "unreachable"), 1);
    for (size_t i = 0; i < 5; i++) {
        facts.stats_ms = rig.now;
        fleet_told(rig.fleet, db, &facts, rig.now);
        rig_tick(&rig);
    }
    assert_int_equal(db->policy.memory.drift, POLICY_DRIFT_NONE);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_DRIFT, NULL), 0);
    assert_true(db->policy.decision.books.booked_bytes < 4 * GIB);
    rig_end(&rig);
}

/* What a slow monitor did is done, and not somebody else's work. */
static void an_answer_that_comes_late_counts_unless_another_target_was_sent(void **state)
{
    (void)state;
    struct rig rig;
    rig_script(&rig, "");
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    for (size_t i = 0; i < 6; i++) {
        rig_tick(&rig);
    }
    fleet_target_done(rig.fleet, db, 3 * GIB, NULL, rig.now);
    assert_int_equal(db->commanded_bytes, 3 * GIB);
    script.target_bytes = 2 * GIB;
    for (size_t i = 0; i < 6; i++) {
        rig_tick(&rig);
    }
    script.target_bytes = GIB;
    rig_tick(&rig);
    rig_tick(&rig);
    assert_int_equal(rig.fakes[0].targets[rig.fakes[0].target_count - 1], GIB);
    fleet_target_done(rig.fleet, db, 2 * GIB, NULL, rig.now);
    assert_int_equal(db->commanded_bytes, 3 * GIB);
    fleet_target_done(rig.fleet, db, GIB, NULL, rig.now);
    assert_int_equal(db->commanded_bytes, GIB);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_sent_once_and_not_again_while_it_is_unanswered),
        cmocka_unit_test(an_answer_to_nothing_is_passed_over),
        cmocka_unit_test(a_refused_target_is_told_once_and_repeated_ever_later),
        cmocka_unit_test(a_target_that_cannot_be_sent_is_refused),
        cmocka_unit_test(what_is_not_managed_is_shown_and_never_touched),
        cmocka_unit_test(each_change_is_told_once),
        cmocka_unit_test(a_foreign_machine_can_be_adopted_and_no_other),
        cmocka_unit_test(the_ledger_counts_what_is_lent),
        cmocka_unit_test(the_ledger_outlives_daemon_and_machine),
        cmocka_unit_test(peaks_are_met_within_two_periods_or_missed),
        cmocka_unit_test(a_machine_that_stops_leaves_no_decision_behind),
        cmocka_unit_test(a_dry_run_carries_nothing_out_and_remembers_nothing),
        cmocka_unit_test(the_same_dry_run_is_what_the_next_period_does),
        cmocka_unit_test(hostile_facts_reach_the_policy_as_what_they_are),
        cmocka_unit_test(a_guest_that_was_offered_to_take_memory_back_may_have_taken_it),
        cmocka_unit_test(what_is_stopped_is_not_booked),
        cmocka_unit_test(a_target_that_is_never_answered_is_given_up_and_may_be_sent_again),
        cmocka_unit_test(a_machine_that_nobody_reaches_is_booked_whole_and_left_alone),
        cmocka_unit_test(an_answer_that_comes_late_counts_unless_another_target_was_sent),
    };
    return cmocka_run_group_tests_name("tools/ballast/fleet/fleet_tick.c", tests, NULL, NULL);
}
