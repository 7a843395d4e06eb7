/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/virtio/virtq.c: interrupts and notifications. No wake-up is lost, whatever the order in
 * which the two sides act, and none is sent for nothing where that can be known. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "drivers/virtio/virtq_internal.h"
#include "tests/fakes/virtq_rig.h"

/* ---- one step after the other ---- */

/* S5. */
static void virtio_2_7_7_1_interrupts_can_be_switched_off_and_on(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        rig_start(8);
        fake_virtq_device_push(&rig.dev, rig_show(1), 0);
        assert_true(fake_virtq_device_interrupts(&rig.dev));
        virtq_interrupts_off(&rig.vq);
        fake_virtq_device_push(&rig.dev, rig_show(2), 0);
        assert_false(fake_virtq_device_interrupts(&rig.dev));
        rig_assert_takes(1);
        rig_assert_takes(2);
        assert_false(virtq_interrupts_on(&rig.vq, 1));
        fake_virtq_device_push(&rig.dev, rig_show(3), 0);
        assert_true(fake_virtq_device_interrupts(&rig.dev));
    }
}

/* S5. Asked for the n-th completion, the device interrupts at the n-th and not before, wherever the
 * indices stand. */
static void virtio_2_7_7_1_completions_are_counted_with_event_index(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        if (!rig.shape.event_idx || (rig.shape.packed && rig_has_chains())) {
            continue;
        }
        for (uint32_t start = 65536 - 10; start < 65536 + 10; start++) {
            for (uint16_t after = 1; after <= 8; after++) {
                uint16_t ids[8];

                rig_start_at(8, (uint16_t)start);
                for (uint16_t i = 0; i < 8; i++) {
                    ids[i] = rig_show(i);
                }
                assert_false(virtq_interrupts_on(&rig.vq, after));
                for (uint16_t i = 1; i <= 8; i++) {
                    fake_virtq_device_push(&rig.dev, ids[8 - i], 0);
                    assert_int_equal(fake_virtq_device_interrupts(&rig.dev), i == after);
                }
            }
        }
    }
}

static void interrupts_stay_off_for_a_whole_turn_of_the_indices(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        rig_start(4);
        virtq_interrupts_off(&rig.vq);
        for (uint32_t i = 0; i < 65536 + 100; i++) {
            fake_virtq_device_push(&rig.dev, rig_show(1), 0);
            assert_false(fake_virtq_device_interrupts(&rig.dev));
            rig_assert_takes(1);
        }
    }
}

/* S5. The device decides late, after the driver has taken: it interrupts for what is no longer
 * there, and that is survived. */
static void virtio_2_7_7_1_an_interrupt_for_nothing_is_survived(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        uint16_t cookie;
        uint32_t bytes;

        rig_start(4);
        fake_virtq_device_push(&rig.dev, rig_show(1), 0);
        rig_assert_takes(1);
        assert_true(fake_virtq_device_interrupts(&rig.dev));
        assert_int_equal(rig_take(&cookie, &bytes), ERR_AGAIN);
        virtq_interrupts_off(&rig.vq);
        fake_virtq_device_push(&rig.dev, rig_show(2), 0);
        assert_false(fake_virtq_device_interrupts(&rig.dev));
        rig_assert_takes(2);
    }
}

/* S9. The device completes at every possible moment around interrupts_on(): the driver either is
 * told at once or is interrupted. */
static void virtio_2_7_14_no_wakeup_is_lost_around_switching_on(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        bool exact = !rig.shape.packed || !rig_has_chains();

        for (unsigned before = 0; before <= 3; before++) {
            for (uint16_t after = 1; after <= 3; after++) {
                uint16_t ids[3];
                bool told;
                bool interrupted;

                rig_start_at(4, 65534);
                for (uint16_t i = 0; i < 3; i++) {
                    ids[i] = rig_show(i);
                }
                virtq_interrupts_off(&rig.vq);
                for (unsigned i = 0; i < before; i++) {
                    fake_virtq_device_push(&rig.dev, ids[i], 0);
                }
                assert_false(fake_virtq_device_interrupts(&rig.dev));
                told = virtq_interrupts_on(&rig.vq, after);
                assert_int_equal(told, before >= (exact ? after : 1));
                for (unsigned i = before; i < 3; i++) {
                    fake_virtq_device_push(&rig.dev, ids[i], 0);
                }
                interrupted = fake_virtq_device_interrupts(&rig.dev);
                assert_true(told || interrupted);
            }
        }
    }
}

/* ---- steps in any order ---- */

#define SIZE     16U
#define REQUESTS 64U /* more cookies than can be in flight */

/* Two machines that act in turn, as chance says, and sleep as soon as they may. */
static struct {
    uint64_t random;
    bool driver_sleeps;
    bool device_sleeps;
    unsigned awaited;   /* completions the sleeping driver waits for */
    unsigned returned;  /* completions not yet taken */
    unsigned hidden;    /* requests added and not published */
    unsigned fetchable; /* requests published and not fetched */
    unsigned held;      /* requests fetched and not returned */
    uint16_t ids[VIRTQ_SIZE_MAX];
    bool used[REQUESTS];
} model;

static unsigned chance(unsigned below)
{
    model.random = model.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(model.random >> 33) % below;
}

static void driver_adds(void)
{
    struct virtq_buffer buffers[3] = { rig_page, rig_page, rig_page };
    uint16_t cookie = 0;

    while (model.used[cookie]) {
        cookie++;
    }
    if (virtq_add(&rig.vq, buffers, 1 + chance(3), 0, cookie) == OK) {
        model.used[cookie] = true;
        model.hidden++;
    }
}

static void driver_publishes(void)
{
    bool notify = virtq_publish(&rig.vq);

    model.fetchable += model.hidden;
    model.hidden = 0;
    if (notify) {
        model.device_sleeps = false;
    }
}

static void driver_takes(void)
{
    uint16_t cookie;
    uint32_t bytes;
    err_t err = rig_take(&cookie, &bytes);

    if (err == OK) {
        assert_true(model.returned > 0 && model.used[cookie]);
        model.used[cookie] = false;
        model.returned--;
    } else {
        assert_int_equal(err, ERR_AGAIN);
        assert_int_equal(model.returned, 0);
    }
}

static void driver_steps(void)
{
    unsigned what = chance(8);

    if (what < 3) {
        driver_adds();
    } else if (what < 4) {
        driver_publishes();
    } else if (what < 6) {
        driver_takes();
    } else if (what < 7) {
        virtq_interrupts_off(&rig.vq);
    } else if (model.hidden == 0 && rig.vq.in_flight > 0) {
        model.awaited = 1 + chance(rig.vq.in_flight);
        model.driver_sleeps = !virtq_interrupts_on(&rig.vq, (uint16_t)model.awaited);
    }
}

static void device_steps(void)
{
    unsigned what = chance(8);

    if (what < 3 && fake_virtq_device_pop(&rig.dev, &rig.request)) {
        model.ids[model.held++] = rig.request.id;
        model.fetchable--;
    } else if (what < 6 && model.held > 0) {
        unsigned which = chance(model.held);

        fake_virtq_device_push(&rig.dev, model.ids[which], 0);
        model.ids[which] = model.ids[--model.held];
        model.returned++;
    } else if (what < 7) {
        fake_virtq_device_poll(&rig.dev);
    } else {
        model.device_sleeps = !fake_virtq_device_sleep(&rig.dev);
    }
    /* It may put off deciding, but not while it sleeps. */
    if (model.device_sleeps || chance(3) == 0) {
        if (fake_virtq_device_interrupts(&rig.dev)) {
            model.driver_sleeps = false;
        }
        assert_true(!model.driver_sleeps || model.returned < model.awaited);
    }
}

/* S9, K4. */
static void no_wakeup_is_lost_in_any_order_of_steps(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        memset(&model, 0, sizeof(model));
        model.random = 1;
        rig_start(SIZE);
        for (unsigned i = 0; i < 100000; i++) {
            if (!model.driver_sleeps && chance(2) == 0) {
                driver_steps();
            } else if (!model.device_sleeps) {
                device_steps();
            } else if (model.held > 0) {
                model.device_sleeps = false; /* its work is done, and it returns something */
            } else {
                /* Both asleep and nothing under way: then all was seen. */
                assert_int_equal(model.fetchable, 0);
                assert_true(!model.driver_sleeps || model.returned < model.awaited);
                model.driver_sleeps = false;
            }
            assert_true(!model.device_sleeps || model.fetchable == 0);
        }
        assert_true(rig.vq.requests > 2000);
    }
}

/* ---- at the same time ---- */

#define ROUNDS 5000U

/* Two threads that meet, and then act at once. */
static struct {
    uint32_t driver_at;
    uint32_t device_at;
    bool device_saw;
    bool interrupted;
} race;

static void meet(uint32_t *mine, const uint32_t *other)
{
    uint32_t at = *mine + 1;

    __atomic_store_n(mine, at, __ATOMIC_RELEASE);
    for (unsigned spins = 0; __atomic_load_n(other, __ATOMIC_ACQUIRE) < at; spins++) {
        if (spins > 1000) {
            sched_yield();
        }
    }
}

/* Comes late by a little: every offset between the two sides is to occur. */
static void dawdle(unsigned steps)
{
    for (volatile unsigned i = 0; i < steps; i++) {
    }
}

/* Brings the device's wishes into the cache. Only then can a processor read them before its own
 * store is done, which is what the barrier is against. */
static void fetch_wishes(void)
{
    const volatile uint16_t *part = (const volatile uint16_t *)(uintptr_t)rig.vq.used_address;

    (void)part[0];
    if (!rig.shape.packed) {
        (void)part[2 + 4 * SIZE]; /* avail_event */
    }
}

static void *device_thread(void *unused)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        bool early;

        fake_virtq_device_poll(&rig.dev);
        meet(&race.device_at, &race.driver_at);
        early = fake_virtq_device_pop(&rig.dev, &rig.request);
        dawdle(i % 61);
        race.device_saw = fake_virtq_device_sleep(&rig.dev) || early;
        meet(&race.device_at, &race.driver_at);
        if (!early) {
            (void)rig_pop();
        }
        meet(&race.device_at, &race.driver_at);
        fake_virtq_device_push(&rig.dev, rig.request.id, 0);
        race.interrupted = fake_virtq_device_interrupts(&rig.dev);
        meet(&race.device_at, &race.driver_at);
    }
    return unused;
}

static void drive(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        bool notified;
        bool told;

        rig_add(1);
        meet(&race.driver_at, &race.device_at);
        fetch_wishes();
        dawdle(i % 67);
        notified = virtq_publish(&rig.vq);
        meet(&race.driver_at, &race.device_at);
        assert_true(notified || race.device_saw);
        virtq_interrupts_off(&rig.vq);
        meet(&race.driver_at, &race.device_at);
        told = virtq_interrupts_on(&rig.vq, 1);
        meet(&race.driver_at, &race.device_at);
        assert_true(told || race.interrupted);
        rig_assert_takes(1);
    }
}

/* S8, S9, K4: the barriers. On two processors the driver publishes while the device goes to sleep,
 * and goes to sleep while the device returns: at least one of them sees the other. */
static void virtio_2_7_13_4_1_and_2_8_21_3_1_no_wakeup_is_lost_between_processors(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        pthread_t device;

        rig_start(SIZE);
        memset(&race, 0, sizeof(race));
        assert_int_equal(pthread_create(&device, NULL, device_thread, NULL), 0);
        drive();
        assert_int_equal(pthread_join(device, NULL), 0);
    }
}

#define CASE(name) cmocka_unit_test_teardown(name, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(virtio_2_7_7_1_interrupts_can_be_switched_off_and_on),
        CASE(virtio_2_7_7_1_completions_are_counted_with_event_index),
        CASE(interrupts_stay_off_for_a_whole_turn_of_the_indices),
        CASE(virtio_2_7_7_1_an_interrupt_for_nothing_is_survived),
        CASE(virtio_2_7_14_no_wakeup_is_lost_around_switching_on),
        CASE(no_wakeup_is_lost_in_any_order_of_steps),
        CASE(virtio_2_7_13_4_1_and_2_8_21_3_1_no_wakeup_is_lost_between_processors),
    };

    return cmocka_run_group_tests_name("drivers/virtio/virtq.c: events", tests, NULL, NULL);
}
