/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel/format.c against the C library's snprintf: every flag, width, precision, length and
 * conversion that is offered, and the places where the two differ on purpose. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "kernel/format.h"
#include "tests/fakes/fake_seams.h"

/* Formats that are put together at run time cannot be checked by the compiler. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

#define TEXT_MAX 9000

static char ours[TEXT_MAX];
static char theirs[TEXT_MAX];

/* Without the attribute, so that formats the compiler would refuse can be tried. */
static int print_unchecked(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = format_text(out, size, format, args);
    va_end(args);
    return length;
}

#define SAME_AS_HOST(format, ...)                                                                  \
    do {                                                                                           \
        const int our_length_ = print_unchecked(ours, sizeof ours, format, __VA_ARGS__);           \
        const int their_length_ = snprintf(theirs, sizeof theirs, format, __VA_ARGS__);            \
        assert_string_equal(ours, theirs);                                                         \
        assert_int_equal(our_length_, their_length_);                                              \
    } while (0)

static const char *const shapes[] = { "",   "0",   "-",     "-0",   "1",     "5",     "05",
                                      "-5", "-05", "25",    "025",  "-25",   ".0",    ".1",
                                      ".7", "5.3", "05.3",  "-5.3", "12.8",  "012.8", ".",
                                      "3.", "0.",  "-12.0", "40",   "040.30" };

static const long long numbers[] = { 0,       1,        -1,        7,         10,         -10,
                                     99,      127,      128,       -128,      -129,       255,
                                     256,     32767,    -32768,    65535,     65536,      INT_MAX,
                                     INT_MIN, UINT_MAX, LLONG_MAX, LLONG_MIN, 0xdeadbeef, -255 };

static void numbers_print_like_the_hosts_in_every_shape(void **state)
{
    (void)state;
    const char conversions[] = "diuxX";
    char format[64];
    for (size_t s = 0; s < ARRAY_SIZE(shapes); s++) {
        for (const char *c = conversions; *c != '\0'; c++) {
            for (size_t n = 0; n < ARRAY_SIZE(numbers); n++) {
                const long long value = numbers[n];
                snprintf(format, sizeof format, "<%%%s%c>", shapes[s], *c);
                SAME_AS_HOST(format, (int)value);
                snprintf(format, sizeof format, "<%%%shh%c>", shapes[s], *c);
                SAME_AS_HOST(format, (int)value);
                snprintf(format, sizeof format, "<%%%sh%c>", shapes[s], *c);
                SAME_AS_HOST(format, (int)value);
                snprintf(format, sizeof format, "<%%%sl%c>", shapes[s], *c);
                SAME_AS_HOST(format, (long)value);
                snprintf(format, sizeof format, "<%%%sll%c>", shapes[s], *c);
                SAME_AS_HOST(format, value);
                snprintf(format, sizeof format, "<%%%sz%c>", shapes[s], *c);
                SAME_AS_HOST(format, (size_t)value);
            }
        }
    }
}

static void strings_and_characters_print_like_the_hosts_in_every_shape(void **state)
{
    (void)state;
    const char *const texts[] = { "", "a", "word", "a longer text of forty characters, it is" };
    char format[64];
    for (size_t s = 0; s < ARRAY_SIZE(shapes); s++) {
        for (size_t t = 0; t < ARRAY_SIZE(texts); t++) {
            snprintf(format, sizeof format, "<%%%ss>", shapes[s]);
            SAME_AS_HOST(format, texts[t]);
            snprintf(format, sizeof format, "<%%%sc>", shapes[s]);
            SAME_AS_HOST(format, texts[t][0]);
        }
    }
}

static void pointers_print_like_the_hosts_in_every_width(void **state)
{
    (void)state;
    const uintptr_t values[] = { 1, 0xfee00000, UINTPTR_MAX };
    for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
        const void *const pointer = (const char *)NULL + values[v];
        SAME_AS_HOST("<%p>", pointer);
        SAME_AS_HOST("<%20p>", pointer);
        SAME_AS_HOST("<%-20p>", pointer);
    }
}

static void a_width_or_precision_by_argument_counts_like_the_hosts(void **state)
{
    (void)state;
    for (int width = -12; width <= 12; width++) {
        for (int precision = -3; precision <= 8; precision++) {
            SAME_AS_HOST("<%*.*d>", width, precision, -42);
            SAME_AS_HOST("<%*.*x>", width, precision, 0xabcU);
            SAME_AS_HOST("<%-*.*s>", width, precision, "virtio");
        }
    }
    SAME_AS_HOST("%.*s|%*u|%s", 3, "abcdef", 6, 77U, "end");
}

static void many_arguments_are_taken_in_order(void **state)
{
    (void)state;
    SAME_AS_HOST("%d %s %c %llu %hhx %zu %ld %u %X %i %s", 1, "two", '3', 4ULL, 0x105, (size_t)6,
                 7L, 8U, 0x9aU, 10, "eleven");
    SAME_AS_HOST("100%% of %u frames%%", 512U);
}

static void a_text_that_does_not_fit_is_cut_terminated_and_measured(void **state)
{
    (void)state;
    for (size_t size = 1; size < 16; size++) {
        char small[17];
        memset(small, '#', sizeof small);
        assert_int_equal(format_print(small, size, "%s-%05d", "abcde", 42), 11);
        assert_true(strlen(small) == (size - 1 < 11 ? size - 1 : 11));
        assert_memory_equal(small, "abcde-00042", strlen(small));
        assert_int_equal(small[size], '#');
    }
}

static void size_zero_measures_and_writes_nothing(void **state)
{
    (void)state;
    char untouched = '#';
    assert_int_equal(format_print(NULL, 0, "%s", "twelve chars"), 12);
    assert_int_equal(format_print(&untouched, 0, "%d", 7), 1);
    assert_int_equal(untouched, '#');
}

static void a_string_with_a_precision_need_not_be_terminated(void **state)
{
    (void)state;
    const char signature[4] = { 'F', 'A', 'C', 'P' };
    assert_int_equal(print_unchecked(ours, sizeof ours, "%.4s", signature), 4);
    assert_string_equal(ours, "FACP");
}

static void null_pointers_are_printed_not_followed(void **state)
{
    (void)state;
    print_unchecked(ours, sizeof ours, "%s|%8s|%-8s|%.2s|%p", NULL, NULL, NULL, NULL, NULL);
    assert_string_equal(ours, "(null)|  (null)|(null)  |(null)|0x0");
}

static void an_unknown_directive_is_shown_and_takes_no_argument(void **state)
{
    (void)state;
    print_unchecked(ours, sizeof ours, "%y %-08k %d", 5);
    assert_string_equal(ours, "%y %-08k 5");
    assert_int_equal(print_unchecked(ours, sizeof ours, "50%"), 3);
    assert_string_equal(ours, "50%");
    print_unchecked(ours, sizeof ours, "%5.2l");
    assert_string_equal(ours, "%5.2l");
}

static void a_monstrous_width_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(print_unchecked(ours, 10, "%99999999999999999999d", 1), FORMAT_FIELD_MAX);
    assert_int_equal(print_unchecked(ours, 10, "%*d", INT_MIN, 1), FORMAT_FIELD_MAX);
    assert_int_equal(print_unchecked(ours, 10, "%.*d", INT_MAX, 1), FORMAT_FIELD_MAX);
    assert_int_equal(strlen(ours), 9);
}

static void print_null_format(void)
{
    print_unchecked(ours, sizeof ours, NULL);
}

static void print_to_nowhere(void)
{
    print_unchecked(NULL, 5, "text");
}

static void a_missing_format_is_the_programmers_mistake(void **state)
{
    (void)state;
    assert_true(panics(print_null_format));
}

static void a_size_without_a_buffer_is_the_programmers_mistake(void **state)
{
    (void)state;
    assert_true(panics(print_to_nowhere));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_print_like_the_hosts_in_every_shape),
        cmocka_unit_test(strings_and_characters_print_like_the_hosts_in_every_shape),
        cmocka_unit_test(pointers_print_like_the_hosts_in_every_width),
        cmocka_unit_test(a_width_or_precision_by_argument_counts_like_the_hosts),
        cmocka_unit_test(many_arguments_are_taken_in_order),
        cmocka_unit_test(a_text_that_does_not_fit_is_cut_terminated_and_measured),
        cmocka_unit_test(size_zero_measures_and_writes_nothing),
        cmocka_unit_test(a_string_with_a_precision_need_not_be_terminated),
        cmocka_unit_test(null_pointers_are_printed_not_followed),
        cmocka_unit_test(an_unknown_directive_is_shown_and_takes_no_argument),
        cmocka_unit_test(a_monstrous_width_is_bounded),
        cmocka_unit_test(a_missing_format_is_the_programmers_mistake),
        cmocka_unit_test(a_size_without_a_buffer_is_the_programmers_mistake),
    };
    return cmocka_run_group_tests_name("kernel/format.c", tests, NULL, NULL);
}
