/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel/calendar.c: against the C library's calendar, day by day, and what a clock may show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "base/bits.h"
#include "kernel/calendar.h"
#include "tests/fakes/fake_seams.h"

#define DAY         86400U
#define BINARY      0x04U
#define FULL_HOURS  0x02U
#define AFTERNOON   0x80U
#define NEW_YEAR_26 UINT64_C(1767225600) /* 2026-01-01 00:00:00 */

/* Register values of 2026-01-01 00:00:00 in BCD and 24 hours. */
static struct calendar_registers usual(void)
{
    return (struct calendar_registers){ .day = 1,
                                        .month = 1,
                                        .year = 0x26,
                                        .century = 0x20,
                                        .has_century = true,
                                        .control = FULL_HOURS };
}

static void reads(const struct calendar_registers *registers, uint64_t want)
{
    uint64_t seconds = 0;

    assert_int_equal(calendar_read(registers, &seconds), OK);
    assert_int_equal(seconds, want);
}

static void is_refused(const struct calendar_registers *registers)
{
    uint64_t seconds = 7;

    assert_int_equal(calendar_read(registers, &seconds), ERR_INVALID);
    assert_int_equal(seconds, 7);
}

static void every_day_until_9999_is_the_one_the_c_library_has(void **state)
{
    time_t end = (time_t)calendar_seconds(9999, 12, 31, DAY - 1);

    (void)state;
    assert_int_equal(end, INT64_C(253402300799));
    for (time_t at = 0; at <= end; at += DAY) {
        struct tm civil;

        assert_non_null(gmtime_r(&at, &civil));
        assert_int_equal(calendar_seconds((unsigned)civil.tm_year + 1900,
                                          (unsigned)civil.tm_mon + 1, (unsigned)civil.tm_mday, 0),
                         at);
    }
}

static void a_date_that_does_not_exist_is_a_mistake(void **state)
{
    (void)state;
    assert_true(EXPECT_PANIC((void)calendar_seconds(2026, 2, 29, 0)));
    assert_true(EXPECT_PANIC((void)calendar_seconds(2100, 2, 29, 0)));
    assert_true(EXPECT_PANIC((void)calendar_seconds(1969, 12, 31, 0)));
    assert_true(EXPECT_PANIC((void)calendar_seconds(2026, 13, 1, 0)));
    assert_true(EXPECT_PANIC((void)calendar_seconds(2026, 1, 1, DAY)));
    assert_int_equal(calendar_seconds(2000, 2, 29, 0), 951782400);
}

static void bcd_and_binary_mean_the_same(void **state)
{
    struct calendar_registers bcd = usual();
    struct calendar_registers binary = { 58, 45, 23, 31, 12, 29, 20, true, BINARY | FULL_HOURS };

    (void)state;
    reads(&bcd, NEW_YEAR_26);
    bcd.second = 0x58;
    bcd.minute = 0x45;
    bcd.hour = 0x23;
    bcd.day = 0x31;
    bcd.month = 0x12;
    bcd.year = 0x29;
    reads(&bcd, UINT64_C(1893455158)); /* 2029-12-31 23:45:58 */
    reads(&binary, UINT64_C(1893455158));
}

static void twelve_hours_are_counted_from_twelve(void **state)
{
    struct calendar_registers registers = usual();

    (void)state;
    registers.control = 0;
    for (unsigned hour = 0; hour < 24; hour++) {
        unsigned shown = hour % 12 == 0 ? 12 : hour % 12;

        registers.hour = (uint8_t)((shown / 10 << 4 | shown % 10) | (hour < 12 ? 0 : AFTERNOON));
        reads(&registers, NEW_YEAR_26 + hour * 3600U);
    }
    registers.control = BINARY;
    registers.year = 26;
    registers.century = 20;
    registers.hour = 11 | AFTERNOON;
    reads(&registers, NEW_YEAR_26 + 23 * 3600U);
    registers.hour = 0;
    is_refused(&registers);
    registers.hour = 13;
    is_refused(&registers);
}

static void without_a_century_70_is_1970_and_69_is_2069(void **state)
{
    struct calendar_registers registers = usual();

    (void)state;
    registers.has_century = false;
    registers.century = 0xff;
    reads(&registers, NEW_YEAR_26);
    registers.year = 0x70;
    reads(&registers, 0);
    registers.year = 0x69;
    reads(&registers, calendar_seconds(2069, 1, 1, 0));
}

static void a_leap_day_exists_in_leap_years_only(void **state)
{
    struct calendar_registers registers = usual();

    (void)state;
    registers.month = 2;
    registers.day = 0x29;
    is_refused(&registers);
    registers.year = 0x24;
    reads(&registers, calendar_seconds(2024, 2, 29, 0));
    registers.year = 0x00; /* 2000 was one, 2100 is none */
    reads(&registers, calendar_seconds(2000, 2, 29, 0));
    registers.century = 0x21;
    is_refused(&registers);
}

static void what_is_no_time_is_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } bad[] = {
        { offsetof(struct calendar_registers, second), 0x60 },
        { offsetof(struct calendar_registers, second), 0x5a },
        { offsetof(struct calendar_registers, minute), 0x60 },
        { offsetof(struct calendar_registers, minute), 0xa0 },
        { offsetof(struct calendar_registers, hour), 0x24 },
        { offsetof(struct calendar_registers, day), 0x00 },
        { offsetof(struct calendar_registers, day), 0x32 },
        { offsetof(struct calendar_registers, month), 0x00 },
        { offsetof(struct calendar_registers, month), 0x13 },
        { offsetof(struct calendar_registers, year), 0xff },
        { offsetof(struct calendar_registers, century), 0x18 },
        { offsetof(struct calendar_registers, century), 0xff },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct calendar_registers registers = usual();

        ((uint8_t *)&registers)[bad[i].at] = bad[i].value;
        is_refused(&registers);
    }
    struct calendar_registers registers = usual();

    registers.control = BINARY | FULL_HOURS;
    registers.century = 20;
    registers.year = 100;
    is_refused(&registers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_until_9999_is_the_one_the_c_library_has),
        cmocka_unit_test(a_date_that_does_not_exist_is_a_mistake),
        cmocka_unit_test(bcd_and_binary_mean_the_same),
        cmocka_unit_test(twelve_hours_are_counted_from_twelve),
        cmocka_unit_test(without_a_century_70_is_1970_and_69_is_2069),
        cmocka_unit_test(a_leap_day_exists_in_leap_years_only),
        cmocka_unit_test(what_is_no_time_is_refused),
    };

    return cmocka_run_group_tests_name("kernel/calendar.c", tests, NULL, NULL);
}
