/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Memory pressure in the running kernel: who is asked, in which order, when the host wants more
 * than is free (pressure_service_ask) and when an allocation would fail (the reclaim hook of
 * mm/frame.h): first what is only held for the host, then sources that can give up memory, the
 * cheapest first (mm/pressure.h), then the balloon.
 */

#include <stdint.h>

#include "drivers/virtio/balloon_mem.h"

/* Before any allocation may fail. */
void pressure_service_init(void);

/* Starts the task that asks sources which only bear it from there. */
void pressure_service_start(void);

/* For the balloon driver, from its service: asks sources that may be asked from there, and has a
 * task ask the others. Returns the frames that are free at once. */
uint64_t pressure_service_ask(uint64_t frames);

/* Fills in what the host is told about pressure. */
void pressure_service_stats(struct balloon_memory_stats *stats);
