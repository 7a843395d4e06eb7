/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's own parts inside a real machine: tasks and timers, mappings, and all kinds of
 * interrupts. */

#include "tests/qemu/qtest.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"

static void tasks_and_timers_work(struct qtest *t)
{
    qtest_line(t, "name=tasks_take_turns result=ok", QTEST_STEP_MS);
    qtest_line(t, "name=ended_tasks_give_back_their_stacks result=ok", QTEST_STEP_MS);
    qtest_line(t, "name=tasks_have_a_limit result=ok", QTEST_STEP_MS);
    qtest_line(t, "name=sleeping_takes_as_long_as_asked result=ok", QTEST_STEP_MS);
    qtest_line(t, "name=timers_fire_in_order_and_can_be_cancelled result=ok", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void what_must_not_be_mapped_is_not(struct qtest *t)
{
    qtest_line(t, "name=the_first_page_is_not_mapped result=ok", QTEST_STEP_MS);
    qtest_line(t, "name=every_builtin_stack_stands_on_a_guard_page result=ok", QTEST_STEP_MS);
    qtest_line(t, "name=the_stack_of_a_task_stands_on_a_guard_page result=ok", QTEST_STEP_MS);
    qtest_line(t, "name=memory_beyond_the_end_is_not_mapped result=ok", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void configuration_space_is_read_as_one(struct qtest *t)
{
    qtest_line(t, "PCI by ports", QTEST_STEP_MS);
    qtest_line(t, "name=configuration_space_is_read_as_one result=ok", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void every_answer_interrupts(struct qtest *t, const char *by)
{
    const char *line = qtest_line(t, "@entropy ", QTEST_STEP_MS);

    assert_non_null(strstr(line, by));
    assert_non_null(strstr(line, "answers=20 interrupts=20 unexpected=0"));
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void a_device_with_msix_interrupts_by_message(struct qtest *t)
{
    every_answer_interrupts(t, "by=MSI-X");
}

static void a_device_that_refuses_messages_later_interrupts_by_its_line(struct qtest *t)
{
    qtest_line(t, "MSI-X vector refused, using INTx", QTEST_STEP_MS);
    every_answer_interrupts(t, "by=INTx");
}

static void the_same_device_interrupts_by_its_line(struct qtest *t)
{
    every_answer_interrupts(t, "by=INTx");
}

static void a_spurious_interrupt_is_counted_and_does_no_harm(struct qtest *t)
{
    qtest_line(t, ", 1 spurious, 0 unexpected", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

/* The frequency by one way to calibrate. */
static uint64_t clock_khz(struct qtest *t, const char *timer, const char *source)
{
    char begin[64];
    const char *line;
    uint64_t khz = 0;

    (void)snprintf(begin, sizeof(begin), "@clock timer=%s ", timer);
    line = qtest_line(t, begin, QTEST_STEP_MS);
    assert_non_null(strstr(line, source));
    assert_true(record_u64(line, "khz", &khz));
    return khz;
}

static bool is_near(uint64_t a, uint64_t b)
{
    return a > b - b / 50 && a < b + b / 50;
}

/* An emulated processor tells no frequency, so what is measured shows. */
static void a_pm_timer_that_does_not_count_is_passed_over(struct qtest *t)
{
    uint64_t khz = clock_khz(t, "alive", "source=PM timer");

    qtest_line(t, "the PM timer at port 608 does not count", QTEST_STEP_MS);
    assert_true(is_near(clock_khz(t, "dead", "source=8254 timer"), khz));
    qtest_line(t, "the PM timer stands still", QTEST_STEP_MS);
    assert_int_equal(clock_khz(t, "dying", "source=assumption"), 8000000);
    assert_true(is_near(clock_khz(t, "back", "source=PM timer"), khz));
    qtest_status(t, 0, QTEST_STEP_MS);
}

/* The guest counts an answer without a length as none. */
static void a_packed_queue_interrupts_and_tells_its_lengths(struct qtest *t)
{
    every_answer_interrupts(t, "by=MSI-X");
}

/* 2032-03-01 00:00:00. */
#define LEAP_DAY_ENDS UINT64_C(1961712000)

/* Seconds since 1970 that the guest takes for the time. */
static uint64_t guest_time(struct qtest *t)
{
    uint64_t seconds = 0;

    assert_true(record_u64(qtest_line(t, "@time ", QTEST_STEP_MS), "seconds", &seconds));
    qtest_status(t, 0, QTEST_STEP_MS);
    return seconds;
}

static void the_time_of_day_is_the_hosts(struct qtest *t)
{
    uint64_t before = (uint64_t)time(NULL);
    uint64_t seconds = guest_time(t);

    assert_in_range(seconds, before - 1, (uint64_t)time(NULL));
}

/* The clock runs on while the guest starts. */
static void the_time_of_day_is_the_clocks(struct qtest *t)
{
    assert_in_range(guest_time(t), LEAP_DAY_ENDS - 2, LEAP_DAY_ENDS + 60);
}

static void without_a_clock_it_is_1970_and_the_log_says_so(struct qtest *t)
{
    qtest_line(t, "time of day: the clock cannot be read", QTEST_STEP_MS);
    assert_in_range(guest_time(t), 0, 60);
}

static void random_bytes_come(struct qtest *t)
{
    const char *line = qtest_line(t, "@random ", QTEST_STEP_MS);
    uint64_t equal = 0;

    assert_non_null(strstr(line, "result=ok"));
    assert_true(record_u64(line, "equal", &equal));
    /* A half of 32768 bits, and eight standard deviations. */
    assert_in_range(equal, 16384 - 8 * 91, 16384 + 8 * 91);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void random_bytes_come_from_the_device(struct qtest *t)
{
    random_bytes_come(t);
}

static void random_bytes_come_from_the_processor(struct qtest *t)
{
    random_bytes_come(t);
}

static void random_bytes_come_from_both(struct qtest *t)
{
    random_bytes_come(t);
}

/* The host gives 64 bytes an hour: one timeout, a reset, another, and the processor goes on. */
static void a_device_that_does_not_answer_is_left_alone(struct qtest *t)
{
    qtest_line(t, "entropy: the device is reset: timeout", QTEST_STEP_MS);
    qtest_line(t, "entropy: the device is reset: timeout", QTEST_STEP_MS);
    qtest_line(t, "entropy: the device is left alone: timeout", QTEST_STEP_MS);
    random_bytes_come(t);
}

/* The entropy device is reset and attached anew while the balloon interrupts on its line. */
static void a_device_is_attached_anew_while_another_uses_its_line(struct qtest *t)
{
    int64_t end = vm_now_ms() + 1700;

    qtest_ready(t, "on");
    while (vm_now_ms() < end) {
        qtest_ask(t, t->ram_bytes / 2);
        qtest_ask(t, t->ram_bytes / 2 + QTEST_MIB);
    }
    qtest_line(t, "entropy: the device is left alone: timeout", QTEST_STEP_MS);
    random_bytes_come(t);
}

/* The same over and over, so that hardly an interrupt comes at another time. */
static void a_device_is_attached_again_and_again_while_another_uses_its_line(struct qtest *t)
{
    int64_t end = vm_now_ms() + 1500;

    qtest_ready(t, "on");
    while (vm_now_ms() < end) {
        qtest_ask(t, t->ram_bytes / 2);
        qtest_ask(t, t->ram_bytes / 2 + QTEST_MIB);
    }
    qtest_line(t, "@entropy by=INTx", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

/* Nobody would ask it for the cause before the next poll. */
static void a_polled_balloon_does_not_raise_a_line_that_another_uses(struct qtest *t)
{
    unsigned long long interrupts = 0;
    const char *line;

    qtest_ready(t, "on");
    for (unsigned i = 0; i < 5; i++) {
        qtest_ask(t, t->ram_bytes / 2 + i * QTEST_MIB);
        qtest_wait_actual(t, t->ram_bytes / 2 + i * QTEST_MIB, QTEST_STEP_MS);
    }
    qtest_line(t, "@entropy by=INTx", QTEST_STEP_MS);
    line = strstr(qtest_line(t, "interrupts: ", QTEST_STEP_MS), "interrupts: ");
    assert_int_equal(sscanf(line, "interrupts: %llu", &interrupts), 1);
    assert_in_range(interrupts, 20, 1000);
    qtest_status(t, 0, QTEST_STEP_MS);
}

static void without_a_source_there_are_no_random_bytes(struct qtest *t)
{
    qtest_line(t, "@random result=none", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

/* The list of extra arguments of QEMU that adds the device. */
static const char *const entropy[] = { "-device", "virtio-rng-pci", NULL };
static const char *const entropy_slow[] = { "-device", "virtio-rng-pci,max-bytes=64,period=3600000",
                                            NULL };
/* Slots 4 and 8 have one line on pc and on q35. */
static const char *const entropy_shares_line[] = {
    "-device", "virtio-rng-pci,vectors=0,addr=8,max-bytes=1,period=60000", NULL
};
static const char *const entropy_beside[] = { "-device", "virtio-rng-pci,vectors=0,addr=8", NULL };
/* The last seconds of a leap day (observed: QEMU 7.2 cannot start later than in 2038). */
static const char *const in_2032[] = { "-rtc", "base=2032-02-29T23:59:58", NULL };
static const char *const entropy_packed[] = { "-device", "virtio-rng-pci,packed=on", NULL };

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        QTEST(tasks_and_timers_work, .image = "test.elf", .append = "-- test=tasks"),
        QTEST(what_must_not_be_mapped_is_not, .image = "test.elf", .append = "-- test=mappings"),
        QTEST(configuration_space_is_read_as_one, .image = "test.elf", .machine = "pc",
              .append = "-- test=configuration"),
        QTEST(a_device_with_msix_interrupts_by_message, .image = "test.elf", .machine = "q35",
              .append = "-- test=entropy", .extra = entropy),
        QTEST(the_same_device_interrupts_by_its_line, .image = "test.elf", .machine = "pc",
              .append = "-- test=entropy msix=0", .extra = entropy),
        QTEST(a_spurious_interrupt_is_counted_and_does_no_harm, .image = "test.elf",
              .append = "-- test=spurious"),
        QTEST(a_pm_timer_that_does_not_count_is_passed_over, .image = "test.elf", .machine = "q35",
              .accel = "tcg", .append = "-- test=clock"),
        QTEST(a_packed_queue_interrupts_and_tells_its_lengths, .image = "test.elf",
              .machine = "q35", .append = "-- test=entropy", .extra = entropy_packed),
        QTEST(the_time_of_day_is_the_hosts, .image = "test.elf", .machine = "q35",
              .append = "-- test=time"),
        QTEST(the_time_of_day_is_the_hosts, .image = "test.elf", .machine = "pc",
              .append = "-- test=time"),
        QTEST(the_time_of_day_is_the_clocks, .image = "test.elf", .append = "-- test=time",
              .extra = in_2032),
        QTEST(without_a_clock_it_is_1970_and_the_log_says_so, .image = "test.elf",
              .machine = "microvm,rtc=off", .append = "-- test=time"),
        QTEST(random_bytes_come_from_the_device, .image = "test.elf", .accel = "tcg",
              .cpu = "max,rdrand=off", .append = "-- test=random", .extra = entropy),
        QTEST(random_bytes_come_from_the_processor, .image = "test.elf", .accel = "tcg",
              .cpu = "max", .append = "-- test=random"),
        QTEST(random_bytes_come_from_both, .image = "test.elf", .accel = "tcg", .cpu = "max",
              .append = "-- test=random", .extra = entropy),
        QTEST(a_device_that_does_not_answer_is_left_alone, .image = "test.elf", .accel = "tcg",
              .cpu = "max", .append = "-- test=random", .extra = entropy_slow),
        QTEST(a_device_is_attached_anew_while_another_uses_its_line, .image = "test.elf",
              .machine = "q35", .balloon_properties = "addr=4", .accel = "tcg",
              .append = "balloon.interrupts=line -- test=random", .extra = entropy_shares_line),
        QTEST(a_device_is_attached_anew_while_another_uses_its_line, .image = "test.elf",
              .machine = "pc", .balloon_properties = "addr=4", .accel = "tcg",
              .append = "balloon.interrupts=line -- test=random", .extra = entropy_shares_line),
        QTEST(a_device_is_attached_again_and_again_while_another_uses_its_line, .image = "test.elf",
              .machine = "q35", .balloon_properties = "addr=4", .accel = "tcg",
              .append = "balloon.interrupts=line -- test=entropy msix=0 ms=2500",
              .extra = entropy_beside),
        QTEST(a_device_that_refuses_messages_later_interrupts_by_its_line, .image = "test.elf",
              .machine = "q35", .append = "-- test=entropy refuse=1", .extra = entropy),
        QTEST(a_device_that_refuses_messages_later_interrupts_by_its_line, .image = "test.elf",
              .machine = "pc", .append = "-- test=entropy refuse=1", .extra = entropy),
        QTEST(a_polled_balloon_does_not_raise_a_line_that_another_uses, .image = "test.elf",
              .machine = "q35", .balloon_properties = "addr=4", .accel = "tcg",
              .append = "balloon.interrupts=poll poll=100 -- test=entropy msix=0 ms=2500",
              .extra = entropy_beside),
        QTEST(without_a_source_there_are_no_random_bytes, .image = "test.elf", .accel = "tcg",
              .cpu = "qemu64", .append = "-- test=random"),
    };

    return qtest_main("tests/qemu/test_kernel.c", tests, ARRAY_SIZE(tests), argc, argv);
}
