/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory under pressure: a cache fills three quarters of what is free, and shrinks when the host
 * wants more than the rest. It tells when it has shrunk, until the machine is switched off.
 */

#include <stdio.h>
#include <string.h>

#include <aerostat.h>

#define PIECE_BYTES ((size_t)1 << 20)
#define PIECES_MAX  4096

static struct {
    void *pieces[PIECES_MAX];
    size_t count;
    struct aerostat_queue shrunk;
} cache;

/* Called from a task of its own with a small stack: it frees and does nothing else. A real cache
 * would begin with what it has not used for the longest time. */
static size_t give(void *context, size_t bytes, uint64_t deadline_ns);

static struct aerostat_source source = { .name = "cache", .cost = 1, .give = give };

static size_t give(void *context, size_t bytes, uint64_t deadline_ns)
{
    size_t given = 0;

    (void)context;
    while (given < bytes && cache.count > 0 && aerostat_now_ns() < deadline_ns) {
        aerostat_pages_free(cache.pieces[--cache.count], PIECE_BYTES);
        given += PIECE_BYTES;
        source.offered_bytes -= PIECE_BYTES;
    }
    aerostat_wake(&cache.shrunk);
    return given;
}

static void fill(void)
{
    struct aerostat_memory memory;

    aerostat_memory(&memory);
    size_t wanted = (size_t)(memory.backed_bytes + memory.returned_bytes) / 4 * 3 / PIECE_BYTES;

    while (cache.count < wanted && cache.count < PIECES_MAX) {
        void *piece = aerostat_pages_alloc(PIECE_BYTES, AEROSTAT_PAGE_BYTES);

        if (piece == NULL) {
            return;
        }
        memset(piece, 1, PIECE_BYTES);
        cache.pieces[cache.count++] = piece;
        source.offered_bytes += PIECE_BYTES; /* what is offered must be kept true */
    }
}

int main(void)
{
    aerostat_source_register(&source);
    fill();
    printf("the cache has %zu MiB\n", cache.count);
    for (;;) {
        size_t before = cache.count;

        while (cache.count == before) {
            aerostat_wait(&cache.shrunk);
        }
        printf("the cache has %zu MiB, it gave %zu\n", cache.count, before - cache.count);
    }
}
