/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queues of the fake host of the balloon driver. It reads rings through host pointers (in this
 * machine a physical address of driver memory is its pointer), judges every number it finds there,
 * and keeps its own list of the frames it was given, so that it can tell when the driver's story
 * and the truth differ.
 */

#include <string.h>

#include "drivers/virtio/virtq_spec.h"
#include "tests/fakes/fake_balloon_internal.h"

#define F fake_balloon

/* ---- rings ---- */

static const struct virtq_avail *avail_of(const struct fake_queue *q)
{
    return (const struct virtq_avail *)(uintptr_t)q->rings->avail_address;
}

static struct virtq_used *used_of(const struct fake_queue *q)
{
    return (struct virtq_used *)(uintptr_t)q->rings->used_address;
}

uint16_t fake_balloon_available(uint16_t queue)
{
    return F.queue[queue].size > 0 ? avail_of(&F.queue[queue])->idx : 0;
}

static bool has_event_idx(void)
{
    return (F.accepted & VIRTIO_F_EVENT_IDX) != 0;
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
        fake_balloon_interrupt(VIRTIO_INTERRUPT_QUEUE);
    }
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
    fake_balloon_interrupt(VIRTIO_INTERRUPT_QUEUE);
}

/* ---- pages of the balloon ---- */

static void inflate_page(uint32_t pfn)
{
    always(pfn < F.frames, "a number beyond memory is inflated");
    require(F.owner[pfn] == FAKE_TAKEN, "a frame in use is inflated");
    require(F.unmapped[pfn], "a frame is inflated that was taken for something else");
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

/* ---- reports and hints ---- */

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

void fake_balloon_void_hints(void)
{
    for (unsigned i = 0; i < F.pending_count; i++) {
        F.pending[i].void_hint |= F.role[F.pending[i].queue] == BALLOON_QUEUE_HINT;
    }
    for (unsigned head = 0; head < FAKE_HEADS_MAX; head++) {
        hint_unmark(head);
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
    F.now_ns += F.cost_ns + F.report_ns;
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

/* ---- statistics ---- */

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

/* ---- requests, at once or later ---- */

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

void fake_balloon_fetch(uint16_t queue)
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

uint64_t fake_balloon_next_due(void)
{
    uint64_t due = UINT64_MAX;

    for (unsigned i = 0; i < F.pending_count; i++) {
        due = F.pending[i].due_ns < due ? F.pending[i].due_ns : due;
    }
    return due;
}

void fake_balloon_run_due(void)
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
