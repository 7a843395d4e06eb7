/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's own parts inside a real machine: tasks and timers, mappings, and all kinds of
 * interrupts. */

#include "tests/qemu/qtest.h"

#include <string.h>

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

static void the_same_device_interrupts_by_its_line(struct qtest *t)
{
    every_answer_interrupts(t, "by=INTx");
}

static void a_spurious_interrupt_is_counted_and_does_no_harm(struct qtest *t)
{
    qtest_line(t, ", 1 spurious, 0 unexpected", QTEST_STEP_MS);
    qtest_status(t, 0, QTEST_STEP_MS);
}

/* The guest counts an answer without a length as none. */
static void a_packed_queue_interrupts_and_tells_its_lengths(struct qtest *t)
{
    every_answer_interrupts(t, "by=MSI-X");
}

/* The list of extra arguments of QEMU that adds the device. */
static const char *const entropy[] = { "-device", "virtio-rng-pci", NULL };
static const char *const entropy_packed[] = { "-device", "virtio-rng-pci,packed=on", NULL };

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        QTEST(tasks_and_timers_work, .image = "test.elf", .append = "-- test=tasks"),
        QTEST(what_must_not_be_mapped_is_not, .image = "test.elf", .append = "-- test=mappings"),
        QTEST(a_device_with_msix_interrupts_by_message, .image = "test.elf", .machine = "q35",
              .append = "-- test=entropy", .extra = entropy),
        QTEST(the_same_device_interrupts_by_its_line, .image = "test.elf", .machine = "pc",
              .append = "-- test=entropy msix=0", .extra = entropy),
        QTEST(a_spurious_interrupt_is_counted_and_does_no_harm, .image = "test.elf",
              .append = "-- test=spurious"),
        QTEST(a_packed_queue_interrupts_and_tells_its_lengths, .image = "test.elf",
              .machine = "q35", .append = "-- test=entropy", .extra = entropy_packed),
    };

    return qtest_main("tests/qemu/test_kernel.c", tests, ARRAY_SIZE(tests), argc, argv);
}
