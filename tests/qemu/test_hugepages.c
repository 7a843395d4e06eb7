/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory made of the host's huge pages: inflating must make whole ones free, which QEMU does
 * only when all 512 frame numbers of one come together. The pages are set aside for the test and
 * given back after it. A keeper process does that, so that it happens however the test ends.
 */

#include "tests/qemu/huge_pool.h"
#include "tests/qemu/qtest.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define HUGE_PAGES 256U

/* ---- the keeper ---- */

static int leash = -1; /* the keeper reads its other end, which ends with us */
static pid_t keeper;
static unsigned pool_before;

static bool keeper_start(void)
{
    int ends[2];
    char byte;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    keeper = fork();
    if (keeper == 0) {
        (void)signal(SIGINT, SIG_IGN);
        (void)signal(SIGTERM, SIG_IGN);
        (void)signal(SIGHUP, SIG_IGN);
        close(ends[1]);
        while (read(ends[0], &byte, 1) > 0) {
        }
        _exit(huge_pool_resize(pool_before) ? 0 : 1);
    }
    close(ends[0]);
    leash = ends[1];
    return keeper > 0;
}

static void keeper_end(void)
{
    int status = 0;
    unsigned now = 0;

    close(leash);
    assert_int_equal(waitpid(keeper, &status, 0), keeper);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(huge_pool_read("nr_hugepages", &now));
    assert_int_equal(now, pool_before);
}

/* Sets the pages aside before QEMU starts; without them the case is skipped. */
static void run_with_huge_pages(void **state)
{
    unsigned now = 0;
    const char *refused = NULL;

    if (!huge_pool_read("nr_hugepages", &pool_before)) {
        refused = "this host has no huge pages of 2 MiB";
    } else if (!keeper_start()) {
        refused = "no process to give huge pages back";
    } else if (!huge_pool_resize(pool_before + HUGE_PAGES)) {
        refused = "huge pages cannot be set aside (that takes root)";
    } else if (!huge_pool_read("free_hugepages", &now) || now < HUGE_PAGES) {
        refused = "the host has not enough memory in one piece for huge pages";
    }
    if (refused != NULL) {
        print_message("skipped: %s\n", refused);
        skip();
    }
    qtest_run(state);
}

static int end_with_huge_pages(void **state)
{
    int result = qtest_end(state);

    if (leash >= 0) {
        keeper_end();
        leash = -1;
    }
    return result;
}

/* ---- the cases ---- */

static unsigned free_pages(void)
{
    unsigned pages = 0;

    assert_true(huge_pool_read("free_hugepages", &pages));
    return pages;
}

static void inflating_frees_whole_huge_pages(struct qtest *t)
{
    unsigned before;

    qtest_ready(t, "on");
    qtest_line(t, "@touch state=end", QTEST_STEP_MS);
    before = free_pages();
    assert_true(before < 40); /* of 256, 450 MiB are in use */
    qtest_resize(t, t->ram_bytes - 256 * QTEST_MIB);
    assert_int_equal(free_pages() - before, 128);
    qtest_resize(t, t->ram_bytes);
    qtest_powerdown(t);
}

static void reporting_frees_whole_huge_pages(struct qtest *t)
{
    int64_t end = vm_now_ms() + QTEST_STEP_MS;

    qtest_ready(t, "on");
    qtest_line(t, "@touch state=end", QTEST_STEP_MS);
    /* The kernel, the firmware and the reserve keep a few. */
    while (free_pages() < HUGE_PAGES - 8 && vm_now_ms() < end) {
        qtest_sleep(t, 20);
    }
    assert_true(free_pages() >= HUGE_PAGES - 8);
    qtest_powerdown(t);
}

#define HUGE_QTEST(function, ...)                                                                  \
    {                                                                                              \
#function, run_with_huge_pages, NULL, end_with_huge_pages, &(struct qtest_case)            \
        {                                                                                          \
            .name = #function, .body = function, .vm = {                                           \
                .machine = "q35,memory-backend=mem",                                               \
                .memory_mib = 512,                                                                 \
                .extra = memory,                                                                   \
                .image = "test.elf",                                                               \
                __VA_ARGS__                                                                        \
            }                                                                                      \
        }                                                                                          \
    }

static const char *const memory[] = {
    "-object", "memory-backend-memfd,id=mem,size=512M,hugetlb=on,hugetlbsize=2M", NULL
};

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        HUGE_QTEST(inflating_frees_whole_huge_pages, .append = "report=50 -- test=touch mib=450"),
        HUGE_QTEST(reporting_frees_whole_huge_pages, .append = "report=50 -- test=touch mib=450",
                   .balloon_properties = "free-page-reporting=on"),
    };

    return qtest_main("tests/qemu/test_hugepages.c", tests, sizeof(tests) / sizeof(tests[0]), argc,
                      argv);
}
