/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon driver between a host that changes its mind, a device that lies, stalls, shuffles and
 * dies, and an application that takes and frees memory, in any order. Whatever happens: no frame is
 * lost, none is held twice, nothing the device may use is freed, the driver never spins, and after
 * a last reset everything is back. With an honest device in the end nothing stays announced and
 * unread, the wish is met, and free memory is reported; the fake's rules say the rest.
 */

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "drivers/virtio/balloon_dev.h"
#include "tests/fakes/fake_balloon.h"

#define FRAMES 4096U
#define F      fake_balloon

static struct balloon_dev dev;
static uint64_t events; /* told at the end of a long run */

static void tell_events(void)
{
    fprintf(stderr, "fuzz_balloon: %" PRIu64 " events\n", events);
}

struct input {
    const uint8_t *data;
    size_t left;
};

static uint32_t next(struct input *in)
{
    if (in->left == 0) {
        return 0;
    }
    in->left--;
    return *in->data++;
}

static void device_acts(struct input *in)
{
    switch (next(in) % 8) {
    case 0: {
        uint32_t queue = next(in) % BALLOON_QUEUES;
        uint32_t id = next(in) % 130;
        uint32_t bytes = next(in);
        uint32_t step = next(in) % 4 == 0 ? next(in) * 256 : 1;

        fake_balloon_lie((uint16_t)queue, id, bytes, (uint16_t)step);
        break;
    }
    case 1:
        fake_balloon_needs_reset();
        break;
    case 2:
        F.asynchronous = !F.asynchronous;
        F.delay_ns = next(in) * FAKE_NS_PER_MS / 4;
        break;
    case 3:
        F.shuffles = !F.shuffles;
        break;
    case 4:
        F.loses = !F.loses;
        break;
    case 5:
        F.reset_hangs = next(in) % 4 == 0;
        break;
    case 6:
        F.cost_ns = next(in) * 500;
        F.report_ns = next(in) * FAKE_NS_PER_MS;
        break;
    default:
        fake_balloon_ask_stats();
        break;
    }
}

static uint64_t app_frames(void)
{
    uint64_t frames = 0;

    for (pfn_t pfn = 1; pfn < FRAMES; pfn++) {
        frames += F.owner[pfn] == FAKE_APP;
    }
    return frames;
}

/* A balloon that paused for lack of memory tries again when what hints held comes back. */
static void hints_are_done(void)
{
    bool gives = dev.state == BALLOON_DEV_RUNNING && dev.hint.on && balloon_hint_held(&dev) > 0 &&
                 dev.hint.seen != BALLOON_HINT_DONE;
    uint64_t retries = dev.balloon.retries;

    fake_balloon_hint(BALLOON_HINT_DONE);
    fake_balloon_settle(&dev, 0);
    ASSERT(!gives || dev.state != BALLOON_DEV_RUNNING || !dev.balloon.paused ||
           dev.balloon.retries > retries);
}

/* What only some devices offer. */
static void feature_happens(struct input *in)
{
    switch (next(in) % 5) {
    case 0:
        fake_balloon_hint(next(in) % 4 == 0 ? next(in) : 2 + next(in) % 3);
        break;
    case 1:
        /* The host may have answered meanwhile. */
        fake_balloon_pass(next(in) * FAKE_NS_PER_MS);
        (void)fake_balloon_app_alloc_or_reclaim(&dev, F.free_frames + next(in) * 8);
        break;
    case 2:
        F.drop_min = next(in) % 3 == 0 ? 0 : 1U << (next(in) % 10);
        break;
    case 3:
        hints_are_done();
        break;
    default:
        F.idle = !F.idle;
        break;
    }
}

static void something_happens(struct input *in)
{
    events++;
    switch (next(in) % 7) {
    case 0:
        fake_balloon_wish(next(in) % 9 == 0 ? UINT32_MAX : next(in) * 16 + next(in));
        break;
    case 1:
        fake_balloon_app_alloc(F.free_frames * next(in) / 255);
        break;
    case 2:
        fake_balloon_app_free(app_frames() * next(in) / 255);
        break;
    case 3:
        F.take_fails = next(in) % 4 == 0;
        F.alloc_fails_after = next(in) % 8;
        break;
    case 4:
        F.now_ns += next(in) * 500 * FAKE_NS_PER_MS;
        break;
    case 5:
        feature_happens(in);
        break;
    default:
        device_acts(in);
        break;
    }
}

static bool is_running(void)
{
    return dev.state == BALLOON_DEV_RUNNING;
}

static uint64_t longest_backed_run(void)
{
    uint64_t longest = 0;
    uint64_t run = 0;

    for (uint32_t b = 0; b < FRAMES / BLOCK_FRAMES; b++) {
        run = F.backed[b] && F.block_free[b] == BLOCK_FRAMES ? run + BLOCK_FRAMES : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

/* All memory is used and freed, and the host drops what it is told, whatever it did before. Without
 * the last queue it may take reports for something else; and one that lied may say for ever that it
 * dropped what it has not looked at. */
static void free_memory_is_reported(void)
{
    const struct balloon_report_config *config = &dev.config.report;
    uint64_t backed;

    F.drop_min = 1;
    F.report_ns = 0;
    fake_balloon_hint(BALLOON_HINT_DONE);
    fake_balloon_wish(0);
    fake_balloon_settle(&dev, 100000 * FAKE_NS_PER_MS);
    fake_balloon_app_alloc(F.free_frames);
    fake_balloon_service(&dev);
    fake_balloon_settle(&dev, 100000 * FAKE_NS_PER_MS);
    fake_balloon_app_free(app_frames());
    fake_balloon_settle(&dev, 4000000 * FAKE_NS_PER_MS); /* as long as a probe is believed */
    fake_balloon_check(&dev);
    backed = fake_balloon_mem.backed_count();
    ASSERT(!is_running() || !dev.report.on || dev.config.fill || F.queues_missing > 0 ||
           F.hostile || backed < config->reserve_pages + config->run_pages ||
           longest_backed_run() < config->run_pages);
}

/* With an honest device again it ends well, unless it was given up before. */
static void it_ends_well(void)
{
    F.reset_hangs = F.loses = F.take_fails = false;
    F.alloc_fails_after = 0;
    fake_balloon_settle(&dev, 30000 * FAKE_NS_PER_MS);
    ASSERT(!is_running() || dev.balloon.untold + dev.balloon.returning == 0);
    fake_balloon_wish(100);
    fake_balloon_settle(&dev, 100000 * FAKE_NS_PER_MS);
    fake_balloon_check(&dev);
    ASSERT(dev.state == BALLOON_DEV_DEAD || F.actual == 100 ||
           F.free_frames <= dev.config.floor_pages);
    free_memory_is_reported();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    struct balloon_dev_config config = balloon_dev_config_default;
    uint32_t kind = next(&in);

    static bool told;

    if (!told) {
        atexit(tell_events);
        told = true;
    }
    fake_balloon_init(FRAMES);
    memset(&dev, 0, sizeof(dev));
    config.host = (kind & 1) != 0 ? balloon_profile_qemu : balloon_profile_careful;
    config.slice_pages = BALLOON_SLICE_MIN << (kind >> 1 & 3);
    config.floor_pages = (kind >> 3 & 3) * 50;
    F.queue_size = (uint16_t)(1U << (kind >> 5));
    F.offered &= (next(&in) & 1) != 0 ? UINT64_MAX : ~VIRTIO_F_EVENT_IDX;
    F.offered &= (next(&in) & 1) != 0 ? UINT64_MAX : ~VIRTIO_F_INDIRECT_DESC;
    F.offered |= next(&in) & 0x3f;
    F.fixed_queues = next(&in) % 4 == 0;
    F.queues_missing = next(&in) % 8 == 0 ? 1 : 0;
    config.fill = next(&in) % 4 == 0;
    config.fill_value = next(&in) % 2;
    config.limits.headroom_pages = 256;
    config.report.reserve_pages = next(&in) % 3 * BLOCK_FRAMES;
    config.report.run_pages = BLOCK_FRAMES << next(&in) % 3;
    if (balloon_dev_start(&dev, &F.dev, &fake_balloon_mem, &config) != OK) {
        return 0;
    }
    while (in.left > 0) {
        something_happens(&in);
        fake_balloon_settle(&dev, next(&in) * FAKE_NS_PER_MS);
        fake_balloon_check(&dev);
    }
    it_ends_well();
    balloon_dev_stop(&dev);
    ASSERT(F.taken == 0);
    ASSERT(F.allocs == 0);
    ASSERT(F.free_frames + app_frames() == FRAMES - 1);
    return 0;
}
