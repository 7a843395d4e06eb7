/* SPDX-License-Identifier: BSD-2-Clause */
/* What libvirt tells of a domain, in XML and in records. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/ballast/backend/libvirt_domain.h"
#include "tools/ballast/backend/libvirt_link.h"

#define DOMAIN(type, inside) "<domain type='" type "' id='1'><name>a</name>" inside "</domain>"

static struct libvirt_description read_xml(const char *xml)
{
    struct libvirt_description description;
    assert_true(libvirt_description_read(xml, &description));
    return description;
}

/* ---- descriptions ---- */

static void a_plain_domain_has_a_device_and_nothing_that_keeps_memory(void **state)
{
    (void)state;
    struct libvirt_description d = read_xml(
        DOMAIN("kvm", "<memory unit='KiB'>1048576</memory><devices>"
                      "<memballoon model='virtio'><stats period='5'/></memballoon></devices>"));
    assert_int_equal(d.kind, FACTS_MACHINE);
    assert_true(d.device);
    assert_int_equal(d.features, 0);
    assert_int_equal(d.stats_period_s, 5);
    assert_int_equal(d.ram_bytes, (uint64_t)1 << 30);
    assert_false(d.locked || d.huge_pages || d.pinned || d.prealloc);
}

static void models_of_virtio_are_devices_and_none_is_not(void **state)
{
    (void)state;
    assert_true(read_xml(DOMAIN("kvm", "<devices><memballoon model='virtio-non-transitional'/>"
                                       "</devices>"))
                    .device);
    assert_false(read_xml(DOMAIN("kvm", "<devices><memballoon model='none'/></devices>")).device);
    assert_false(read_xml(DOMAIN("kvm", "<devices/>")).device);
}

static void features_are_those_the_device_offers(void **state)
{
    (void)state;
    assert_int_equal(read_xml(DOMAIN("kvm", "<devices><memballoon model='virtio' autodeflate='on' "
                                            "freePageReporting='on'/></devices>"))
                         .features,
                     FACTS_DEFLATE_ON_OOM | FACTS_REPORTING);
    assert_int_equal(read_xml(DOMAIN("kvm", "<devices><memballoon model='virtio' autodeflate='off' "
                                            "freePageReporting='off'/></devices>"))
                         .features,
                     0);
}

static void memory_that_was_locked_or_allocated_is_noticed(void **state)
{
    (void)state;
    assert_true(read_xml(DOMAIN("kvm", "<memoryBacking><locked/></memoryBacking>")).locked);
    assert_true(read_xml(DOMAIN("kvm", "<memoryBacking><hugepages/></memoryBacking>")).huge_pages);
    assert_true(
        read_xml(DOMAIN("kvm", "<memoryBacking><allocation mode='immediate'/></memoryBacking>"))
            .prealloc);
    assert_false(
        read_xml(DOMAIN("kvm", "<memoryBacking><allocation mode='ondemand'/></memoryBacking>"))
            .prealloc);
}

static void devices_that_pin_memory_are_noticed_and_usb_is_not_one(void **state)
{
    (void)state;
    static const char *const pinning[] = {
        "<hostdev mode='subsystem' type='pci'/>",
        "<hostdev mode='subsystem' type='mdev'/>",
        "<interface type='hostdev'/>",
        "<interface type='vdpa'/>",
        "<disk type='nvme'/>",
        "<disk type='vhostvdpa'/>",
    };
    char xml[256];
    for (size_t i = 0; i < sizeof pinning / sizeof pinning[0]; i++) {
        snprintf(xml, sizeof xml, "<domain type='kvm'><devices>%s</devices></domain>", pinning[i]);
        assert_true(read_xml(xml).pinned);
    }
    assert_false(
        read_xml(DOMAIN("kvm", "<devices><hostdev mode='subsystem' type='usb'/></devices>"))
            .pinned);
}

static void containers_are_told_from_machines(void **state)
{
    (void)state;
    assert_int_equal(read_xml(DOMAIN("lxc", "")).kind, FACTS_CONTAINER);
    assert_int_equal(read_xml(DOMAIN("vz", "<os><type>exe</type></os>")).kind, FACTS_CONTAINER);
    assert_int_equal(read_xml(DOMAIN("vz", "<os><type>hvm</type></os>")).kind, FACTS_MACHINE);
}

static void what_is_no_domain_is_refused(void **state)
{
    (void)state;
    struct libvirt_description d;
    assert_false(libvirt_description_read("", &d));
    assert_false(libvirt_description_read("<domain", &d));
    assert_false(libvirt_description_read("<network/>", &d));
    bool changed;
    assert_null(libvirt_description_edit("<domain", true, &changed));
    assert_null(libvirt_description_edit("<pool/>", true, &changed));
}

static void numbers_that_are_none_are_missing(void **state)
{
    (void)state;
    struct libvirt_description d = read_xml(
        DOMAIN("kvm", "<memory unit='KiB'>much</memory><devices><memballoon model='virtio'>"
                      "<stats period='-3'/></memballoon></devices>"));
    assert_true(d.ram_bytes == POLICY_MISSING);
    assert_int_equal(d.stats_period_s, 0);
    d = read_xml(DOMAIN("kvm", "<memory unit='KiB'>1e300</memory>"));
    assert_true(d.ram_bytes == POLICY_MISSING);
}

static void external_entities_are_not_read(void **state)
{
    (void)state;
    struct libvirt_description d;
    bool read =
        libvirt_description_read("<!DOCTYPE domain [<!ENTITY x SYSTEM 'file:///proc/self/stat'>]>"
                                 "<domain><memory>&x;</memory></domain>",
                                 &d);
    assert_true(!read || d.ram_bytes == POLICY_MISSING);
}

/* ---- editing ---- */

static void editing_changes_the_model_and_nothing_else(void **state)
{
    (void)state;
    static const char before[] =
        "<?xml version=\"1.0\"?>\n<domain xmlns:q=\"urn:q\" type=\"kvm\">\n  <name>a</name>\n"
        "  <!-- mine -->\n  <devices>\n    <memballoon model=\"%s\" autodeflate=\"on\">\n"
        "      <stats period=\"5\"/>\n    </memballoon>\n  </devices>\n"
        "  <q:commandline><q:arg value=\"&lt;x&gt;\"/></q:commandline>\n</domain>\n";
    char with[512];
    char without[512];
    snprintf(with, sizeof with, before, "virtio");     /* NOLINT */
    snprintf(without, sizeof without, before, "none"); /* NOLINT */
    bool changed = false;
    char *edited = libvirt_description_edit(with, false, &changed);
    assert_true(changed);
    assert_string_equal(edited, without);
    free(edited);
    edited = libvirt_description_edit(without, true, &changed);
    assert_true(changed);
    assert_string_equal(edited, with);
    free(edited);
}

static void what_is_right_already_is_left_alone(void **state)
{
    (void)state;
    bool changed = true;
    char *edited = libvirt_description_edit(
        DOMAIN("kvm", "<devices><memballoon model='virtio-transitional'/></devices>"), true,
        &changed);
    assert_false(changed);
    assert_non_null(strstr(edited, "virtio-transitional"));
    free(edited);
}

static void a_missing_element_is_added(void **state)
{
    (void)state;
    bool changed = false;
    char *edited = libvirt_description_edit(DOMAIN("kvm", ""), false, &changed);
    assert_true(changed);
    assert_non_null(strstr(edited, "<devices><memballoon model=\"none\"/></devices>"));
    free(edited);
}

/* ---- records ---- */

static virTypedParameter param(const char *field, unsigned long long value)
{
    virTypedParameter result = { .type = VIR_TYPED_PARAM_ULLONG, .value.ul = value };
    snprintf(result.field, sizeof result.field, "%s", field);
    return result;
}

static void every_statistic_comes_to_its_place(void **state)
{
    (void)state;
    const virTypedParameter params[] = {
        param("balloon.current", 1),         param("balloon.maximum", 2),
        param("balloon.swap_in", 3),         param("balloon.swap_out", 4),
        param("balloon.major_fault", 5),     param("balloon.minor_fault", 6),
        param("balloon.unused", 7),          param("balloon.available", 8),
        param("balloon.usable", 9),          param("balloon.last-update", 10),
        param("balloon.disk_caches", 11),    param("balloon.rss", 12),
        param("balloon.hugetlb_pgfail", 13),
    };
    struct libvirt_reading r;
    libvirt_reading_take(params, sizeof params / sizeof params[0], &r);
    assert_int_equal(r.actual_bytes, 1 * 1024);
    assert_int_equal(r.maximum_bytes, 2 * 1024);
    assert_int_equal(r.statistics.swap_in_bytes, 3 * 1024);
    assert_int_equal(r.statistics.swap_out_bytes, 4 * 1024);
    assert_int_equal(r.statistics.major_faults, 5);
    assert_int_equal(r.statistics.minor_faults, 6);
    assert_int_equal(r.statistics.free_bytes, 7 * 1024);
    assert_int_equal(r.statistics.total_bytes, 8 * 1024);
    assert_int_equal(r.statistics.available_bytes, 9 * 1024);
    assert_int_equal(r.statistics.stamp_s, 10);
    assert_int_equal(r.statistics.caches_bytes, 11 * 1024);
    assert_int_equal(r.process_bytes, 12 * 1024);
    assert_true(r.statistics.alloc_stalls == POLICY_MISSING);
    assert_true(r.statistics.oom_kills == POLICY_MISSING);
}

static void sizes_that_cannot_be_are_missing(void **state)
{
    (void)state;
    virTypedParameter params[] = { param("balloon.current", UINT64_MAX),
                                   param("balloon.usable", UINT64_MAX / 1024),
                                   param("balloon.unused", 0), param("balloon.maximum", 0) };
    params[2].type = VIR_TYPED_PARAM_LLONG;
    params[2].value.l = -1;
    params[3].type = VIR_TYPED_PARAM_DOUBLE;
    struct libvirt_reading r;
    libvirt_reading_take(params, 4, &r);
    assert_true(r.actual_bytes == POLICY_MISSING);
    assert_true(r.statistics.available_bytes == POLICY_MISSING);
    assert_true(r.statistics.free_bytes == POLICY_MISSING);
    assert_true(r.maximum_bytes == POLICY_MISSING);
    assert_true(r.statistics.stamp_s == POLICY_MISSING);
}

static void states_are_translated(void **state)
{
    (void)state;
    assert_int_equal(libvirt_state(VIR_DOMAIN_RUNNING, 0), FACTS_RUNNING);
    assert_int_equal(libvirt_state(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER), FACTS_PAUSED);
    assert_int_equal(libvirt_state(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_CRASHED), FACTS_PANICKED);
    assert_int_equal(libvirt_state(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_POSTCOPY), FACTS_MIGRATING);
    assert_int_equal(libvirt_state(VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_SHUTTING_DOWN),
                     FACTS_RUNNING); /* until it is gone */
    assert_int_equal(libvirt_state(VIR_DOMAIN_PMSUSPENDED, 0), FACTS_PAUSED);
    assert_int_equal(libvirt_state(VIR_DOMAIN_CRASHED, 0), FACTS_PANICKED);
    assert_int_equal(libvirt_state(VIR_DOMAIN_SHUTOFF, 0), FACTS_STOPPED);
}

static void uris_without_a_host_are_local(void **state)
{
    (void)state;
    assert_true(libvirt_uri_is_local("qemu:///system"));
    assert_true(libvirt_uri_is_local("qemu+unix:///system?socket=/run/x"));
    assert_false(libvirt_uri_is_local("qemu+ssh://root@other/system"));
    assert_false(libvirt_uri_is_local("qemu://localhost/system"));
    assert_false(libvirt_uri_is_local("nonsense"));
}

/* ---- the library ---- */

static void a_library_that_is_not_there_is_told(void **state)
{
    (void)state;
    char reason[160] = "";
    assert_null(libvirt_symbols_load("libnothing.so.9", reason, sizeof reason));
    assert_string_equal(reason, "libvirt is not installed: libnothing.so.9 cannot be loaded (on "
                                "Debian, install libvirt0)");
}

static void a_library_without_a_function_is_told(void **state)
{
    (void)state;
    char reason[160] = "";
    assert_null(libvirt_symbols_load("libm.so.6", reason, sizeof reason));
    assert_non_null(strstr(reason, "libvirt is too old: libm.so.6 has no vir"));
}

static void the_installed_library_has_all_functions(void **state)
{
    (void)state;
    char reason[160] = "";
    const struct libvirt_symbols *symbols =
        libvirt_symbols_load(LIBVIRT_LIBRARY, reason, sizeof reason);
    if (symbols == NULL && strstr(reason, "not installed") != NULL) {
        skip(); /* it is optional */
    }
    assert_string_equal(reason, "");
    assert_true(symbols != NULL && symbols->virConnectOpen != NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_domain_has_a_device_and_nothing_that_keeps_memory),
        cmocka_unit_test(models_of_virtio_are_devices_and_none_is_not),
        cmocka_unit_test(features_are_those_the_device_offers),
        cmocka_unit_test(memory_that_was_locked_or_allocated_is_noticed),
        cmocka_unit_test(devices_that_pin_memory_are_noticed_and_usb_is_not_one),
        cmocka_unit_test(containers_are_told_from_machines),
        cmocka_unit_test(what_is_no_domain_is_refused),
        cmocka_unit_test(numbers_that_are_none_are_missing),
        cmocka_unit_test(external_entities_are_not_read),
        cmocka_unit_test(editing_changes_the_model_and_nothing_else),
        cmocka_unit_test(what_is_right_already_is_left_alone),
        cmocka_unit_test(a_missing_element_is_added),
        cmocka_unit_test(every_statistic_comes_to_its_place),
        cmocka_unit_test(sizes_that_cannot_be_are_missing),
        cmocka_unit_test(states_are_translated),
        cmocka_unit_test(uris_without_a_host_are_local),
        cmocka_unit_test(a_library_that_is_not_there_is_told),
        cmocka_unit_test(a_library_without_a_function_is_told),
        cmocka_unit_test(the_installed_library_has_all_functions),
    };
    return cmocka_run_group_tests_name("tools/ballast/backend/libvirt_xml.c", tests, NULL, NULL);
}
