/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's statistics of a guest: two properties of QEMU's balloon device. The time in them is
 * the host's, in whole seconds. */

#include "tests/qemu/guest_stats.h"

#define LOOK_MS 20

void guest_stats_poll(struct qtest *t)
{
    json_decref(qtest_command(t, "qom-set",
                              json_pack("{s:s, s:s, s:i}", "path", VM_BALLOON_PATH, "property",
                                        "guest-stats-polling-interval", "value", 1)));
}

struct guest_stats guest_stats_read(struct qtest *t)
{
    json_t *arguments = json_pack("{s:s, s:s}", "path", VM_BALLOON_PATH, "property", "guest-stats");
    json_t *reply = qtest_command(t, "qom-get", arguments);
    struct guest_stats s = { 0 };

    assert_true(qmp_get_u64(reply, "last-update", &s.updated_s));
    assert_true(qmp_get_u64(reply, "stats/stat-free-memory", &s.free_bytes));
    assert_true(qmp_get_u64(reply, "stats/stat-total-memory", &s.total_bytes));
    assert_true(qmp_get_u64(reply, "stats/stat-available-memory", &s.available_bytes));
    assert_true(qmp_get_u64(reply, "stats/stat-disk-caches", &s.cache_bytes));
    json_decref(reply);
    return s;
}

struct guest_stats guest_stats_after(struct qtest *t, uint64_t after_s)
{
    int64_t end = vm_now_ms() + QTEST_STEP_MS;
    struct guest_stats s = guest_stats_read(t);

    while (s.updated_s <= after_s && vm_now_ms() < end) {
        qtest_sleep(t, LOOK_MS);
        s = guest_stats_read(t);
    }
    assert_true(s.updated_s > after_s);
    return s;
}

struct guest_stats guest_stats_fresh(struct qtest *t)
{
    return guest_stats_after(t, guest_stats_read(t).updated_s + 1); /* one may be on its way */
}
