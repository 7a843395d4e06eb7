/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's files as they really look, absent, cut off and hostile, below a folder of the test.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/ballast/fakes/fake_root.h"
#include "tools/ballast/host/host.h"

#define MIB ((uint64_t)1 << 20)
#define KIB ((uint64_t)1 << 10)

struct rig {
    char root[FAKE_ROOT_MAX];
    struct host_source source;
};

static const char meminfo[] = "MemTotal:       16384000 kB\n"
                              "MemFree:          500000 kB\n"
                              "MemAvailable:    8192000 kB\n"
                              "Buffers:          100000 kB\n"
                              "SwapCached:            0 kB\n"
                              "SwapTotal:       2048000 kB\n"
                              "SwapFree:        1024000 kB\n"
                              "SReclaimable:     400000 kB\n"
                              "HugePages_Total:       0\n";

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    if (rig == NULL) {
        return -1;
    }
    fake_root_make(rig->root);
    rig->source = (struct host_source){ .root = rig->root, .cgroup = "" };
    fake_root_text(rig->root, "/proc/meminfo", meminfo);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    fake_root_remove(rig->root, "");
    free(rig);
    return 0;
}

static struct host_memory read_host(struct rig *rig, uint64_t machines_bytes)
{
    struct host_memory memory;

    assert_true(host_read(&rig->source, machines_bytes, &memory));
    return memory;
}

/* ---- the host ---- */

static void memory_swap_pressure_and_merged_pages_are_read(void **state)
{
    struct rig *rig = *state;
    struct host_memory memory;

    fake_root_text(rig->root, "/proc/pressure/memory",
                   "some avg10=1.25 avg60=0.40 avg300=0.10 total=123456\n"
                   "full avg10=0.07 avg60=0.00 avg300=0.00 total=999\n");
    fake_root_text(rig->root, "/sys/kernel/mm/ksm/pages_sharing", "1000\n");
    memory = read_host(rig, 0);
    assert_int_equal(memory.total_bytes, 16384000 * KIB);
    assert_int_equal(memory.available_bytes, 8192000 * KIB);
    assert_int_equal(memory.swap_total_bytes, 2048000 * KIB);
    assert_int_equal(memory.swap_free_bytes, 1024000 * KIB);
    assert_true(memory.psi);
    assert_int_equal(memory.psi_some_centi, 125);
    assert_int_equal(memory.psi_full_centi, 7);
    assert_int_equal(memory.ksm_saved_bytes, 1000 * (uint64_t)sysconf(_SC_PAGESIZE));
}

static void without_pressure_files_there_is_no_pressure_to_tell(void **state)
{
    struct host_memory memory = read_host(*state, 0);

    assert_false(memory.psi);
    assert_int_equal(memory.psi_some_centi, 0);
    assert_int_equal(memory.ksm_saved_bytes, 0);
}

static void a_host_that_tells_no_memory_is_an_error(void **state)
{
    static const char *const bad[] = {
        "MemTotal:  kB\nMemAvailable: 5 kB\n",
        "MemTotal:       16384000 kB\n",
        "MemAvailable: 16384000 kB\n",
        "XMemTotal: 5 kB\nMemAvailable: 5 kB\n",
        "MemTotal: 0 kB\nMemAvailable: 0 kB\n",
        "MemTotal: -5 kB\nMemAvailable: 5 kB\n",
        "MemTotal: 99999999999999999999999 kB\nMemAvailable: 5 kB\n",
        "MemTotal: 18446744073709551615 kB\nMemAvailable: 5 kB\n",
        "MemTotal: 1",
    };
    struct rig *rig = *state;
    struct host_memory memory;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fake_root_text(rig->root, "/proc/meminfo", bad[i]);
        assert_false(host_read(&rig->source, 0, &memory));
    }
    fake_root_remove(rig->root, "/proc/meminfo");
    assert_false(host_read(&rig->source, 0, &memory));
}

static void hostile_numbers_do_not_overflow(void **state)
{
    struct rig *rig = *state;
    struct host_memory memory;

    fake_root_text(rig->root, "/proc/meminfo",
                   "MemTotal: 1000 kB\nMemAvailable: 5000 kB\nSwapTotal: 18446744073709551615 kB\n"
                   "SwapFree: 5 kB"); /* and no line end */
    fake_root_text(rig->root, "/sys/kernel/mm/ksm/pages_sharing", "18446744073709551615");
    fake_root_text(rig->root, "/proc/pressure/memory", "some avg10=184467440737095516.99 x");
    memory = read_host(rig, 0);
    assert_int_equal(memory.available_bytes, 1000 * KIB);
    assert_int_equal(memory.swap_total_bytes, 0);
    assert_int_equal(memory.swap_free_bytes, 0);
    assert_int_equal(memory.ksm_saved_bytes, 0);
    assert_false(memory.psi);
    fake_root_text(rig->root, "/proc/pressure/memory", "some avg10=100.9");
    memory = read_host(rig, 0);
    assert_true(memory.psi);
    assert_int_equal(memory.psi_some_centi, 10000);
}

static void what_zfs_keeps_is_not_available(void **state)
{
    struct rig *rig = *state;

    fake_root_text(rig->root, "/proc/spl/kstat/zfs/arcstats",
                   "9 1 0x01 147 39984 4410011 30099\nname            type data\n"
                   "hits                            4    12\n"
                   "c_min                           4    209715200\n"
                   "c_max                           4    900000000\n"
                   "size                            4    800000000\n"
                   "compressed_size                 4    1\n");
    assert_int_equal(read_host(rig, 0).available_bytes, 8192000 * KIB - 200 * MIB);
    /* No more than what MemAvailable can count of it. */
    fake_root_text(rig->root, "/proc/meminfo",
                   "MemTotal: 16384000 kB\nMemAvailable: 8192000 kB\nSReclaimable: 1024 kB\n");
    assert_int_equal(read_host(rig, 0).available_bytes, 8191 * 1000 * KIB - 24 * KIB);
    fake_root_text(rig->root, "/proc/spl/kstat/zfs/arcstats", "size 4 x\nc_min");
    assert_int_equal(read_host(rig, 0).available_bytes, 8192000 * KIB);
}

static void a_limit_counts_what_the_machines_hold(void **state)
{
    struct rig *rig = *state;
    struct host_memory memory;

    rig->source.limit_bytes = 1000 * MIB;
    memory = read_host(rig, 300 * MIB);
    assert_int_equal(memory.total_bytes, 1000 * MIB);
    assert_int_equal(memory.available_bytes, 700 * MIB);
    assert_int_equal(read_host(rig, 2000 * MIB).available_bytes, 0);
    rig->source.limit_bytes = UINT64_MAX;
    assert_int_equal(read_host(rig, 300 * MIB).total_bytes, 16384000 * KIB);
}

static void a_cgroup_takes_the_hosts_place(void **state)
{
    struct rig *rig = *state;
    struct host_memory memory;

    rig->source.cgroup = "/sys/fs/cgroup/machine.slice";
    fake_root_text(rig->root, "/sys/fs/cgroup/machine.slice/memory.current", "419430400\n");
    fake_root_text(rig->root, "/sys/fs/cgroup/machine.slice/memory.max", "1048576000\n");
    fake_root_text(rig->root, "/sys/fs/cgroup/machine.slice/memory.high", "max\n");
    fake_root_text(rig->root, "/sys/fs/cgroup/machine.slice/memory.stat",
                   "anon 5\nfile 209715200\ninactive_file 94371840\nactive_file 10485760\n"
                   "slab_reclaimable 0\n");
    fake_root_text(rig->root, "/sys/fs/cgroup/machine.slice/memory.pressure",
                   "some avg10=12.00 avg60=0.00\nfull avg10=3.50 avg60=0.00\n");
    memory = read_host(rig, 300 * MIB);
    assert_int_equal(memory.total_bytes, 1000 * MIB);
    assert_int_equal(memory.available_bytes, 700 * MIB);
    assert_int_equal(memory.psi_some_centi, 1200);
    assert_int_equal(memory.psi_full_centi, 350);
    rig->source.limit_bytes = 500 * MIB; /* and of that limit 300 MiB are taken */
    assert_int_equal(read_host(rig, 0).available_bytes, 200 * MIB);
}

static void a_cgroup_that_is_gone_leaves_the_hosts_numbers(void **state)
{
    struct rig *rig = *state;

    rig->source.cgroup = "/sys/fs/cgroup/nowhere";
    assert_int_equal(read_host(rig, 0).total_bytes, 16384000 * KIB);
}

/* The whole host must not be distributed because its part could not be read for a moment. */
static void a_cgroup_that_cannot_be_read_is_not_the_whole_host(void **state)
{
    struct rig *rig = *state;
    struct host_memory memory;

    rig->source.cgroup = "/sys/fs/cgroup/machine.slice";
    fake_root_text(rig->root, "/sys/fs/cgroup/machine.slice/memory.current", "419430400\n");
    assert_false(host_read(&rig->source, 0, &memory)); /* no memory.max */
    fake_root_text(rig->root, "/sys/fs/cgroup/machine.slice/memory.max", "?\n");
    assert_false(host_read(&rig->source, 0, &memory));
    fake_root_text(rig->root, "/sys/fs/cgroup/machine.slice/memory.max", "1048576000\n");
    assert_int_equal(read_host(rig, 0).total_bytes, 1048576000);
    assert_true(read_host(rig, 0).cgroup);
    fake_root_text(rig->root, "/sys/fs/cgroup/machine.slice/memory.current", "?\n");
    assert_false(host_read(&rig->source, 0, &memory));
}

/* ---- cgroups ---- */

static void a_cgroup_without_limits_says_so(void **state)
{
    struct rig *rig = *state;
    struct host_cgroup cgroup;

    fake_root_text(rig->root, "/sys/fs/cgroup/a/memory.current", "1048576\n");
    fake_root_text(rig->root, "/sys/fs/cgroup/a/memory.max", "max\n");
    fake_root_text(rig->root, "/sys/fs/cgroup/a/memory.stat",
                   "inactive_file 18446744073709551615\nactive_file 7\n");
    assert_true(host_cgroup_read(&rig->source, "/sys/fs/cgroup/a", &cgroup));
    assert_int_equal(cgroup.current_bytes, MIB);
    assert_int_equal(cgroup.file_bytes, MIB); /* never more than it has */
    assert_true(cgroup.max_bytes == POLICY_MISSING);
    assert_true(cgroup.high_bytes == POLICY_MISSING);
    assert_false(cgroup.psi);
}

static void what_is_no_cgroup_is_refused(void **state)
{
    struct rig *rig = *state;
    struct host_cgroup cgroup;
    char long_path[5000];

    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[0] = '/';
    long_path[sizeof(long_path) - 1] = '\0';
    assert_false(host_cgroup_read(&rig->source, "/sys/fs/cgroup/nowhere", &cgroup));
    assert_false(host_cgroup_read(&rig->source, "", &cgroup));
    assert_false(host_cgroup_read(&rig->source, long_path, &cgroup));
    fake_root_text(rig->root, "/sys/fs/cgroup/a/memory.current", "max\n");
    assert_false(host_cgroup_read(&rig->source, "/sys/fs/cgroup/a", &cgroup));
    fake_root_text(rig->root, "/sys/fs/cgroup/a/memory.current", "many");
    assert_false(host_cgroup_read(&rig->source, "/sys/fs/cgroup/a", &cgroup));
}

/* ---- processes ---- */

#define STATUS "Name:\tqemu\nVmLck:\t  524288 kB\nHugetlbPages:\t    2048 kB\n"

/* A process with 512 MiB of RAM in two mappings, a guard behind it, and a stack. */
static const char smaps[] =
    "55d000000000-55d000100000 r-xp 00000000 fe:00 77   /usr/bin/qemu - 2\n"
    "Rss:                1024 kB\nKernelPageSize:        4 kB\n"
    "7f0000000000-7f0010000000 rw-p 00000000 00:00 0 \n"
    "Size:             262144 kB\nKernelPageSize:        4 kB\nRss:              102400 kB\n"
    "Pss:              102400 kB\n"
    "7f0010000000-7f0020000000 rw-p 00000000 00:00 0 \n"
    "KernelPageSize:        4 kB\nRss:                2048 kB\n"
    "7f0020000000-7f0020001000 ---p 00000000 00:00 0 \n"
    "Rss:                   0 kB\n"
    "7f0030000000-7f0050000000 ---p 00000000 00:00 0 \n"
    "Rss:                   0 kB\nVmFlags: mr mw\n"
    "7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]\n"
    "Rss:                 100 kB\n";

static void write_process(struct rig *rig, const char *smaps_text)
{
    fake_root_text(rig->root, "/proc/42/statm", "300000 50000 3000 100 0 9000 0\n");
    fake_root_text(rig->root, "/proc/42/status", STATUS);
    fake_root_text(rig->root, "/proc/42/smaps", smaps_text);
}

static void ram_in_two_mappings_is_found_by_its_size(void **state)
{
    struct rig *rig = *state;
    struct host_process process;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

    write_process(rig, smaps);
    assert_true(host_process_read(&rig->source, 42, 512 * MIB, &process));
    assert_int_equal(process.ram_bytes, 102 * MIB);
    assert_int_equal(process.virtual_bytes, 300000 * page);
    assert_int_equal(process.resident_bytes, 50000 * page + 2 * MIB);
    assert_int_equal(process.locked_bytes, 512 * MIB);
    assert_int_equal(process.huge_bytes, 2 * MIB);
    assert_false(process.ram_huge);
    assert_false(process.vfio);
    /* A glance costs no walk, and counts the same pages: hugetlb pages, too. */
    assert_true(host_process_glance(&rig->source, 42, &process));
    assert_int_equal(process.resident_bytes, 50000 * page + 2 * MIB);
    assert_int_equal(process.huge_bytes, 2 * MIB);
    assert_true(process.ram_bytes == POLICY_MISSING);
    assert_true(host_process_read(&rig->source, 42, 512 * MIB + page, &process)); /* with guard */
    assert_true(host_process_read(&rig->source, 42, 600 * MIB, &process));
    assert_true(process.ram_bytes == POLICY_MISSING);
    assert_true(host_process_read(&rig->source, 42, POLICY_MISSING, &process));
    assert_true(process.ram_bytes == POLICY_MISSING);
}

static void huge_pages_count_and_are_named(void **state)
{
    struct rig *rig = *state;
    struct host_process process;

    write_process(rig,
                  "7f0000000000-7f0020000000 rw-s 00000000 00:0f 9 /dev/hugepages/x (deleted)\n"
                  "KernelPageSize:     2048 kB\nRss:                   0 kB\n"
                  "Shared_Hugetlb:    65536 kB\nPrivate_Hugetlb:    2048 kB\n");
    assert_true(host_process_read(&rig->source, 42, 512 * MIB, &process));
    assert_true(process.ram_huge);
    assert_int_equal(process.ram_bytes, 66 * MIB);
}

static void hostile_mappings_are_survived(void **state)
{
    static const char *const bad[] = {
        "",
        "Rss: 5 kB\n",
        "-\n",
        "7f0000000000-7f0020000000",
        "7f0020000000-7f0000000000 rw-p\nRss: 5 kB\n",
        "0-20000000 rw-p\nRss: 18446744073709551615 kB\nRss: 99999999999999 kB\nRss: 1 kB",
        "ffffffffffffffffffff-ffffffffffffffffffff rw-p\n",
    };
    struct rig *rig = *state;
    struct host_process process;
    char *many = malloc(400 * 64);
    size_t length = 0;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        write_process(rig, bad[i]);
        assert_true(host_process_read(&rig->source, 42, 512 * MIB, &process));
        assert_true(process.ram_bytes == POLICY_MISSING || process.ram_bytes <= 512 * MIB);
    }
    assert_non_null(many);
    for (unsigned i = 0; i < 400; i++) { /* a longer chain than is remembered */
        length += (size_t)sprintf(many + length, "%x000-%x000 rw-p 0\nRss: 4 kB\n", i + 1, i + 2);
    }
    write_process(rig, many);
    free(many);
    assert_true(host_process_read(&rig->source, 42, 4096, &process));
    assert_int_equal(process.ram_bytes, 4096);
}

static void an_assigned_device_is_seen(void **state)
{
    struct rig *rig = *state;
    struct host_process process;

    write_process(rig, smaps);
    fake_root_link(rig->root, "/proc/42/fd/0", "/dev/null");
    fake_root_link(rig->root, "/proc/42/fd/1", "/dev/vfio/vfio");
    assert_true(host_process_read(&rig->source, 42, 512 * MIB, &process));
    assert_false(process.vfio);
    fake_root_link(rig->root, "/proc/42/fd/2", "/dev/vfio/17");
    assert_true(host_process_read(&rig->source, 42, 512 * MIB, &process));
    assert_true(process.vfio);
    fake_root_remove(rig->root, "/proc/42/fd/2");
    fake_root_link(rig->root, "/proc/42/fd/2", "anon_inode:[vfio-device]");
    assert_true(host_process_read(&rig->source, 42, 512 * MIB, &process));
    assert_true(process.vfio);
}

static void no_process_is_an_error_and_a_closed_one_tells_what_is_open(void **state)
{
    struct rig *rig = *state;
    struct host_process process;

    assert_false(host_process_read(&rig->source, 42, MIB, &process));
    assert_false(host_process_read(&rig->source, 0, MIB, &process));
    assert_false(host_process_read(&rig->source, -1, MIB, &process));
    fake_root_text(rig->root, "/proc/42/statm", "5 x");
    assert_false(host_process_glance(&rig->source, 42, &process));
    fake_root_text(rig->root, "/proc/42/statm", "18446744073709551615 18446744073709551615");
    assert_false(host_process_glance(&rig->source, 42, &process));
    fake_root_text(rig->root, "/proc/42/statm", "500 100");
    assert_true(host_process_read(&rig->source, 42, MIB, &process));
    assert_true(process.ram_bytes == POLICY_MISSING);
    assert_int_equal(process.locked_bytes, 0);
    assert_true(process.swapped_bytes == POLICY_MISSING); /* an old kernel does not tell */
}

static void a_file_that_never_ends_a_read_does_not_block(void **state)
{
    struct rig *rig = *state;
    struct host_memory memory;
    char path[FAKE_ROOT_MAX + 32];

    fake_root_remove(rig->root, "/proc/meminfo");
    snprintf(path, sizeof(path), "%s/proc/meminfo", rig->root);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(host_read(&rig->source, 0, &memory));
}

/* ---- this machine ---- */

static void this_machine_and_this_process_can_be_read(void **state)
{
    const struct host_source source = { .root = "", .cgroup = "" };
    uint64_t size = 24 * MIB;
    struct host_memory memory;
    struct host_process process;
    char *ram = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_true(ram != MAP_FAILED);
    memset(ram, 1, size / 2);
    assert_true(host_read(&source, 0, &memory));
    assert_in_range(memory.available_bytes, 1, memory.total_bytes);
    assert_true(host_process_read(&source, getpid(), size, &process));
    assert_int_equal(process.ram_bytes, size / 2);
    assert_true(process.resident_bytes >= size / 2);
    munmap(ram, size);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(memory_swap_pressure_and_merged_pages_are_read),
        WITH_RIG(without_pressure_files_there_is_no_pressure_to_tell),
        WITH_RIG(a_host_that_tells_no_memory_is_an_error),
        WITH_RIG(hostile_numbers_do_not_overflow),
        WITH_RIG(what_zfs_keeps_is_not_available),
        WITH_RIG(a_limit_counts_what_the_machines_hold),
        WITH_RIG(a_cgroup_takes_the_hosts_place),
        WITH_RIG(a_cgroup_that_is_gone_leaves_the_hosts_numbers),
        WITH_RIG(a_cgroup_that_cannot_be_read_is_not_the_whole_host),
        WITH_RIG(a_cgroup_without_limits_says_so),
        WITH_RIG(what_is_no_cgroup_is_refused),
        WITH_RIG(ram_in_two_mappings_is_found_by_its_size),
        WITH_RIG(huge_pages_count_and_are_named),
        WITH_RIG(hostile_mappings_are_survived),
        WITH_RIG(an_assigned_device_is_seen),
        WITH_RIG(no_process_is_an_error_and_a_closed_one_tells_what_is_open),
        WITH_RIG(a_file_that_never_ends_a_read_does_not_block),
        cmocka_unit_test(this_machine_and_this_process_can_be_read),
    };

    return cmocka_run_group_tests_name("tools/ballast/host/host_memory.c", tests, NULL, NULL);
}
