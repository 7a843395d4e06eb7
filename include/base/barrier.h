/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Ordering between the driver and the device. The device of a virtual machine is another thread of
 * the same processor complex, so the C11 memory model is the right tool: acquire and release cost
 * nothing on x86, the full fence costs one locked instruction. [VIRTIO 1.4 §2.7.13,
 * "ORDER_PLATFORM"]
 */

#include <stdatomic.h>

/* Stores before it are visible to the device before stores after it. */
static inline void barrier_release(void)
{
    atomic_thread_fence(memory_order_release);
}

/* Loads after it see what the device stored before the value that was loaded before it. */
static inline void barrier_acquire(void)
{
    atomic_thread_fence(memory_order_acquire);
}

/* A store before it is visible before a load after it is made: "publish, then look whether the
 * other side sleeps". */
static inline void barrier_full(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}
