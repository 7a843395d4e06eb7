/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aerostat.h: memory under pressure. The kernel's questions are answered here: how much there is to
 * give from a number the program keeps, since that may be asked between any two instructions of the
 * program; giving from the kernel's task for it, where the heap is in order, unless the program
 * says that the source bears more.
 */

#include "aerostat.h"

#include "base/assert.h"
#include "base/memory.h"

#include "mm/pressure.h"

STATIC_ASSERT(sizeof(struct pressure_source) <= sizeof(((struct aerostat_source *)0)->private),
              "it fits");

static uint64_t can_give(void *context)
{
    const struct aerostat_source *source = context;

    return source->offered_bytes >> FRAME_SHIFT;
}

static uint64_t give(void *context, uint64_t frames, enum pressure_place place,
                     uint64_t deadline_ns)
{
    struct aerostat_source *source = context;

    ASSERT(place == PRESSURE_TASK || source->gives_to_allocations);
    return source->give(source->context, (size_t)frames << FRAME_SHIFT, deadline_ns) >> FRAME_SHIFT;
}

void aerostat_source_register(struct aerostat_source *source)
{
    struct pressure_source *hidden = (struct pressure_source *)source->private;

    *hidden = (struct pressure_source){ .name = source->name,
                                        .cost = source->cost,
                                        .safe = source->gives_to_allocations ? PRESSURE_ALLOC
                                                                             : PRESSURE_TASK,
                                        .context = source,
                                        .can_give = can_give,
                                        .give = give };
    pressure_register(hidden);
}

void aerostat_source_unregister(struct aerostat_source *source)
{
    pressure_unregister((struct pressure_source *)source->private);
}
