/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzer of the sources of memory under pressure: the input is a list of operations, and in every
 * give() it decides what the source does: gives less, more, nothing or absurdly much, takes its
 * time, asks again itself, comes and goes. Properties: only sources that are known, safe, idle and
 * in good standing are asked, cheapest first, for no more than is wanted and offered; nobody who
 * could help is left out; every miss is justified and every unkept promise noticed.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/bits.h"
#include "mm/pressure.h"

#define SLOTS     6U
#define GIFT_MAX  (UINT64_C(1) << 40)
#define DEPTH_MAX 4U

struct slot {
    struct pressure_source source;
    uint64_t says; /* what it can give */
    bool known;
    bool giving;
    bool asked_now; /* in the innermost question */
    bool promised;
    uint64_t owes;
    uint64_t deadline_ns;
    bool late;
    uint64_t missed_seen;
    uint64_t skipped_until_ns; /* at least */
    uint64_t skipped_at_most_until_ns;
};

/* A question under way. */
struct question {
    enum pressure_place place;
    uint64_t wanted;
    uint64_t given;
    uint64_t deadline_ns;
    unsigned last_cost;
    bool calm; /* nothing else has happened inside it */
};

static struct slot slots[SLOTS];
static struct question *question;
static const uint8_t *data;
static size_t left;
static uint64_t now;
static uint64_t looked_ns;
static unsigned depth;
static unsigned working; /* questions in PRESSURE_WORK, in which nobody registers */

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static unsigned next_u8(void)
{
    if (left == 0) {
        return 0;
    }
    left--;
    return *data++;
}

static uint64_t now_ns(void)
{
    return now;
}

static uint64_t can_give(void *context)
{
    const struct slot *slot = context;

    ASSERT(slot->known);
    return slot->says;
}

/* ---- promises ---- */

static bool is_kept(const struct slot *slot)
{
    return slot->owes == 0 && !slot->late;
}

/* Compares the misses that were counted since the last look with what was promised. */
static void look(void)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        struct slot *slot = &slots[i];

        if (slot->source.missed != slot->missed_seen) {
            ASSERT(slot->source.missed == slot->missed_seen + 1);
            ASSERT(slot->promised);
            ASSERT(!is_kept(slot));
            ASSERT(slot->late || now > slot->deadline_ns);
            slot->missed_seen++;
            slot->promised = false;
            slot->skipped_until_ns = looked_ns + PRESSURE_SKIP_NS;
            slot->skipped_at_most_until_ns = now + PRESSURE_SKIP_NS;
        }
    }
    looked_ns = now;
}

static void book_gift(struct slot *slot, uint64_t frames)
{
    uint64_t gift = min_u64(frames, GIFT_MAX);

    if (gift > 0 && slot->owes > 0) {
        slot->late = slot->late || (gift >= slot->owes && now > slot->deadline_ns);
        slot->owes -= min_u64(gift, slot->owes);
    }
}

/* ---- operations ---- */

static void disturb(void)
{
    if (question != NULL) {
        question->calm = false;
    }
}

static void toggle(struct slot *slot)
{
    if (working > 0) {
        return; /* the contract */
    }
    disturb();
    if (slot->known) {
        pressure_unregister(&slot->source);
    } else {
        slot->promised = false;
        slot->giving = false;
        slot->skipped_until_ns = 0;
        slot->skipped_at_most_until_ns = 0;
        slot->source.cost = next_u8() % 4;
        slot->source.safe = (enum pressure_place)(next_u8() % 3);
        pressure_register(&slot->source);
    }
    slot->known = !slot->known;
}

/* Nobody was left out of a question in which nothing else happened. */
static void judge_unhelped(const struct question *q)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        const struct slot *slot = &slots[i];

        ASSERT(!slot->known || slot->source.safe < q->place || slot->giving || slot->asked_now ||
               slot->says == 0 || slot->promised || now < slot->skipped_at_most_until_ns);
    }
}

static void ask(void)
{
    enum pressure_reason reason = (enum pressure_reason)(next_u8() % PRESSURE_REASONS);
    struct question *outer = question;
    struct question q = { .place = (enum pressure_place)(next_u8() % 3), .calm = true };
    bool asked_before[SLOTS];
    uint64_t given;

    if (depth == DEPTH_MAX) {
        return;
    }
    disturb();
    depth++;
    for (unsigned i = 0; i < SLOTS; i++) {
        asked_before[i] = slots[i].asked_now;
        slots[i].asked_now = false;
    }
    q.wanted = next_u8() == 0 ? UINT64_MAX : next_u8();
    q.deadline_ns = now + next_u8();
    question = &q;
    working += q.place == PRESSURE_WORK;
    given = pressure_ask(q.wanted, reason, q.place, q.deadline_ns);
    working -= q.place == PRESSURE_WORK;
    q.wanted = min_u64(q.wanted, GIFT_MAX); /* more than that is no longer counted */
    look();
    ASSERT(given == q.given);
    if (reason == PRESSURE_ALLOC_FAILS && given < q.wanted && q.calm && depth == 1) {
        judge_unhelped(&q);
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        slots[i].asked_now = asked_before[i];
    }
    question = outer;
    depth--;
}

static void gave(struct slot *slot)
{
    uint64_t frames = next_u8();

    disturb();
    pressure_gave(&slot->source, frames);
    book_gift(slot, frames);
}

static uint64_t sizes(uint64_t frames)
{
    switch (next_u8() % 6) {
    case 0:
        return 0;
    case 1:
        return frames / 2;
    case 2:
        return frames + next_u8();
    case 3:
        return UINT64_MAX;
    default:
        return frames;
    }
}

static void pass_time(void)
{
    disturb();
    now += next_u8() % 8 == 0 ? PRESSURE_SKIP_NS / 2 * (next_u8() % 4) : next_u8();
}

static void operate(void)
{
    unsigned code = next_u8();
    struct slot *slot = &slots[code / 8 % SLOTS];

    switch (code % 8) {
    case 0:
    case 1:
        toggle(slot);
        break;
    case 2:
        slot->says = sizes(next_u8());
        disturb();
        break;
    case 3:
        gave(slot);
        break;
    case 4:
        pass_time();
        break;
    default:
        ask();
        break;
    }
}

static uint64_t give(void *context, uint64_t frames, enum pressure_place place,
                     uint64_t deadline_ns)
{
    struct slot *slot = context;
    struct question *mine = question;
    uint64_t generation;
    uint64_t given;

    look();
    ASSERT(slot->known);
    ASSERT(!slot->giving);
    ASSERT(!slot->asked_now);
    ASSERT(!slot->promised || is_kept(slot));
    ASSERT(now >= slot->skipped_until_ns);
    ASSERT(slot->source.safe >= place);
    ASSERT(place == mine->place);
    ASSERT(deadline_ns == mine->deadline_ns);
    ASSERT(frames > 0);
    ASSERT(frames <= slot->says);
    ASSERT(mine->given < mine->wanted);
    ASSERT(frames <= mine->wanted - mine->given);
    ASSERT(slot->source.cost >= mine->last_cost);
    mine->last_cost = slot->source.cost;
    slot->asked_now = true;
    slot->giving = true;
    slot->promised = true;
    slot->owes = frames;
    slot->deadline_ns = deadline_ns;
    slot->late = false;
    generation = slot->source.asked;
    if (next_u8() % 2 == 0) {
        pass_time();
    }
    for (unsigned i = next_u8() % 4; i > 1; i--) {
        operate();
    }
    ASSERT(slot->source.asked >= generation);
    given = sizes(frames);
    mine->given += min_u64(given, GIFT_MAX);
    book_gift(slot, given);
    slot->giving = false;
    return given;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static const char *const names[SLOTS] = { "a", "b", "c", "d", "e", "f" };

    data = input;
    left = size;
    now = 1;
    looked_ns = 1;
    depth = 0;
    working = 0;
    question = NULL;
    pressure_init(now_ns);
    for (unsigned i = 0; i < SLOTS; i++) {
        slots[i] = (struct slot){ .says = i * 10 };
        slots[i].source = (struct pressure_source){
            .name = names[i], .context = &slots[i], .can_give = can_give, .give = give
        };
    }
    while (left > 0) {
        uint64_t sum = 0;

        operate();
        for (unsigned i = 0; i < SLOTS; i++) {
            sum += slots[i].known ? min_u64(slots[i].says, GIFT_MAX) : 0;
        }
        ASSERT(pressure_available() <= sum);
    }
    return 0;
}
