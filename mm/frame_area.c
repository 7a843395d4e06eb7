/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start of the page-frame allocator, and the opening of areas. At the start only the ranges are
 * looked at; the metadata of an area is written when allocation first reaches it, in ascending
 * order. So a guest of any size starts in the same time, and its metadata takes memory from the
 * host only where memory is used.
 *
 * Invariant: opening an area changes no number that frame_stats reports. That is why blocks partly
 * outside memory, split from the start, count as backed from the start.
 */

#include "mm/frame.h"

#include "mm/frame_internal.h"

#include "base/string.h"

#define LEAF_BYTES          ((size_t)AREA_BLOCKS / 8)
#define COUNTS_BYTES        (AREA_BLOCKS * sizeof(int16_t))
#define ROWS_BYTES          ((size_t)AREA_FRAMES / 8)
#define AREA_METADATA_BYTES (COUNTS_BYTES + 3 * LEAF_BYTES + ROWS_BYTES)
#define METADATA_ALIGN      64U

STATIC_ASSERT(AREA_METADATA_BYTES <= 36 * KIB, "the promise of frame.h");
STATIC_ASSERT(AREA_METADATA_BYTES % METADATA_ALIGN == 0, "every area starts at a cache line");

static pfn_t range_end(const struct frame_range *range)
{
    return range->first + range->count;
}

static unsigned areas_below(pfn_t end)
{
    return (unsigned)(((uint64_t)end + AREA_FRAMES - 1) / AREA_FRAMES);
}

/* Frames of the whole blocks inside a range. */
static uint64_t whole_frames(const struct frame_range *range)
{
    uint64_t from = align_up(range->first, BLOCK_FRAMES);
    uint64_t stop = align_down(range_end(range), BLOCK_FRAMES);

    return from < stop ? stop - from : 0;
}

/* ---- start ---- */

size_t frame_metadata_bytes(pfn_t end)
{
    return areas_below(end) * AREA_METADATA_BYTES;
}

/* Areas [*first, *first + result) are the longest run of areas without a frame below the end. */
static unsigned areas_without_memory(const struct frame_range *ranges, unsigned count,
                                     unsigned *first)
{
    unsigned longest = 0;
    unsigned from = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned stop = ranges[i].first / AREA_FRAMES;

        if (stop > from && stop - from > longest) {
            longest = stop - from;
            *first = from;
        }
        from = areas_below(range_end(&ranges[i]));
    }
    return longest;
}

size_t frame_metadata_gap(const struct frame_range *ranges, unsigned count, size_t *offset)
{
    unsigned first = 0;
    unsigned areas = areas_without_memory(ranges, count, &first);
    unsigned all = count == 0 ? 0 : areas_below(range_end(&ranges[count - 1]));

    /* Of such an area the counts and sets are written, the rows are not. */
    *offset = all * (AREA_METADATA_BYTES - ROWS_BYTES) + first * ROWS_BYTES;
    return areas * ROWS_BYTES;
}

static bool ranges_are_good(const struct frame_range *ranges, unsigned count)
{
    uint64_t free_from = 1; /* frame 0 is never handed out */

    for (unsigned i = 0; i < count; i++) {
        uint64_t end = (uint64_t)ranges[i].first + ranges[i].count;

        if (ranges[i].first < free_from || ranges[i].count == 0 ||
            end > (uint64_t)FRAME_AREAS_MAX * AREA_FRAMES) {
            return false;
        }
        free_from = end + 1; /* neighbours are one range: a gap of a frame at least */
    }
    return true;
}

/* Divides the metadata among its arrays. */
static void place_metadata(unsigned char *at, unsigned areas)
{
    ASSERT((uintptr_t)at % METADATA_ALIGN == 0);
    frame_pool.counts = (int16_t *)(void *)at;
    at += areas * COUNTS_BYTES;
    frame_pool.partial.leaf = (uint64_t *)(void *)at;
    at += areas * LEAF_BYTES;
    frame_pool.backed.leaf = (uint64_t *)(void *)at;
    at += areas * LEAF_BYTES;
    frame_pool.returned.leaf = (uint64_t *)(void *)at;
    at += areas * LEAF_BYTES;
    frame_pool.rows = (uint64_t *)(void *)at;
}

err_t frame_init(void *metadata, size_t metadata_bytes, const struct frame_range *ranges,
                 unsigned count, bool warm)
{
    size_t gap_offset;
    uint64_t whole = 0;
    pfn_t end;

    if (count == 0) {
        return ERR_NOMEM;
    }
    if (!ranges_are_good(ranges, count)) {
        return ERR_RANGE;
    }
    end = range_end(&ranges[count - 1]);
    if (metadata_bytes < frame_metadata_bytes(end)) {
        return ERR_RANGE;
    }
    frame_pool = (struct frame_pool){ .warm = warm, .ranges = ranges, .range_count = count };
    place_metadata(metadata, areas_below(end));
    frame_pool.end = end;
    frame_pool.metadata_bytes = frame_metadata_bytes(end);
    frame_pool.metadata_bytes -= frame_metadata_gap(ranges, count, &gap_offset);
    for (unsigned i = 0; i < count; i++) {
        frame_pool.total += ranges[i].count;
        whole += whole_frames(&ranges[i]);
    }
    frame_pool.returned_frames = warm ? 0 : whole;
    frame_pool.watch_above = WATCH_NEVER;
    frame_pool.ledger = (WATCH_NEVER - (int64_t)frame_pool.total) * LEDGER_FRAME;
    frame_pool.backed_above = WATCH_NEVER;
    frame_pool.backed_slack = WATCH_NEVER - (warm ? (int64_t)(whole / BLOCK_FRAMES) : 0);
    frame_hot_reset();
    return OK;
}

/* ---- opening ---- */

/* Gives a run of blocks one state, four blocks at a time: an area has 512, and start-up counts. */
void frame_counts_set(unsigned block, unsigned count, int16_t state)
{
    const unsigned at_once = sizeof(uint64_t) / sizeof(int16_t);
    uint64_t four = (uint16_t)state * UINT64_C(0x0001000100010001);

    for (; count > 0 && block % at_once != 0; count--) {
        frame_pool.counts[block++] = state;
    }
    for (; count >= at_once; count -= at_once) {
        memcpy(&frame_pool.counts[block], &four, sizeof(four));
        block += at_once;
    }
    for (; count > 0; count--) {
        frame_pool.counts[block++] = state;
    }
}

static void open_whole_blocks(unsigned block, unsigned count)
{
    frame_counts_set(block, count, BLOCK_FREE);
    block_set_insert_run(frame_pool.warm ? &frame_pool.backed : &frame_pool.returned, block, count);
}

/* Makes frames [from, stop) of one range known; they lie in the area that is being opened. */
static void open_frames(pfn_t from, pfn_t stop)
{
    while (from < stop) {
        unsigned block = from / BLOCK_FRAMES;
        unsigned at = from % BLOCK_FRAMES;
        unsigned count = (unsigned)min_u64(stop - from, BLOCK_FRAMES - at);

        if (count == BLOCK_FRAMES) {
            count = (stop - from) / BLOCK_FRAMES;
            open_whole_blocks(block, count);
            count *= BLOCK_FRAMES;
        } else {
            if (frame_pool.counts[block] == BLOCK_NOT_RAM) {
                frame_block_fill(block);
            }
            frame_block_put(block, at, count);
        }
        from += count;
    }
}

bool frame_area_open(void)
{
    pfn_t area = open_end();
    unsigned block = area / BLOCK_FRAMES;

    if (area >= frame_pool.end) {
        return false;
    }
    frame_counts_set(block, AREA_BLOCKS, BLOCK_NOT_RAM);
    for (unsigned i = 0; i < AREA_BLOCKS / 64; i++) {
        frame_pool.partial.leaf[block / 64 + i] = 0;
        frame_pool.backed.leaf[block / 64 + i] = 0;
        frame_pool.returned.leaf[block / 64 + i] = 0;
    }
    for (unsigned i = 0; i < frame_pool.range_count; i++) {
        const struct frame_range *range = &frame_pool.ranges[i];

        open_frames((pfn_t)max_u64(range->first, area),
                    (pfn_t)min_u64(range_end(range), area + AREA_FRAMES));
    }
    frame_pool.open_blocks = block + AREA_BLOCKS;
    frame_pool.fast_blocks = frame_pool.fill == NULL ? frame_pool.open_blocks : 0;
    return true;
}

/* ---- which range ---- */

const struct frame_range *frame_range_of(pfn_t pfn)
{
    for (unsigned i = 0; i < frame_pool.range_count; i++) {
        const struct frame_range *range = &frame_pool.ranges[i];

        if (pfn - range->first < range->count) {
            return range;
        }
    }
    return NULL;
}

bool frame_span_find(pfn_t first, pfn_t count)
{
    const struct frame_range *range = frame_range_of(first);

    if (range == NULL || first >= open_end()) {
        return false;
    }
    pfn_t span = (pfn_t)min_u64(range_end(range), open_end()) - range->first;

    frame_pool.span_first = range->first;
    frame_pool.span_count = frame_pool.fill == NULL ? span : 0;
    return count <= span - (first - range->first);
}
