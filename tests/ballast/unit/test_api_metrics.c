/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/ballast/api/metrics.c: promtool's opinion, labels of hostile names, counters, and the
 * dashboard, which may use only what is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <unistd.h>

#include "tests/ballast/unit/api_world.h"
#include "tools/ballast/api/api_internal.h"

static struct ask ask;

static int setup(void **state)
{
    (void)state;
    world_reset();
    ask = (struct ask){ .token = OPERATOR_TOKEN };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_ask_end(&ask);
    world_free();
    return 0;
}

static const char *scrape(void)
{
    assert_int_equal(world_ask(&ask, "GET", "/metrics"), 200);
    assert_string_equal(ask.response.type, "text/plain; version=0.0.4; charset=utf-8");
    return ask.response.body;
}

static void hostile_names(void)
{
    strcpy(world.machines[0].name, "a\"b\\c\nd} 1");
    strcpy(world.machines[1].name, "\xff\xfe");
    strcpy(world.machines[1].settings.owner, "{}=,#");
}

/* What promtool complains about goes to our own output. */
static void promtool_has_no_complaint(void **state)
{
    (void)state;
    /* A shell is what is wanted. NOLINTNEXTLINE(cert-env33-c) */
    if (system("command -v promtool > /dev/null") != 0) {
        print_message("skipped: there is no promtool, which is in the package prometheus\n");
        skip();
    }
    for (int hostile = 0; hostile < 2; hostile++) {
        scrape();
        /* A shell is what is wanted. NOLINTNEXTLINE(cert-env33-c) */
        FILE *promtool = popen("promtool check metrics", "w");
        assert_non_null(promtool);
        fwrite(ask.response.body, 1, ask.response.size, promtool);
        assert_int_equal(pclose(promtool), 0);
        hostile_names();
    }
}

static void labels_are_escaped(void **state)
{
    (void)state;
    hostile_names();
    const char *text = scrape();
    assert_non_null(
        strstr(text, "ballast_machine_size_bytes{machine=\"a\\\"b\\\\c\\nd} 1\",owner="));
    assert_non_null(strstr(text, "{machine=\"\xef\xbf\xbd\xef\xbf\xbd\",owner=\"{}=,#\","));
}

static void numbers_are_the_machines(void **state)
{
    (void)state;
    const char *text = scrape();
    static const char labels[] = "{machine=\"web\",owner=\"alice\",class=\"burst\"} ";
    static const struct {
        const char *name;
        unsigned long long value;
    } cases[] = {
        { "ballast_machine_size_bytes", 3221225473ULL },
        { "ballast_machine_target_bytes", 3221225492ULL },
        { "ballast_guest_available_bytes", 3221225478ULL },
        { "ballast_machine_commands_total", 3 },
        { "ballast_machine_peaks_met_total", 5 },
        { "ballast_machine_lent_byte_seconds_total", 12345ULL << 20 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[160];
        snprintf(line, sizeof(line), "\n%s%s%llu\n", cases[i].name, labels, cases[i].value);
        if (strstr(text, line) == NULL) {
            fail_msg("missing:%s", line);
        }
    }
    assert_non_null(strstr(text, "ballast_guest_statistics_age_seconds{machine=\"web\","
                                 "owner=\"alice\",class=\"burst\"} 1.500\n"));
    assert_non_null(strstr(text, "\nballast_host_zone{zone=\"soft\"} 1\n"));
    assert_non_null(strstr(text, "\nballast_host_zone{zone=\"green\"} 0\n"));
    assert_non_null(strstr(text, "\nballast_host_pressure_ratio{kind=\"some\"} 0.125\n"));
    assert_non_null(strstr(text, "\nballast_build_info{version=\"1.0\"} 1\n"));
}

/* A line of this machine, of a family whose value somebody could have known. */
static void assert_known_only(const char *text, const char *const *families, size_t count)
{
    for (const char *at = text; (at = strstr(at, "{machine=\"web\",")) != NULL; at++) {
        const char *line = at;
        bool known = false;
        while (line > text && line[-1] != '\n') {
            line--;
        }
        for (size_t i = 0; i < count; i++) {
            known = known || (strncmp(line, families[i], strlen(families[i])) == 0 &&
                              line[strlen(families[i])] == '{');
        }
        if (!known) {
            fail_msg("a value nobody knows: %.*s", (int)strcspn(line, "\n"), line);
        }
    }
}

static void what_is_not_known_is_left_out(void **state)
{
    (void)state;
    const char *text = scrape();
    assert_null(strstr(text, "\nballast_guest_alloc_stalls_total{"));
    assert_null(strstr(text, "18446744073709551615"));
    world_unreached(&world.machines[2], "QEMU does not answer");
    api_period(&world.api);
    text = scrape();
    static const char *const families[] = {
        "ballast_machine_state",
        "ballast_machine_ballooning",
        "ballast_machine_managed",
        "ballast_machine_commands_total",
        "ballast_machine_lent_byte_seconds_total",
        "ballast_machine_peaks_met_total",
        "ballast_machine_peaks_missed_total",
    };
    assert_known_only(text, families, sizeof(families) / sizeof(families[0]));
    /* Nothing was decided about it, and no rule holds it. */
    assert_non_null(strstr(text, "\nballast_decisions_total{reason=\"keep-held\"} 3\n"));
    assert_non_null(strstr(text, "\nballast_decisions_total{reason=\"keep\"} 0\n"));
    assert_non_null(strstr(text, "\nballast_holds{rule=\"peak\"} 3\n"));
}

static void a_driver_that_nobody_can_tell_is_not_absent(void **state)
{
    (void)state;
    world.machines[2].facts.driver = POLICY_DRIVER_UNKNOWN;
    const char *text = scrape();
    assert_null(strstr(text, "\nballast_machine_driver{machine=\"web\","));
    world.machines[2].facts.driver = POLICY_DRIVER_OK;
    text = scrape();
    assert_non_null(strstr(
        text, "\nballast_machine_driver{machine=\"web\",owner=\"alice\",class=\"burst\"} 1\n"));
}

static void before_the_first_period_the_host_has_no_samples(void **state)
{
    (void)state;
    world.host = (struct policy_host){ 0 };
    world.memory = (struct host_memory){ 0 };
    const char *text = scrape();
    assert_null(strstr(text, "\nballast_host_"));
    assert_null(strstr(text, "\nballast_decided_age_seconds "));
    assert_non_null(strstr(text, "# TYPE ballast_host_zone gauge\n"));
    world_reset();
    text = scrape();
    assert_non_null(strstr(text, "\nballast_host_ksm_saved_bytes 123\n"));
    assert_non_null(strstr(text, "\nballast_host_swap_free_bytes 122\n"));
    assert_non_null(strstr(text, "\nballast_decided_age_seconds 0.800\n"));
    world.memory.psi = false;
    assert_null(strstr(scrape(), "\nballast_host_pressure_ratio{"));
}

static void decisions_and_holds_are_counted(void **state)
{
    (void)state;
    world.machines[0].policy.decision.reason = POLICY_GROW_PEAK;
    world.machines[0].policy.decision.hold = POLICY_HOLD_NONE;
    api_period(&world.api);
    api_period(&world.api);
    const char *text = scrape();
    assert_non_null(strstr(text, "\nballast_periods_total 2\n"));
    assert_non_null(strstr(text, "\nballast_decisions_total{reason=\"grow-peak\"} 2\n"));
    assert_non_null(strstr(text, "\nballast_decisions_total{reason=\"keep-held\"} 6\n"));
    assert_non_null(strstr(text, "\nballast_decisions_total{reason=\"keep\"} 0\n"));
    assert_non_null(strstr(text, "\nballast_holds{rule=\"peak\"} 3\n"));
    assert_non_null(strstr(text, "\nballast_holds{rule=\"stale\"} 0\n"));
}

/* ---- the dashboard ---- */

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("%s: run the tests in the project's folder", path);
    }
    static char text[200000];
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[size] = '\0';
    return text;
}

static bool is_family(const char *metrics, const char *name, size_t length)
{
    char line[128];
    snprintf(line, sizeof(line), "# TYPE %.*s ", (int)length, name);
    return strstr(metrics, line) != NULL;
}

static void the_dashboard_uses_metrics_that_exist(void **state)
{
    (void)state;
    const char *metrics = scrape();
    char *text = read_file("tools/ballast/grafana.json");
    json_t *dashboard = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(dashboard);
    assert_true(json_array_size(json_object_get(dashboard, "panels")) > 5);
    json_decref(dashboard);
    unsigned used = 0;
    for (const char *at = text; (at = strstr(at, "ballast_")) != NULL; used++) {
        size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
        if (!is_family(metrics, at, length)) {
            fail_msg("the dashboard uses %.*s, which does not exist", (int)length, at);
        }
        at += length;
    }
    assert_true(used >= 15);
}

static void panels_of_the_dashboard_do_not_overlap(void **state)
{
    (void)state;
    json_t *dashboard = json_loads(read_file("tools/ballast/grafana.json"), 0, NULL);
    json_t *panels = json_object_get(dashboard, "panels");
    bool taken[64][24] = { { false } };
    size_t index;
    json_t *panel;
    json_array_foreach(panels, index, panel)
    {
        int x, y, w, h;
        json_t *place = json_object_get(panel, "gridPos");
        assert_int_equal(
            json_unpack(place, "{s:i,s:i,s:i,s:i}", "x", &x, "y", &y, "w", &w, "h", &h), 0);
        assert_int_equal(json_integer_value(json_object_get(panel, "id")), (json_int_t)index + 1);
        for (int row = y; row < y + h; row++) {
            for (int column = x; column < x + w; column++) {
                assert_true(row < 64 && column < 24);
                assert_false(taken[row][column]);
                taken[row][column] = true;
            }
        }
    }
    json_decref(dashboard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(promtool_has_no_complaint, setup, teardown),
        cmocka_unit_test_setup_teardown(labels_are_escaped, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_are_the_machines, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_known_is_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_driver_that_nobody_can_tell_is_not_absent, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(before_the_first_period_the_host_has_no_samples, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(decisions_and_holds_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(the_dashboard_uses_metrics_that_exist, setup, teardown),
        cmocka_unit_test_setup_teardown(panels_of_the_dashboard_do_not_overlap, setup, teardown),
    };
    return cmocka_run_group_tests_name("tools/ballast/api/metrics.c", tests, NULL, NULL);
}
