/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recording of a real fleet, to which everything happens that the policy does not do itself. In
 * each test the recording is replayed, and must come out without a difference.
 */
#include "tests/ballast/unit/fleet_fixture.h"

#include "tools/ballast/record/recorder.h"

struct tape {
    struct rig rig;
    struct recorder *recorder;
    FILE *file;
    char *text;
    size_t size;
    size_t firsts; /* first lines that were written */
    size_t periods;
};

static void tape_begin(struct tape *tape, const char *config)
{
    memset(tape, 0, sizeof *tape);
    rig_begin(&tape->rig, config);
    tape->recorder = recorder_new();
    assert_non_null(tape->recorder);
    tape->file = open_memstream(&tape->text, &tape->size);
}

/* As the daemon lists them: known to the policy, or decided on at that time. */
static size_t list(const struct rig *rig, int64_t at_ms, struct record_machine into[8])
{
    size_t all;
    size_t count = 0;
    struct fleet_machine *const *machines = fleet_machines(rig->fleet, &all);
    for (size_t i = 0; i < all; i++) {
        const struct policy_memory *memory = &machines[i]->policy.memory;
        if (at_ms != 0 ? memory->now_ms == at_ms : memory->seen_ms != 0) {
            into[count++] = (struct record_machine){ .name = machines[i]->name,
                                                     .machine = &machines[i]->policy };
        }
    }
    return count;
}

/* What the machines tell differs from period to period, so that something is decided. */
static void tell(struct rig *rig, const char *name, size_t fake, enum facts_state state)
{
    struct fleet_machine *machine = fleet_find(rig->fleet, name);
    struct fake_machine *asked = &rig->fakes[fake];
    struct facts facts = rig_facts(rig);
    if (asked->target_count > 0) {
        facts.actual_bytes = asked->targets[asked->target_count - 1];
        fleet_target_done(rig->fleet, machine, facts.actual_bytes, NULL, rig->now);
        asked->target_count = 0;
    } else if (machine->facts.actual_bytes != POLICY_MISSING) {
        facts.actual_bytes = machine->facts.actual_bytes;
    }
    facts.state = state;
    facts.stats_actual_bytes = facts.actual_bytes;
    facts.available_bytes = facts.actual_bytes / 3 + (uint64_t)(rig->now % 7000) * 16384;
    facts.free_bytes = 16 * MIB;
    fleet_told(rig->fleet, machine, &facts, rig->now);
}

static void write_lines(struct tape *tape, struct recorder_lines *lines)
{
    if (lines->again) {
        (void)fprintf(tape->file, "%s\n", lines->first);
        tape->firsts++;
    }
    (void)fprintf(tape->file, "%s\n", lines->period);
    (void)fflush(tape->file);
    free(lines->first);
    free(lines->period);
    tape->periods++;
}

static void period(struct tape *tape)
{
    struct rig *rig = &tape->rig;
    struct record_machine machines[8];
    struct recorder_lines lines;
    size_t count = list(rig, 0, machines);
    assert_true(recorder_before(tape->recorder, fleet_policy(rig->fleet),
                                fleet_host_memory(rig->fleet), machines, count));
    rig->host.available_bytes = rig->now % 3000 < 1000 ? 300 * MIB : 6 * GIB;
    rig_tick(rig);
    count = list(rig, rig->now, machines);
    assert_true(recorder_after(tape->recorder, rig->now, fleet_host(rig->fleet),
                               fleet_plan(rig->fleet), fleet_host_memory(rig->fleet), machines,
                               count, &lines));
    write_lines(tape, &lines);
}

static void periods(struct tape *tape, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tell(&tape->rig, "db", 0, FACTS_RUNNING);
        tell(&tape->rig, "web", 1, FACTS_RUNNING);
        period(tape);
    }
}

static void tape_end(struct tape *tape, size_t firsts)
{
    struct record_replay result;
    unsigned long line;
    char reason[160];
    assert_int_equal(tape->firsts, firsts);
    FILE *in = fmemopen(tape->text, tape->size, "r");
    assert_non_null(in);
    if (!record_replay(in, stdout, &result, &line, reason, sizeof reason)) {
        fail_msg("line %lu: %s", line, reason);
    }
    (void)fclose(in);
    assert_int_equal(result.periods, tape->periods);
    assert_int_equal(result.different, 0);
    assert_int_equal(result.different_plans, 0);
    (void)fclose(tape->file);
    free(tape->text);
    recorder_free(tape->recorder);
    rig_end(&tape->rig);
}

static void begin_two(struct tape *tape)
{
    tape_begin(tape, "[default]\nminimum = 512M\n");
    (void)rig_add(&tape->rig, "db", 0);
    (void)rig_add(&tape->rig, "web", 1);
}

static void what_follows_from_the_period_before_needs_no_first_line(void **state)
{
    (void)state;
    struct tape tape;
    begin_two(&tape);
    periods(&tape, 12);
    tape_end(&tape, 1);
}

static void a_recording_over_a_reload_replays_without_difference(void **state)
{
    (void)state;
    struct tape tape;
    begin_two(&tape);
    periods(&tape, 5);
    rig_configure(&tape.rig, "[policy]\nidle-tax = 10 %\ninflate = 7%\n[default]\n"
                             "minimum = 1G\nweight = 5\n");
    fleet_configure(tape.rig.fleet, &tape.rig.config, tape.rig.now);
    periods(&tape, 5);
    tape_end(&tape, 2);
}

static void a_recording_over_an_adoption_replays_without_difference(void **state)
{
    (void)state;
    struct tape tape;
    begin_two(&tape);
    periods(&tape, 5);
    struct fleet_machine *db = fleet_find(tape.rig.fleet, "db");
    for (size_t i = 0; i < 4; i++) { /* somebody else takes memory from it */
        struct facts facts = rig_facts(&tape.rig);
        facts.actual_bytes = 2 * GIB;
        facts.stats_actual_bytes = 2 * GIB;
        facts.total_bytes = 2 * GIB;
        facts.available_bytes = GIB;
        facts.free_bytes = GIB;
        fleet_told(tape.rig.fleet, db, &facts, tape.rig.now);
        period(&tape);
    }
    assert_int_equal(db->policy.memory.drift, POLICY_DRIFT_FOREIGN);
    assert_int_equal(fleet_adopt(tape.rig.fleet, "db", tape.rig.now).status, FLEET_OK);
    periods(&tape, 5);
    tape_end(&tape, 2);
}

static void a_machine_that_has_no_part_for_a_while_does_no_harm(void **state)
{
    (void)state;
    struct tape tape;
    begin_two(&tape);
    (void)rig_find(&tape.rig, "aaa", 2, &fake_backend); /* it never tells anything */
    periods(&tape, 4);
    for (size_t i = 0; i < 3; i++) {
        struct facts stopped = rig_facts(&tape.rig);
        stopped.state = FACTS_STOPPED;
        fleet_told(tape.rig.fleet, fleet_find(tape.rig.fleet, "web"), &stopped, tape.rig.now);
        tell(&tape.rig, "db", 0, FACTS_RUNNING);
        period(&tape);
    }
    periods(&tape, 4);
    fleet_gone(tape.rig.fleet, fleet_find(tape.rig.fleet, "web"), "it is gone.", tape.rig.now);
    tell(&tape.rig, "db", 0, FACTS_RUNNING);
    period(&tape);
    (void)rig_add(&tape.rig, "web", 1);
    periods(&tape, 4);
    tape_end(&tape, 1); /* started anew, it is new to the policy as well */
}

static void a_period_that_was_left_out_does_no_harm(void **state)
{
    (void)state;
    struct tape tape;
    begin_two(&tape);
    periods(&tape, 4);
    tell(&tape.rig, "db", 0, FACTS_RUNNING);
    rig_tick(&tape.rig);
    periods(&tape, 4);
    tape_end(&tape, 2);
}

/* Stopped by its monitor's word and running again in the same process would be memory of before. */
static void a_machine_that_is_back_with_its_memory_has_a_first_line_written(void **state)
{
    (void)state;
    struct tape tape;
    begin_two(&tape);
    periods(&tape, 4);
    struct facts facts = rig_facts(&tape.rig);
    facts.ram_bytes = POLICY_MISSING; /* it cannot be told for a moment: no part in the decision */
    fleet_told(tape.rig.fleet, fleet_find(tape.rig.fleet, "web"), &facts, tape.rig.now);
    period(&tape);
    periods(&tape, 4);
    tape_end(&tape, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_follows_from_the_period_before_needs_no_first_line),
        cmocka_unit_test(a_recording_over_a_reload_replays_without_difference),
        cmocka_unit_test(a_recording_over_an_adoption_replays_without_difference),
        cmocka_unit_test(a_machine_that_has_no_part_for_a_while_does_no_harm),
        cmocka_unit_test(a_period_that_was_left_out_does_no_harm),
        cmocka_unit_test(a_machine_that_is_back_with_its_memory_has_a_first_line_written),
    };
    return cmocka_run_group_tests_name("tools/ballast/record/recorder.c", tests, NULL, NULL);
}
