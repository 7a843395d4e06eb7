/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole simulations: the same seed gives the same bytes, whatever the threads; options are checked;
 * the command's exit codes; the report's files.
 */

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/ballast/sim/sim_policy.h"
#include "tools/ballast/sim/sim_trace.h"
#include "tools/ballast/sim/sim_svg.h"

/* Small, but with a second, smaller host, and with every policy. */
static struct sim_options options;

static int setup(void **state)
{
    (void)state;
    sim_options_default(&options);
    options.machines = 13;
    options.machines_per_host = 8;
    options.hours = 1;
    return 0;
}

static char *run_json(const struct sim_options *run)
{
    char *text = NULL;
    size_t size = 0;
    struct sim_results *results = sim_run(run);
    assert_non_null(results);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    sim_print_json(results, out);
    sim_print_table(results, out);
    assert_int_equal(fclose(out), 0);
    sim_results_free(results);
    return text;
}

static void the_same_seed_gives_the_same_bytes_with_any_threads(void **state)
{
    (void)state;
    options.threads = 1;
    char *one = run_json(&options);
    options.threads = 5;
    char *five = run_json(&options);
    char *again = run_json(&options);
    assert_string_equal(one, five);
    assert_string_equal(five, again);
    options.seed = 2;
    char *other = run_json(&options);
    assert_string_not_equal(one, other);
    free(one);
    free(five);
    free(again);
    free(other);
}

static void a_policy_scores_the_same_alone(void **state)
{
    (void)state;
    struct sim_results *all = sim_run(&options);
    assert_non_null(all);
    size_t last = options.policy_count - 1;
    options.policies[0] = options.policies[last];
    options.policy_count = 1;
    struct sim_results *alone = sim_run(&options);
    assert_non_null(alone);
    for (size_t i = 0; i < alone->count; i++) {
        assert_memory_equal(&alone->results[i].score, &all->results[i * (last + 1) + last].score,
                            sizeof(struct sim_score));
    }
    sim_results_free(all);
    sim_results_free(alone);
}

static void all_policies_face_the_same_needs(void **state)
{
    (void)state;
    struct sim_results *results = sim_run(&options);
    assert_non_null(results);
    for (size_t i = 0; i < results->count; i++) {
        const struct sim_result *first =
            &results->results[i / options.policy_count * options.policy_count];
        const struct sim_result *result = &results->results[i];
        assert_int_equal(result->score.unavoidable_mib_s, first->score.unavoidable_mib_s);
        assert_memory_equal(result->curve.need, first->curve.need, sizeof first->curve.need);
    }
    sim_results_free(results);
}

static void the_total_is_the_sum_of_the_families(void **state)
{
    (void)state;
    struct sim_results *results = sim_run(&options);
    assert_non_null(results);
    uint64_t sum = 0;
    for (size_t i = 1; i < results->count; i += options.policy_count) {
        sum += results->results[i].score.shortfall_mib_s;
    }
    struct sim_score total;
    sim_results_total(results, 1, &total);
    assert_int_equal(total.shortfall_mib_s, sum);
    assert_true(sum > 0); /* nobody manages, and the host is too small */
    sim_results_free(results);
}

static void a_recorded_trace_is_a_family(void **state)
{
    (void)state;
    static const char text[] = "time,machine,max_mib,used_mib\n"
                               "0,a,4096,1000\n0,b,4096,1000\n"
                               "600,a,4096,3500\n1200,a,4096,1000\n1800,b,4096,3500\n";
    char error[64];
    struct sim_trace *trace = sim_trace_parse(text, sizeof text - 1, error, sizeof error);
    assert_non_null(trace);
    memset(options.families, 0, sizeof options.families);
    options.families[SIM_TRACE] = true;
    assert_string_equal(sim_options_fault(&options), "the family \"trace\" needs a recorded trace");
    options.trace = trace;
    options.machines = 2;
    struct sim_results *results = sim_run(&options);
    assert_non_null(results);
    assert_int_equal(results->count, options.policy_count);
    assert_int_equal(results->results[1].score.peaks, 4); /* two starts, two peaks */
    sim_results_free(results);
    sim_trace_free(trace);
}

static void options_without_sense_are_refused(void **state)
{
    (void)state;
    assert_null(sim_options_fault(&options));
    struct sim_options bad = options;
    bad.machines = 0;
    assert_non_null(sim_options_fault(&bad));
    bad = options;
    bad.machines_per_host = SIM_HOST_MACHINES + 1;
    assert_non_null(sim_options_fault(&bad));
    bad = options;
    bad.hours = 0;
    assert_non_null(sim_options_fault(&bad));
    bad = options;
    bad.period_ms = 1500;
    assert_string_equal(sim_options_fault(&bad), "the period must be whole seconds, from 1 to 60");
    bad = options;
    bad.threads = 0;
    assert_non_null(sim_options_fault(&bad));
    bad = options;
    bad.policy_count = 0;
    assert_non_null(sim_options_fault(&bad));
    bad = options;
    memset(bad.families, 0, sizeof bad.families);
    assert_non_null(sim_options_fault(&bad));
}

static int command(const char *const *arguments)
{
    char *argv[16] = { NULL };
    int argc = 0;
    while (arguments[argc]) {
        argv[argc] = strdup(arguments[argc]);
        argc++;
    }
    int status = sim_main(argc, argv);
    for (int i = 0; i < argc; i++) {
        free(argv[i]);
    }
    return status;
}

#define COMMAND(...) command((const char *const[]){ "ballast simulate", __VA_ARGS__, NULL })

static void the_command_says_by_its_exit_code_what_happened(void **state)
{
    (void)state;
    assert_int_equal(COMMAND("--help"), 0);
    assert_int_equal(COMMAND("--machines", "3", "--hours", "1", "--policy", "pi,mom", "--family",
                             "leak,boot", "--json"),
                     0);
    assert_int_equal(COMMAND("--family", "none"), 2);
    assert_int_equal(COMMAND("--policy", "none"), 2);
    assert_int_equal(COMMAND("--machines", "many"), 2);
    assert_int_equal(COMMAND("--machines", "0"), 2);
    assert_int_equal(COMMAND("--hours", "99999999999999999999999"), 2);
    assert_int_equal(COMMAND("--what"), 2);
    assert_int_equal(COMMAND("more"), 2);
    assert_int_equal(COMMAND("--family", "trace"), 2);
    assert_int_equal(COMMAND("--trace", "/nonexistent/trace"), 1);
    assert_int_equal(COMMAND("--machines", "1", "--hours", "1", "--policy", "pi", "--family",
                             "leak", "--report", "/proc/nowhere"),
                     1);
}

/* Every opened element of a plot is closed: enough to catch a writer that forgets one. */
static void check_plot(const char *dir, const char *name)
{
    char path[512];
    char start[5] = "";
    char end[8] = "";
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fread(start, 1, 4, file), 4);
    assert_int_equal(fseek(file, -7, SEEK_END), 0);
    assert_int_equal(fread(end, 1, 6, file), 6);
    fclose(file);
    if (strstr(name, ".svg")) {
        assert_string_equal(start, "<svg");
        assert_string_equal(end, "</svg>");
    }
    assert_int_equal(unlink(path), 0);
}

static void large_numbers_are_told_in_groups_of_three(void **state)
{
    static const struct {
        uint64_t number;
        const char *text;
    } cases[] = {
        { 0, "0" },
        { 999, "999" },
        { 1000, "1&#8239;000" },
        { 1234567, "1&#8239;234&#8239;567" },
        { UINT64_MAX, "18&#8239;446&#8239;744&#8239;073&#8239;709&#8239;551&#8239;615" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[SIM_SVG_NUMBER];
        assert_string_equal(sim_svg_number(cases[i].number, text), cases[i].text);
    }
}

static void bars_are_linear_within_each_decade(void **state)
{
    static const struct sim_svg_bar bars[] = {
        { "a", 1000000000 }, { "b", 5500000000 }, { "c", 10000000000 }, { "d", 55 }, { "e", 10 },
    };
    unsigned widths[5] = { 0 };
    char *text = NULL;
    size_t size = 0;
    (void)state;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    sim_svg_bars(out, "bars", bars, 5);
    (void)fclose(out);
    const char *at = text;
    for (size_t i = 0; i < 5; i++) {
        at = strstr(at, "width=\"");
        while (at != NULL && strstr(at, "\" height=\"18\"") != strchr(at + 7, '"')) {
            at = strstr(at + 7, "width=\"");
        }
        if (at == NULL) {
            fail_msg("bar %zu is not there", i);
            break;
        }
        at += 7;
        widths[i] = (unsigned)strtoul(at, NULL, 10);
    }
    assert_in_range(widths[1], (widths[0] + widths[2]) / 2 - 1, (widths[0] + widths[2]) / 2 + 1);
    assert_in_range(widths[3] - widths[4], (widths[2] - widths[0]) / 2 - 1,
                    (widths[2] - widths[0]) / 2 + 1);
    free(text);
}

static void the_report_is_a_page_and_its_plots(void **state)
{
    (void)state;
    char dir[] = "/tmp/sim_report.XXXXXX";
    assert_non_null(mkdtemp(dir));
    struct sim_results *results = sim_run(&options);
    assert_non_null(results);
    assert_int_equal(sim_report_write(results, dir), 0);
    sim_results_free(results);
    DIR *open_dir = opendir(dir);
    assert_non_null(open_dir);
    int files = 0;
    for (struct dirent *entry = readdir(open_dir); entry; entry = readdir(open_dir)) {
        if (entry->d_name[0] != '.') {
            check_plot(dir, entry->d_name);
            files++;
        }
    }
    closedir(open_dir);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(files, 1 + 1 + 3 * SIM_TRACE); /* page, total, three for each family */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_same_seed_gives_the_same_bytes_with_any_threads, setup),
        cmocka_unit_test_setup(a_policy_scores_the_same_alone, setup),
        cmocka_unit_test_setup(all_policies_face_the_same_needs, setup),
        cmocka_unit_test_setup(the_total_is_the_sum_of_the_families, setup),
        cmocka_unit_test_setup(a_recorded_trace_is_a_family, setup),
        cmocka_unit_test_setup(options_without_sense_are_refused, setup),
        cmocka_unit_test_setup(the_command_says_by_its_exit_code_what_happened, setup),
        cmocka_unit_test(large_numbers_are_told_in_groups_of_three),
        cmocka_unit_test(bars_are_linear_within_each_decade),
        cmocka_unit_test_setup(the_report_is_a_page_and_its_plots, setup),
    };
    return cmocka_run_group_tests_name("tools/ballast/sim/sim_run.c", tests, NULL, NULL);
}
