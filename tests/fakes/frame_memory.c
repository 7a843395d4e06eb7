/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of this process for the page-frame allocator (frame_memory.h). */

#include "tests/fakes/frame_memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"

#include "mm/frame.h"

#define GARBAGE 0xA5

static void *memory;
static void *metadata;
static struct frame_range range;

void frame_memory_start(paddr_t address, pfn_t frames)
{
    void *wish = (void *)(uintptr_t)address;
    pfn_t end = pfn_of(address) + frames;
    size_t bytes = frame_metadata_bytes(end);

    ASSERT(memory == NULL);
    ASSERT(frames > 0);
    memory = mmap(wish, frames * FRAME_SIZE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    ASSERT(memory == wish);
    /* Cleared by the host and not touched: a large memory's is large, too. */
    metadata = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ASSERT(metadata != MAP_FAILED);
    range = (struct frame_range){ pfn_of(address), frames };
    ASSERT(frame_init(metadata, bytes, &range, 1, true) == OK);
}

void frame_memory_soil(void)
{
    for (pfn_t i = 0; i < range.count; i++) {
        enum frame_state state = frame_state(range.first + i);

        if (state == FRAME_FREE_BACKED || state == FRAME_FREE_RETURNED) {
            memset((unsigned char *)memory + i * FRAME_SIZE, GARBAGE, FRAME_SIZE);
        }
    }
}

void frame_memory_stop(void)
{
    ASSERT(memory != NULL);
    munmap(memory, range.count * FRAME_SIZE);
    munmap(metadata, frame_metadata_bytes(range.first + range.count));
    memory = NULL;
}
