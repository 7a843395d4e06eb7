/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest model. Invariants, at the end of each second: no part is negative; kernel, anon, hot
 * and cold together are at most the size (the rest is free); used <= resident <= size, except that
 * a locked machine holds all its RAM; anon and swap together are at most what programs want.
 *
 * Numbers: allocation 1 GiB/s; reading 150 MiB/s, a busy network disk; swapping 60 MiB/s, single
 * pages at 15,000 a second; the balloon 400 MiB/s back and 260 MiB/s out, observed with a Linux
 * guest on QEMU 7.2 with TCG; free-page reporting gives 32 MiB/s, observed there too.
 */

#include "tools/ballast/sim/sim_guest.h"

#define ALLOC_RATE     SIM_GIB
#define READ_RATE      (150 * SIM_MIB)
#define SWAP_RATE      (60 * SIM_MIB)
#define STALL_RATE     SIM_MIB
#define REPORTING_RATE (32 * SIM_MIB)
#define PAGE           4 /* KiB */
/* A guest that resets shows its old size for so long, and then its driver comes. */
#define RESET_SHOWN_S 7
/* So long an allocation fails with swap full until a program is killed. */
#define STARVE_S 10

/* ---- memory inside the guest ---- */

/* Frees up to `amount`: what is free above the watermark, then cold cache. */
static int64_t take_idle(struct sim_guest *guest, int64_t amount)
{
    int64_t spare = sim_guest_free(guest) - guest->watermark;
    int64_t got = sim_clamp(amount, 0, sim_max(0, spare));
    int64_t cold = sim_min(amount - got, guest->cold);
    guest->cold -= cold;
    return got + cold;
}

/* The same, then hot cache down to the little that programs run from. */
static int64_t take_any(struct sim_guest *guest, int64_t amount)
{
    int64_t got = take_idle(guest, amount);
    if (got < amount) {
        int64_t hot = sim_clamp(guest->hot - guest->max / 128, 0, amount - got);
        guest->hot -= hot;
        got += hot;
    }
    return got;
}

/* Programs get less than they want, and there is no swap left. */
static void starve(struct sim_guest *guest, int64_t missing, int64_t now)
{
    guest->alloc_stalls += (uint64_t)(missing / PAGE);
    if (guest->deflate_on_oom && now >= guest->driver_time && guest->size < guest->max) {
        int64_t back = sim_min(missing, guest->max - guest->size);
        guest->size += back;
        guest->moved += (uint64_t)back;
        guest->self_deflated = true;
        return;
    }
    if (++guest->starved >= STARVE_S) {
        int64_t cut = (guest->anon + guest->swap) / 2;
        int64_t swap = sim_min(cut, guest->swap);
        guest->swap -= swap;
        guest->anon -= cut - swap;
        guest->lost += cut;
        guest->oom_kills++;
        guest->kills++;
        guest->starved = 0;
    }
}

static void grow_anon(struct sim_guest *guest, int64_t amount, int64_t now)
{
    amount = sim_min(amount, ALLOC_RATE);
    int64_t got = take_any(guest, amount);
    guest->anon += got;
    int64_t rest = amount - got;
    if (rest == 0) {
        guest->starved = 0;
        return;
    }
    int64_t out = sim_min(sim_min(rest, SWAP_RATE), guest->swap_size - guest->swap);
    guest->swap += out;
    guest->swap_out += (uint64_t)out;
    guest->alloc_stalls++;
    if (guest->swap == guest->swap_size && rest > out) {
        starve(guest, rest - out, now);
    }
}

static void shrink_anon(struct sim_guest *guest, int64_t amount)
{
    int64_t swap = 0;
    if (guest->swap > 0) { /* the pages that are freed lie here and there */
        swap = amount * guest->swap / (guest->anon + guest->swap);
    }
    guest->swap -= swap;
    guest->anon -= amount - swap;
    guest->starved = 0;
}

/* Swapped pages are used too: they come back where there is room, else they change places. */
static void swap_in(struct sim_guest *guest)
{
    int64_t wanted = sim_min(guest->swap, SWAP_RATE);
    int64_t got = take_any(guest, wanted);
    guest->swap -= got;
    guest->anon += got;
    guest->swap_in += (uint64_t)wanted;
    guest->swap_out += (uint64_t)(wanted - got);
    guest->major_faults += (uint64_t)(wanted / PAGE);
}

static void step_cache(struct sim_guest *guest)
{
    int64_t missing = guest->load.hot - guest->hot;
    if (missing < 0) { /* no longer hot, but still there */
        guest->hot += missing;
        guest->cold -= missing;
    } else if (missing > 0) {
        int64_t read = sim_min(missing, READ_RATE);
        guest->hot += take_idle(guest, read);
        /* Half of it is mapped, and faults; the rest is read by calls. */
        guest->major_faults += (uint64_t)(read / PAGE / 2);
    }
    int64_t spare = sim_guest_free(guest) - 2 * guest->watermark;
    if (spare > 0) {
        guest->cold += sim_min(spare, guest->load.cold_rate);
    }
}

static void step_programs(struct sim_guest *guest, int64_t now)
{
    int64_t want = guest->load.anon;
    if (guest->lost > 0) { /* what was killed is started again, and grows */
        guest->lost = sim_max(0, guest->lost - guest->max / 256);
        want = sim_max(0, want - guest->lost);
    }
    int64_t more = want - guest->anon - guest->swap;
    if (more > 0) {
        grow_anon(guest, more, now);
    } else if (more < 0) {
        shrink_anon(guest, -more);
    }
    if (guest->swap > 0) {
        swap_in(guest);
    }
    step_cache(guest);
}

/* ---- the balloon ---- */

static void inflate(struct sim_guest *guest, int64_t amount)
{
    int64_t free_before = sim_guest_free(guest);
    int64_t touched = guest->resident - sim_guest_used(guest);
    int64_t idle = sim_clamp(free_before - guest->watermark, 0, amount);
    int64_t got = take_any(guest, amount);
    int64_t out = sim_min(sim_min(amount - got, SWAP_RATE), guest->swap_size - guest->swap);
    out = sim_min(out, guest->anon);
    guest->anon -= out;
    guest->swap += out;
    guest->swap_out += (uint64_t)out;
    got += out;
    guest->size -= got;
    guest->moved += (uint64_t)got;
    /* Free pages are touched or not as it happens; everything else was touched. */
    int64_t dropped = got - idle;
    if (free_before > 0) {
        dropped += touched * idle / free_before;
    }
    guest->resident -= dropped;
}

static void step_balloon(struct sim_guest *guest, int64_t now)
{
    if (now < guest->driver_time || guest->self_deflated) {
        return;
    }
    if (guest->size < guest->target) {
        int64_t back = sim_min(guest->target - guest->size, guest->deflate_rate);
        guest->size += back;
        guest->moved += (uint64_t)back;
    } else {
        int64_t rate = guest->fault == SIM_FAULT_STALL ? STALL_RATE : guest->inflate_rate;
        inflate(guest, sim_min(guest->size - guest->target, rate));
    }
}

static void step_resident(struct sim_guest *guest)
{
    int64_t used = sim_guest_used(guest);
    if (guest->locked) {
        guest->resident = guest->max;
    } else if (guest->resident < used) {
        guest->resident = used;
    } else if (guest->reporting) {
        /* Large blocks only: something small stays. */
        int64_t idle = guest->resident - used - guest->max / 64;
        guest->resident -= sim_clamp(idle, 0, REPORTING_RATE);
    }
}

/* ---- life ---- */

static void restart(struct sim_guest *guest, int64_t now)
{
    guest->anon = 0;
    guest->swap = 0;
    guest->hot = 0;
    guest->cold = 0;
    guest->lost = 0;
    guest->ideal_anon = 0;
    guest->ideal_hot = 0;
    guest->starved = 0;
    guest->self_deflated = false;
    guest->size = guest->max; /* nobody holds the balloon's pages now */
    guest->driver_time = now + SIM_GUEST_DRIVER_S;
    guest->resets++;
    guest->swap_in = 0;
    guest->swap_out = 0;
    guest->major_faults = 0;
    guest->alloc_stalls = 0;
    guest->oom_kills = 0;
}

static void end_fault(struct sim_guest *guest, int64_t now)
{
    if (guest->fault == SIM_FAULT_PANIC) {
        restart(guest, now);
    } else if (guest->fault == SIM_FAULT_NO_DRIVER) {
        guest->driver_time = now;
    }
    guest->fault = SIM_FAULT_NONE;
    guest->fault_until = now + sim_rng_range(&guest->fault_rng, 3600, 10800);
}

static void change_fault(struct sim_guest *guest, int64_t now)
{
    if (guest->fault != SIM_FAULT_NONE) {
        end_fault(guest, now);
        return;
    }
    guest->fault = guest->faulty;
    guest->fault_until = now + sim_rng_range(&guest->fault_rng, 300, 1200);
    if (guest->fault == SIM_FAULT_NO_DRIVER) {
        guest->driver_time = INT64_MAX;
        guest->moved += (uint64_t)(guest->max - guest->size);
        guest->size = guest->max;
    } else if (guest->fault == SIM_FAULT_RESET) {
        restart(guest, now);
        end_fault(guest, now);
    } else if (guest->fault == SIM_FAULT_PANIC) {
        guest->fault_until = now + sim_rng_range(&guest->fault_rng, 60, 180);
    }
}

/* ---- statistics ---- */

static void publish(struct sim_guest *guest, int64_t now)
{
    int64_t total = (guest->deflate_on_oom ? guest->max : guest->size) - guest->hidden;
    int64_t cache = guest->hot + guest->cold;
    int64_t available =
        sim_guest_free(guest) - guest->watermark + cache - sim_min(cache / 2, guest->watermark);
    guest->stats_time = now;
    guest->stats_size = guest->size;
    guest->stats_total = total;
    guest->stats_free = sim_guest_free(guest);
    guest->stats_available = sim_max(0, available);
    guest->stats_cache = cache;
    guest->stats_swap = guest->swap;
    guest->told_swap_in = guest->swap_in;
    guest->told_swap_out = guest->swap_out;
    guest->told_faults = guest->major_faults;
    guest->told_stalls = guest->alloc_stalls;
    guest->told_kills = guest->oom_kills;
    if (sim_guest_lies(guest)) {
        bool low = guest->fault != SIM_FAULT_HIGH_LIE;
        guest->stats_free = low ? total * 95 / 100 : 0;
        guest->stats_available = guest->stats_free;
        guest->stats_cache = 0;
        if (guest->fault == SIM_FAULT_ODD_LIE) {
            guest->stats_available = total + total / 2;
        }
    }
}

static void step_stats(struct sim_guest *guest, int64_t now)
{
    /* The driver answers: without it, or while it stands still, nothing new is told. */
    if (now >= guest->driver_time && guest->fault != SIM_FAULT_STALE &&
        (now + guest->stats_phase) % guest->stats_period == 0) {
        publish(guest, now);
    }
}

/* ---- the second ---- */

static void step_ideal(struct sim_guest *guest)
{
    int64_t room = guest->max - guest->kernel;
    int64_t anon = sim_min(guest->load.anon, room);
    guest->ideal_anon = sim_min(anon, guest->ideal_anon + ALLOC_RATE);
    int64_t hot = sim_min(guest->load.hot, room - guest->ideal_anon);
    guest->ideal_hot = sim_min(hot, guest->ideal_hot + READ_RATE);
    int64_t missing = guest->ideal_anon + guest->ideal_hot - guest->anon - guest->hot;
    /* What a liar lacks because of its lie is nobody's fault but its own. */
    guest->shortfall = sim_guest_lies(guest) ? 0 : sim_max(0, missing);
}

void sim_guest_step(struct sim_guest *guest, int64_t now)
{
    sim_load_step(&guest->load, now);
    if (guest->load.reboots != guest->reboots) {
        guest->reboots = guest->load.reboots;
        restart(guest, now);
    }
    if (now >= guest->fault_until) {
        change_fault(guest, now);
    }
    if (guest->fault == SIM_FAULT_PANIC) {
        guest->shortfall = 0;
        return;
    }
    if (guest->size != guest->target) {
        step_balloon(guest, now);
    }
    step_programs(guest, now);
    step_resident(guest);
    step_stats(guest, now);
    step_ideal(guest);
    if (now >= guest->driver_time - (SIM_GUEST_DRIVER_S - RESET_SHOWN_S) ||
        guest->driver_time == INT64_MAX) {
        guest->shown_size = guest->size;
    }
}

void sim_guest_command(struct sim_guest *guest, int64_t target)
{
    guest->target = sim_clamp(target, guest->min, guest->max);
    guest->self_deflated = false;
}
