/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The nouns of memory. A *frame* is 4 KiB of guest-physical memory; its PFN is its address divided
 * by 4096. A *block* is 512 frames, 2 MiB, naturally aligned: the unit in which a host can really
 * take memory back. An *area* is 512 blocks, 1 GiB, naturally aligned. An *order* k means 2^k
 * naturally aligned frames. A balloon page of the virtio specification is always a frame here.
 */

#include <stdint.h>

typedef uint64_t paddr_t; /* guest-physical byte address */
typedef uint32_t pfn_t;   /* guest-physical frame number: addresses up to 16 TiB */

#define FRAME_SHIFT  12
#define FRAME_SIZE   (UINT64_C(1) << FRAME_SHIFT)
#define BLOCK_ORDER  9
#define BLOCK_FRAMES (1U << BLOCK_ORDER)
#define BLOCK_SIZE   (FRAME_SIZE * BLOCK_FRAMES)
#define AREA_ORDER   18
#define AREA_BLOCKS  512U
#define AREA_FRAMES  (1U << AREA_ORDER)
#define AREA_SIZE    (FRAME_SIZE * AREA_FRAMES)

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* No frame: PFN 0 is never handed out, but 0 is a legal number, so this is another one. */
#define PFN_NONE UINT32_MAX

static inline pfn_t pfn_of(paddr_t address)
{
    return (pfn_t)(address >> FRAME_SHIFT);
}

static inline paddr_t frame_address(pfn_t pfn)
{
    return (paddr_t)pfn << FRAME_SHIFT;
}
