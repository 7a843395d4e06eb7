/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read of a machine's process becomes the same facts for every backend. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "tests/ballast/fakes/fake_root.h"
#include "tools/ballast/backend/reading.h"

#define MIB ((uint64_t)1 << 20)
#define RAM (512 * MIB)
#define PID 42

/* 50 MiB of QEMU's own, which statm tells, and so much of the guest's RAM in huge pages, which it
 * leaves out. */
static void write_hugetlb_process(const char *root, unsigned huge_mib)
{
    const unsigned page_kib = (unsigned)sysconf(_SC_PAGESIZE) / 1024;
    char text[256];

    snprintf(text, sizeof(text), "%u %u 1 1 0 1 0\n", 1024 * 1024 / page_kib, 50 * 1024 / page_kib);
    fake_root_text(root, "/proc/42/statm", text);
    snprintf(text, sizeof(text), "VmSwap:\t0 kB\nHugetlbPages:\t%u kB\n", huge_mib * 1024);
    fake_root_text(root, "/proc/42/status", text);
    snprintf(text, sizeof(text),
             "7f0000000000-7f0020000000 rw-s 00000000 00:00 0 \nRss: 0 kB\n"
             "Private_Hugetlb: %u kB\nKernelPageSize: 2048 kB\n",
             huge_mib * 1024);
    fake_root_text(root, "/proc/42/smaps", text);
}

static void what_huge_pages_hold_is_the_same_by_walk_and_by_glance(void **state)
{
    char root[FAKE_ROOT_MAX];
    struct host_source source = { .root = root, .cgroup = "" };
    struct reading_process process;
    struct host_process seen;

    (void)state;
    fake_root_make(root);
    write_hugetlb_process(root, 200);
    reading_process_clear(&process);
    assert_true(host_process_read(&source, PID, RAM, &seen));
    reading_walk(&process, &seen, RAM);
    for (unsigned period = 0; period < 3; period++) {
        assert_int_equal(process.resident_bytes, 200 * MIB);
        assert_int_equal(process.overhead_bytes, 50 * MIB);
        assert_true(process.huge_pages);
        assert_true(host_process_glance(&source, PID, &seen));
        reading_glance(&process, &seen, RAM);
    }
    write_hugetlb_process(root, 300);
    assert_true(host_process_glance(&source, PID, &seen));
    reading_glance(&process, &seen, RAM);
    assert_int_equal(process.resident_bytes, 300 * MIB);
    assert_int_equal(process.overhead_bytes, 50 * MIB);
    fake_root_remove(root, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_huge_pages_hold_is_the_same_by_walk_and_by_glance),
    };

    return cmocka_run_group_tests_name("reading", tests, NULL, NULL);
}
