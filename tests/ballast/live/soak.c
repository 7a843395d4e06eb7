/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A long run: many guests whose demand rises and falls, out of step with each other, on a host that
 * could not give all of them their maximum. All the while nobody may lose a byte, fail, or go below
 * what was promised; the host's memory may not be overdrawn; the daemon may not grow. At the end
 * the figures are printed.
 *
 *     SOAK_MINUTES=30 SOAK_GUESTS=20 build/ballast/live/soak        (make ballast-soak)
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/ballast/live/scenes.h"

#define GUEST_MIB   192U
#define MINIMUM_MIB 48U
/* QEMU's own memory under TCG, for a guest like these, is below this. */
#define OVERHEAD_MIB      90U
#define LOOK_MS           1000
#define DAEMON_GROWTH_MAX ((uint64_t)8 << 20)

struct figures {
    uint64_t looks;
    uint64_t lowest_available;
    uint64_t looks_by_zone[4];
    uint64_t daemon_first;
    uint64_t daemon_last;
    uint64_t largest;
    uint64_t smallest;
};

static unsigned number_from(const char *name, unsigned otherwise)
{
    const char *text = getenv(name);

    return text == NULL ? otherwise : (unsigned)strtoul(text, NULL, 10);
}

static uint64_t daemon_resident(const struct rig *rig)
{
    char path[64];
    uint64_t size = 0;
    uint64_t resident = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)rig->daemon);
    file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%" SCNu64 " %" SCNu64, &size, &resident), 2);
    fclose(file);
    return resident * 4096;
}

static void start(struct rig *rig, unsigned guests)
{
    char lines[512];
    char name[16];
    const struct vm_config reports = { .memory_mib = GUEST_MIB };
    const struct vm_config silent = { .memory_mib = GUEST_MIB,
                                      .balloon_properties = "free-page-reporting=off" };

    /* Enough for overheads, and for half of all maximums. */
    snprintf(lines, sizeof(lines),
             "settle = 2s\nmargin = 12M\n[host]\nmemory = %uM\n[default]\nminimum = %uM\n"
             "[machine g00]\nclass = guaranteed\n[machine g01]\nclass = spare\n",
             guests * (OVERHEAD_MIB + GUEST_MIB / 2), MINIMUM_MIB);
    rig_configure(rig, lines);
    rig_start(rig);
    for (unsigned i = 0; i < guests; i++) {
        snprintf(name, sizeof(name), "g%02u", i);
        rig_guest_starts(rig, name, i % 2 == 0 ? &reports : &silent);
    }
    for (unsigned i = 0; i < guests; i++) {
        snprintf(name, sizeof(name), "g%02u", i);
        scene_ready(rig, name);
        snprintf(lines, sizeof(lines),
                 "hold %us; repeat 100000 { sine work 8M..%uM period %us for %us; churn work 4M/s "
                 "for 5s; verify all; hold %us }",
                 i * 3, 60 + 5 * (i % 13), 20 + i, 40 + 2 * i, 3 + i % 7);
        rig_say(rig, name, lines);
    }
}

static void look(struct rig *rig, unsigned guests, struct figures *figures)
{
    json_t *reply = rig_get(rig, "/v1/machines");
    json_t *machines = json_object_get(reply, "machines");
    const char *zones[] = { "green", "soft", "hard", "low" };
    json_t *host = rig_get(rig, "/v1/host");
    uint64_t available = (uint64_t)json_integer_value(json_object_get(host, "available_bytes"));
    const char *zone = json_string_value(json_object_get(host, "zone"));
    size_t i;
    json_t *machine;

    figures->looks++;
    figures->lowest_available =
        available < figures->lowest_available ? available : figures->lowest_available;
    for (i = 0; i < 4; i++) {
        figures->looks_by_zone[i] += zone != NULL && strcmp(zone, zones[i]) == 0;
    }
    assert_int_equal(json_array_size(machines), guests);
    json_array_foreach(machines, i, machine)
    {
        uint64_t size = (uint64_t)json_integer_value(json_object_get(machine, "size_bytes"));
        const char *name = json_string_value(json_object_get(machine, "name"));
        const char *state = json_string_value(json_object_get(machine, "state"));

        assert_string_equal(state, "running");
        if (strcmp(name, "g00") == 0) {
            assert_int_equal(size, GUEST_MIB * RIG_MIB);
        } else if (size < MINIMUM_MIB * RIG_MIB) {
            fail_msg("%s has %" PRIu64 " MiB, %u were promised", name, size >> 20, MINIMUM_MIB);
        }
        figures->largest = size > figures->largest ? size : figures->largest;
        figures->smallest = size < figures->smallest ? size : figures->smallest;
    }
    json_decref(host);
    json_decref(reply);
    figures->daemon_last = daemon_resident(rig);
}

static void print_figures(struct rig *rig, const struct figures *figures, unsigned guests,
                          unsigned minutes)
{
    uint64_t commands = 0;
    uint64_t met = 0;
    uint64_t missed = 0;
    char name[16];

    for (unsigned i = 0; i < guests; i++) {
        snprintf(name, sizeof(name), "g%02u", i);
        commands += rig_number(rig, name, "commands");
        met += rig_number(rig, name, "ledger/peaks_met");
        missed += rig_number(rig, name, "ledger/peaks_missed");
    }
    printf("soak: %u guests, %u minutes, %" PRIu64 " looks\n", guests, minutes, figures->looks);
    printf("soak: targets sent %" PRIu64 ", peaks met %" PRIu64 ", missed %" PRIu64 "\n", commands,
           met, missed);
    printf("soak: sizes from %" PRIu64 " to %" PRIu64 " MiB, lowest available of the host %" PRIu64
           " MiB\n",
           figures->smallest >> 20, figures->largest >> 20, figures->lowest_available >> 20);
    printf("soak: looks in green %" PRIu64 ", soft %" PRIu64 ", hard %" PRIu64 ", low %" PRIu64
           "\n",
           figures->looks_by_zone[0], figures->looks_by_zone[1], figures->looks_by_zone[2],
           figures->looks_by_zone[3]);
    printf("soak: the daemon holds %" PRIu64 " KiB, %" PRIu64 " KiB after the first minute\n",
           figures->daemon_last >> 10, figures->daemon_first >> 10);
}

static void guests_share_a_host_for_long(struct rig *rig)
{
    unsigned minutes = number_from("SOAK_MINUTES", 1);
    unsigned guests = number_from("SOAK_GUESTS", 20);
    struct figures figures = { .lowest_available = UINT64_MAX, .smallest = UINT64_MAX };
    int64_t begin;
    char name[16];

    assert_in_range(guests, 2, RIG_GUESTS_MAX);
    alarm(minutes * 60 + 600);
    start(rig, guests);
    begin = vm_now_ms();
    while (vm_now_ms() - begin < (int64_t)minutes * 60000) {
        rig_look_again(rig, LOOK_MS);
        look(rig, guests, &figures);
        if (figures.daemon_first == 0 && vm_now_ms() - begin > 60000) {
            figures.daemon_first = figures.daemon_last;
        }
    }
    print_figures(rig, &figures, guests, minutes);
    if (figures.daemon_first != 0) {
        assert_in_range(figures.daemon_last, 0, figures.daemon_first + DAEMON_GROWTH_MAX);
    }
    for (unsigned i = 0; i < guests; i++) { /* the power button: all is checked, then it ends */
        struct vm_exit result;

        snprintf(name, sizeof(name), "g%02u", i);
        rig_foreign(rig, name, "system_powerdown", NULL);
        assert_int_equal(vm_wait_exit(rig_find(rig, name)->vm, RIG_STEP_MS, &result), VM_WAIT_OK);
        if (result.end != VM_END_STATUS || result.status != 0) {
            fail_msg("%s: %s", name, result.text);
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { RIG_TEST(guests_share_a_host_for_long) };

    return rig_main("tests/ballast/live/soak.c", tests, 1, argc, argv);
}
