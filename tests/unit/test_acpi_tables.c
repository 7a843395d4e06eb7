/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel/acpi_tables.c on tables made by hand, whole and damaged. */
#include "tests/unit/acpi_fixture.h"

static void assert_machine(void)
{
    assert_string_equal(info.oem_id, "BOCHS ");
    assert_true(info.has_madt && info.has_fadt && info.has_ecam && info.has_s5);
    assert_int_equal(info.processors, 3);
    assert_int_equal(info.io_apic_count, 2);
    assert_int_equal(info.io_apics[0].address, 0xfec00000);
    assert_int_equal(info.io_apics[1].gsi_base, 24);
}

static void a_whole_machine_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse(), OK);
    assert_int_equal(warnings(), 0);
    assert_machine();
    assert_int_equal(info.local_apic_address, 0xfee00000);
    assert_int_equal(info.sci_line, 9);
    assert_int_equal(info.smi_command_port, 0xb2);
    assert_int_equal(info.acpi_enable, 2);
    assert_int_equal(info.pm1a_event_port, 0x600);
    assert_int_equal(info.pm1b_event_port, 0);
    assert_int_equal(info.pm1_event_bytes, 4);
    assert_int_equal(info.pm1a_control_port, 0x604);
    assert_int_equal(info.pm1b_control_port, 0);
    assert_int_equal(info.pm_timer_port, 0x608);
    assert_int_equal(info.century_register, 0x32);
    assert_int_equal(info.gpe0_port, 0x620);
    assert_int_equal(info.gpe0_bytes, 16);
    assert_true(info.pm_timer_32bit);
    assert_false(info.hardware_reduced);
    assert_int_equal(info.reset.address, 0xcf9);
    assert_int_equal(info.reset.space, ACPI_SPACE_IO);
    assert_int_equal(info.reset_value, 0x0f);
    assert_int_equal(info.dsdt_address, BASE + DSDT_AT);
    assert_int_equal(info.ecam_base, 0xb0000000);
    assert_int_equal(info.ecam_bus_first, 0);
    assert_int_equal(info.ecam_bus_last, 255);
    assert_int_equal(info.s5_type_a, 5);
    assert_int_equal(info.s5_type_b, 1);
}

static void an_sci_that_is_none_of_the_sixteen_lines_is_no_line(void **state)
{
    (void)state;
    /* Cut down to eight bits two of them would be line 9 and line 0. */
    const uint16_t bad[] = { 16, 0x0109, 0xff00, 0xffff };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        put(FADT_AT + 46, bad[i], 2);
        close_table(FADT_AT, "FACP", 276);
        assert_int_equal(parse(), OK);
        assert_int_equal(warnings(), 1);
        assert_int_equal(info.sci_line, ACPI_LINE_NONE);
        assert_machine();
    }
    put(FADT_AT + 46, 15, 2);
    close_table(FADT_AT, "FACP", 276);
    assert_int_equal(parse(), OK);
    assert_int_equal(warnings(), 0);
    assert_int_equal(info.sci_line, 15);
}

static void without_a_fadt_there_is_no_sci(void **state)
{
    (void)state;
    memory[FADT_AT] = 'Y';
    assert_int_equal(parse(), OK);
    assert_int_equal(info.sci_line, ACPI_LINE_NONE);
}

static void isa_interrupts_follow_the_overrides_and_else_the_bus(void **state)
{
    (void)state;
    assert_int_equal(parse(), OK);
    for (uint32_t irq = 0; irq < ACPI_ISA_IRQS; irq++) {
        const struct acpi_isa_irq *const isa = &info.isa_irqs[irq];
        assert_int_equal(isa->gsi, irq == 0 ? 2 : irq == 11 ? 21 : irq);
        assert_int_equal(isa->overridden, irq == 0 || irq == 9 || irq == 11);
        assert_int_equal(isa->level, irq == 9 || irq == 11);
        assert_int_equal(isa->active_low, irq == 11);
    }
}

static void the_first_revision_leads_to_the_rsdt(void **state)
{
    (void)state;
    memory[RSDP_AT + 15] = 0;
    memory[XSDT_AT] = 'Y'; /* must not even be looked at */
    close_rsdp();
    assert_int_equal(parse(), OK);
    assert_int_equal(warnings(), 0);
    assert_machine();
}

static void a_damaged_extended_rsdp_falls_back_to_the_rsdt(void **state)
{
    (void)state;
    const struct {
        size_t at;
        uint8_t value;
    } damages[] = { { RSDP_AT + 33, 1 }, { RSDP_AT + 20, 35 }, { RSDP_AT + 23, 0x80 } };
    for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
        make_machine(NULL);
        memory[damages[i].at] = damages[i].value;
        assert_int_equal(parse(), OK);
        assert_int_equal(warnings(), 1);
        assert_machine();
    }
}

static void a_damaged_xsdt_falls_back_to_the_rsdt(void **state)
{
    (void)state;
    memory[XSDT_AT + 40] ^= 1;
    assert_int_equal(parse(), OK);
    assert_int_equal(warnings(), 1);
    assert_machine();
}

static void without_an_rsdp_or_a_root_table_nothing_is_known(void **state)
{
    (void)state;
    assert_int_equal(acpi_parse(0, map, &info), ERR_INVALID);
    assert_int_equal(acpi_parse(BASE + sizeof memory - 10, map, &info), ERR_INVALID);
    memory[RSDP_AT + 3] ^= 1;
    assert_int_equal(parse(), ERR_INVALID);
    make_machine(NULL);
    memory[RSDP_AT + 16] ^= 1; /* the first checksum covers this one */
    assert_int_equal(parse(), ERR_INVALID);
    make_machine(NULL);
    memory[XSDT_AT + 9] ^= 1;
    memory[RSDT_AT + 9] ^= 1;
    assert_int_equal(parse(), ERR_INVALID);
    assert_false(info.has_madt);
    assert_int_equal(info.isa_irqs[15].gsi, 15);
}

static void a_bad_table_is_skipped_and_the_rest_still_works(void **state)
{
    (void)state;
    const size_t tables[] = { MADT_AT, FADT_AT, MCFG_AT, DSDT_AT };
    /* A wrong sum; too short a length; a length to behind the memory; one above the limit. */
    const uint8_t damages[][2] = { { 9, 0x77 }, { 4, 35 }, { 5, 0x80 }, { 7, 0x7f } };
    for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
        for (size_t d = 0; d < ARRAY_SIZE(damages); d++) {
            make_machine(NULL);
            if (d == 1) {
                memory[tables[t] + 5] = 0;
            }
            memory[tables[t] + damages[d][0]] ^= damages[d][1];
            if (d == 1) {
                memory[tables[t] + 4] = 35;
            }
            assert_int_equal(parse(), OK);
            assert_int_equal(warnings(), 1);
            assert_int_equal(info.has_madt, t != 0);
            assert_int_equal(info.has_fadt, t != 1);
            assert_int_equal(info.has_ecam, t != 2);
            assert_int_equal(info.has_s5, t != 1 && t != 3);
        }
    }
}

static void an_entry_that_cannot_be_read_is_skipped(void **state)
{
    (void)state;
    const uint64_t addresses[] = { 0, 1, UINT64_MAX, BASE + sizeof memory - 8 };
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        put(XSDT_AT + 36, addresses[i], 8);
        close_table(XSDT_AT, "XSDT", length_of(XSDT_AT));
        assert_int_equal(parse(), OK);
        assert_int_equal(warnings(), 1);
        assert_true(info.has_fadt && !info.has_madt);
    }
}

static void a_long_list_of_tables_is_bounded(void **state)
{
    (void)state;
    for (size_t i = 0; i < ACPI_TABLES_MAX; i++) {
        put(XSDT_AT + 36 + 8 * i, BASE + DSDT_AT, 8); /* a signature nobody waits for */
    }
    put(XSDT_AT + 36 + 8 * ACPI_TABLES_MAX, BASE + MADT_AT, 8);
    close_table(XSDT_AT, "XSDT", 36 + 8 * (ACPI_TABLES_MAX + 1));
    assert_int_equal(parse(), OK);
    assert_int_equal(warnings(), 1);
    assert_false(info.has_madt);
}

static void a_damaged_madt_entry_ends_the_list(void **state)
{
    (void)state;
    const uint8_t lengths[] = { 0, 1, 0xff };
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        make_machine(NULL);
        memory[MADT_AT + 44 + 8 + 1] = lengths[i]; /* of the second processor */
        close_table(MADT_AT, "APIC", length_of(MADT_AT));
        assert_int_equal(parse(), OK);
        assert_int_equal(warnings(), 1);
        assert_true(info.has_madt);
        assert_int_equal(info.processors, 1);
        assert_int_equal(info.io_apic_count, 0);
    }
}

static void too_many_io_apics_are_counted_to_the_limit(void **state)
{
    (void)state;
    for (size_t i = 0; i < ACPI_IO_APICS_MAX + 2; i++) {
        const uint8_t entry[12] = { 1, 12, (uint8_t)i, 0, 0, 0, (uint8_t)i, 0xfe };
        put_bytes(MADT_AT + 44 + 12 * i, entry, sizeof entry);
    }
    close_table(MADT_AT, "APIC", 44 + 12 * (ACPI_IO_APICS_MAX + 2));
    assert_int_equal(parse(), OK);
    assert_int_equal(warnings(), 2);
    assert_int_equal(info.io_apic_count, ACPI_IO_APICS_MAX);
    assert_int_equal(info.io_apics[7].address, 0xfe070000);
}

static void an_override_outside_isa_is_refused(void **state)
{
    (void)state;
    const uint8_t entry[] = { 2, 10, 0, 16, 5, 0, 0, 0, 0x0f, 0 };
    put_bytes(MADT_AT + 44, entry, sizeof entry);
    close_table(MADT_AT, "APIC", 44 + sizeof entry);
    assert_int_equal(parse(), OK);
    assert_int_equal(warnings(), 1);
}

static void the_local_apic_address_can_be_64_bits_wide(void **state)
{
    (void)state;
    const uint8_t entry[12] = { 5, 12, 0, 0, 0x00, 0x10, 0, 0, 0x12 };
    put_bytes(MADT_AT + 44, entry, sizeof entry);
    close_table(MADT_AT, "APIC", 44 + sizeof entry);
    assert_int_equal(parse(), OK);
    assert_true(info.local_apic_address == UINT64_C(0x1200001000));
}

static void a_fadt_of_revision_1_has_no_extended_fields(void **state)
{
    (void)state;
    close_table(FADT_AT, "FACP", 116);
    assert_int_equal(parse(), OK);
    assert_int_equal(warnings(), 0);
    assert_true(info.has_fadt && info.has_s5);
    assert_int_equal(info.pm1a_control_port, 0x604);
    assert_int_equal(info.reset.address, 0);
    close_table(FADT_AT, "FACP", 115);
    assert_int_equal(parse(), OK);
    assert_int_equal(warnings(), 1);
    assert_false(info.has_fadt);
}

static void extended_fields_of_the_fadt_win(void **state)
{
    (void)state;
    put(FADT_AT + 140, BASE + SSDT_AT, 8);
    put(FADT_AT + 172, 1, 1);
    put(FADT_AT + 176, 0xb004, 8);
    put(FADT_AT + 208, 0, 1); /* the timer in memory: not usable as a port, the old field stays */
    put(FADT_AT + 212, 0xfed00000, 8);
    put(FADT_AT + 60, 0x12345678, 4); /* no port */
    close_table(FADT_AT, "FACP", 276);
    make_aml(SSDT_AT, "DSDT", s5_name, sizeof s5_name);
    assert_int_equal(parse(), OK);
    assert_int_equal(warnings(), 1);
    assert_int_equal(info.dsdt_address, BASE + SSDT_AT);
    assert_int_equal(info.pm1a_control_port, 0xb004);
    assert_int_equal(info.pm_timer_port, 0x608);
    assert_int_equal(info.pm1b_event_port, 0);
    assert_true(info.has_s5);
}

static void hardware_reduced_machines_have_a_sleep_register_and_no_ports(void **state)
{
    (void)state;
    put(FADT_AT + 112, 1U << 20, 4);
    put(FADT_AT + 244, 0, 1);
    put(FADT_AT + 248, 0xfef00000, 8);
    put(FADT_AT + 256, 0, 1);
    put(FADT_AT + 260, 0xfef00001, 8);
    close_table(FADT_AT, "FACP", 276);
    assert_int_equal(parse(), OK);
    assert_true(info.hardware_reduced);
    assert_int_equal(info.pm1a_control_port, 0);
    assert_int_equal(info.pm_timer_port, 0);
    assert_int_equal(info.reset.address, 0); /* its flag is not set */
    assert_int_equal(info.sleep_control.address, 0xfef00000);
    assert_int_equal(info.sleep_control.space, ACPI_SPACE_MEMORY);
    assert_int_equal(info.sleep_status.address, 0xfef00001);
}

static void only_segment_0_of_the_mcfg_counts(void **state)
{
    (void)state;
    put(MCFG_AT + 52, 1, 2);
    put(MCFG_AT + 60, UINT64_C(0x8000000000), 8);
    put(MCFG_AT + 68, 0, 2);
    put(MCFG_AT + 70, 2, 1);
    put(MCFG_AT + 71, 63, 1);
    close_table(MCFG_AT, "MCFG", 76);
    assert_int_equal(parse(), OK);
    assert_true(info.ecam_base == UINT64_C(0x8000000000));
    assert_int_equal(info.ecam_bus_first, 2);
    assert_int_equal(info.ecam_bus_last, 63);
    close_table(MCFG_AT, "MCFG", 75); /* the second entry is cut */
    assert_int_equal(parse(), OK);
    assert_false(info.has_ecam);
    assert_int_equal(warnings(), 1);
}

static void a_second_table_of_a_kind_is_ignored(void **state)
{
    (void)state;
    put(XSDT_AT + 60, BASE + MADT_AT, 8);
    put(XSDT_AT + 68, BASE + FADT_AT, 8);
    close_table(XSDT_AT, "XSDT", 76);
    assert_int_equal(parse(), OK);
    assert_int_equal(warnings(), 2);
    assert_machine();
}

#define TEST(name) cmocka_unit_test_setup(name, make_machine)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_machine_is_read),
        TEST(an_sci_that_is_none_of_the_sixteen_lines_is_no_line),
        TEST(without_a_fadt_there_is_no_sci),
        TEST(isa_interrupts_follow_the_overrides_and_else_the_bus),
        TEST(the_first_revision_leads_to_the_rsdt),
        TEST(a_damaged_extended_rsdp_falls_back_to_the_rsdt),
        TEST(a_damaged_xsdt_falls_back_to_the_rsdt),
        TEST(without_an_rsdp_or_a_root_table_nothing_is_known),
        TEST(a_bad_table_is_skipped_and_the_rest_still_works),
        TEST(an_entry_that_cannot_be_read_is_skipped),
        TEST(a_long_list_of_tables_is_bounded),
        TEST(a_damaged_madt_entry_ends_the_list),
        TEST(too_many_io_apics_are_counted_to_the_limit),
        TEST(an_override_outside_isa_is_refused),
        TEST(the_local_apic_address_can_be_64_bits_wide),
        TEST(a_fadt_of_revision_1_has_no_extended_fields),
        TEST(extended_fields_of_the_fadt_win),
        TEST(hardware_reduced_machines_have_a_sleep_register_and_no_ports),
        TEST(only_segment_0_of_the_mcfg_counts),
        TEST(a_second_table_of_a_kind_is_ignored),
    };

    return cmocka_run_group_tests_name("kernel/acpi_tables.c", tests, NULL, NULL);
}
