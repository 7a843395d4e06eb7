/* SPDX-License-Identifier: BSD-2-Clause */
/* Containers, with cgroup files below a folder of the test and a fleet that writes down. */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/ballast/fakes/fake_fleet.h"
#include "tests/ballast/fakes/fake_root.h"
#include "tools/ballast/backend/cgroup_backend.h"

#define MIB ((uint64_t)1 << 20)

struct rig {
    char root[FAKE_ROOT_MAX];
    struct fleet fleet;
    struct config config;
    struct config_machine machines[2];
    struct cgroup_backend *backend;
};

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    if (rig == NULL) {
        return -1;
    }
    fake_root_make(rig->root);
    rig->machines[0] = (struct config_machine){ .name = "shop",
                                                .given = CONFIG_GIVEN_CGROUP,
                                                .cgroup = "/cg/shop" };
    rig->machines[1] = (struct config_machine){ .name = "vm" }; /* no container */
    rig->config.machines = rig->machines;
    rig->config.machine_count = 2;
    fake_root_text(rig->root, "/cg/shop/memory.current", "314572800\n");
    fake_root_text(rig->root, "/cg/shop/memory.max", "536870912\n");
    fake_root_text(rig->root, "/cg/shop/memory.high", "max\n");
    fake_root_text(rig->root, "/cg/shop/memory.stat",
                   "anon 1\ninactive_file 104857600\nactive_file 0\n");
    rig->backend = cgroup_backend_start(&rig->fleet, &rig->config, rig->root, 1000);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    cgroup_backend_stop(rig->backend, 9000);
    fake_root_remove(rig->root, "");
    free(rig);
    return 0;
}

static void a_container_is_shown_and_offers_no_target(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *shop = fleet_find(&rig->fleet, "shop");

    assert_non_null(shop);
    assert_null(fleet_find(&rig->fleet, "vm"));
    assert_string_equal(shop->backend->name, "cgroup");
    assert_null(shop->backend->set_target);
    assert_string_equal(shop->where, "/cg/shop");
    assert_int_equal(shop->facts.kind, FACTS_CONTAINER);
    assert_int_equal(shop->facts.state, FACTS_RUNNING);
    assert_false(shop->facts.device);
    assert_int_equal(shop->facts.actual_bytes, 512 * MIB);
    assert_int_equal(shop->facts.resident_bytes, 300 * MIB);
    assert_int_equal(shop->facts.available_bytes, 312 * MIB);
    assert_int_equal(shop->facts.caches_bytes, 100 * MIB);
    assert_int_equal(shop->facts.stats_ms, 1000);
}

static void a_container_without_a_limit_has_no_size(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *shop = fleet_find(&rig->fleet, "shop");

    fake_root_text(rig->root, "/cg/shop/memory.max", "max\n");
    cgroup_backend_poll(rig->backend, 2000);
    assert_true(shop->facts.ram_bytes == POLICY_MISSING);
    assert_true(shop->facts.available_bytes == POLICY_MISSING);
    assert_int_equal(shop->facts.stats_ms, 0);
    assert_int_equal(shop->facts.resident_bytes, 300 * MIB);
    fake_root_text(rig->root, "/cg/shop/memory.max", "1048576\n"); /* below what it holds */
    cgroup_backend_poll(rig->backend, 3000);
    assert_int_equal(shop->facts.available_bytes, 0);
}

static void a_folder_that_vanishes_is_told_and_may_come_back(void **state)
{
    struct rig *rig = *state;
    const struct fleet_machine *shop = fleet_find(&rig->fleet, "shop");

    fake_root_remove(rig->root, "/cg/shop");
    cgroup_backend_poll(rig->backend, 2000);
    assert_int_equal(shop->facts.state, FACTS_STOPPED);
    assert_non_null(strstr(shop->facts.trouble, "/cg/shop"));
    assert_int_equal(shop->facts.resident_bytes, 0);
    assert_true(shop->facts.available_bytes == POLICY_MISSING);
    assert_int_equal(rig->fleet.gone, 0);
    fake_root_text(rig->root, "/cg/shop/memory.current", "1048576\n");
    cgroup_backend_poll(rig->backend, 3000);
    assert_int_equal(shop->facts.state, FACTS_RUNNING);
    assert_string_equal(shop->facts.trouble, "");
}

static void a_new_configuration_is_followed(void **state)
{
    struct rig *rig = *state;

    snprintf(rig->machines[0].cgroup, sizeof(rig->machines[0].cgroup), "/cg/other");
    cgroup_backend_configure(rig->backend, &rig->config, 2000);
    assert_int_equal(rig->fleet.gone, 1);
    assert_string_equal(fleet_find(&rig->fleet, "shop")->where, "/cg/other");
    cgroup_backend_configure(rig->backend, &rig->config, 3000);
    assert_int_equal(rig->fleet.gone, 1);
    rig->config.machine_count = 0;
    cgroup_backend_configure(rig->backend, &rig->config, 4000);
    assert_null(fleet_find(&rig->fleet, "shop"));
    assert_int_equal(rig->fleet.gone, 2);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(a_container_is_shown_and_offers_no_target),
        WITH_RIG(a_container_without_a_limit_has_no_size),
        WITH_RIG(a_folder_that_vanishes_is_told_and_may_come_back),
        WITH_RIG(a_new_configuration_is_followed),
    };

    return cmocka_run_group_tests_name("tools/ballast/backend/cgroup_backend.c", tests, NULL, NULL);
}
