/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any sequence of what can happen to a fleet: machines that come, tell anything, answer or not and
 * go, commands, reservations, new configurations, periods, with the real policy. Properties: a
 * machine has one unanswered target at most, of a size that it can have; what is not managed gets
 * none; settings stay within their limits; a refused change has changed nothing; a dry run neither.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/fleet/fleet_internal.h"

#define MIB      ((uint64_t)1 << 20)
#define GIB      ((uint64_t)1 << 30)
#define MACHINES 5U

struct input {
    const uint8_t *data;
    size_t size;
};

/* A machine of the test: what the backend's handle points to. */
struct guest {
    struct fleet_machine *machine; /* NULL: not there */
    bool unanswered;
    int64_t sent_ms;
    uint64_t target;
};

static struct guest guests[MACHINES];
static struct fleet *fleet;
static int64_t now_ms;

static uint8_t take(struct input *input)
{
    if (input->size == 0) {
        return 0;
    }
    input->size--;
    return *input->data++;
}

/* Mostly sizes that make sense, sometimes none at all. */
static uint64_t take_size(struct input *input)
{
    const uint8_t kind = take(input);
    const uint64_t value = take(input);
    switch (kind % 8) {
    case 0:
        return POLICY_MISSING;
    case 1:
        return UINT64_MAX - value;
    case 2:
        return value;
    case 3:
        return POLICY_BYTES_MAX - 1 + value % 4;
    default:
        return value * 32 * MIB;
    }
}

static bool send_target(void *handle, uint64_t bytes)
{
    struct guest *guest = handle;
    assert(guest->machine != NULL);
    /* One that is never answered is given up after ten seconds. */
    assert(!guest->unanswered || now_ms - guest->sent_ms >= 10000);
    assert(guest->machine->settings.managed);
    assert(bytes > 0);
    assert(bytes <= guest->machine->facts.ram_bytes);
    /* What was sent before is not waited for any more, whatever becomes of this one. */
    guest->unanswered = bytes % 3 != 0;
    if (!guest->unanswered) {
        return false;
    }
    guest->sent_ms = now_ms;
    guest->target = bytes;
    return true;
}

static bool send_device(void *handle, bool present)
{
    (void)handle;
    return present;
}

static const struct fleet_backend backend = { "fuzz", send_target, send_device };
static const struct fleet_backend libvirt = { "libvirt", send_target, send_device };

static void on_event(void *context, const struct fleet_event *event)
{
    (void)context;
    assert(event->code != NULL);
    assert(event->text[0] != '\0');
    assert(event->owner != NULL);
    assert(event->at_ms == now_ms);
}

static bool on_save(void *context, const struct fleet_who *who,
                    const struct fleet_settings *settings)
{
    (void)context;
    assert(config_name_valid(who->name));
    assert(who->identity[0] != '\0');
    return settings->revision % 5 != 4;
}

/* Every machine that is there has a name of its own and is found by it; a way that does not lead
 * leads to one that does, and has nothing on its way. */
static void names_are_different(void)
{
    size_t count;
    struct fleet_machine *const *machines = fleet_machines(fleet, &count);
    for (size_t i = 0; i < count; i++) {
        assert(i == 0 || strcmp(machines[i - 1]->name, machines[i]->name) < 0);
        assert(fleet_find(fleet, machines[i]->name) == machines[i]);
        assert(config_name_valid(machines[i]->name));
    }
    size_t ways = 0;
    for (size_t i = 0; i < MACHINES; i++) {
        struct guest *guest = &guests[i];
        if (guest->machine == NULL) {
            continue;
        }
        const struct fleet_entry *entry = fleet_entry_of(guest->machine);
        ways++;
        guest->unanswered = guest->unanswered && (entry->in_flight || entry->overdue);
        assert(entry->leader == NULL || entry->leader->leader == NULL);
        assert(entry->leader == NULL || entry->leader->shown.follower != NULL);
        assert(entry->leader == NULL || entry->leader->shown.facts.pid != 0);
    }
    assert(ways == count + fleet->follower_count);
}

static void come_or_go(struct input *input)
{
    static const char *const names[MACHINES] = { "b", "a", "c", "a1", "z" };
    const size_t i = take(input) % MACHINES;
    struct guest *guest = &guests[i];
    if (guest->machine == NULL) {
        guest->machine =
            fleet_found(fleet, names[i], i % 2 == 0 ? &backend : &libvirt, guest, names[i], now_ms);
        assert(guest->machine != NULL);
    } else {
        fleet_gone(fleet, guest->machine, "It went.", now_ms);
        *guest = (struct guest){ 0 };
    }
    names_are_different();
}

static void tell(struct input *input)
{
    const struct guest *guest = &guests[take(input) % MACHINES];
    const uint8_t flags = take(input);
    const uint8_t states = take(input);
    struct facts facts;
    if (guest->machine == NULL) {
        return;
    }
    facts_clear(&facts);
    facts.kind = flags % 16 == 7 ? FACTS_CONTAINER : FACTS_MACHINE;
    facts.state = (enum facts_state)(states % 5);
    facts.pid = states / 5 % 3;
    memcpy(facts.uuid, "11111111-1111-1111-1111-111111111111", sizeof facts.uuid);
    memset(facts.uuid, '0' + flags / 4 % 3, states % 2 == 0 ? 8 : 0);
    facts.uuid[0] = states % 7 == 6 ? 'x' : facts.uuid[0];
    facts.driver = (enum policy_driver)(states / 16 % 2);
    facts.device = (flags & 1) == 0;
    facts.offered_known = (flags & 2) == 0;
    facts.offered = FACTS_DEFLATE_ON_OOM | FACTS_REPORTING;
    facts.locked = (flags & 0xf0) == 0xf0;
    facts.huge_pages = (flags & 0xf0) == 0xe0;
    facts.pinned = (flags & 0xf0) == 0xd0;
    facts.ram_bytes = take_size(input);
    facts.actual_bytes = take_size(input);
    facts.resident_bytes = take_size(input);
    facts.overhead_bytes = take_size(input);
    facts.stats_ms = now_ms - take(input) * 100 + 100;
    facts.stats_actual_bytes = facts.actual_bytes;
    facts.total_bytes = take_size(input);
    facts.free_bytes = take_size(input);
    facts.available_bytes = take_size(input);
    facts.swap_in_bytes = take_size(input);
    facts.resets = take(input) % 4;
    memset(facts.trouble, take(input) % 8 == 0 ? 'x' : 0, sizeof facts.trouble);
    fleet_told(fleet, guest->machine, &facts, now_ms);
    names_are_different();
}

static void answer(struct input *input)
{
    struct guest *guest = &guests[take(input) % MACHINES];
    const bool good = take(input) % 2 == 0;
    if (guest->unanswered) {
        guest->unanswered = false;
        fleet_target_done(fleet, guest->machine, guest->target, good ? NULL : "no", now_ms);
        assert(!good || guest->machine->commanded_bytes == guest->target);
    }
}

static void change(struct input *input)
{
    const struct guest *guest = &guests[take(input) % MACHINES];
    struct fleet_change wish = { .given = take(input) | (take(input) % 2U) << 7 };
    wish.settings.class = (enum policy_class)(take(input) % 4);
    wish.settings.min_bytes = take_size(input);
    wish.settings.max_bytes = take_size(input);
    wish.settings.weight = take(input) * 250U;
    wish.settings.ballooning = take(input) % 2 == 0;
    wish.settings.managed = take(input) % 4 != 0;
    memset(wish.settings.owner, take(input), take(input) % 65);
    if (guest->machine == NULL) {
        return;
    }
    const struct fleet_settings before = guest->machine->settings;
    const struct fleet_result result =
        fleet_change(fleet, guest->machine->name, &wish, before.revision, now_ms);
    const struct fleet_settings *after = &guest->machine->settings;
    assert((result.status == FLEET_OK) == (result.text[0] == '\0'));
    assert(result.status == FLEET_REFUSED || result.missing_bytes == 0);
    assert(after->revision == before.revision || after->revision == before.revision + 1);
    assert(result.status == FLEET_OK || after->revision == before.revision);
    assert(result.status == FLEET_OK || after->min_bytes == before.min_bytes);
    assert(result.status == FLEET_OK || after->ballooning == before.ballooning);
}

static void reserve(struct input *input)
{
    static const char *const names[] = { "a", "new", "bad name", "other" };
    const char *name = names[take(input) % 4];
    const uint64_t bytes = take_size(input);
    const struct fleet_result result = take(input) % 3 == 0
                                           ? fleet_release(fleet, name, now_ms)
                                           : fleet_reserve(fleet, name, bytes, now_ms);
    assert((result.status == FLEET_OK) == (result.text[0] == '\0'));
}

static void configure(struct input *input)
{
    static const char *const texts[] = {
        "",
        "[default]\nclass = spare\nminimum = 10%\n[machine a]\nballooning = off\n",
        "[machine a]\nclass = guaranteed\n[machine b]\nmanaged = off\nmaximum = 60%\n",
        "[policy]\nmargin = 1M\nbuffer = 0%\n[machine c]\nminimum = 64T\nmaximum = 64T\n",
    };
    struct config config;
    if (config_parse(texts[take(input) % 4], "fuzz", &config, NULL, NULL)) {
        fleet_configure(fleet, &config, now_ms);
        config_free(&config);
    }
}

/* What is told of reservations fits beside what is booked. */
static void check_reservations(void)
{
    const struct books_host *books = &fleet_plan(fleet)->books;
    size_t count;
    uint64_t reserved = 0;
    uint64_t arrived = 0;
    const struct books_reservation *reservations = fleet_reservations(fleet, &count);
    for (size_t i = 0; i < count; i++) {
        assert(reservations[i].arrived_bytes <= reservations[i].bytes);
        reserved += reservations[i].bytes;
        arrived += reservations[i].arrived_bytes;
    }
    assert(reserved == fleet_host(fleet)->reserved_bytes);
    assert(arrived == 0 || books->booked_bytes + arrived <= books->ceiling_bytes);
    assert(arrived == 0 || books->reserve_bytes + arrived <= books->available_bytes);
    assert(books->could_promise_bytes == 0 ||
           books->could_promise_bytes + books->promised_bytes <= books->total_bytes);
}

static void period(struct input *input)
{
    const struct policy_host host = { .total_bytes = 16 * GIB,
                                      .available_bytes = take_size(input),
                                      .psi_some_centi = take(input) * 40U };
    struct policy_plan plan;
    size_t count;
    struct policy_machine *expected = fleet_dry_run(fleet, &host, now_ms, &plan, &count);
    assert(expected != NULL);
    fleet_tick(fleet, &host, now_ms);
    check_reservations();
    assert(plan.zone == fleet_plan(fleet)->zone);
    assert(plan.books.booked_bytes == fleet_plan(fleet)->books.booked_bytes);
    struct fleet_machine *const *machines = fleet_machines(fleet, &count);
    for (size_t i = 0; i < count; i++) {
        assert(i == 0 || strcmp(machines[i - 1]->name, machines[i]->name) < 0);
        assert(machines[i]->settings.weight >= 1);
        assert(!fleet_entry_of(machines[i])->active ||
               expected[i].decision.target_bytes == machines[i]->policy.decision.target_bytes);
        struct fleet_diagnosis diagnosis;
        fleet_doctor(fleet, machines[i], now_ms, &diagnosis);
        assert(diagnosis.count > 0);
        assert(diagnosis.text[0] != '\0');
        assert((machines[i]->switch_state == FLEET_SWITCH_UNSUPPORTED) ==
               (machines[i]->unsupported != NULL));
    }
    free(expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const steps[])(struct input *) = { come_or_go, tell,      answer, change,
                                                     reserve,    configure, period, period };
    const struct fleet_ops ops = { .event = on_event, .save = on_save };
    struct input input = { data, size };
    struct config config;
    config_default(&config);
    memset(guests, 0, sizeof guests);
    now_ms = 1000;
    fleet = fleet_new(&config, &ops);
    while (input.size > 0) {
        steps[take(&input) % 8](&input);
        now_ms += take(&input) * 20;
    }
    fleet_free(fleet);
    return 0;
}
