/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host that gets short, through all zones and back: its memory is taken away by the
 * configuration, as a neighbour that grows would. Promises hold in every zone, nothing new is
 * admitted in the low one, and nobody loses a byte.
 */

#include "tests/ballast/live/scenes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Large, so that a few MiB more or less that QEMU needs for itself change nothing. */
#define RESERVE "240M"

static void configure(struct rig *rig, uint64_t memory_bytes)
{
    char lines[512];

    snprintf(lines, sizeof(lines),
             "settle = 1s\nmargin = 16M\nhost-reserve = " RESERVE "\n[host]\nmemory = %" PRIu64
             "\n[default]\nminimum = 96M\n"
             "[machine gold]\nclass = guaranteed\n[machine tin]\nclass = spare\n",
             memory_bytes);
    rig_configure(rig, lines);
}

/* Leaves so much available. */
static void squeeze(struct rig *rig, uint64_t available_bytes)
{
    rig_periods(rig, 12); /* what is held is measured in one of ten */
    configure(rig,
              rig_host(rig, "total_bytes") - rig_host(rig, "available_bytes") + available_bytes);
    rig_reload(rig);
}

static void promises_are_kept(struct rig *rig)
{
    assert_int_equal(rig_number(rig, "gold", "size_bytes"), 256 * RIG_MIB);
    assert_true(rig_number(rig, "silver", "size_bytes") >= 96 * RIG_MIB);
    assert_true(rig_number(rig, "tin", "size_bytes") >= 96 * RIG_MIB);
}

static void a_host_goes_through_all_zones_and_back(struct rig *rig)
{
    static const char *const names[] = { "gold", "silver", "tin" };
    const struct vm_config config = { .memory_mib = 256,
                                      .balloon_properties = "free-page-reporting=off" };
    int status;
    char *text;

    configure(rig, 2000 * RIG_MIB);
    rig_start(rig);
    for (size_t i = 0; i < 3; i++) {
        rig_guest(rig, names[i], &config);
    }
    for (size_t i = 0; i < 3; i++) {
        scene_ready(rig, names[i]);
        scene_grow(rig, names[i], 160);
        scene_grown(rig, names[i]);
    }
    rig_until_zone(rig, "green");
    squeeze(rig, 150 * RIG_MIB);
    rig_until_zone(rig, "soft");
    promises_are_kept(rig);
    squeeze(rig, 90 * RIG_MIB);
    rig_until_zone(rig, "hard");
    promises_are_kept(rig);
    squeeze(rig, 30 * RIG_MIB);
    rig_until_zone(rig, "low");
    promises_are_kept(rig);
    text = rig_ballast(rig, &status, "reserve 1M --for newcomer");
    assert_int_equal(status, 5);
    free(text);

    configure(rig, 2000 * RIG_MIB);
    rig_reload(rig);
    rig_until_zone(rig, "green");
    promises_are_kept(rig);
    assert_true(rig_events(rig, "zone", NULL) >= 4);
    for (size_t i = 0; i < 3; i++) {
        scene_end(rig, names[i]);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { RIG_TEST(a_host_goes_through_all_zones_and_back) };

    return rig_main("tests/ballast/live/test_zones.c", tests, 1, argc, argv);
}
