/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzer of the heap over the real frame allocator: the input is a size of memory and a list of
 * calls, each judged by the reference model. Properties: contents stay, blocks are disjoint and
 * aligned, a call that fails says ENOMEM and changes nothing; and when everything was freed, every
 * frame is free, bookkeeping included.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"

#include "libc/heap/heap.h"
#include "mm/frame.h"
#include "tests/fakes/frame_memory.h"
#include "tests/fakes/model_heap.h"

#define FRAMES_STEP 16U
#define SOILED_MAX  512U

struct fuzz {
    const uint8_t *data;
    size_t left;
    struct model_heap model;
    bool gives_up;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fuzz fuzz;

static unsigned next_u8(void)
{
    if (fuzz.left == 0) {
        return 0;
    }
    fuzz.left--;
    return *fuzz.data++;
}

/* Small sizes often, up to 128 KiB now and then, and rarely more than there can be. */
static size_t next_size(void)
{
    unsigned code = next_u8();
    size_t fine = next_u8();

    if (code == 255) {
        return SIZE_MAX - fine * 4096;
    }
    return (fine << code % 10) + code / 10;
}

/* As a pressure source that has its cache in this heap. */
static bool give_up(pfn_t count)
{
    (void)count;
    if (!fuzz.gives_up || fuzz.model.count < 2) {
        return false;
    }
    /* Block 0 may be the one that is being resized. */
    model_heap_free(&fuzz.model, 1 + next_u8() % (fuzz.model.count - 1));
    return true;
}

static void operate(void)
{
    unsigned code = next_u8();
    unsigned count = fuzz.model.count;

    if (count == MODEL_HEAP_BLOCKS) {
        model_heap_free_all(&fuzz.model);
        return;
    }
    switch (code % 8) {
    case 0:
    case 1:
    case 2:
        (void)model_heap_malloc(&fuzz.model, next_size());
        break;
    case 3:
        (void)model_heap_calloc(&fuzz.model, 1 + next_u8() % 8, next_size());
        break;
    case 4:
        (void)model_heap_aligned(&fuzz.model, (size_t)1 << code / 8 % 18, next_size());
        break;
    case 5:
        if (count > 0) {
            (void)model_heap_realloc(&fuzz.model, fuzz.gives_up ? 0 : next_u8() % count,
                                     next_size());
        }
        break;
    default:
        if (count > 0) {
            model_heap_free(&fuzz.model, next_u8() % count);
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heap_stats stats;
    pfn_t frames;

    fuzz = (struct fuzz){ .data = data, .left = size };
    frames = FRAMES_STEP * (1 + next_u8());
    fuzz.gives_up = next_u8() % 2 != 0;
    frame_memory_start(FRAME_MEMORY_LOW, frames);
    frame_set_reclaim(give_up);
    if (frames <= SOILED_MAX) {
        frame_memory_soil();
    }
    while (fuzz.left > 0) {
        operate();
        stats = heap_stats();
        ASSERT(stats.frames + stats.meta_frames + frame_free_count() == frames);
    }
    model_heap_check(&fuzz.model);
    model_heap_free_all(&fuzz.model);
    stats = heap_stats();
    ASSERT(stats.blocks == 0);
    ASSERT(stats.frames + stats.meta_frames == 0);
    frame_set_reclaim(NULL);
    frame_check();
    frame_memory_stop();
    return 0;
}
