/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rights and settings hang on who a machine is, not on its name: tools/ballast/fleet/
 * fleet_identity.c, fleet_name.c, fleet_twin.c, fleet_kept.c.
 */
#include "tests/ballast/unit/fleet_fixture.h"

#define UUID_A   "aaaaaaaa-0000-4000-8000-000000000001"
#define UUID_B   "bbbbbbbb-0000-4000-8000-000000000002"
#define UUID_NIL "00000000-0000-0000-0000-000000000000"

/* A machine of this UUID and process that was found there and has told. */
static struct fleet_machine *come(struct rig *rig, const char *name, size_t fake,
                                  const struct fleet_backend *backend, const char *where,
                                  const char *uuid, pid_t pid)
{
    struct fleet_machine *machine =
        fleet_found(rig->fleet, name, backend, &rig->fakes[fake], where, rig->now);
    struct facts facts = rig_facts(rig);
    assert_non_null(machine);
    snprintf(facts.uuid, sizeof facts.uuid, "%s", uuid);
    facts.pid = pid;
    fleet_told(rig->fleet, machine, &facts, rig->now);
    return machine;
}

static struct fleet_machine *come_qmp(struct rig *rig, const char *name, size_t fake,
                                      const char *uuid)
{
    char where[FACTS_NAME_MAX + 8];
    snprintf(where, sizeof where, "/run/%s.qmp", name);
    return come(rig, name, fake, &fake_backend_simple, where, uuid, 100 + (pid_t)fake);
}

static void restart(struct rig *rig)
{
    const struct fleet_ops ops = fake_owner_ops(&rig->owner);
    fleet_free(rig->fleet);
    rig->fleet = fleet_new(&rig->config, &ops);
}

/* An owner, and ballooning switched off, by command. */
static void give_to(struct rig *rig, const char *name, const char *owner)
{
    struct fleet_change change = { .given = CONFIG_GIVEN_OWNER | CONFIG_GIVEN_BALLOONING,
                                   .settings.ballooning = false };
    snprintf(change.settings.owner, sizeof change.settings.owner, "%s", owner);
    rig_tick(rig);
    assert_int_equal(fleet_change(rig->fleet, name, &change, FLEET_ANY_REVISION, rig->now).status,
                     FLEET_OK);
}

/* ---- identity ---- */

static void another_machine_of_the_name_inherits_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *web = come_qmp(&rig, "web", 0, UUID_A);
    give_to(&rig, "web", "alice");
    web->ledger.lent_mib_s = 77;
    fleet_gone(rig.fleet, web, "It was undefined.", rig.now);

    rig.owner.event_count = 0;
    web = come_qmp(&rig, "web", 1, UUID_B);
    assert_string_equal(web->name, "web");
    assert_string_equal(web->identity, UUID_B);
    assert_string_equal(web->settings.owner, "");
    assert_true(web->settings.ballooning);
    assert_int_equal(web->settings.revision, 0);
    assert_int_equal(web->ledger.lent_mib_s, 0);
    assert_int_equal(rig.fakes[1].device_count, 0); /* nobody asked for another definition */
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_FOUND, "another-machine"), 1);
    for (size_t i = 0; i < rig.owner.event_count; i++) {
        assert_string_equal(rig.owner.events[i].owner, "");
    }

    /* The first one comes back to what was its own, and without that event. */
    fleet_gone(rig.fleet, web, "it was shut down", rig.now);
    web = come_qmp(&rig, "web", 0, UUID_A);
    assert_string_equal(web->settings.owner, "alice");
    assert_false(web->settings.ballooning);
    assert_int_equal(web->ledger.lent_mib_s, 77);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_FOUND, "another-machine"), 1);
    rig_end(&rig);
}

static void until_it_is_known_a_machine_is_nobodys_and_not_touched(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[default]\nowner = carol\n");
    (void)come_qmp(&rig, "web", 0, UUID_A);
    give_to(&rig, "web", "alice");
    restart(&rig);
    rig.owner.event_count = 0;
    rig.owner.meetings = 0;
    const size_t targets = rig.fakes[0].target_count;
    struct fleet_machine *web = rig_find(&rig, "web", 0, &fake_backend);
    struct facts facts;
    facts_clear(&facts);
    strcpy(facts.trouble, "It is silent.");
    fleet_told(rig.fleet, web, &facts, rig.now);
    rig_tick(&rig);
    assert_string_equal(web->identity, "");
    assert_true(web->settings.ballooning);
    assert_int_equal(rig.owner.meetings, 0);
    assert_int_equal(rig.fakes[0].target_count, targets);
    assert_int_equal(rig_switch(&rig, "web", false).status, FLEET_REFUSED);
    for (size_t i = 0; i < rig.owner.event_count; i++) {
        assert_string_equal(rig.owner.events[i].owner, "");
    }
    facts = rig_facts(&rig);
    strcpy(facts.uuid, UUID_A);
    fleet_told(rig.fleet, web, &facts, rig.now);
    assert_int_equal(rig.owner.meetings, 1);
    assert_string_equal(web->settings.owner, "alice");
    assert_string_equal(fake_last(&rig.owner, FLEET_EVENT_FOUND)->code, "known");
    assert_string_equal(fake_last(&rig.owner, FLEET_EVENT_FOUND)->owner, "alice");
    rig_end(&rig);
}

static void two_machines_without_a_uuid_are_two_and_keep_their_settings(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    (void)come_qmp(&rig, "web", 0, UUID_NIL);
    (void)come_qmp(&rig, "db", 0, UUID_NIL); /* whatever their processes are */
    give_to(&rig, "web", "alice");
    restart(&rig);
    const struct fleet_machine *db = come_qmp(&rig, "db", 0, UUID_NIL);
    const struct fleet_machine *web = come_qmp(&rig, "web", 0, UUID_NIL);
    size_t count;
    (void)fleet_machines(rig.fleet, &count);
    assert_int_equal(count, 2);
    assert_string_equal(web->identity, "web at /run/web.qmp");
    assert_string_equal(web->settings.owner, "alice");
    assert_false(web->settings.ballooning);
    assert_string_equal(db->settings.owner, "");
    assert_false(web->copy);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_TROUBLE, NULL), 0);
    /* The same name at another place is another machine. */
    fleet_gone(rig.fleet, fleet_find(rig.fleet, "web"), "It went.", rig.now);
    web = come(&rig, "web", 1, &fake_backend_simple, "/tmp/web.qmp", UUID_NIL, 7);
    assert_string_equal(web->settings.owner, "");
    rig_end(&rig);
}

static void the_uuid_of_a_running_machine_gives_nobody_its_rights(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    const struct fleet_machine *web = come_qmp(&rig, "web", 0, UUID_A);
    give_to(&rig, "web", "alice");
    const struct fleet_machine *evil = come_qmp(&rig, "evil", 1, UUID_A);
    size_t count;
    (void)fleet_machines(rig.fleet, &count);
    assert_int_equal(count, 2);
    assert_true(evil->copy);
    assert_string_equal(evil->identity, "evil at /run/evil.qmp");
    assert_string_equal(evil->settings.owner, "");
    assert_string_equal(web->settings.owner, "alice");
    assert_false(web->copy);
    assert_int_equal(rig.owner.copies, 1);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_TROUBLE, "same-uuid"), 1);
    assert_non_null(strstr(fake_last(&rig.owner, FLEET_EVENT_TROUBLE)->text, "another process"));
    assert_string_equal(fake_last(&rig.owner, FLEET_EVENT_TROUBLE)->owner, "");
    /* Not by a process that nobody can tell either. */
    const struct fleet_machine *dark =
        come(&rig, "dark", 2, &fake_backend_simple, "/run/dark.qmp", UUID_A, 0);
    assert_true(dark->copy);
    assert_string_equal(dark->settings.owner, "");
    /* And not when the first one goes: who it was stays as it is. */
    fleet_gone(rig.fleet, fleet_find(rig.fleet, "web"), "It went.", rig.now);
    struct facts facts = rig_facts(&rig);
    strcpy(facts.uuid, UUID_A);
    facts.pid = 101;
    fleet_told(rig.fleet, fleet_find(rig.fleet, "evil"), &facts, rig.now);
    assert_string_equal(evil->settings.owner, "");
    rig_end(&rig);
}

static void a_copy_does_not_take_a_reservation(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    (void)come_qmp(&rig, "web", 0, UUID_A);
    rig_tick(&rig);
    assert_int_equal(fleet_reserve(rig.fleet, "db", GIB, rig.now).status, FLEET_OK);
    (void)come_qmp(&rig, "db", 1, UUID_A);
    size_t count;
    (void)fleet_reservations(rig.fleet, &count);
    assert_int_equal(count, 1);
    fleet_gone(rig.fleet, fleet_find(rig.fleet, "db"), "It went.", rig.now);
    (void)come_qmp(&rig, "db", 1, UUID_B);
    (void)fleet_reservations(rig.fleet, &count);
    assert_int_equal(count, 0);
    rig_end(&rig);
}

static void another_machine_behind_the_same_monitor_begins_anew(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *web = come_qmp(&rig, "web", 0, UUID_A);
    give_to(&rig, "web", "alice");
    web->ledger.peaks_met = 9;
    struct facts facts = rig_facts(&rig);
    strcpy(facts.uuid, UUID_B);
    facts.pid = 555;
    fleet_told(rig.fleet, web, &facts, rig.now);
    assert_string_equal(web->identity, UUID_B);
    assert_string_equal(web->settings.owner, "");
    assert_true(web->settings.ballooning);
    assert_int_equal(web->ledger.peaks_met, 0);
    assert_int_equal(rig.owner.ledgers[0].peaks_met, 9);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_GONE, NULL), 1);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_FOUND, "another-machine"), 1);
    /* Nothing is decided about it before the next period. */
    assert_false(fleet_decided(&web->policy));
    assert_true(web->policy.decision.target_bytes == POLICY_MISSING);
    assert_true(web->policy.decision.books.booked_bytes == POLICY_MISSING);
    rig_end(&rig);
}

static void a_machine_that_was_renamed_keeps_what_is_its_own(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    (void)come_qmp(&rig, "web", 0, UUID_A);
    give_to(&rig, "web", "alice");
    fleet_gone(rig.fleet, fleet_find(rig.fleet, "web"), "It went.", rig.now);
    assert_string_equal(come_qmp(&rig, "shop", 0, UUID_A)->settings.owner, "alice");
    rig_end(&rig);
}

static void a_uuid_is_read_whatever_its_letters_and_refused_when_it_is_none(void **state)
{
    (void)state;
    char uuid[FACTS_UUID_MAX];
    assert_true(config_uuid_read("ABCDEF01-2345-6789-abcd-ef0123456789", uuid));
    assert_string_equal(uuid, "abcdef01-2345-6789-abcd-ef0123456789");
    static const char *const bad[] = { "",
                                       UUID_NIL,
                                       "web",
                                       "abcdef01-2345-6789-abcd-ef012345678",
                                       "abcdef01-2345-6789-abcd-ef0123456789a",
                                       "abcdef01 2345-6789-abcd-ef0123456789",
                                       "gbcdef01-2345-6789-abcd-ef0123456789" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(config_uuid_read(bad[i], uuid));
        assert_string_equal(uuid, "");
    }
}

static void a_section_with_a_uuid_is_for_no_other_machine(void **state)
{
    (void)state;
    struct rig rig;
    struct fleet_settings settings;
    rig_begin(&rig, "[machine web]\nuuid = AAAAAAAA-0000-4000-8000-000000000001\n"
                    "owner = alice\nballooning = off\n");
    assert_true(fleet_settings_of(rig.fleet, "web", &settings)); /* before it starts */
    assert_false(settings.ballooning);
    struct fleet_machine *web = come_qmp(&rig, "web", 0, UUID_B);
    assert_string_equal(web->settings.owner, "");
    assert_true(web->settings.ballooning);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_TROUBLE, "section"), 1);
    fleet_gone(rig.fleet, web, "It went.", rig.now);
    web = come_qmp(&rig, "web", 1, UUID_A);
    assert_string_equal(web->settings.owner, "alice");
    assert_false(web->settings.ballooning);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_TROUBLE, "section"), 1);
    /* Nor for a copy. */
    const struct fleet_machine *copy =
        come(&rig, "web", 2, &fake_backend_simple, "/tmp/web.qmp", UUID_A, 7);
    assert_string_equal(copy->settings.owner, "");
    rig_end(&rig);
}

/* Its section would be lost without a word. */
static void a_section_of_a_former_name_that_does_not_count_is_told(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[machine a_b]\nballooning = off\n");
    struct fleet_machine *web = rig_find(&rig, "a_b.aaaaaaaa", 0, &fake_backend_libvirt);
    struct facts facts = rig_facts(&rig);
    strcpy(facts.uuid, UUID_A);
    strcpy(facts.formerly, "a_b");
    fleet_told(rig.fleet, web, &facts, rig.now);
    assert_true(web->settings.ballooning);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_TROUBLE, "section"), 1);
    assert_non_null(strstr(fake_last(&rig.owner, FLEET_EVENT_TROUBLE)->text, "a_b.aaaaaaaa"));
    rig_end(&rig);
}

/* ---- one machine, seen twice ---- */

static void a_machine_seen_twice_is_one_whoever_comes_first(void **state)
{
    (void)state;
    for (unsigned qmp_first = 0; qmp_first < 2; qmp_first++) {
        struct rig rig;
        rig_begin(&rig, "");
        struct fleet_machine *machines[2];
        for (unsigned i = 0; i < 2; i++) {
            const bool qmp = (i == 0) == (qmp_first == 1);
            machines[qmp ? 0 : 1] =
                qmp ? come(&rig, "web", 0, &fake_backend_simple, "/run/web.qmp", UUID_A, 42)
                    : come(&rig, "web", 1, &fake_backend_libvirt, "qemu:///system", UUID_A, 42);
            if (i == 0) {
                give_to(&rig, "web", "alice");
            }
        }
        size_t count;
        struct fleet_machine *const *all = fleet_machines(rig.fleet, &count);
        assert_int_equal(count, 1);
        assert_ptr_equal(all[0], machines[1]); /* libvirt controls it */
        assert_string_equal(all[0]->name, "web");
        assert_string_equal(all[0]->settings.owner, "alice");
        assert_false(all[0]->settings.ballooning);
        assert_ptr_equal(all[0]->follower, machines[0]);
        assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_FOUND, "one-machine"), 1);
        assert_non_null(strstr(fake_last(&rig.owner, FLEET_EVENT_FOUND)->text, "libvirt"));
        rig_tick(&rig);
        assert_int_equal(fleet_plan(rig.fleet)->books.booked_bytes, 4 * GIB);
        assert_int_equal(fleet_resident(rig.fleet, rig.now), GIB);

        /* libvirt loses it: it goes on by QMP, and nothing of it is lost. */
        fleet_gone(rig.fleet, machines[1], "libvirt is gone", rig.now);
        all = fleet_machines(rig.fleet, &count);
        assert_int_equal(count, 1);
        assert_ptr_equal(all[0], machines[0]);
        assert_string_equal(all[0]->backend->name, "simple");
        assert_string_equal(all[0]->identity, UUID_A);
        assert_string_equal(all[0]->settings.owner, "alice");
        assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_FOUND, "one-way"), 1);
        assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_GONE, NULL), 0);
        /* And libvirt is back. */
        machines[1] = come(&rig, "web", 1, &fake_backend_libvirt, "qemu:///system", UUID_A, 42);
        all = fleet_machines(rig.fleet, &count);
        assert_int_equal(count, 1);
        assert_ptr_equal(all[0], machines[1]);
        fleet_gone(rig.fleet, machines[0], "its socket is gone", rig.now);
        all = fleet_machines(rig.fleet, &count);
        assert_int_equal(count, 1);
        assert_null(all[0]->follower);
        fleet_gone(rig.fleet, machines[1], "it was shut down", rig.now);
        (void)fleet_machines(rig.fleet, &count);
        assert_int_equal(count, 0);
        rig_end(&rig);
    }
}

static void a_follower_that_is_another_process_stands_alone_again(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    (void)come(&rig, "web", 1, &fake_backend_libvirt, "qemu:///system", UUID_A, 42);
    struct fleet_machine *qmp =
        come(&rig, "own", 0, &fake_backend_simple, "/run/own.qmp", UUID_A, 42);
    size_t count;
    (void)fleet_machines(rig.fleet, &count);
    assert_int_equal(count, 1);
    struct facts facts = rig_facts(&rig);
    strcpy(facts.uuid, UUID_B);
    facts.pid = 43;
    fleet_told(rig.fleet, qmp, &facts, rig.now);
    (void)fleet_machines(rig.fleet, &count);
    assert_int_equal(count, 2);
    assert_ptr_equal(fleet_find(rig.fleet, "own"), qmp);
    assert_string_equal(qmp->identity, UUID_B);
    assert_null(fleet_find(rig.fleet, "web")->follower);
    rig_end(&rig);
}

static void a_target_on_its_way_arrives_when_libvirt_takes_over(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    struct fleet_machine *qmp =
        come(&rig, "web", 0, &fake_backend_simple, "/run/web.qmp", UUID_A, 42);
    fleet_entry_of(qmp)->in_flight = true;
    fleet_entry_of(qmp)->flight_bytes = 3 * GIB;
    const struct fleet_machine *libvirt =
        come(&rig, "web", 1, &fake_backend_libvirt, "qemu:///system", UUID_A, 42);
    assert_int_equal(libvirt->commanded_bytes, 3 * GIB);
    fleet_target_done(rig.fleet, qmp, 3 * GIB, NULL, rig.now); /* nobody waits for it */
    assert_int_equal(libvirt->commanded_bytes, 3 * GIB);
    rig_end(&rig);
}

/* ---- names ---- */

static void machines_of_one_name_get_the_same_names_in_any_order(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 2; order++) {
        struct rig rig;
        rig_begin(&rig, "[machine web]\nweight = 7\n");
        struct fleet_machine *libvirt = NULL;
        struct fleet_machine *qmp = NULL;
        for (unsigned i = 0; i < 2; i++) {
            if (i == order) {
                libvirt = come(&rig, "web", 1, &fake_backend_libvirt, "qemu:///system", UUID_A, 42);
            } else {
                qmp = come(&rig, "web", 0, &fake_backend_simple, "/run/web.qmp", UUID_B, 43);
            }
        }
        assert_string_equal(libvirt->name, "web");
        assert_string_equal(qmp->name, "web.bbbbbbbb");
        assert_ptr_equal(fleet_find(rig.fleet, "web"), libvirt);
        assert_ptr_equal(fleet_find(rig.fleet, "web.bbbbbbbb"), qmp);
        assert_int_equal(libvirt->settings.weight, 7); /* the section is of that name */
        assert_int_equal(qmp->settings.weight, 1000);
        rig_end(&rig);
    }
}

static void a_socket_that_the_operator_named_has_the_name_before_all_others(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "[machine web]\nsocket = /srv/web.qmp\n");
    const struct fleet_machine *libvirt =
        come(&rig, "web", 1, &fake_backend_libvirt, "qemu:///system", UUID_A, 42);
    assert_string_equal(libvirt->name, "web");
    const struct fleet_machine *qmp =
        come(&rig, "web", 0, &fake_backend_simple, "/srv/web.qmp", UUID_B, 43);
    assert_string_equal(qmp->name, "web");
    assert_string_equal(libvirt->name, "web.aaaaaaaa");
    rig_end(&rig);
}

static void names_stay_different_when_somebody_takes_them_on_purpose(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    static const char *const taken[] = { "web.bbbbbbbb", "web.bbbbbbbb00004000",
                                         "web.bbbbbbbb000040008000000000000002" };
    for (size_t i = 0; i < 3; i++) {
        (void)come_qmp(&rig, taken[i], i, UUID_NIL);
    }
    (void)come(&rig, "web", 4, &fake_backend_libvirt, "qemu:///system", UUID_A, 42);
    const struct fleet_machine *qmp = come_qmp(&rig, "web", 5, UUID_B);
    assert_string_equal(qmp->name, "web.bbbbbbbb0000400080000000");
    (void)come_qmp(&rig, "web.bbbbbbbb0000400080000000", 6, UUID_NIL);
    size_t count;
    struct fleet_machine *const *all = fleet_machines(rig.fleet, &count);
    assert_int_equal(count, 6);
    for (size_t i = 1; i < count; i++) {
        assert_true(strcmp(all[i - 1]->name, all[i]->name) < 0);
    }
    rig_end(&rig);
}

/* ---- forget and expect ---- */

static void forgetting_leaves_a_running_machine_what_is_its_own(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    assert_int_equal(fleet_forget(rig.fleet, "web", rig.now).status, FLEET_NOT_FOUND);
    assert_int_equal(fleet_forget(rig.fleet, "no name", rig.now).status, FLEET_NOT_FOUND);
    (void)come_qmp(&rig, "web", 0, UUID_A);
    give_to(&rig, "web", "alice");
    const struct fleet_result refused = fleet_forget(rig.fleet, "web", rig.now);
    assert_int_equal(refused.status, FLEET_UNSUPPORTED);
    assert_non_null(strstr(refused.text, "runs"));
    fleet_gone(rig.fleet, fleet_find(rig.fleet, "web"), "It went.", rig.now);
    const struct fleet_machine *web = come_qmp(&rig, "web", 1, UUID_B);
    give_to(&rig, "web", "bob");
    assert_int_equal(fleet_forget(rig.fleet, "web", rig.now).status, FLEET_OK);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SETTINGS, "forgotten"), 1);
    assert_string_equal(web->settings.owner, "bob");
    fleet_gone(rig.fleet, fleet_find(rig.fleet, "web"), "It went.", rig.now);
    assert_string_equal(come_qmp(&rig, "web", 0, UUID_A)->settings.owner, "");
    fleet_gone(rig.fleet, fleet_find(rig.fleet, "web"), "It went.", rig.now);
    assert_string_equal(come_qmp(&rig, "web", 1, UUID_B)->settings.owner, "bob");
    rig.owner.disk_full = true;
    assert_int_equal(fleet_forget(rig.fleet, "web", rig.now).status, FLEET_NOT_KEPT);
    rig_end(&rig);
}

static void a_machine_that_comes_back_takes_nothing_over_although_another_is_expected(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    (void)come_qmp(&rig, "web", 0, UUID_B);
    give_to(&rig, "web", "bob");
    fleet_gone(rig.fleet, fleet_find(rig.fleet, "web"), "It went.", rig.now);
    (void)come_qmp(&rig, "web", 0, UUID_A);
    give_to(&rig, "web", "alice");
    assert_int_equal(fleet_expect(rig.fleet, "web", 60, rig.now).status, FLEET_OK);
    fleet_gone(rig.fleet, fleet_find(rig.fleet, "web"), "It went.", rig.now);
    assert_string_equal(come_qmp(&rig, "web", 1, UUID_B)->settings.owner, "bob");
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SETTINGS, "expected"), 0);
    rig_end(&rig);
}

static void an_expected_machine_takes_over_owner_and_switch(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    assert_int_equal(fleet_expect(rig.fleet, "web", 60, rig.now).status, FLEET_NOT_FOUND);
    struct fleet_machine *web = come_qmp(&rig, "web", 0, UUID_A);
    give_to(&rig, "web", "alice");
    assert_int_equal(fleet_expect(rig.fleet, "web", FLEET_EXPECT_MAX_S + 1, rig.now).status,
                     FLEET_INVALID);
    assert_int_equal(fleet_expect(rig.fleet, "web", 60, rig.now).status, FLEET_OK);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SETTINGS, "expects"), 1);
    /* The daemon's restart in between changes nothing. */
    fleet_gone(rig.fleet, web, "It went.", rig.now);
    restart(&rig);
    web = come_qmp(&rig, "web", 1, UUID_B);
    assert_string_equal(web->settings.owner, "alice");
    assert_false(web->settings.ballooning);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_SETTINGS, "expected"), 1);
    assert_int_equal(fake_events(&rig.owner, FLEET_EVENT_FOUND, "another-machine"), 0);
    /* Once. */
    fleet_gone(rig.fleet, web, "It went.", rig.now);
    web = come_qmp(&rig, "web", 2, UUID_A);
    assert_string_equal(web->settings.owner, "");
    rig_end(&rig);
}

static void nobody_takes_the_place_of_a_machine_that_still_runs(void **state)
{
    (void)state;
    struct rig rig;
    rig_begin(&rig, "");
    const struct fleet_machine *web =
        come(&rig, "web", 1, &fake_backend_libvirt, "qemu:///system", UUID_A, 42);
    give_to(&rig, "web", "alice");
    assert_int_equal(fleet_expect(rig.fleet, "web", 60, rig.now).status, FLEET_OK);
    const struct fleet_machine *evil = come_qmp(&rig, "web", 0, UUID_B);
    assert_string_equal(evil->settings.owner, "");
    assert_string_equal(web->settings.owner, "alice");
    /* A copy takes nobody's place either, and has none to give. */
    const struct fleet_machine *copy = come_qmp(&rig, "copy", 2, UUID_A);
    assert_int_equal(fleet_expect(rig.fleet, copy->name, 60, rig.now).status, FLEET_UNSUPPORTED);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_machine_of_the_name_inherits_nothing),
        cmocka_unit_test(until_it_is_known_a_machine_is_nobodys_and_not_touched),
        cmocka_unit_test(two_machines_without_a_uuid_are_two_and_keep_their_settings),
        cmocka_unit_test(the_uuid_of_a_running_machine_gives_nobody_its_rights),
        cmocka_unit_test(a_copy_does_not_take_a_reservation),
        cmocka_unit_test(another_machine_behind_the_same_monitor_begins_anew),
        cmocka_unit_test(a_machine_that_was_renamed_keeps_what_is_its_own),
        cmocka_unit_test(a_uuid_is_read_whatever_its_letters_and_refused_when_it_is_none),
        cmocka_unit_test(a_section_with_a_uuid_is_for_no_other_machine),
        cmocka_unit_test(a_section_of_a_former_name_that_does_not_count_is_told),
        cmocka_unit_test(a_machine_seen_twice_is_one_whoever_comes_first),
        cmocka_unit_test(a_follower_that_is_another_process_stands_alone_again),
        cmocka_unit_test(a_target_on_its_way_arrives_when_libvirt_takes_over),
        cmocka_unit_test(machines_of_one_name_get_the_same_names_in_any_order),
        cmocka_unit_test(a_socket_that_the_operator_named_has_the_name_before_all_others),
        cmocka_unit_test(names_stay_different_when_somebody_takes_them_on_purpose),
        cmocka_unit_test(forgetting_leaves_a_running_machine_what_is_its_own),
        cmocka_unit_test(a_machine_that_comes_back_takes_nothing_over_although_another_is_expected),
        cmocka_unit_test(an_expected_machine_takes_over_owner_and_switch),
        cmocka_unit_test(nobody_takes_the_place_of_a_machine_that_still_runs),
    };
    return cmocka_run_group_tests_name("tools/ballast/fleet/fleet_identity.c", tests, NULL, NULL);
}
