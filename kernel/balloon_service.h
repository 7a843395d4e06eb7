/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The balloon in the running kernel: finds the device, wires its interrupts and timers, and runs
 * the driver as marked work. */

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"

enum balloon_presence {
    BALLOON_NONE, /* the machine has no balloon device, or it could not be started */
    BALLOON_OFF,  /* switched off by the parameter: no driver is bound */
    BALLOON_ON,
};

/* What the service cost the guest, on the clock of clock_now_ns(). */
struct balloon_service_cost {
    uint64_t slices;
    uint64_t busy_ns;
    uint64_t longest_ns; /* of one slice */
};

/* Finds and starts the device. Work, timers and PCI must be ready. */
enum balloon_presence balloon_service_start(void);

/* Devices have come: serves a balloon if there is one and none is served. From work only. */
void balloon_service_look(void);

/* True while a device is served. */
bool balloon_service_serves(void);

/* Pages the host wants in the balloon, and pages that are there. 0 without a driver. */
uint64_t balloon_service_target(void);
uint64_t balloon_service_actual(void);

/* Frames that others would have to free for the target to be reached: what is free above the floor
 * or on its way is not lacking. */
uint64_t balloon_service_lacking(void);

/* True when the frame is in the balloon or on its way. Cost grows with the balloon. */
bool balloon_service_contains(pfn_t pfn);

/* An allocation of `frames` would fail: gives up what is held for hints, takes answered reports
 * and, when `from_balloon`, takes from the balloon if the host agreed to that (DEFLATE_ON_OOM).
 * Nothing while the driver is in the middle of its service. */
void balloon_service_reclaim(uint64_t frames, bool from_balloon);

struct balloon_service_cost balloon_service_cost(void);

/* Prints "@balloon ..." with the driver's counters. */
void balloon_service_report(void);
