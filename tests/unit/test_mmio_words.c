/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel/mmio_words.c: device words on the command line, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "kernel/mmio_words.h"

static struct mmio_word words[4];
static unsigned reports;
static char last[64];

static void note(void *context, const char *word, int length)
{
    assert_ptr_equal(context, &reports);
    assert_in_range(length, 0, MMIO_WORD_REPORT_MAX);
    reports++;
    snprintf(last, sizeof(last), "%.*s", length, word);
}

static size_t read_line(const char *line)
{
    memset(words, 0xa5, sizeof(words));
    reports = 0;
    last[0] = '\0';
    return mmio_words_read(line, words, ARRAY_SIZE(words), note, &reports);
}

static void what_qemu_appends_is_read(void **state)
{
    (void)state;
    assert_int_equal(read_line("report=50 virtio_mmio.device=512@0xfeb00e00:12"), 1);
    assert_int_equal(words[0].base, 0xfeb00e00);
    assert_int_equal(words[0].bytes, 512);
    assert_int_equal(words[0].irq, 12);
    assert_int_equal(reports, 0);
}

static void every_form_of_a_number_is_read(void **state)
{
    static const struct {
        const char *value;
        uint64_t bytes, base;
        uint32_t irq;
    } cases[] = {
        { "4K@0xd0000000:5", 4096, 0xd0000000, 5 },
        { "0x200@4276093440:0x1f", 512, 0xfee00200, 31 },
        { "1M@0XABCDEF00:255:3", MIB, 0xabcdef00, 255 },
        { "1G@0x100000000:1:0x7", GIB, UINT64_C(1) << 32, 1 },
    };
    char line[80];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        snprintf(line, sizeof(line), "virtio_mmio.device=%s", cases[i].value);
        assert_int_equal(read_line(line), 1);
        assert_int_equal(words[0].bytes, cases[i].bytes);
        assert_int_equal(words[0].base, cases[i].base);
        assert_int_equal(words[0].irq, cases[i].irq);
    }
}

static void many_words_anywhere_are_read_in_order(void **state)
{
    (void)state;
    assert_int_equal(read_line("virtio_mmio.device=512@0x1000:1\ta=b\n"
                               "virtio_mmio.device=512@0x2000:2 -- test=x "
                               " virtio_mmio.device=512@0x3000:3 "),
                     3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(words[i].base, 0x1000 * (i + 1));
        assert_int_equal(words[i].irq, i + 1);
    }
    assert_int_equal(read_line(""), 0);
    assert_int_equal(read_line("virtio_mmio.devices=512@0x1000:1 xvirtio_mmio.device=1@1:1"), 0);
    assert_int_equal(reports, 0);
}

static void malformed_words_are_reported_and_passed_over(void **state)
{
    static const char *const bad[] = {
        "",
        "512",
        "512@",
        "@0x1000:5",
        "512@0x1000",
        "512@0x1000:",
        "512@0x1000:0", /* no interrupt */
        "512@0x1000:256",
        "512@0x1000:4294967297", /* 1 in 32 bits */
        "0@0x1000:5",
        "512@0x:5",
        "512@0xg:5",
        "-512@0x1000:5",
        "512@0x1000:5:",
        "512@0x1000:5:x",
        "512@0x1000:5x",
        "512@0x1000:5:1:2",
        "512k@0x1000:5",
        "4KK@0x1000:5",
        "18446744073709551616@0x1000:5",
        "18446744073709551615K@0x1000:5",
        "512@0xffffffffffffff00:5", /* wraps around */
    };
    char line[160];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        snprintf(line, sizeof(line), "virtio_mmio.device=%s virtio_mmio.device=1@4:1", bad[i]);
        if (read_line(line) != 1 || reports != 1 || words[0].base != 4) {
            fail_msg("'%s' gave %u reports", bad[i], reports);
        }
    }
}

static void a_report_is_short_and_printable(void **state)
{
    (void)state;
    assert_int_equal(read_line("virtio_mmio.device=512@0x1000:55555555555555555555555555555555"),
                     0);
    assert_int_equal(strlen(last), MMIO_WORD_REPORT_MAX);
    assert_int_equal(read_line("virtio_mmio.device=5\x01\xff x"), 0);
    assert_string_equal(last, "virtio_mmio.device=5");
}

static void words_beyond_the_room_are_reported(void **state)
{
    (void)state;
    assert_int_equal(read_line("virtio_mmio.device=1@1:1 virtio_mmio.device=1@2:1 "
                               "virtio_mmio.device=1@3:1 virtio_mmio.device=1@4:1 "
                               "virtio_mmio.device=1@5:1"),
                     4);
    assert_int_equal(reports, 1);
    assert_string_equal(last, "virtio_mmio.device=1@5:1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_qemu_appends_is_read),
        cmocka_unit_test(every_form_of_a_number_is_read),
        cmocka_unit_test(many_words_anywhere_are_read_in_order),
        cmocka_unit_test(malformed_words_are_reported_and_passed_over),
        cmocka_unit_test(a_report_is_short_and_printable),
        cmocka_unit_test(words_beyond_the_room_are_reported),
    };

    return cmocka_run_group_tests_name("kernel/mmio_words.c", tests, NULL, NULL);
}
