/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's own memory and string functions beside the C library's, at every alignment and every
 * short length. They have the library's names, so they are compiled here under others. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define memchr  kernel_memchr
#define memcmp  kernel_memcmp
#define memcpy  kernel_memcpy
#define memmove kernel_memmove
#define memset  kernel_memset
#define strcmp  kernel_strcmp
#define strlen  kernel_strlen
#define strncmp kernel_strncmp
#include "base/string.h"
#include "kernel/string.c" /* NOLINT(bugprone-suspicious-include): compiled under other names */
#undef memchr
#undef memcmp
#undef memcpy
#undef memmove
#undef memset
#undef strcmp
#undef strlen
#undef strncmp

#define BYTES_MAX 40U
#define SHIFTS    8U

/* Memory that ends where the sanitizer looks: a byte too many is noticed. */
static unsigned char *memory_of(size_t bytes)
{
    unsigned char *memory = malloc(bytes + 1);

    assert_non_null(memory);
    for (size_t i = 0; i < bytes; i++) {
        memory[i] = (unsigned char)(i * 7 + 1);
    }
    return realloc(memory, bytes == 0 ? 1 : bytes);
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void a_byte_is_found_where_it_is_first(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < BYTES_MAX; bytes++) {
        unsigned char *memory = memory_of(bytes);

        for (size_t shift = 0; shift < SHIFTS && shift <= bytes; shift++) {
            for (int byte = 0; byte < 256; byte++) {
                assert_ptr_equal(kernel_memchr(memory + shift, byte, bytes - shift),
                                 memchr(memory + shift, byte, bytes - shift));
            }
        }
        free(memory);
    }
}

static void neighbours_of_the_byte_looked_for_are_not_taken_for_it(void **state)
{
    static const unsigned char memory[] = { 1, 0, 1, 1, 0x80, 0x7f, 0xff, 0xfe, 0x80, 0, 0x7f, 2 };

    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        for (size_t from = 0; from < sizeof(memory); from++) {
            assert_ptr_equal(kernel_memchr(memory + from, byte, sizeof(memory) - from),
                             memchr(memory + from, byte, sizeof(memory) - from));
        }
    }
}

static void copies_and_fills_change_what_they_shall_and_nothing_else(void **state)
{
    unsigned char ours[BYTES_MAX * 2];
    unsigned char theirs[BYTES_MAX * 2];

    (void)state;
    for (size_t bytes = 0; bytes < BYTES_MAX; bytes++) {
        for (size_t to = 0; to < SHIFTS; to++) {
            for (size_t from = 0; from < SHIFTS; from++) {
                for (size_t i = 0; i < sizeof(ours); i++) {
                    ours[i] = theirs[i] = (unsigned char)(i * 5 + 3);
                }
                assert_ptr_equal(kernel_memmove(ours + to, ours + from, bytes), ours + to);
                memmove(theirs + to, theirs + from, bytes);
                kernel_memcpy(ours + to, ours + BYTES_MAX + from - SHIFTS, bytes < 8 ? bytes : 8);
                memcpy(theirs + to, theirs + BYTES_MAX + from - SHIFTS, bytes < 8 ? bytes : 8);
                kernel_memset(ours + from, 0x1a5, bytes / 2);
                memset(theirs + from, 0xa5, bytes / 2);
                assert_memory_equal(ours, theirs, sizeof(ours));
            }
        }
    }
}

static void comparisons_have_the_sign_of_the_standards(void **state)
{
    static const char *const words[] = { "", "a", "ab", "abc", "abd", "b", "\xff", "ab\xff" };

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_int_equal(kernel_strlen(words[i]), strlen(words[i]));
        for (size_t j = 0; j < sizeof(words) / sizeof(words[0]); j++) {
            size_t shorter =
                strlen(words[i]) < strlen(words[j]) ? strlen(words[i]) : strlen(words[j]);

            assert_int_equal(sign(kernel_strcmp(words[i], words[j])),
                             sign(strcmp(words[i], words[j])));
            assert_int_equal(sign(kernel_memcmp(words[i], words[j], shorter)),
                             sign(memcmp(words[i], words[j], shorter)));
            for (size_t bytes = 0; bytes < 5; bytes++) {
                assert_int_equal(sign(kernel_strncmp(words[i], words[j], bytes)),
                                 sign(strncmp(words[i], words[j], bytes)));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_byte_is_found_where_it_is_first),
        cmocka_unit_test(neighbours_of_the_byte_looked_for_are_not_taken_for_it),
        cmocka_unit_test(copies_and_fills_change_what_they_shall_and_nothing_else),
        cmocka_unit_test(comparisons_have_the_sign_of_the_standards),
    };

    return cmocka_run_group_tests_name("kernel/string.c", tests, NULL, NULL);
}
