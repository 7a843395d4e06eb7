/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that lies about its memory: it offers more than half of it as something that it could do
 * without, which is told to the host as available, and then gives nothing. A host that believes it
 * asks for memory that never comes. It runs until it is switched off.
 */

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <aerostat.h>

#include "tests/libc/check.h"

#define PIECE_BYTES ((size_t)1 << 20)

static size_t give_nothing(void *context, size_t bytes, uint64_t deadline_ns)
{
    (void)context;
    (void)bytes;
    (void)deadline_ns;
    return 0;
}

static struct aerostat_source source = { .name = "promises", .cost = 1, .give = give_nothing };

int main(void)
{
    struct aerostat_memory memory;
    size_t count = 0;
    size_t wanted;

    aerostat_memory(&memory);
    wanted = (size_t)(memory.backed_bytes + memory.returned_bytes) / 10 * 8 / PIECE_BYTES;
    while (count < wanted) {
        void *piece = aerostat_pages_alloc(PIECE_BYTES, AEROSTAT_PAGE_BYTES);

        CHECK(piece != NULL);
        memset(piece, 1, PIECE_BYTES);
        count++;
    }
    source.offered_bytes = count * PIECE_BYTES;
    aerostat_source_register(&source);
    aerostat_result("liar offers=%zu", source.offered_bytes);
    for (;;) {
        pause();
    }
}
