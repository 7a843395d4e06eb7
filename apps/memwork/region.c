/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of a region's pages is a tree of three levels with leaves that are filled from the left:
 *
 *     root: 1024 directories, each 1024 leaves, each 512 entries of a page and its stamp
 *
 * Exactly the nodes that the number of pages needs are there, so taking the last page away may free
 * its leaf, and never needs memory. A stamp tells what is in the page: its version, and whether all
 * of it was written or only the first word.
 */

#include "apps/memwork/region.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/string.h"

#include "apps/memwork/pattern.h"

#define LEAF_ENTRIES  (HOST_PAGE_BYTES / sizeof(struct entry))
#define NODE_ENTRIES  (HOST_PAGE_BYTES / sizeof(uint32_t))
#define DIRECTORY_MAX (LEAF_ENTRIES * NODE_ENTRIES)
#define REGION_MAX    (DIRECTORY_MAX * NODE_ENTRIES)

/* The two highest bits of a stamp; the rest is the version. */
#define STAMP_TOUCHED (1U << 30)
#define STAMP_FILLED  (1U << 31)
#define STAMP_VERSION (STAMP_TOUCHED - 1)

struct entry {
    uint32_t page;
    uint32_t stamp; /* 0: nothing was written */
};

/* ---- the tree ---- */

static uint32_t *node_view(const struct memwork_host *host, uint32_t page)
{
    ASSERT(page != HOST_PAGE_NONE);
    return (uint32_t *)(void *)host->view(host->context, page);
}

static uint32_t *leaf_slot(const struct region *region, const struct memwork_host *host,
                           uint64_t at)
{
    uint32_t directory = node_view(host, region->index_root)[at / DIRECTORY_MAX];

    return &node_view(host, directory)[at / LEAF_ENTRIES % NODE_ENTRIES];
}

static struct entry *entry_at(const struct region *region, const struct memwork_host *host,
                              uint64_t at)
{
    ASSERT(at < region->count || (region->busy && at < REGION_MAX));
    struct entry *leaf = (struct entry *)(void *)node_view(host, *leaf_slot(region, host, at));

    return &leaf[at % LEAF_ENTRIES];
}

static bool node_take(const struct memwork_host *host, uint32_t *slot)
{
    uint32_t page;

    if (host->take(host->context, 1, &page) == 0) {
        return false;
    }
    *slot = page;
    return true;
}

/* The list ends at `count`: takes away the nodes that began there. */
static void tree_trim(struct region *region, const struct memwork_host *host, uint64_t count)
{
    if (count % LEAF_ENTRIES == 0) {
        host->give(host->context, *leaf_slot(region, host, count));
    }
    if (count % DIRECTORY_MAX == 0) {
        host->give(host->context, node_view(host, region->index_root)[count / DIRECTORY_MAX]);
    }
    if (count == 0) {
        host->give(host->context, region->index_root);
        region->index_root = HOST_PAGE_NONE;
    }
}

/* Makes room for entry `count`, the first behind the end. False: no memory, and nothing changed. */
static bool tree_extend(struct region *region, const struct memwork_host *host)
{
    uint64_t count = region->count;

    if (count == 0 && !node_take(host, &region->index_root)) {
        return false;
    }
    uint32_t *directory = &node_view(host, region->index_root)[count / DIRECTORY_MAX];

    if (count % DIRECTORY_MAX == 0 && !node_take(host, directory)) {
        if (count == 0) {
            host->give(host->context, region->index_root);
            region->index_root = HOST_PAGE_NONE;
        }
        return false;
    }
    if (count % LEAF_ENTRIES == 0 && !node_take(host, leaf_slot(region, host, count))) {
        if (count % DIRECTORY_MAX == 0) {
            host->give(host->context, *directory);
        }
        if (count == 0) {
            host->give(host->context, region->index_root);
            region->index_root = HOST_PAGE_NONE;
        }
        return false;
    }
    return true;
}

/* ---- content ---- */

static uint64_t key_of(const struct region *region, const struct entry *entry)
{
    uint32_t version = entry->stamp & STAMP_VERSION;

    ASSERT(version == region->version || version + 1 == region->version);
    return pattern_key(region->seeds[version & 1], region->number, version, entry->page);
}

/* How many of a page's words are written. */
static unsigned words_of(const struct entry *entry)
{
    return (entry->stamp & STAMP_FILLED) != 0 ? HOST_PAGE_WORDS : entry->stamp != 0 ? 1 : 0;
}

/* The page's part of the checksum by the books: the sum of an arithmetic series. */
static uint64_t part_of(const struct region *region, const struct entry *entry)
{
    uint64_t words = words_of(entry);

    if (words == 0) {
        return 0;
    }
    return pattern_part(words * key_of(region, entry) + PATTERN_STEP * (words * (words - 1) / 2));
}

static void write_entry(struct region *region, const struct memwork_host *host, struct entry *entry,
                        enum region_write write)
{
    if (write == REGION_LEAVE || (write == REGION_TOUCH && entry->stamp != 0)) {
        return;
    }
    region->checksum -= part_of(region, entry);
    entry->stamp = (write == REGION_FILL ? STAMP_FILLED : STAMP_TOUCHED) | region->version;
    uint64_t *view = host->view(host->context, entry->page);
    uint64_t key = key_of(region, entry);
    unsigned words = words_of(entry);

    for (unsigned i = 0; i < words; i++) {
        view[i] = pattern_word(key, i);
    }
    region->checksum += part_of(region, entry);
}

/* ---- the region ---- */

void region_init(struct region *region, unsigned number, const char *name)
{
    ASSERT(name[0] != '\0' && strlen(name) <= SCRIPT_NAME_MAX);
    /* Version 0 is none, so that the stamp of an unwritten page is 0 and the oldest is the first.
     */
    *region = (struct region){ .number = number, .index_root = HOST_PAGE_NONE, .version = 1 };
    region->seeds[0] = 1;
    region->seeds[1] = 1;
    memcpy(region->name, name, strlen(name) + 1);
}

void region_new_version(struct region *region, uint64_t seed)
{
    ASSERT(region->version < STAMP_VERSION);
    region->version++;
    region->seeds[region->version & 1] = seed;
}

uint64_t region_grow(struct region *region, const struct memwork_host *host, uint64_t wanted,
                     enum region_write write)
{
    uint64_t room = LEAF_ENTRIES - region->count % LEAF_ENTRIES;
    uint32_t first = HOST_PAGE_NONE;
    uint32_t got = 0;

    ASSERT(wanted > 0);
    ASSERT(!region->busy);
    if (region->count == REGION_MAX) {
        return 0;
    }
    region->busy = true;
    if (room < LEAF_ENTRIES || tree_extend(region, host)) {
        got = host->take(host->context, (uint32_t)min_u64(wanted, room), &first);
        ASSERT(got <= min_u64(wanted, room));
        if (got == 0 && room == LEAF_ENTRIES) {
            tree_trim(region, host, region->count);
        }
    }
    for (uint32_t i = 0; i < got; i++) {
        struct entry *entry = entry_at(region, host, region->count + i);

        *entry = (struct entry){ .page = first + i };
        write_entry(region, host, entry, write);
    }
    region->count += got;
    region->busy = false;
    return got;
}

void region_write(struct region *region, const struct memwork_host *host, uint64_t at,
                  enum region_write write)
{
    write_entry(region, host, entry_at(region, host, at), write);
}

void region_check(const struct region *region, const struct memwork_host *host, uint64_t at,
                  struct region_fault *fault, uint64_t *checksum)
{
    const struct entry *entry = entry_at(region, host, at);
    const uint64_t *view = host->view(host->context, entry->page);
    unsigned words = words_of(entry);
    uint64_t sum = 0;

    if (words == 0) {
        return;
    }
    uint64_t key = key_of(region, entry);

    for (unsigned i = 0; i < words; i++) {
        uint64_t found = view[i];

        sum += found;
        if (found == pattern_word(key, i)) {
            continue;
        }
        if (fault->words == 0) {
            *fault = (struct region_fault){
                .page = entry->page, .index = i, .found = found, .expected = pattern_word(key, i)
            };
        }
        fault->words++;
    }
    *checksum += pattern_part(sum);
}

void region_drop(struct region *region, const struct memwork_host *host, uint64_t at)
{
    ASSERT(at < region->count);
    struct entry *entry = entry_at(region, host, at);
    struct entry gone = *entry;

    region->checksum -= part_of(region, &gone);
    *entry = *entry_at(region, host, region->count - 1);
    region->count--;
    /* What is not there any more needs no node. */
    if (region->count % LEAF_ENTRIES == 0) {
        tree_trim(region, host, region->count);
    }
    host->give(host->context, gone.page);
}
