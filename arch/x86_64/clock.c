/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time is (TSC - start) * ns_per_tsc, a multiplication by a 32.32 fixed-point number in 128 bits,
 * exact enough for centuries. [SDM 3B §18.17 for the TSC, SDM 3A §11.5.4 for the APIC timer,
 * ACPI 6.5 §4.8.2.1 for the PM timer.]
 */

#include "arch/x86_64/clock.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"

#define NS_PER_S    UINT64_C(1000000000)
#define PM_TIMER_HZ UINT64_C(3579545)
#define PIT_HZ      UINT64_C(1193182)
/* Before the calibration we assume a faster TSC than any there is. */
#define TSC_HZ_ASSUMED   (UINT64_C(8) * NS_PER_S)
#define CALIBRATE_NS_MIN UINT64_C(1000000)
#define READINGS         3U
/* The slowest TSC we count with: 500 MHz. See is_stale(). */
#define NS_PER_TSC_MAX 2U
#define RESTARTS_MAX   100U

#define PIT_CHANNEL2              0x42U
#define PIT_COMMAND               0x43U
#define PIT_COMMAND_CHANNEL2_RATE 0xb4U /* channel 2, low then high byte, mode 2 */
#define PIT_LATCH_CHANNEL2        0x80U
#define PIT_GATE_PORT             0x61U
/* Readings within which a reference that counts at all has counted: a port access takes a tenth of
 * a microsecond or more, and the slowest tick is shorter than one. */
#define READINGS_MAX 1000U

/* The clock that QEMU and KVM give a local APIC's timer, whatever the processor's bus is (observed:
 * QEMU 7.2; KVM's documentation of KVM_CAP_X86_APIC_BUS_CYCLES_NS), divided as apic.c sets it. */
#define APIC_TIMER_HZ_VIRTUAL (NS_PER_S / 16)

/* What both counters are measured by. */
struct reference {
    uint32_t (*read)(void);
    uint32_t mask;
    uint64_t hz;
    const char *name;
};

/* The reference and both counters at one moment. */
struct reading {
    uint64_t tsc;
    uint32_t apic_left;
    uint32_t reference;
};

static struct {
    uint64_t tsc_start;
    uint64_t tsc_hz;
    uint64_t ns_per_tsc;  /* 32.32 */
    uint64_t apic_per_ns; /* 32.32 */
    uint16_t pm_timer_port;
    struct reference reference;
    const char *source;
    struct reading first;
    uint64_t alarm_ns; /* asked for before the timer could be used */
} clock;

/* numerator / denominator as 32.32 fixed point. */
static uint64_t ratio(uint64_t numerator, uint64_t denominator)
{
    uint64_t whole = numerator / denominator;
    uint64_t rest = numerator % denominator;

    ASSERT(denominator <= UINT32_MAX * UINT64_C(16));
    /* rest < denominator < 2^36, so shifting by 28 and then 4 keeps everything in 64 bits. */
    return whole << 32 | ((rest << 28) / denominator) << 4;
}

static uint64_t scale(uint64_t value, uint64_t fixed)
{
    return (uint64_t)(((unsigned __int128)value * fixed) >> 32);
}

static void set_tsc_hz(uint64_t hz)
{
    clock.tsc_hz = hz;
    clock.ns_per_tsc = ratio(NS_PER_S, hz);
}

void clock_start(void)
{
    clock.tsc_start = tsc_read();
    set_tsc_hz(TSC_HZ_ASSUMED);
    clock.source = "none yet";
    clock.alarm_ns = UINT64_MAX;
}

static uint32_t pm_timer_read(void)
{
    return port_in32(clock.pm_timer_port);
}

static uint32_t pit_read(void)
{
    port_out8(PIT_COMMAND, PIT_LATCH_CHANNEL2);
    uint32_t low = port_in8(PIT_CHANNEL2);

    /* The 8254 counts down. */
    return 0U - (low | (uint32_t)port_in8(PIT_CHANNEL2) << 8);
}

/* Counts down, too. */
static uint32_t apic_reference_read(void)
{
    return UINT32_MAX - apic_timer_left();
}

/* The tightest of a few readings: the one that took the least time between the two TSC reads. */
static struct reading reading_take(void)
{
    struct reading best = { 0 };
    uint64_t width_best = UINT64_MAX;

    for (unsigned i = 0; i < READINGS; i++) {
        uint64_t before = tsc_read();
        uint32_t reference = clock.reference.read();
        uint32_t apic_left = apic_timer_left();
        uint64_t width = tsc_read() - before;

        if (width < width_best) {
            width_best = width;
            best.tsc = before + width / 2;
            best.reference = reference;
            best.apic_left = apic_left;
        }
    }
    return best;
}

/* A first reading, with as much of both counters ahead as there can be. */
static void measure_from_here(void)
{
    apic_timer_start(UINT32_MAX);
    clock.first = reading_take();
}

/* Starts channel 2 of the 8254, if there is one. */
static void pit_start(void)
{
    port_out8(PIT_GATE_PORT, (port_in8(PIT_GATE_PORT) & 0xfcU) | 1U); /* gate on, speaker off */
    port_out8(PIT_COMMAND, PIT_COMMAND_CHANNEL2_RATE);
    port_out8(PIT_CHANNEL2, 0);
    port_out8(PIT_CHANNEL2, 0);
}

/* A timer that is not there reads as the same value always, and so does one that stands still. */
static bool reference_counts(void)
{
    uint32_t first = clock.reference.read() & clock.reference.mask;

    for (unsigned i = 0; i < READINGS_MAX; i++) {
        if ((clock.reference.read() & clock.reference.mask) != first) {
            return true;
        }
    }
    return false;
}

/* The first one that counts; nobody is left to ask about the last. */
static void reference_choose(uint16_t pm_timer_port, bool pm_timer_32bit)
{
    clock.pm_timer_port = pm_timer_port;
    clock.reference = (struct reference){ pm_timer_read, pm_timer_32bit ? UINT32_MAX : 0xffffffU,
                                          PM_TIMER_HZ, "PM timer" };
    if (pm_timer_port != 0 && reference_counts()) {
        return;
    }
    if (pm_timer_port != 0) {
        log_warn("clock: the PM timer at port %x does not count", (unsigned)pm_timer_port);
    }
    pit_start();
    clock.reference = (struct reference){ pit_read, 0xffffU, PIT_HZ, "8254 timer" };
    if (!reference_counts()) {
        clock.reference =
            (struct reference){ apic_reference_read, UINT32_MAX, APIC_TIMER_HZ_VIRTUAL,
                                "APIC timer, taken for a virtual one" };
    }
}

void clock_calibrate_begin(uint16_t pm_timer_port, bool pm_timer_32bit)
{
    reference_choose(pm_timer_port, pm_timer_32bit);
    clock.source = clock.reference.name;
    measure_from_here();
}

/* Frequencies that somebody tells: 0 where nobody does. */
static uint64_t told_tsc_hz(const char **source)
{
    if (cpuid(0).eax >= 0x15) {
        struct cpuid leaf = cpuid(0x15); /* [SDM 2A, CPUID leaf 15H] */

        if (leaf.eax != 0 && leaf.ebx != 0 && leaf.ecx != 0) {
            *source = "CPUID leaf 0x15";
            return (uint64_t)leaf.ecx * leaf.ebx / leaf.eax;
        }
    }
    const uint32_t cpuid_hypervisor = UINT32_C(1) << 31;

    if ((cpuid(1).ecx & cpuid_hypervisor) != 0 && cpuid(0x40000000U).eax >= 0x40000010U) {
        struct cpuid leaf = cpuid(0x40000010U); /* EAX: TSC in kHz */

        if (leaf.eax != 0) {
            *source = "hypervisor leaf";
            return (uint64_t)leaf.eax * 1000;
        }
    }
    return 0;
}

static uint64_t reference_ns(uint32_t ticks)
{
    return (uint64_t)ticks * NS_PER_S / clock.reference.hz;
}

/*
 * True when so much time has passed that the reference (a 24-bit PM timer in 4.7 s, an 8254 in
 * 55 ms) or the APIC timer (in 4.3 s at 1 GHz) may have gone round: the machine was stopped in
 * between, say. The TSC tells, whatever its frequency: a fast one only makes the limit stricter
 * than it need be, and at 8 GHz an 8254 still leaves 3 ms.
 */
static bool is_stale(const struct reading *last)
{
    uint64_t round_ns = ((uint64_t)clock.reference.mask + 1) * NS_PER_S / clock.reference.hz;

    return last->tsc - clock.first.tsc > min_u64(round_ns, 4 * NS_PER_S) / NS_PER_TSC_MAX;
}

/*
 * The second reading: late enough to be exact, early enough to be unambiguous. Returns the time
 * since the first by the reference. On a machine too slow for that a doubtful clock is better than
 * none. 0: the reference stands still, and what it said is worth nothing.
 */
static uint64_t second_reading(struct reading *last)
{
    for (unsigned restarts = 0;;) {
        *last = reading_take();
        bool stale = is_stale(last);
        uint32_t ticks = (last->reference - clock.first.reference) & clock.reference.mask;
        uint64_t ns = reference_ns(ticks);

        if (stale && restarts < RESTARTS_MAX) {
            restarts++;
            measure_from_here();
            continue;
        }
        /* Not asked before a restart: the APIC timer stands at its end when it was waited for. */
        if (!reference_counts()) {
            return 0;
        }
        if (stale) {
            log_warn("clock: the %s could not be read in time; the clock may be wrong",
                     clock.reference.name);
            return ns;
        }
        if (ns >= CALIBRATE_NS_MIN) {
            return ns;
        }
        cpu_relax();
    }
}

/* The frequency of the TSC by the reference and by who tells it, if anybody does. */
static uint64_t judge_tsc_hz(uint64_t measured)
{
    uint64_t told = told_tsc_hz(&clock.source);
    uint64_t apart = told > measured ? told - measured : measured - told;

    if (told != 0 && apart > measured / 50) {
        log_warn("clock: %s says %llu kHz, the reference timer %llu kHz; the latter counts",
                 clock.source, (unsigned long long)(told / 1000),
                 (unsigned long long)(measured / 1000));
        clock.source = "reference timer";
        told = 0;
    }
    return told != 0 ? told : measured;
}

/* Nothing to measure by: what is told, or else assumed, must do. */
static void calibrate_blindly(void)
{
    uint64_t told;

    clock.source = "assumption";
    told = told_tsc_hz(&clock.source);
    log_warn("clock: the %s stands still; the clock may be wrong", clock.reference.name);
    set_tsc_hz(told != 0 ? told : TSC_HZ_ASSUMED);
    clock.apic_per_ns = ratio(APIC_TIMER_HZ_VIRTUAL, NS_PER_S);
}

void clock_calibrate(void)
{
    struct reading last;
    uint64_t ns = second_reading(&last);

    if (ns == 0) {
        calibrate_blindly();
    } else {
        set_tsc_hz(judge_tsc_hz((last.tsc - clock.first.tsc) * NS_PER_S / ns));
        clock.apic_per_ns = ratio(clock.first.apic_left - last.apic_left, ns);
    }
    ASSERT(clock.apic_per_ns != 0);
    clock_set_alarm(clock.alarm_ns);
}

uint64_t clock_now_ns(void)
{
    return scale(tsc_read() - clock.tsc_start, clock.ns_per_tsc);
}

void clock_set_alarm(uint64_t at_ns)
{
    if (clock.apic_per_ns == 0) {
        clock.alarm_ns = at_ns; /* the timer is being measured */
        return;
    }
    if (at_ns == UINT64_MAX) {
        apic_timer_start(0);
        return;
    }
    uint64_t now = clock_now_ns();
    uint64_t ticks = at_ns > now ? scale(at_ns - now, clock.apic_per_ns) + 1 : 1;

    apic_timer_start((uint32_t)min_u64(ticks, UINT32_MAX));
}

uint64_t clock_tsc_hz(void)
{
    return clock.tsc_hz;
}

const char *clock_source(void)
{
    return clock.source;
}
