/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports of memory that is filled when it is freed: PAGE_POISON, and what a host does with it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/report_fixture.h"

/* [VIRTIO 1.4 §5.5.3.1, §5.5.6.6.1, §5.5.6.7.1] */
static void with_fill_poison_is_negotiated_and_obeyed(void **state)
{
    (void)state;
    warm_reporting_machine();
    start_filling(0xaaaaaaaa);
    assert_int_equal(F.poison, 0xaaaaaaaa);
    assert_true((F.accepted & BALLOON_F_PAGE_POISON) != 0);
    /* Hosts ignore reports when the value is not zero. */
    assert_int_equal(dev.report.probe.drops, BALLOON_DROPS_NOTHING);
    F.filled = 0;
    reach(5000);
    assert_int_equal(F.filled, 0);
    reach(1000);
    assert_int_equal(F.filled, 4000);
    finish();
}

static void with_fill_zero_reported_pages_hold_zero(void **state)
{
    (void)state;
    warm_reporting_machine();
    start_filling(0);
    assert_int_equal(dev.report.probe.drops, BALLOON_DROPS_2M);
    assert_true(F.filled >= BLOCKS(29));
    finish();
}

static void with_fill_and_no_poison_nothing_is_reported(void **state)
{
    (void)state;
    reporting_machine();
    F.offered = BALLOON_F_STATS_VQ | BALLOON_F_PAGE_REPORTING | VIRTIO_F_VERSION_1;
    start_filling(0);
    assert_int_equal(F.accepted, BALLOON_F_STATS_VQ | VIRTIO_F_VERSION_1);
    assert_int_equal(fake_seams.log_lines[LOG_WARN], 0);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_fill_poison_is_negotiated_and_obeyed),
        cmocka_unit_test(with_fill_zero_reported_pages_hold_zero),
        cmocka_unit_test(with_fill_and_no_poison_nothing_is_reported),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon_report.c", tests, NULL, NULL);
}
