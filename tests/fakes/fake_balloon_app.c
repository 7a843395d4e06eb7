/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The application of the fake machine: it allocates and frees frames of the memory in
 * fake_balloon_memory.c, which knows whose they are.
 */

#include "tests/fakes/fake_balloon_internal.h"

#define F fake_balloon

/* The next frame that is to be looked at for an owner: blocks without one are passed over. */
static pfn_t app_next(pfn_t pfn, enum fake_owner from)
{
    uint16_t none = from == FAKE_FREE ? 0 : BLOCK_FRAMES;

    pfn = F.block_free[pfn / BLOCK_FRAMES] == none ? (pfn / BLOCK_FRAMES + 1) * BLOCK_FRAMES
                                                   : pfn + 1;
    return pfn < F.frames ? pfn : 0;
}

static void app_change(uint64_t frames, enum fake_owner from, enum fake_owner to)
{
    for (; frames > 0; frames--) {
        pfn_t pfn = 0;
        uint32_t looked = 0;

        /* Frame 0 belongs to the firmware for ever. Guessing is quicker than searching, mostly. */
        for (unsigned i = 0; i < 64 && (F.owner[pfn] != from || pfn == 0); i++) {
            pfn = (pfn_t)(fake_balloon_random() % F.frames);
        }
        while ((F.owner[pfn] != from || pfn == 0) && looked++ < F.frames) {
            pfn = app_next(pfn, from);
        }
        always(F.owner[pfn] == from && pfn != 0, "the test's application asks for too much");
        fake_balloon_own(pfn, to);
    }
}

void fake_balloon_app_alloc(uint64_t frames)
{
    app_change(frames, FAKE_FREE, FAKE_APP);
}

void fake_balloon_app_free(uint64_t frames)
{
    app_change(frames, FAKE_APP, FAKE_FREE);
    fake_balloon_freed();
}

void fake_balloon_app_free_run(pfn_t first, pfn_t count)
{
    for (pfn_t pfn = first; pfn < first + count; pfn++) {
        always(F.owner[pfn] == FAKE_APP, "the test's application frees what it does not have");
        fake_balloon_own(pfn, FAKE_FREE);
    }
    fake_balloon_freed();
}

void fake_balloon_app_blocks(uint32_t blocks)
{
    for (uint32_t b = 0; blocks > 0; b++) {
        always(b < FAKE_BLOCKS, "the test's application asks for too many blocks");
        if (fake_balloon_is_whole(b)) {
            for (pfn_t i = 0; i < BLOCK_FRAMES; i++) {
                fake_balloon_own(b * BLOCK_FRAMES + i, FAKE_APP);
            }
            blocks--;
        }
    }
}

void fake_balloon_warm(void)
{
    for (uint32_t b = 0; b < FAKE_BLOCKS; b++) {
        F.backed[b] = true;
        for (pfn_t i = 0; i < BLOCK_FRAMES; i++) {
            F.word[b * BLOCK_FRAMES + i] = 1;
        }
    }
}

uint64_t fake_balloon_reclaim(struct balloon_dev *d, uint64_t pages, bool from_balloon)
{
    bool tells = from_balloon && (F.accepted & BALLOON_F_MUST_TELL_HOST) != 0;
    unsigned notifies = F.notifies;
    unsigned touches = F.touches;
    uint64_t gained = balloon_dev_reclaim(d, pages, from_balloon);

    always(tells || F.notifies == notifies, "an allocation notifies the host");
    always(F.touches == touches, "an allocation touches what the host may have to find again");
    return gained;
}

bool fake_balloon_app_alloc_or_reclaim(struct balloon_dev *d, uint64_t frames)
{
    while (F.free_frames < frames) {
        if (fake_balloon_reclaim(d, frames - F.free_frames, true) == 0) {
            return false;
        }
    }
    fake_balloon_app_alloc(frames);
    return true;
}
