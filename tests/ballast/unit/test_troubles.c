/* SPDX-License-Identifier: BSD-2-Clause */
/* Troubles of the backends: told when they begin and when they end, however long they last. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tools/ballast/daemon/troubles.h"

static void each_trouble_is_told_once_for_as_long_as_it_lasts(void **state)
{
    struct troubles troubles = { 0 };
    char text[TROUBLES_TEXT_MAX];
    const char *name;

    (void)state;
    for (unsigned period = 0; period < 100; period++) {
        troubles_begin(&troubles);
        for (unsigned i = 0; i < 70; i++) { /* more than the log remembers */
            snprintf(text, sizeof text, "the socket %u is no machine", i);
            assert_int_equal(troubles_see(&troubles, "qmp", text), period == 0);
        }
        assert_false(troubles_over(&troubles, &name, text));
    }
    troubles_free(&troubles);
}

static void the_end_of_a_trouble_is_told_once_and_it_may_begin_again(void **state)
{
    struct troubles troubles = { 0 };
    char text[TROUBLES_TEXT_MAX];
    const char *name = "";

    (void)state;
    troubles_begin(&troubles);
    assert_true(troubles_see(&troubles, "qmp", "one"));
    assert_true(troubles_see(&troubles, "libvirt", "one")); /* another's */
    troubles_begin(&troubles);
    assert_false(troubles_see(&troubles, "libvirt", "one"));
    assert_true(troubles_over(&troubles, &name, text));
    assert_string_equal(name, "qmp");
    assert_string_equal(text, "one");
    assert_false(troubles_over(&troubles, &name, text));
    troubles_begin(&troubles);
    assert_true(troubles_see(&troubles, "qmp", "one"));
    troubles_free(&troubles);
}

static void a_text_that_is_too_long_is_the_same_one_again(void **state)
{
    struct troubles troubles = { 0 };
    char text[2 * TROUBLES_TEXT_MAX];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_true(troubles_see(&troubles, "qmp", text));
    assert_false(troubles_see(&troubles, "qmp", text));
    troubles_free(&troubles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_trouble_is_told_once_for_as_long_as_it_lasts),
        cmocka_unit_test(the_end_of_a_trouble_is_told_once_and_it_may_begin_again),
        cmocka_unit_test(a_text_that_is_too_long_is_the_same_one_again),
    };

    return cmocka_run_group_tests_name("tools/ballast/daemon/troubles.c", tests, NULL, NULL);
}
