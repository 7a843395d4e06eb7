/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake machine around the balloon driver as tests use it: they choose the host's character and
 * wishes, let time pass, and count. The queues of the host are in fake_balloon_queues.c, its
 * registers in fake_balloon_transport.c, and the guest's memory in fake_balloon_memory.c.
 */

#include <string.h>

#include "tests/fakes/fake_balloon_internal.h"

#define F fake_balloon

struct fake_balloon fake_balloon;
struct balloon_dev *fake_balloon_watcher;

uint64_t fake_balloon_random(void)
{
    F.random = F.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return F.random >> 33;
}

void fake_balloon_init(uint32_t frames)
{
    always(frames <= FAKE_FRAMES_MAX, "the fake machine is smaller");
    memset(&F, 0, sizeof(F));
    fake_balloon_watcher = NULL;
    F.frames = frames;
    F.owner[0] = FAKE_APP;
    F.free_frames = frames - 1;
    for (pfn_t pfn = 1; pfn < frames; pfn++) {
        F.block_free[pfn / BLOCK_FRAMES]++;
    }
    F.watch_above = UINT64_MAX;
    F.watch_backed_above = UINT64_MAX;
    F.drop_min = 1;
    F.now_ns = 1;
    F.queue_size = 128;
    /* Everything QEMU offers by default, and more: a driver must ignore what it does not know. */
    F.offered = BALLOON_F_STATS_VQ | BALLOON_F_PAGE_POISON | 1U << 6 | VIRTIO_F_VERSION_1 |
                VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX;
    F.dev = (struct virtio_device){ .ops = &fake_balloon_ops, .device_id = VIRTIO_ID_BALLOON };
    F.random = 1;
}

/* ---- what the host does ---- */

void fake_balloon_wish(uint32_t pages)
{
    F.num_pages = pages;
    if ((F.status & VIRTIO_STATUS_DRIVER_OK) != 0) {
        fake_balloon_interrupt(VIRTIO_INTERRUPT_CONFIG);
    }
}

void fake_balloon_hint(uint32_t cmd_id)
{
    F.cmd_id = cmd_id;
    if (cmd_id == BALLOON_HINT_DONE) {
        fake_balloon_void_hints();
    }
    if ((F.status & VIRTIO_STATUS_DRIVER_OK) != 0) {
        fake_balloon_interrupt(VIRTIO_INTERRUPT_CONFIG);
    }
}

void fake_balloon_needs_reset(void)
{
    F.status |= VIRTIO_STATUS_NEEDS_RESET;
    fake_balloon_interrupt(VIRTIO_INTERRUPT_CONFIG);
}

void fake_balloon_unplug(void)
{
    fake_balloon_forget();
    F.gone = true;
}

/* ---- time ---- */

/* Delivers an interrupt; true when the driver is to be called now. */
static bool is_called(struct balloon_dev *d)
{
    uint32_t cause = F.irq ? d->dev->ops->interrupt_cause(d->dev) : 0;

    if (cause != 0) {
        balloon_dev_interrupt(d, cause);
        F.interrupts++;
    }
    F.irq = false;
    return balloon_dev_marked(d) || F.wake_ns <= F.now_ns || (F.idle && balloon_dev_wants_idle(d));
}

void fake_balloon_service(struct balloon_dev *d)
{
    F.wake_ns = balloon_dev_service(d, F.idle);
    F.services++;
    /* The idle loop would call it again and again, and never halt. */
    always(!F.idle || !balloon_dev_wants_idle(d), "idle time is wanted that was just given");
}

void fake_balloon_pass(uint64_t ns)
{
    uint64_t end = F.now_ns + ns;

    for (uint64_t due = fake_balloon_next_due(); due <= end; due = fake_balloon_next_due()) {
        F.now_ns = due > F.now_ns ? due : F.now_ns;
        fake_balloon_run_due();
    }
    F.now_ns = end;
}

void fake_balloon_settle(struct balloon_dev *d, uint64_t limit_ns)
{
    uint64_t end = F.now_ns + limit_ns;
    unsigned in_a_row = 0;

    fake_balloon_watcher = d;
    while (true) {
        /* Sleep until something happens that wakes it: nothing else calls the service. */
        while (!is_called(d)) {
            uint64_t due = fake_balloon_next_due();
            uint64_t next = due < F.wake_ns ? due : F.wake_ns;

            if (next > end) {
                F.now_ns = next == UINT64_MAX ? F.now_ns : end;
                return;
            }
            F.now_ns = next > F.now_ns ? next : F.now_ns;
            in_a_row = 0;
            fake_balloon_run_due();
        }
        fake_balloon_service(d);
        in_a_row++;
        always(in_a_row < 20000, "the driver spins");
    }
}

/* ---- counting ---- */

void fake_balloon_check(const struct balloon_dev *d)
{
    uint64_t count[4] = { 0 };
    uint64_t acknowledged = 0;
    struct balloon_dev_status status = balloon_dev_status(d);

    for (pfn_t pfn = 0; pfn < F.frames; pfn++) {
        count[F.owner[pfn]]++;
        acknowledged += F.owner[pfn] == FAKE_TAKEN && F.in_balloon[pfn] != 0;
    }
    always(count[FAKE_FREE] == F.free_frames, "the fake's own count of free frames");
    always(count[FAKE_TAKEN] == F.taken, "the fake's own count of taken frames");
    always(!d->held ? F.taken == 0
                    : F.taken == d->ledger.frames + d->batch[0].frames.frames +
                                     d->batch[1].frames.frames + status.out,
           "a frame was lost");
    if (status.state == BALLOON_DEV_RUNNING) {
        always(d->ledger.frames == status.actual + status.leaving, "the driver miscounts");
        /* What is on its way out of the balloon may be in it yet, and the host may have finished
         * requests that the driver has not looked at. */
        require(acknowledged >= status.actual &&
                    (acknowledged == status.actual || d->pool.in_flight > 0),
                "the host counts otherwise");
        balloon_dev_check(d);
    }
}
