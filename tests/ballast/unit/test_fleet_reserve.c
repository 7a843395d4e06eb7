/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reservations: admission, room that is made, and how a reservation ends.
 */
#include "tests/ballast/unit/fleet_fixture.h"

static void a_reservation_counts_at_once_and_is_saved(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[policy]\nhost-reserve = 1G\n");
    rig_tick(&rig);
    assert_int_equal(fleet_reserve(rig.fleet, "new", 4 * GIB, rig.now).status, FLEET_OK);
    assert_int_equal(fleet_reserve(rig.fleet, "also", GIB, rig.now).status, FLEET_OK);
    assert_int_equal(rig.owner.reserved_bytes, GIB);
    assert_string_equal(rig.owner.reservation, "also");
    rig.host.available_bytes = 3 * GIB;
    rig_tick(&rig);
    assert_int_equal(fleet_host(rig.fleet)->reserved_bytes, 5 * GIB);
    size_t count;
    const struct books_reservation *reservations = fleet_reservations(rig.fleet, &count);
    assert_int_equal(count, 2);
    /* The oldest is served first: 3 GiB less the reserve. */
    assert_string_equal(reservations[0].name, "new");
    assert_int_equal(reservations[0].bytes, 4 * GIB);
    assert_int_equal(reservations[0].arrived_bytes, 2 * GIB);
    assert_string_equal(reservations[1].name, "also");
    assert_int_equal(reservations[1].bytes, GIB);
    assert_int_equal(reservations[1].arrived_bytes, 0);
    /* The same name again is another amount. */
    assert_int_equal(fleet_reserve(rig.fleet, "new", 2 * GIB, rig.now).status, FLEET_OK);
    (void)fleet_reservations(rig.fleet, &count);
    assert_int_equal(count, 2);
    assert_int_equal(fleet_release(rig.fleet, "also", rig.now).status, FLEET_OK);
    assert_int_equal(rig.owner.reserved_bytes, 0);
    assert_int_equal(fleet_release(rig.fleet, "also", rig.now).status, FLEET_NOT_FOUND);
    rig_tick(&rig);
    assert_int_equal(fleet_host(rig.fleet)->reserved_bytes, 2 * GIB);
    rig_end(&rig);
}

static void what_cannot_be_promised_is_refused_with_the_missing_amount(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[policy]\nhost-reserve = 1G\n");
    (void)rig_add(&rig, "db", 0);
    rig.host.available_bytes = 15 * GIB;
    rig_tick(&rig);
    const struct fleet_result result = fleet_reserve(rig.fleet, "new", 14 * GIB, rig.now);
    assert_int_equal(result.status, FLEET_REFUSED);
    assert_int_equal(result.missing_bytes, GIB);
    assert_non_null(strstr(result.text, "1 GiB"));
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_RESERVATION, "refused"), 1);
    assert_int_equal(fleet_reserve(rig.fleet, "new", 13 * GIB, rig.now).status, FLEET_OK);
    /* What one has promised the other cannot get, nor can a machine's owner switch off. */
    assert_int_equal(rig_switch(&rig, "db", false).status, FLEET_REFUSED);
    assert_int_equal(fleet_reserve(rig.fleet, "two", 1, rig.now).missing_bytes, 1);
    rig_end(&rig);
}

static void the_low_zone_and_an_unknown_host_admit_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    assert_int_equal(fleet_reserve(rig.fleet, "new", 1, rig.now).status, FLEET_REFUSED);
    rig_tick(&rig);
    rig.fleet->plan.admit = false;
    const struct fleet_result result = fleet_reserve(rig.fleet, "new", 1, rig.now);
    assert_int_equal(result.status, FLEET_REFUSED);
    assert_non_null(strstr(result.text, "nothing new may start"));
    rig_end(&rig);
}

static void bad_names_and_amounts_are_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    (void)rig_add(&rig, "db", 0);
    rig_tick(&rig);
    assert_int_equal(fleet_reserve(rig.fleet, "a b", GIB, rig.now).status, FLEET_INVALID);
    assert_int_equal(fleet_reserve(rig.fleet, "a", 0, rig.now).status, FLEET_INVALID);
    assert_int_equal(fleet_reserve(rig.fleet, "a", POLICY_MISSING, rig.now).status, FLEET_INVALID);
    assert_int_equal(fleet_reserve(rig.fleet, "db", GIB, rig.now).status, FLEET_INVALID);
    rig.owner.disk_full = true;
    assert_int_equal(fleet_reserve(rig.fleet, "a", GIB, rig.now).status, FLEET_NOT_KEPT);
    size_t count;
    (void)fleet_reservations(rig.fleet, &count);
    assert_int_equal(count, 0);
    rig_end(&rig);
}

static void a_machine_of_the_name_takes_its_reservation_when_it_has_told(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    rig_tick(&rig);
    assert_int_equal(fleet_reserve(rig.fleet, "db", 4 * GIB, rig.now).status, FLEET_OK);
    struct fleet_machine *db = rig_find(&rig, "db", 0, &fake_backend);
    rig_tick(&rig);
    assert_int_equal(fleet_host(rig.fleet)->reserved_bytes, 4 * GIB); /* nothing is booked yet */
    const struct facts facts = rig_facts(&rig);
    fleet_told(rig.fleet, db, &facts, rig.now);
    rig_tick(&rig);
    assert_int_equal(fleet_host(rig.fleet)->reserved_bytes, 0);
    assert_int_equal(rig.owner.reserved_bytes, 0);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_RESERVATION, "taken"), 1);
    rig_end(&rig);
}

static void reservations_outlive_the_daemon(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    rig.owner.disk_full = true; /* what was kept is not saved again */
    fleet_restore_reservation(rig.fleet, "new", 40 * GIB, rig.now);
    fleet_restore_reservation(rig.fleet, "bad name", GIB, rig.now);
    fleet_restore_reservation(rig.fleet, "none", 0, rig.now);
    size_t count;
    const struct books_reservation *reservations = fleet_reservations(rig.fleet, &count);
    assert_int_equal(count, 1);
    assert_int_equal(reservations[0].bytes, 40 * GIB);
    rig_end(&rig);
}

static void a_reservation_that_cannot_be_ended_on_disk_stays(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    fleet_restore_reservation(rig.fleet, "db", GIB, rig.now);
    rig.owner.disk_full = true;
    assert_int_equal(fleet_release(rig.fleet, "db", rig.now).status, FLEET_NOT_KEPT);
    struct fleet_machine *db = rig_add(&rig, "db", 0);
    size_t count;
    (void)fleet_reservations(rig.fleet, &count);
    assert_int_equal(count, 1);
    rig.owner.disk_full = false;
    const struct facts facts = rig_facts(&rig);
    fleet_told(rig.fleet, db, &facts, rig.now);
    (void)fleet_reservations(rig.fleet, &count);
    assert_int_equal(count, 0);
    rig_end(&rig);
}

/* ---- what the start script of docs/BALLAST.md relies on ---- */

static const struct books_reservation *only(const struct rig *rig)
{
    size_t count;
    const struct books_reservation *reservations = fleet_reservations(rig->fleet, &count);
    assert_int_equal(count, 1);
    return reservations;
}

/* A guest of 10 GiB that uses little of it, and does what it is told, by 512 MiB a period. */
static void tell_large(struct rig *rig, struct fleet_machine *machine, uint64_t *size)
{
    const uint64_t target = machine->commanded_bytes == 0 ? 10 * GIB : machine->commanded_bytes;
    const uint64_t step = 512 * MIB;
    *size = target > *size || *size - target <= step ? target : *size - step;
    struct facts facts = rig_facts(rig);
    facts.ram_bytes = 10 * GIB;
    facts.actual_bytes = *size;
    facts.resident_bytes = 2 * GIB;
    facts.stats_actual_bytes = *size;
    facts.total_bytes = *size;
    facts.available_bytes = *size - 1 * GIB;
    facts.free_bytes = GIB;
    fleet_told(rig->fleet, machine, &facts, rig->now);
    rig->host.available_bytes = 16 * GIB - GIB / 2 - facts.resident_bytes;
    rig_tick(rig);
    const struct fake_machine *fake = &rig->fakes[0];
    if (fake->target_count != 0) {
        fleet_target_done(rig->fleet, machine, fake->targets[fake->target_count - 1], NULL,
                          rig->now);
    }
}

static void who_waits_until_a_reservation_has_arrived_never_overcommits(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *db = rig_find(&rig, "db", 0, &fake_backend);
    uint64_t size = 10 * GIB;
    for (unsigned i = 0; i < 10; i++) {
        tell_large(&rig, db, &size);
    }
    assert_int_equal(size, 10 * GIB);
    /* `ballast reserve 8G --for db2`, and the script looks once a second. */
    assert_int_equal(fleet_reserve(rig.fleet, "db2", 8 * GIB, rig.now).status, FLEET_OK);
    unsigned waited = 0;
    while (only(&rig)->arrived_bytes < only(&rig)->bytes && waited++ < 300) {
        tell_large(&rig, db, &size);
        const struct books_host *books = &fleet_plan(rig.fleet)->books;
        assert_true(only(&rig)->arrived_bytes == 0 ||
                    books->booked_bytes + only(&rig)->arrived_bytes <= books->ceiling_bytes);
    }
    /* Now it starts QEMU: all that both may touch is there. */
    assert_in_range(waited, 5, 299);
    assert_true(size + 8 * GIB <= 16 * GIB - GIB / 2 - fleet_plan(rig.fleet)->books.reserve_bytes);
    rig_end(&rig);
}

static void a_later_reservation_takes_nothing_from_one_that_has_arrived(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[policy]\nhost-reserve = 1G\n");
    rig.host.available_bytes = 16 * GIB;
    rig_tick(&rig);
    assert_int_equal(fleet_reserve(rig.fleet, "z", 8 * GIB, rig.now).status, FLEET_OK);
    rig_tick(&rig);
    assert_int_equal(only(&rig)->arrived_bytes, 8 * GIB);
    assert_int_equal(fleet_reserve(rig.fleet, "a", 7 * GIB, rig.now).status, FLEET_OK);
    rig.host.available_bytes = 12 * GIB;
    rig_tick(&rig);
    size_t count;
    const struct books_reservation *reservations = fleet_reservations(rig.fleet, &count);
    assert_int_equal(count, 2);
    assert_string_equal(reservations[0].name, "z");
    assert_int_equal(reservations[0].arrived_bytes, 8 * GIB);
    assert_true(reservations[1].arrived_bytes <= 3 * GIB);
    rig_end(&rig);
}

static void a_container_refuses_no_reservation(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *box = rig_find(&rig, "box", 0, &fake_backend);
    struct facts facts;
    facts_clear(&facts);
    facts.kind = FACTS_CONTAINER;
    facts.ram_bytes = 16 * GIB; /* its limit */
    facts.actual_bytes = 100 * MIB;
    facts.resident_bytes = 100 * MIB;
    fleet_told(rig.fleet, box, &facts, rig.now);
    rig.host.available_bytes = 15 * GIB;
    rig_tick(&rig);
    assert_int_equal(fleet_resident(rig.fleet, rig.now), 0); /* the host's own */
    assert_int_equal(fleet_plan(rig.fleet)->books.booked_bytes, 0);
    assert_int_equal(fleet_plan(rig.fleet)->books.promised_bytes, 0);
    assert_int_equal(box->policy.decision.hold, POLICY_HOLD_UNRECLAIMABLE);
    assert_int_equal(fleet_reserve(rig.fleet, "new", 12 * GIB, rig.now).status, FLEET_OK);
    rig_tick(&rig);
    assert_int_equal(only(&rig)->arrived_bytes, 12 * GIB);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SHORT, "promises"), 0);
    rig_end(&rig);
}

static void machines_that_start_refuse_no_reservation(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    rig_tick(&rig);
    struct facts facts = rig_facts(&rig);
    facts.ram_bytes = 10 * GIB;
    facts.actual_bytes = 10 * GIB;
    facts.resident_bytes = GIB;
    facts.stats_ms = 0;
    static const char *const names[] = { "a", "b" };
    for (size_t i = 0; i < 2; i++) {
        struct fleet_machine *machine = rig_find(&rig, names[i], i, &fake_backend);
        fleet_told(rig.fleet, machine, &facts, rig.now);
    }
    rig.host.available_bytes = 13 * GIB;
    for (unsigned period = 0; period < 30; period++) {
        rig_tick(&rig);
    }
    /* Together they are booked with 20 GiB and promised 10. */
    assert_int_equal(fleet_plan(rig.fleet)->books.booked_bytes, 20 * GIB);
    assert_int_equal(fleet_plan(rig.fleet)->books.promised_bytes, 10 * GIB);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SHORT, "promises"), 0);
    assert_int_equal(fleet_reserve(rig.fleet, "new", 4 * GIB, rig.now).status, FLEET_OK);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reservation_counts_at_once_and_is_saved),
        cmocka_unit_test(what_cannot_be_promised_is_refused_with_the_missing_amount),
        cmocka_unit_test(the_low_zone_and_an_unknown_host_admit_nothing),
        cmocka_unit_test(bad_names_and_amounts_are_refused),
        cmocka_unit_test(a_machine_of_the_name_takes_its_reservation_when_it_has_told),
        cmocka_unit_test(reservations_outlive_the_daemon),
        cmocka_unit_test(a_reservation_that_cannot_be_ended_on_disk_stays),
        cmocka_unit_test(who_waits_until_a_reservation_has_arrived_never_overcommits),
        cmocka_unit_test(a_later_reservation_takes_nothing_from_one_that_has_arrived),
        cmocka_unit_test(a_container_refuses_no_reservation),
        cmocka_unit_test(machines_that_start_refuse_no_reservation),
    };
    return cmocka_run_group_tests_name("tools/ballast/fleet/fleet_reserve.c", tests, NULL, NULL);
}
