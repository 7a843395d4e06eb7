/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel/acpi_s5.c: the package that tells how to switch the machine off, in the byte code of
 * tables made by hand. */
#include "tests/unit/acpi_fixture.h"

static void the_sleep_package_is_found_in_its_encodings(void **state)
{
    (void)state;
    const struct {
        uint8_t aml[16];
        size_t bytes;
        int type_a; /* -1: is no such package */
        int type_b;
    } cases[] = {
        { { 8, '_', 'S', '5', '_', 0x12, 6, 4, 0, 0, 0, 0 }, 12, 0, 0 },
        { { 8, '\\', '_', 'S', '5', '_', 0x12, 6, 2, 1, 10, 7 }, 12, 1, 7 },
        { { 8, '_', 'S', '5', '_', 0x12, 0x48, 0, 4, 10, 3, 1, 0, 0 }, 14, 3, 1 },
        { { '_', 'S', '5', '_', 0x12, 6, 4, 0, 0, 0, 0 }, 11, -1, 0 },          /* no NameOp */
        { { 8, '_', 'S', '5', '_', 0x11, 6, 4, 0, 0, 0, 0 }, 12, -1, 0 },       /* a buffer */
        { { 8, '_', 'S', '5', '_', 0x12, 4, 4, 10, 5, 0, 0 }, 12, -1, 0 },      /* ends too early */
        { { 8, '_', 'S', '5', '_', 0x12, 0x3f, 4, 0, 0, 0, 0 }, 12, -1, 0 },    /* ends too late */
        { { 8, '_', 'S', '5', '_', 0x12, 0x78, 0, 4, 0, 0, 0, 0 }, 13, -1, 0 }, /* bad lead */
        { { 8, '_', 'S', '5', '_', 0x12, 6, 1, 0, 0, 0, 0 }, 12, -1, 0 },       /* one element */
        { { 8, '_', 'S', '5', '_', 0x12, 6, 4, 10, 8, 0, 0 }, 12, -1, 0 },      /* four bits */
        { { 8, '_', 'S', '5', '_', 0x12, 6, 4, 0x70, 0, 0, 0 }, 12, -1, 0 },    /* no constant */
        { { 8, '_', 'S', '5', '_', 0x12, 1, 4, 0, 0, 0, 0 }, 12, -1, 0 },       /* empty */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        make_aml(DSDT_AT, "DSDT", cases[i].aml, cases[i].bytes);
        assert_int_equal(parse(), OK);
        assert_int_equal(info.has_s5, cases[i].type_a >= 0);
        if (info.has_s5) {
            assert_int_equal(info.s5_type_a, cases[i].type_a);
            assert_int_equal(info.s5_type_b, cases[i].type_b);
        }
    }
}

static void a_sleep_package_cut_by_the_end_of_its_table_is_no_package(void **state)
{
    (void)state;
    for (size_t kept = 0; kept < sizeof s5_name; kept++) {
        memset(memory + DSDT_AT + 36, 0, 0x100);
        put_bytes(DSDT_AT + 36, s5_name, sizeof s5_name);
        close_table(DSDT_AT, "DSDT", 36 + kept);
        assert_int_equal(parse(), OK);
        assert_false(info.has_s5);
    }
    close_table(DSDT_AT, "DSDT", 36 + sizeof s5_name);
    assert_int_equal(parse(), OK);
    assert_true(info.has_s5);
}

static void the_sleep_package_may_be_in_an_ssdt(void **state)
{
    (void)state;
    make_aml(DSDT_AT, "DSDT", s5_name, 3);
    make_aml(SSDT_AT, "SSDT", s5_name, sizeof s5_name);
    put(XSDT_AT + 60, BASE + SSDT_AT, 8);
    close_table(XSDT_AT, "XSDT", 68);
    assert_int_equal(parse(), OK);
    assert_int_equal(warnings(), 0);
    assert_true(info.has_s5);
    assert_int_equal(info.s5_type_a, 5);
}

#define TEST(name) cmocka_unit_test_setup(name, make_machine)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_sleep_package_is_found_in_its_encodings),
        TEST(a_sleep_package_cut_by_the_end_of_its_table_is_no_package),
        TEST(the_sleep_package_may_be_in_an_ssdt),
    };

    return cmocka_run_group_tests_name("kernel/acpi_s5.c", tests, NULL, NULL);
}
