/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Memory pressure: who can give up memory registers as a source, with a cost; when memory is short
 * the cheapest is asked first. What the sources could give is told to the host as available.
 *
 * Places. A source is written for the hardest place in which it can be asked, and is asked in that
 * one and the easier ones:
 *
 *   PRESSURE_TASK   from a task that does nothing else. Every other task stands where it yielded or
 *                   waited, so a source is in order whose data are in order there. It may allocate,
 *                   take its time, and wait.
 *   PRESSURE_ALLOC  from an allocation that would fail: in the middle of whatever allocates, the
 *                   source's own code too. It must not wait, and its own allocations simply fail.
 *   PRESSURE_WORK   from marked work: between any two instructions of any task, with interrupts
 *                   off. It must be quick, must neither wait nor allocate, and registers and
 *                   unregisters nothing: a task may be in the middle of that.
 *
 * From an interrupt handler nothing here may be called but pressure_gave(). Whoever asks in
 * PRESSURE_WORK or PRESSURE_ALLOC and gets too little may let a task ask the others.
 *
 * Time. A source that was asked has until the deadline to free what it was asked for, at most what
 * it said it can give: before its function returns, or later, which it tells by pressure_gave().
 * Until then it is not asked again. If it misses the deadline, that is counted, and it is neither
 * asked nor counted on for PRESSURE_SKIP_NS; the log says so at its first miss, and again only
 * after it has kept a deadline in between. Misses are noticed at the next question.
 *
 * What a source says is believed for the counters only. Whether memory is free, the allocator says.
 *
 * Example: an application keeps read-ahead pages in a stack of frames. Its tasks change the stack
 * with interrupts off only, so it is in order whenever marked work comes, and WORK is safe:
 *
 *     static uint64_t spare(void *stack) { return ((struct stack *)stack)->count; }
 *
 *     static uint64_t give(void *context, uint64_t frames, enum pressure_place place,
 *                          uint64_t deadline_ns)
 *     {
 *         struct stack *stack = context;
 *         uint64_t given = 0;
 *
 *         (void)place;
 *         (void)deadline_ns;
 *         while (given < frames && stack->count > 0) {
 *             frame_free(stack->frames[--stack->count]);
 *             given++;
 *         }
 *         return given;
 *     }
 *
 *     static struct pressure_source source = { .name = "read-ahead", .cost = 10,
 *         .safe = PRESSURE_WORK, .context = &stack, .can_give = spare, .give = give };
 *     pressure_register(&source);
 *
 * A cache whose entries are linked in several places says PRESSURE_TASK instead, and one that must
 * write to a disk first remembers the number, returns 0, and calls pressure_gave() when it is done.
 */

#include <stdbool.h>
#include <stdint.h>

/* How long a source that missed its deadline is left alone. */
#define PRESSURE_SKIP_NS UINT64_C(1000000000)

enum pressure_place { PRESSURE_TASK, PRESSURE_ALLOC, PRESSURE_WORK };

enum pressure_reason {
    PRESSURE_HOST_WANTS,  /* the host wants more than is free; what is on its way counts */
    PRESSURE_ALLOC_FAILS, /* an allocation would fail; only what is free at once helps */
};
#define PRESSURE_REASONS 2U

/* The caller fills in the first part, zeroes the rest, and keeps it while it is registered. */
struct pressure_source {
    const char *name;
    unsigned cost; /* of getting the same again: a cache that is read back costs more than a pool */
    enum pressure_place safe; /* the hardest place in which give() may be called */
    void *context;
    /* Frames that it could give up now. Asked from everywhere, interrupts off: it reads a number
     * and calls nothing here. */
    uint64_t (*can_give)(void *context);
    /* Frees up to `frames`, more if it comes in whole pieces, and returns how many are free by now,
     * without those it told by pressure_gave(). Except in PRESSURE_WORK it may register and
     * unregister sources, itself too, and ask for memory itself: sources that are being asked
     * already are left out. */
    uint64_t (*give)(void *context, uint64_t frames, enum pressure_place place,
                     uint64_t deadline_ns);

    /* Counters for everybody to read. */
    uint64_t asked;  /* times */
    int64_t given;   /* frames */
    uint64_t missed; /* deadlines */

    /* Private to pressure.c. */
    struct pressure_source *next;
    uint64_t round;       /* of the last question in which it had its turn */
    uint64_t deadline_ns; /* of what it owes */
    uint64_t gave_ns;     /* when it gave last */
    uint64_t skip_until_ns;
    int64_t owed;
    bool asking;   /* its give() is running */
    bool promised; /* was asked, and has neither given everything nor missed the deadline */
    bool blamed;   /* the log has named it */
};

struct pressure_counters {
    uint64_t asked[PRESSURE_REASONS]; /* questions, by reason */
    uint64_t given[PRESSURE_REASONS]; /* frames that were free when the question was answered */
    int64_t given_later;              /* frames told by pressure_gave() */
    uint64_t fell_short;              /* questions that got less than they wanted, late gifts too */
};

/* Forgets every source and counter. `now_ns` is the clock of all deadlines. */
void pressure_init(uint64_t (*now_ns)(void));

/* Makes a source known; from tasks, the start, and give() but not in PRESSURE_WORK. In a question
 * that is under way it has no turn. Sources of one cost are asked in the order of their
 * registration. */
void pressure_register(struct pressure_source *source);

/* Forgets a source that is registered; from where pressure_register() may be called. Its functions
 * are not called any more, and what it owes is not expected. */
void pressure_unregister(struct pressure_source *source);

/*
 * Asks the sources that are safe in `place`, the cheapest first, until `frames` are free or, for
 * the host, promised; promises for this deadline or an earlier one that are not kept yet count too.
 * Returns the frames that the sources freed before they answered, which may be more than wanted.
 */
uint64_t pressure_ask(uint64_t frames, enum pressure_reason reason, enum pressure_place place,
                      uint64_t deadline_ns);

/* A source has freed what it owed, or a part. Callable from everywhere. */
void pressure_gave(struct pressure_source *source, uint64_t frames);

/* Frames that all sources could give up in some place, those left alone excepted. Callable from
 * tasks and work. */
uint64_t pressure_available(void);

struct pressure_counters pressure_counters(void);

/* A result line for the totals, and one for each source. */
void pressure_report(void);
