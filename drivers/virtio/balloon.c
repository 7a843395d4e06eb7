/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon's decisions. Rings, buffers, memory and time are the driver's.
 *
 * Invariants: what is leaving or in the balloon never grows beyond the target; pages are released
 * only while none is leaving, and sent only while none is untold or returning, so the device sees
 * one ordered history of each page although it serves two queues; `actual` counts acknowledged
 * pages only; attempts that find no memory are separated by pauses that double. [VIRTIO 1.4 §5.5.6]
 */

#include "drivers/virtio/balloon.h"

#include "base/assert.h"
#include "base/bits.h"

#define NS_PER_MS UINT64_C(1000000)

/* So many of the longest pauses without pressure, and the shortest one counts again. */
#define CALM_FORGETS UINT64_C(10)

void balloon_init(struct balloon *b, const struct balloon_limits *limits)
{
    ASSERT(limits->retry_min_ms > 0 && limits->retry_min_ms <= limits->retry_max_ms);
    ASSERT(limits->calm_min_ms > 0 && limits->calm_min_ms <= limits->calm_max_ms);
    *b = (struct balloon){ .limits = *limits };
}

uint64_t balloon_held(const struct balloon *b)
{
    return b->in_balloon + b->leaving;
}

uint64_t balloon_wanted(const struct balloon *b, uint64_t now_ns)
{
    bool waits = (b->paused && now_ns < b->retry_at_ns) || (b->pressed && now_ns < b->calm_at_ns) ||
                 b->untold + b->returning > 0;

    return waits || b->target <= balloon_held(b) ? 0 : b->target - balloon_held(b);
}

void balloon_check(const struct balloon *b)
{
    ASSERT(b->may_send == 0 || (b->may_release == 0 && b->untold + b->returning == 0));
    /* So a page is never announced before its inflate request was acknowledged
     * [VIRTIO 1.4 §5.5.6.1]. */
    ASSERT(b->may_release == 0 || b->leaving == 0);
    ASSERT(b->may_send == 0 || balloon_held(b) + b->may_send <= b->target);
    ASSERT(b->may_release == 0 || b->in_balloon - b->may_release >= b->target);
    /* num_pages and actual have 32 bits, so a truthful `actual` fits. */
    ASSERT(balloon_held(b) <= UINT32_MAX);
    ASSERT(!b->paused || b->short_of_memory || b->pressed || b->wary);
    ASSERT(b->pause_ns <= b->limits.retry_max_ms * NS_PER_MS);
    ASSERT(b->calm_ns <= b->limits.calm_max_ms * NS_PER_MS);
    ASSERT(!b->pressed || b->may_send == 0);
}

static void episode_end(struct balloon *b)
{
    b->short_of_memory = false;
    b->paused = false;
    b->pause_ns = 0;
}

static void on_target(struct balloon *b, uint64_t pages)
{
    ASSERT(pages <= UINT32_MAX);
    pages = min_u64(pages, b->limits.max_pages);
    /* What was allowed under the old target is void. */
    b->may_send = 0;
    b->may_release = 0;
    if (pages < b->target || pages <= balloon_held(b)) {
        episode_end(b);
    }
    /* A new wish was made knowing what happened to the last one: headroom is not waited for. */
    if (pages != b->target && b->wary) {
        b->wary = false;
        b->paused = false;
    }
    b->target = pages;
}

/* There is nothing to give. Every time in a row the pause doubles, so a target that can never be
 * met costs next to nothing. */
static void pause_begin(struct balloon *b, uint64_t now_ns)
{
    uint64_t doubled = b->pause_ns == 0 ? b->limits.retry_min_ms * NS_PER_MS : 2 * b->pause_ns;

    ASSERT(balloon_held(b) < b->target);
    b->pause_ns = min_u64(doubled, b->limits.retry_max_ms * NS_PER_MS);
    b->retry_at_ns = now_ns + b->pause_ns;
    b->paused = true;
    b->retries++;
    b->may_send = 0;
}

/* The first time in an episode it is said. */
static void shortage(struct balloon *b, struct balloon_actions *actions)
{
    if (!b->short_of_memory) {
        b->short_of_memory = true;
        b->episodes++;
        actions->missing = b->target - balloon_held(b);
    }
}

/* An allocation would have failed: whatever the host wishes, this guest needs what it has. */
static void on_taken(struct balloon *b, const struct balloon_event *event)
{
    uint64_t quiet_ns = CALM_FORGETS * b->limits.calm_max_ms * NS_PER_MS;
    bool first = b->calm_ns == 0 || event->now_ns >= b->calm_at_ns + quiet_ns;

    ASSERT(event->pages <= b->in_balloon);
    b->in_balloon -= event->pages;
    b->untold += event->pages;
    b->taken += event->pages;
    b->may_send = 0;
    b->may_release = 0;
    /* One time of pressure may take many times. */
    if (!b->pressed) {
        b->calm_ns = first ? b->limits.calm_min_ms * NS_PER_MS
                           : min_u64(2 * b->calm_ns, b->limits.calm_max_ms * NS_PER_MS);
    }
    b->calm_at_ns = event->now_ns + b->calm_ns;
    b->pressed = true;
    b->wary = true;
    /* How long is waited is a matter of calm from now on. */
    b->paused = false;
    b->pause_ns = 0;
}

/* What may be sent of what is free above the floor. */
static uint64_t available(struct balloon *b, const struct balloon_event *event)
{
    uint64_t kept = b->wary ? b->limits.headroom_pages : 0;

    if (b->pressed && event->now_ns >= b->calm_at_ns && event->available > kept) {
        b->pressed = false;
    }
    return b->pressed || event->available <= kept ? 0 : event->available - kept;
}

static void on_slice_begin(struct balloon *b, const struct balloon_event *event,
                           struct balloon_actions *actions)
{
    ASSERT(event->pages > 0);
    b->may_send = 0;
    b->may_release = 0;
    if (b->paused && event->now_ns >= b->retry_at_ns) {
        b->paused = false;
    }
    actions->announce = b->untold;
    /* SHOULD supply pages while fewer are in the balloon than wished [VIRTIO 1.4 §5.5.6.1]. Leaving
     * ones count, or the target would be passed. */
    if (b->target > balloon_held(b) && b->untold + b->returning == 0 && !b->paused &&
        !(b->pressed && event->now_ns < b->calm_at_ns)) {
        uint64_t most = available(b, event);

        if (most == 0) {
            pause_begin(b, event->now_ns);
            /* Headroom is free, but not to be had; and under pressure nothing would be sent. */
            if (!b->pressed && event->available == 0) {
                shortage(b, actions);
            }
            return;
        }
        b->may_send = min_u64(b->target - balloon_held(b), min_u64(most, event->pages));
    }
    /* MAY use pages of the balloon while more are in it than wished, and MUST NOT otherwise
     * [VIRTIO 1.4 §5.5.6.1]. */
    if (b->target < b->in_balloon && b->leaving == 0) {
        b->may_release = min_u64(b->in_balloon - b->target, event->pages);
    }
    actions->inflate = b->may_send;
    actions->deflate = b->may_release;
}

static void on_sent(struct balloon *b, uint64_t pages)
{
    ASSERT(pages <= b->may_send);
    b->may_send -= pages;
    b->leaving += pages;
    if (pages > 0) {
        b->pause_ns = 0;
    }
    if (balloon_held(b) == b->target) {
        episode_end(b);
    }
}

static void on_released(struct balloon *b, uint64_t pages)
{
    ASSERT(pages <= b->may_release);
    b->may_release -= pages;
    b->in_balloon -= pages;
    b->returning += pages;
}

static void on_slice_end(struct balloon *b, struct balloon_actions *actions)
{
    actions->actual = (uint32_t)b->in_balloon;
    b->may_send = 0;
    b->may_release = 0;
    /* `actual` MUST follow every change, and MAY follow several at once [VIRTIO 1.4 §5.5.6.1]. */
    actions->write_actual = !b->written_valid || b->written != actions->actual;
    if (actions->write_actual) {
        b->written = actions->actual;
        b->written_valid = true;
    }
    actions->again = (b->target > balloon_held(b) && b->untold + b->returning == 0 && !b->paused &&
                      !b->pressed) ||
                     (b->target < b->in_balloon && b->leaving == 0) || b->untold > 0;
    if (b->paused) {
        actions->retry_ns = b->retry_at_ns;
    } else if (b->pressed && b->target > balloon_held(b)) {
        actions->retry_ns = b->calm_at_ns;
    }
}

/* The host's view of a device that was reset is not known (observed: QEMU 7.2 keeps the old
 * `actual`), so the next slice tells it again. The target is read anew as well. */
static void on_lost(struct balloon *b)
{
    b->target = 0;
    b->in_balloon = 0;
    b->leaving = 0;
    b->untold = 0;
    b->returning = 0;
    b->may_send = 0;
    b->may_release = 0;
    b->written_valid = false;
    episode_end(b);
}

struct balloon_actions balloon_step(struct balloon *b, const struct balloon_event *event)
{
    struct balloon_actions actions = { .retry_ns = BALLOON_NEVER };

    balloon_check(b);
    switch (event->kind) {
    case BALLOON_TARGET:
        on_target(b, event->pages);
        break;
    case BALLOON_SLICE_BEGIN:
        on_slice_begin(b, event, &actions);
        break;
    case BALLOON_SENT:
        on_sent(b, event->pages);
        break;
    case BALLOON_ACKED:
        ASSERT(event->pages <= b->leaving);
        b->leaving -= event->pages;
        b->in_balloon += event->pages;
        break;
    case BALLOON_RELEASED:
        on_released(b, event->pages);
        break;
    case BALLOON_TAKEN:
        on_taken(b, event);
        break;
    case BALLOON_ANNOUNCED:
        ASSERT(event->pages <= b->untold);
        b->untold -= event->pages;
        b->returning += event->pages;
        break;
    case BALLOON_TOLD:
        ASSERT(event->pages <= b->returning);
        b->returning -= event->pages;
        break;
    case BALLOON_EMPTY:
        pause_begin(b, event->now_ns);
        shortage(b, &actions);
        break;
    case BALLOON_FREED:
        b->paused = false;
        break;
    case BALLOON_SLICE_END:
        on_slice_end(b, &actions);
        break;
    case BALLOON_LOST:
        on_lost(b);
        break;
    }
    balloon_check(b);
    return actions;
}
