/* SPDX-License-Identifier: BSD-2-Clause */
/* The tools that the other tests stand on: what they read, and what they do when things go wrong.
 */

#include "tests/qemu/qtest.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/aerostat/text_log.h"
#include "tools/aerostat/vm_probe.h"

/* ---- what is read ---- */

static FILE *text_file(const char *text)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    fputs(text, file);
    rewind(file);
    return file;
}

static void records_are_read_by_key(void **state)
{
    const char *line = "@exit status=7 reason=\"a status=9 of sorts\" last=x";
    char text[32];
    uint64_t number = 0;

    (void)state;
    assert_true(record_is(line, "exit"));
    assert_false(record_is(line, "exi"));
    assert_false(record_is("[ 0.1] info: @exit status=7", "exit"));
    assert_true(record_u64(line, "status", &number));
    assert_int_equal(number, 7);
    assert_true(record_text(line, "reason", text, sizeof(text)));
    assert_string_equal(text, "a status=9 of sorts");
    assert_true(record_text(line, "last", text, 2));
    assert_string_equal(text, "x");
    assert_false(record_u64(line, "last", &number));
    assert_false(record_u64(line, "tatus", &number));
    assert_false(record_u64("@a n=18446744073709551616", "n", &number));
    assert_false(record_u64("@a n=-1", "n", &number));
}

static void a_mem_record_needs_all_its_numbers(void **state)
{
    struct record_mem mem;

    (void)state;
    assert_true(record_mem("@mem ms=1 total=2 in_use=3 backed=4 returned=5 balloon=6 target=7 "
                           "actual=8",
                           &mem));
    assert_int_equal(mem.total, 2);
    assert_int_equal(mem.actual, 8);
    assert_false(record_mem("@mem ms=1 total=2 in_use=3", &mem));
}

static void resident_memory_counts_only_the_guests_part(void **state)
{
    static const char smaps[] = "00001000-00003000 rw-p 00000000 00:00 0 \n"
                                "Size: 8 kB\nRss:                   8 kB\nPss: 8 kB\n"
                                "00010000-00014000 rw-p 00000000 00:00 0 \n"
                                "Rss:                  12 kB\nAnonHugePages: 0 kB\n"
                                "00014000-00018000 rw-p 00000000 00:00 0 \n"
                                "Rss:                   4 kB\n"
                                "00018000-00040000 rw-p 00000000 00:00 0 [heap]\n"
                                "Rss:                 160 kB\n";
    uint64_t bytes = 0;
    FILE *file = text_file(smaps);

    (void)state;
    assert_true(vm_probe_smaps(file, 0x10000, 0x19000, &bytes));
    assert_int_equal(bytes, (12 + 4 + 4) * 1024);
    rewind(file);
    assert_false(vm_probe_smaps(file, 0x50000, 0x60000, &bytes));
    fclose(file);
}

static void virtualisation_is_a_whole_word_among_the_flags(void **state)
{
    static const struct {
        const char *text;
        bool offered;
    } cases[] = { { "model name\t: vmx svm\nflags\t\t: fpu vme\n", false },
                  { "flags\t\t: fpu vmx_extra nosvm\n", false },
                  { "flags\t\t: fpu vmx sse\n", true },
                  { "flags\t\t: fpu\n\nflags\t\t: fpu svm\n", true },
                  { "", false } };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FILE *file = text_file(cases[i].text);

        assert_int_equal(accel_cpuinfo_has_virtualization(file), cases[i].offered);
        fclose(file);
    }
}

static void lines_are_put_together_from_pieces(void **state)
{
    struct text_log log = { 0 };

    (void)state;
    text_log_feed(&log, "one\r\ntw", 7);
    assert_string_equal(text_log_take(&log), "one");
    assert_null(text_log_take(&log));
    text_log_feed(&log, "o\n\n\0x", 5);
    assert_string_equal(text_log_take(&log), "two");
    assert_string_equal(text_log_take(&log), "");
    assert_null(text_log_take(&log));
    text_log_finish(&log);
    assert_string_equal(text_log_take(&log), "?x");
    assert_string_equal(text_log_line(&log, 1), "two");
    text_log_free(&log);
}

/* ---- when things go wrong ---- */

static void a_program_that_is_missing_is_named(void **state)
{
    const struct vm_config config = { .qemu = "no-such-program", .image = "x", .memory_mib = 16 };
    char reason[256] = "";

    (void)state;
    assert_null(vm_start(&config, reason, sizeof(reason)));
    assert_non_null(strstr(reason, "cannot start no-such-program"));
}

static void the_complaint_of_qemu_is_the_reason(void **state)
{
    const struct vm_config config = { .image = "/dev/null",
                                      .memory_mib = 16,
                                      .machine = "toaster" };
    char reason[256] = "";

    (void)state;
    assert_null(vm_start(&config, reason, sizeof(reason)));
    assert_non_null(strstr(reason, "exit code 1"));
    assert_non_null(strstr(reason, "unsupported machine type"));
}

static void a_killed_qemu_is_noticed(struct qtest *t)
{
    struct vm_exit result;

    qtest_ready(t, "on");
    kill(vm_pid(t->vm), SIGKILL);
    assert_int_equal(vm_wait_line(t->vm, "never", QTEST_STEP_MS, NULL), VM_WAIT_ENDED);
    assert_int_equal(vm_wait_exit(t->vm, QTEST_STEP_MS, &result), VM_WAIT_OK);
    assert_int_equal(result.end, VM_END_QEMU);
    assert_int_equal(result.status, SIGKILL);
}

static void a_quit_by_the_host_is_told_from_the_guests_end(struct qtest *t)
{
    struct vm_exit result;

    qtest_ready(t, "on");
    qtest_do(t, "quit");
    assert_int_equal(vm_wait_exit(t->vm, QTEST_STEP_MS, &result), VM_WAIT_OK);
    assert_int_equal(result.end, VM_END_HOST);
}

/* The host writes to the port of the panic device, as a guest in despair would; QEMU then stops the
 * guest just as it does after an internal error of its own. */
static void a_guest_that_qemu_stopped_is_noticed_at_once(struct qtest *t)
{
    struct vm_exit result;
    int64_t start;
    char *output;

    qtest_ready(t, "on");
    start = vm_now_ms();
    output = vm_human(t->vm, "o/b 0x505 1", QTEST_STEP_MS);
    assert_non_null(output);
    free(output);
    assert_int_equal(vm_wait_exit(t->vm, QTEST_STEP_MS, &result), VM_WAIT_OK);
    assert_true(vm_now_ms() - start < QTEST_STEP_MS / 2);
    assert_int_equal(result.end, VM_END_STOPPED);
    assert_non_null(strstr(result.text, "guest-panicked"));
}

static void a_pause_that_nobody_announced_is_an_end(struct qtest *t)
{
    struct vm_exit result;

    qtest_ready(t, "on");
    qtest_do(t, "stop");
    assert_int_equal(vm_wait_exit(t->vm, QTEST_STEP_MS, &result), VM_WAIT_OK);
    assert_int_equal(result.end, VM_END_STOPPED);
    assert_non_null(strstr(result.text, "paused"));
}

static void a_pause_that_may_be_is_waited_out(struct qtest *t)
{
    qtest_ready(t, "on");
    qtest_do(t, "stop");
    assert_int_equal(vm_wait_exit(t->vm, 100, NULL), VM_WAIT_TIMEOUT);
    qtest_do(t, "cont");
    qtest_powerdown(t);
}

static void a_pause_that_is_over_does_not_count(struct qtest *t)
{
    qtest_ready(t, "on");
    qtest_do(t, "stop");
    qtest_do(t, "cont");
    assert_int_equal(vm_wait_exit(t->vm, 100, NULL), VM_WAIT_TIMEOUT);
    qtest_powerdown(t);
}

static void a_line_that_does_not_come_times_out(struct qtest *t)
{
    int64_t start = vm_now_ms();

    qtest_ready(t, "on");
    assert_int_equal(vm_wait_line(t->vm, "never", 100, NULL), VM_WAIT_TIMEOUT);
    assert_true(vm_now_ms() - start >= 100);
}

/* The parent is killed without a chance to clean up; its QEMU must go with it. */
static void qemu_does_not_outlive_its_parent(struct qtest *t)
{
    int pipe_fds[2];
    pid_t child;
    pid_t qemu = 0;
    int64_t end = vm_now_ms() + QTEST_STEP_MS;

    assert_int_equal(pipe(pipe_fds), 0);
    child = fork();
    if (child == 0) {
        char reason[256];
        struct vm *vm = vm_start(&t->config, reason, sizeof(reason));
        pid_t pid = vm == NULL ? 0 : vm_pid(vm);

        (void)!write(pipe_fds[1], &pid, sizeof(pid));
        for (;;) {
            pause();
        }
    }
    assert_true(child > 0);
    assert_int_equal(read(pipe_fds[0], &qemu, sizeof(qemu)), sizeof(qemu));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    assert_true(qemu > 0);
    for (;;) {
        char path[64];
        char state = 'X';
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/stat", qemu);
        file = fopen(path, "re");
        if (file == NULL || fscanf(file, "%*d (%*[^)]) %c", &state) != 1) {
            state = 'X';
        }
        if (file != NULL) {
            fclose(file);
        }
        if (state == 'X' || state == 'Z') { /* gone, or waiting for init to notice */
            break;
        }
        assert_true(vm_now_ms() < end);
        qtest_sleep(t, 10);
    }
}

int main(int argc, char **argv)
{
    static const char *const panic_device[] = { "-device", "pvpanic", "-action", "panic=pause",
                                                NULL };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read_by_key),
        cmocka_unit_test(a_mem_record_needs_all_its_numbers),
        cmocka_unit_test(resident_memory_counts_only_the_guests_part),
        cmocka_unit_test(virtualisation_is_a_whole_word_among_the_flags),
        cmocka_unit_test(lines_are_put_together_from_pieces),
        cmocka_unit_test(a_program_that_is_missing_is_named),
        cmocka_unit_test(the_complaint_of_qemu_is_the_reason),
        QTEST(a_killed_qemu_is_noticed),
        QTEST(a_quit_by_the_host_is_told_from_the_guests_end),
        QTEST(a_guest_that_qemu_stopped_is_noticed_at_once, .extra = panic_device),
        QTEST(a_pause_that_nobody_announced_is_an_end),
        QTEST(a_pause_that_may_be_is_waited_out, .may_pause = true),
        QTEST(a_pause_that_is_over_does_not_count),
        QTEST(a_line_that_does_not_come_times_out),
        QTEST(qemu_does_not_outlive_its_parent),
    };

    return qtest_main("tests/qemu/test_vm.c", tests, sizeof(tests) / sizeof(tests[0]), argc, argv);
}
