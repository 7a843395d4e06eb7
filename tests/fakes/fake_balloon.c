/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake host of the balloon driver. It reads rings through host pointers (in this machine a
 * physical address of driver memory is its pointer) and keeps its own list of the frames it was
 * given, so that it can tell when the driver's story and the truth differ.
 */

#include "tests/fakes/fake_balloon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/virtio/virtq_spec.h"
#include "tests/fakes/fake_balloon_rules.h"

struct fake_balloon fake_balloon;
#define F fake_balloon

uint64_t fake_balloon_random(void)
{
    F.random = F.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return F.random >> 33;
}

/* ---- the device: queues ---- */

static const struct virtq_avail *avail_of(const struct fake_queue *q)
{
    return (const struct virtq_avail *)(uintptr_t)q->rings->avail_address;
}

static struct virtq_used *used_of(const struct fake_queue *q)
{
    return (struct virtq_used *)(uintptr_t)q->rings->used_address;
}

static bool has_event_idx(void)
{
    return (F.accepted & VIRTIO_F_EVENT_IDX) != 0;
}

static void interrupt(uint32_t cause)
{
    F.isr |= cause;
    F.irq = true;
}

static uint32_t length_of(uint16_t queue, uint16_t head)
{
    const struct virtq_desc *desc = &F.queue[queue].rings->desc[head];

    return F.tells_length && F.role[queue] != BALLOON_QUEUE_STATS ? desc->bytes : 0;
}

static void complete(uint16_t queue, uint16_t head)
{
    struct fake_queue *q = &F.queue[queue];
    struct virtq_used *used = used_of(q);
    uint16_t event;

    used->ring[q->used % q->size] = (struct virtq_used_entry){ head, length_of(queue, head) };
    q->used++;
    used->idx = q->used;
    memcpy(&event, &avail_of(q)->ring[q->size], sizeof(event));
    if (has_event_idx() ? virtq_event_passed(event, q->used, (uint16_t)(q->used - 1))
                        : (avail_of(q)->flags & VIRTQ_AVAIL_NO_INTERRUPT) == 0) {
        interrupt(VIRTIO_INTERRUPT_QUEUE);
    }
}

static void inflate_page(uint32_t pfn)
{
    always(pfn < F.frames, "a number beyond memory is inflated");
    require(F.owner[pfn] == FAKE_TAKEN, "a frame in use is inflated");
    require(F.in_balloon[pfn] == 0, "a frame is inflated twice");
    F.word[pfn] = 0;
    F.in_balloon[pfn] = FAKE_HELD;
    F.actual_true++;
    F.pages_inflated++;
}

static void deflate_page(uint32_t pfn)
{
    always(pfn < F.frames, "a number beyond memory is deflated");
    require(F.in_balloon[pfn] != 0, "a frame is deflated that is not in the balloon");
    F.actual_true -= F.in_balloon[pfn] == FAKE_HELD;
    F.in_balloon[pfn] = 0;
    F.pages_deflated++;
}

static void run_buffer(uint16_t queue, const struct virtq_desc *desc, uint32_t *streak)
{
    const uint32_t *pfns = (const uint32_t *)(uintptr_t)desc->address;
    uint32_t count = desc->bytes / 4;

    require((desc->flags & VIRTQ_DESC_WRITE) == 0, "a list of pages that the device should write");
    require(desc->bytes % 4 == 0 && count > 0, "half a frame number");
    require(F.pfns_max == 0 || count <= F.pfns_max, "more numbers than this host takes");
    F.now_ns += count * F.cost_ns;
    for (uint32_t i = 0; i < count; i++) {
        if (F.role[queue] == BALLOON_QUEUE_INFLATE) {
            inflate_page(pfns[i]);
        } else {
            deflate_page(pfns[i]);
        }
        F.ranges += pfns[i] != F.last_pfn + 1;
        F.last_pfn = pfns[i];
        /* How many numbers of one block came in a row, from its first on? */
        *streak = pfns[i] % BLOCK_FRAMES == 0         ? 1
                  : *streak == pfns[i] % BLOCK_FRAMES ? *streak + 1
                                                      : 0;
        F.blocks_whole += F.role[queue] == BALLOON_QUEUE_INFLATE && *streak == BLOCK_FRAMES;
    }
}

/* A report or a hint: one writable run. `done`: the device has finished with it. */
static void mark_run(const struct virtq_desc *desc, bool done)
{
    pfn_t first = (pfn_t)(desc->address / FRAME_SIZE);
    pfn_t count = desc->bytes / FRAME_SIZE;

    require((desc->flags & VIRTQ_DESC_WRITE) != 0, "free memory the device may not write");
    always(desc->address % FRAME_SIZE == 0 && desc->bytes % FRAME_SIZE == 0, "parts of frames");
    always(count > 0 && first + count <= F.frames, "free memory beyond memory");
    for (pfn_t pfn = first; pfn < first + count; pfn++) {
        require(F.owner[pfn] == FAKE_TAKEN, "memory in use is reported");
        require(!done || F.reporting[pfn] > 0, "memory is reported without being shown");
        if (done) {
            F.reporting[pfn] = (uint8_t)(F.reporting[pfn] - (F.reporting[pfn] > 0));
        } else {
            F.reporting[pfn]++;
        }
    }
}

/* Hints the device has fetched are remembered, for DONE makes all of them void. */
static void hint_mark(const struct virtq_desc *desc, uint16_t head)
{
    always(head < FAKE_HEADS_MAX, "the hinting queue is longer than the fake remembers");
    if ((desc->flags & VIRTQ_DESC_WRITE) != 0) {
        F.hint[head].first = (pfn_t)(desc->address / FRAME_SIZE);
        F.hint[head].count = desc->bytes / FRAME_SIZE;
    }
}

static void hint_unmark(unsigned head)
{
    for (pfn_t pfn = F.hint[head].first; F.hint[head].count > 0; pfn++) {
        F.reporting[pfn] = (uint8_t)(F.reporting[pfn] - (F.reporting[pfn] > 0));
        F.hint[head].count--;
    }
}

static void run_report(const struct virtq_desc *desc)
{
    pfn_t first = (pfn_t)(desc->address / FRAME_SIZE);
    pfn_t count = desc->bytes / FRAME_SIZE;

    F.reports++;
    F.pages_reported += count;
    F.longest_report = count > F.longest_report ? count : F.longest_report;
    for (pfn_t pfn = first; pfn < first + count; pfn++) {
        require(F.in_balloon[pfn] == 0, "a frame is reported that is in the balloon");
        F.reported_absent += count >= BLOCK_FRAMES && F.word[pfn] == 0;
        if (F.drop_min > 0 && count >= F.drop_min && F.poison == 0) {
            F.word[pfn] = 0;
        }
    }
    F.now_ns += F.cost_ns;
    mark_run(desc, true);
}

static void run_hint(const struct virtq_desc *desc, uint16_t head)
{
    if ((desc->flags & VIRTQ_DESC_WRITE) == 0) {
        uint32_t word;

        always(desc->bytes == sizeof(word), "a command that is not four bytes");
        memcpy(&word, (const void *)(uintptr_t)desc->address, sizeof(word));
        if (F.words < FAKE_WORDS_MAX) {
            F.word_log[F.words] = word;
        }
        F.words++;
        F.hinting = word >= 2;
        return;
    }
    if (F.hinting) {
        F.pages_hinted += desc->bytes / FRAME_SIZE;
    } else {
        F.pages_stray += desc->bytes / FRAME_SIZE;
    }
    for (pfn_t i = 0; i < F.hint[head].count; i++) {
        require(F.owner[F.hint[head].first + i] == FAKE_TAKEN, "a hint is used too late");
    }
    hint_unmark(head);
}

static void run_request(uint16_t queue, uint16_t head)
{
    const struct virtq_desc *table = F.queue[queue].rings->desc;
    uint16_t at = head;
    uint32_t streak = 0;
    bool more = true;

    if (F.role[queue] == BALLOON_QUEUE_REPORT) {
        run_report(&table[at]);
        return;
    }
    if (F.role[queue] == BALLOON_QUEUE_HINT) {
        run_hint(&table[at], head);
        return;
    }
    if ((table[at].flags & VIRTQ_DESC_INDIRECT) != 0) {
        table = (const struct virtq_desc *)(uintptr_t)table[at].address;
        at = 0;
    }
    while (more) {
        run_buffer(queue, &table[at], &streak);
        more = (table[at].flags & VIRTQ_DESC_NEXT) != 0;
        require(!more || !F.refuses_chains, "a chain, which this host does not read");
        at = table[at].next;
    }
}

static void take_stats(uint16_t queue, uint16_t head)
{
    const struct virtq_desc *desc = &F.queue[queue].rings->desc[head];

    require(!F.stats_held, "two statistics buffers at once");
    always(desc->bytes <= sizeof(F.stats), "a statistics buffer of the wrong size");
    F.stats_held = true;
    F.stats_head = head;
    F.stats_queue = queue;
    F.stats_bytes = desc->bytes;
    memcpy(F.stats, (const void *)(uintptr_t)desc->address, desc->bytes);
    F.stats_seen++;
}

/* Everything that is available: done at once, or put on the list. */
static void fetch(uint16_t queue)
{
    struct fake_queue *q = &F.queue[queue];

    if (F.unserved[F.role[queue]]) {
        return;
    }
    while (q->size > 0 && q->seen != avail_of(q)->idx) {
        uint16_t head = avail_of(q)->ring[q->seen % q->size];

        q->seen++;
        if (F.role[queue] == BALLOON_QUEUE_REPORT ||
            (F.role[queue] == BALLOON_QUEUE_HINT &&
             (q->rings->desc[head].flags & VIRTQ_DESC_WRITE) != 0)) {
            mark_run(&q->rings->desc[head], false);
        }
        if (F.role[queue] == BALLOON_QUEUE_HINT) {
            hint_mark(&q->rings->desc[head], head);
        }
        if (F.role[queue] == BALLOON_QUEUE_STATS) {
            take_stats(queue, head);
        } else if (F.loses) {
            continue;
        } else if (F.asynchronous) {
            always(F.pending_count < FAKE_PENDING_MAX, "the fake's list is full");
            F.pending[F.pending_count] =
                (struct fake_pending){ queue, head, F.now_ns + F.delay_ns * (F.pending_count + 1),
                                       false };
            F.pending_count++;
            F.requests_at_once =
                F.pending_count > F.requests_at_once ? F.pending_count : F.requests_at_once;
        } else {
            run_request(queue, head);
            complete(queue, head);
        }
    }
    if (q->size > 0 && has_event_idx()) {
        memcpy(&used_of(q)->ring[q->size], &q->seen, sizeof(q->seen));
    }
}

static void run_due(void)
{
    unsigned i = 0;

    while (i < F.pending_count) {
        unsigned pick =
            F.shuffles ? i + (unsigned)(fake_balloon_random() % (F.pending_count - i)) : i;
        struct fake_pending p = F.pending[pick];

        if (p.due_ns > F.now_ns) {
            i++;
            continue;
        }
        F.pending_count--;
        memmove(&F.pending[pick], &F.pending[pick + 1],
                (F.pending_count - pick) * sizeof(F.pending[0]));
        /* After a lie the buffers may be the guest's again; only a reset makes peace. */
        if (!F.hostile && !p.void_hint) {
            run_request(p.queue, p.head);
        }
        complete(p.queue, p.head);
    }
}

/* ---- the device: transport ---- */

static uint8_t op_get_status(struct virtio_device *dev)
{
    (void)dev;
    return F.gone ? UINT8_MAX : F.status;
}

/* Everything the device has of the guest's is the guest's again. */
static void forget(void)
{
    F.status = 0;
    F.accepted = 0;
    F.isr = 0;
    F.pending_count = 0;
    F.stats_held = false;
    F.hostile = false;
    F.actual_true = 0;
    memset(F.queue, 0, sizeof(F.queue));
    memset(F.in_balloon, 0, F.frames);
    memset(F.reporting, 0, F.frames);
    F.hinting = false;
    memset(F.hint, 0, sizeof(F.hint));
}

static void op_set_status(struct virtio_device *dev, uint8_t status)
{
    (void)dev;
    if (status == 0) {
        F.resets++;
        if (!F.reset_hangs) {
            forget();
        }
        return;
    }
    if (F.gone) {
        return;
    }
    always((F.status & ~status) == 0, "a status bit was cleared");
    if ((status & VIRTIO_STATUS_FEATURES_OK) != 0 && F.refuses_features) {
        status &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
    }
    if ((status & ~F.status & VIRTIO_STATUS_DRIVER_OK) != 0 && F.queue[2].size > 0 &&
        F.role[2] == BALLOON_QUEUE_STATS) {
        F.stats_before_driver_ok += avail_of(&F.queue[2])->idx;
    }
    F.status = status;
}

static uint64_t op_get_features(struct virtio_device *dev)
{
    (void)dev;
    return F.offered;
}

static void op_set_features(struct virtio_device *dev, uint64_t features)
{
    (void)dev;
    always((features & ~F.offered) == 0, "a feature was accepted that was not offered");
    F.accepted = features;
}

/* By the specification, or consecutively over what is offered. */
static void number_queues(void)
{
    F.queue_count = 0;
    for (unsigned q = 0; q < BALLOON_QUEUES; q++) {
        uint64_t feature = balloon_queue_feature((enum balloon_queue)q);

        if (F.fixed_queues || feature == 0 || (F.offered & feature) != 0) {
            F.role[F.queue_count++] = (enum balloon_queue)q;
        }
    }
    F.queue_count = (uint16_t)(F.queue_count - F.queues_missing);
}

static uint16_t op_queue_count(struct virtio_device *dev)
{
    (void)dev;
    number_queues();
    return F.queue_count;
}

static uint16_t op_queue_size_max(struct virtio_device *dev, uint16_t index)
{
    (void)dev;
    if (index >= F.queue_count) {
        return 0;
    }
    return F.queue_sizes[F.role[index]] > 0 ? F.queue_sizes[F.role[index]] : F.queue_size;
}

static err_t op_queue_enable(struct virtio_device *dev, const struct virtq *vq)
{
    (void)dev;
    always((F.status & VIRTIO_STATUS_DRIVER_OK) == 0, "a queue was enabled too late");
    F.queue[vq->index] = (struct fake_queue){ .size = vq->size, .rings = vq };
    return OK;
}

static void op_queue_notify(struct virtio_device *dev, uint16_t index)
{
    (void)dev;
    if (F.gone) {
        return;
    }
    always((F.status & VIRTIO_STATUS_DRIVER_OK) != 0, "a notification before DRIVER_OK");
    F.notifies++;
    fetch(index);
}

static uint8_t op_config_generation(struct virtio_device *dev)
{
    (void)dev;
    return 0;
}

static uint32_t op_config_read32(struct virtio_device *dev, uint32_t offset)
{
    (void)dev;
    if (F.gone) {
        return UINT32_MAX;
    }
    if (offset == 8) {
        always((F.accepted & BALLOON_F_FREE_PAGE_HINT) != 0, "a field was read that is not there");
        return F.cmd_id;
    }
    always(offset == 0, "a field was read that is the driver's, or not there");
    return F.num_pages;
}

static void op_config_write32(struct virtio_device *dev, uint32_t offset, uint32_t value)
{
    (void)dev;
    if (F.gone) {
        return;
    }
    if (offset == 12) {
        always((F.accepted & BALLOON_F_PAGE_POISON) != 0, "a field was written that is not there");
        always((F.status & VIRTIO_STATUS_DRIVER_OK) == 0, "poison was written after DRIVER_OK");
        F.poison = value;
        return;
    }
    always(offset == 4, "a field was written that is not the driver's");
    always((F.status & VIRTIO_STATUS_DRIVER_OK) != 0, "`actual` was written before DRIVER_OK");
    /* Pages that wait for the host to be told may be in it yet. */
    require(value <= F.actual_true, "`actual` counts pages that were not acknowledged");
    require((F.accepted & BALLOON_F_MUST_TELL_HOST) != 0 || value == F.actual_true,
            "`actual` is not true");
    if (F.actual_last_ns != 0 && F.now_ns - F.actual_last_ns > F.actual_gap_ns) {
        F.actual_gap_ns = F.now_ns - F.actual_last_ns;
    }
    F.actual = value;
    F.actual_last_ns = F.now_ns;
    F.actual_writes++;
}

static uint32_t op_interrupt_cause(struct virtio_device *dev)
{
    uint32_t cause = F.isr;

    (void)dev;
    F.isr = 0;
    return cause;
}

static void op_relax(struct virtio_device *dev)
{
    (void)dev;
}

static bool op_gone(struct virtio_device *dev)
{
    (void)dev;
    return F.gone;
}

static const struct virtio_transport_ops ops = {
    .name = "fake",
    .get_status = op_get_status,
    .set_status = op_set_status,
    .get_features = op_get_features,
    .set_features = op_set_features,
    .queue_count = op_queue_count,
    .queue_size_max = op_queue_size_max,
    .queue_enable = op_queue_enable,
    .queue_notify = op_queue_notify,
    .config_generation = op_config_generation,
    .config_read32 = op_config_read32,
    .config_write32 = op_config_write32,
    .interrupt_cause = op_interrupt_cause,
    .relax = op_relax,
    .gone = op_gone,
};

/* ---- what a test does ---- */

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
    F.dev = (struct virtio_device){ .ops = &ops, .device_id = VIRTIO_ID_BALLOON };
    F.random = 1;
}

void fake_balloon_wish(uint32_t pages)
{
    F.num_pages = pages;
    if ((F.status & VIRTIO_STATUS_DRIVER_OK) != 0) {
        interrupt(VIRTIO_INTERRUPT_CONFIG);
    }
}

/* After DONE the device does not care for the hints it still has. */
static void void_hints(void)
{
    for (unsigned i = 0; i < F.pending_count; i++) {
        F.pending[i].void_hint |= F.role[F.pending[i].queue] == BALLOON_QUEUE_HINT;
    }
    for (unsigned head = 0; head < FAKE_HEADS_MAX; head++) {
        hint_unmark(head);
    }
}

void fake_balloon_hint(uint32_t cmd_id)
{
    F.cmd_id = cmd_id;
    if (cmd_id == BALLOON_HINT_DONE) {
        void_hints();
    }
    if ((F.status & VIRTIO_STATUS_DRIVER_OK) != 0) {
        interrupt(VIRTIO_INTERRUPT_CONFIG);
    }
}

void fake_balloon_unplug(void)
{
    forget();
    F.gone = true;
}

void fake_balloon_needs_reset(void)
{
    F.status |= VIRTIO_STATUS_NEEDS_RESET;
    interrupt(VIRTIO_INTERRUPT_CONFIG);
}

void fake_balloon_ask_stats(void)
{
    if (F.stats_held) {
        F.stats_held = false;
        complete(F.stats_queue, F.stats_head);
    }
}

uint64_t fake_balloon_stat(uint16_t tag)
{
    for (uint32_t at = 0; at + 10 <= F.stats_bytes; at += 10) {
        uint16_t found;
        uint64_t value;

        memcpy(&found, F.stats + at, 2);
        memcpy(&value, F.stats + at + 2, 8);
        if (found == tag) {
            return value;
        }
    }
    return UINT64_MAX;
}

void fake_balloon_lie(uint16_t queue, uint32_t id, uint32_t bytes, uint16_t index_step)
{
    struct fake_queue *q = &F.queue[queue];

    if (q->size == 0) {
        return;
    }
    F.hostile = true;
    used_of(q)->ring[q->used % q->size] = (struct virtq_used_entry){ id, bytes };
    q->used = (uint16_t)(q->used + index_step);
    used_of(q)->idx = q->used;
    interrupt(VIRTIO_INTERRUPT_QUEUE);
}

static uint64_t next_due(void)
{
    uint64_t due = UINT64_MAX;

    for (unsigned i = 0; i < F.pending_count; i++) {
        due = F.pending[i].due_ns < due ? F.pending[i].due_ns : due;
    }
    return due;
}

/* Delivers an interrupt; true when the driver wants to be called. */
static bool deliver(struct balloon_dev *d)
{
    bool ours = F.irq && balloon_dev_interrupt(d);

    F.irq = false;
    F.interrupts += ours;
    return ours || atomic_load(&d->marks) != 0;
}

void fake_balloon_settle(struct balloon_dev *d, uint64_t limit_ns)
{
    uint64_t end = F.now_ns + limit_ns;
    unsigned in_a_row = 0;

    fake_balloon_watcher = d;
    while (true) {
        uint64_t wake = balloon_dev_service(d, F.idle);

        F.services++;
        in_a_row++;
        always(in_a_row < 20000, "the driver spins");
        /* The idle loop would call it again and again, and never halt. */
        always(!F.idle || !balloon_dev_wants_idle(d), "idle time is wanted that was just given");
        /* Sleep until something happens that wakes it: nothing else calls the service. */
        while (!deliver(d) && wake > F.now_ns) {
            uint64_t next = next_due() < wake ? next_due() : wake;

            if (next > end) {
                F.now_ns = next == UINT64_MAX ? F.now_ns : end;
                return;
            }
            F.now_ns = next > F.now_ns ? next : F.now_ns;
            in_a_row = 0;
            run_due();
        }
    }
}

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
