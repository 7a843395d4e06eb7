/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* One driver on one fake machine, for the tests of the balloon driver. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "drivers/virtio/balloon_dev.h"
#include "tests/fakes/fake_balloon.h"
#include "tests/fakes/fake_seams.h"

#define FRAMES  16384U /* 64 MiB */
#define SECONDS (1000 * FAKE_NS_PER_MS)
#define LONG    (100 * SECONDS)
#define F       fake_balloon

static struct balloon_dev dev;

static inline struct balloon_dev_config qemu_config(void)
{
    struct balloon_dev_config config = balloon_dev_config_default;

    config.host = balloon_profile_qemu;
    return config;
}

static inline void machine(uint32_t frames)
{
    fake_balloon_init(frames);
    memset(&dev, 0, sizeof(dev));
    memset(&fake_seams.log_lines, 0, sizeof(fake_seams.log_lines));
}

static inline void start(const struct balloon_dev_config *config)
{
    assert_int_equal(balloon_dev_start(&dev, &F.dev, &fake_balloon_mem, config), OK);
    fake_balloon_settle(&dev, LONG);
}

static inline void start_qemu(uint32_t frames)
{
    struct balloon_dev_config config = qemu_config();

    machine(frames);
    start(&config);
}

/* As much simulated time passes, whatever happens in it. */
static inline void settle_ms(uint64_t ms)
{
    uint64_t end = F.now_ns + ms * FAKE_NS_PER_MS;

    fake_balloon_settle(&dev, ms * FAKE_NS_PER_MS);
    F.now_ns = F.now_ns < end ? end : F.now_ns;
    fake_balloon_check(&dev);
}

static inline void reach(uint32_t pages)
{
    fake_balloon_wish(pages);
    fake_balloon_settle(&dev, LONG);
    fake_balloon_check(&dev);
}

/* Stops and counts: no frame is missing and no memory is held. */
static inline void finish(void)
{
    uint64_t app = 0;

    balloon_dev_stop(&dev);
    fake_balloon_check(&dev);
    for (pfn_t pfn = 0; pfn < F.frames; pfn++) {
        app += F.owner[pfn] == FAKE_APP;
    }
    assert_int_equal(F.allocs, 0);
    assert_int_equal(F.free_frames + app, F.frames);
}
