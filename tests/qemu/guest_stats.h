/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The statistics that the host has of a guest, as QEMU tells them. */

#include "tests/qemu/qtest.h"

struct guest_stats {
    uint64_t updated_s; /* 0: none came yet */
    uint64_t free_bytes;
    uint64_t total_bytes;
    uint64_t available_bytes;
    uint64_t cache_bytes;
};

/* From now on the host asks once a second. */
void guest_stats_poll(struct qtest *t);

/* The last ones. */
struct guest_stats guest_stats_read(struct qtest *t);

/* Waits for some that are younger than `after_s`. */
struct guest_stats guest_stats_after(struct qtest *t, uint64_t after_s);

/* Waits for some that were asked for after this moment. */
struct guest_stats guest_stats_fresh(struct qtest *t);
