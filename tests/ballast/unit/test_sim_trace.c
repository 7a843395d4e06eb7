/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recorded traces: both notations, and every mistake told with the number of its line.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/ballast/policy/policy.h"
#include "tools/ballast/record/record.h"
#include "tools/ballast/sim/sim_trace.h"
#include "tools/ballast/sim/sim_units.h"

static char error[128];

static struct sim_trace *parse(const char *text)
{
    error[0] = '\0';
    return sim_trace_parse(text, strlen(text), error, sizeof error);
}

static void refused(const char *text, const char *why)
{
    assert_null(parse(text));
    assert_string_equal(error, why);
}

static void csv_is_read_by_the_names_of_its_columns(void **state)
{
    (void)state;
    struct sim_trace *trace = parse("# recorded on a Monday\r\n"
                                    "machine, used_mib,time,extra,max_mib,class,weight,min_mib\r\n"
                                    "web,100.9,1000,x,2048,spare,300,512\r\n"
                                    "\r\n"
                                    "db,700,1000,x,4096,guaranteed,,\r\n"
                                    "web,200,1060,x,0,,,\r\n");
    assert_non_null(trace);
    assert_int_equal(trace->count, 2);
    assert_string_equal(trace->machines[0].name, "web");
    assert_int_equal(trace->machines[0].max, 2048 * SIM_MIB);
    assert_int_equal(trace->machines[0].min, 512 * SIM_MIB);
    assert_int_equal(trace->machines[0].weight, 300);
    assert_int_equal(trace->machines[0].class, POLICY_SPARE);
    assert_int_equal(trace->machines[0].count, 2);
    assert_int_equal(trace->machines[0].points[0].time_s, 0);
    assert_int_equal(trace->machines[0].points[0].used, 100 * SIM_MIB);
    assert_int_equal(trace->machines[0].points[1].time_s, 60);
    assert_int_equal(trace->machines[0].points[1].used, 200 * SIM_MIB);
    assert_int_equal(trace->machines[1].class, POLICY_GUARANTEED);
    assert_int_equal(trace->machines[1].min, 1024 * SIM_MIB);
    assert_int_equal(trace->machines[1].weight, POLICY_WEIGHT_DEFAULT);
    sim_trace_free(trace);
}

static void json_objects_mean_the_same(void **state)
{
    (void)state;
    struct sim_trace *trace =
        parse("{\"time\":5,\"machine\":\"a\",\"max_mib\":128,\"used_mib\":64}\n"
              "{\"time\":7.5,\"machine\":\"a\",\"max_mib\":128,"
              "\"used_mib\":32.5,\"cache_mib\":9,\"class\":null}");
    assert_non_null(trace);
    assert_int_equal(trace->count, 1);
    assert_int_equal(trace->machines[0].count, 2);
    assert_int_equal(trace->machines[0].points[1].time_s, 2);
    assert_int_equal(trace->machines[0].points[1].used, 32 * SIM_MIB);
    assert_int_equal(trace->machines[0].points[1].cache, 9 * SIM_MIB);
    sim_trace_free(trace);
}

#define COLUMNS "time,machine,max_mib,used_mib\n"

static void many_machines_are_kept_apart(void **state)
{
    (void)state;
    char text[65536] = COLUMNS;
    size_t length = strlen(text);
    for (int time = 0; time < 3; time++) {
        for (int i = 0; i < 500; i++) {
            length += (size_t)snprintf(text + length, sizeof text - length, "%d,m%d,256,%d\n", time,
                                       i, i % 200);
        }
    }
    struct sim_trace *trace = parse(text);
    assert_non_null(trace);
    assert_int_equal(trace->count, 500);
    for (size_t i = 0; i < 500; i++) {
        assert_int_equal(trace->machines[i].count, 3);
        assert_int_equal(trace->machines[i].points[2].used, (int64_t)(i % 200) * SIM_MIB);
    }
    sim_trace_free(trace);
}

static void bad_lines_are_named_with_their_number(void **state)
{
    (void)state;
    refused("time,machine,used_mib\n", "line 1: the column max_mib is missing");
    refused("time,time,machine,max_mib,used_mib\n", "line 1: the column time is there twice");
    refused(COLUMNS "0,a,256\n", "line 2: there are fewer fields than columns");
    refused(COLUMNS "\n# hm\n0,a,256,1,2\n", "line 4: there are more fields than columns");
    refused(COLUMNS "0,a,256,\n", "line 2: used_mib is missing");
    refused(COLUMNS "-1,a,256,7\n", "line 2: time is not a number");
    refused(COLUMNS "0,a,256,7e3\n", "line 2: used_mib is not a number");
    refused(COLUMNS "0,a,256,99999999999999999999999\n", "line 2: used_mib is too large");
    refused(COLUMNS "0,a,63,7\n", "line 2: max_mib is below 64");
    refused(COLUMNS "5,a,256,7\n4,b,256,7\n", "line 3: time is before that of the first line");
    refused(COLUMNS "5,a,256,7\n9,a,256,7\n8,a,256,7\n", "line 4: time goes back");
    refused("time,machine,max_mib,used_mib,weight\n0,a,256,7,0\n", "line 2: weight is 0");
    refused("time,machine,max_mib,used_mib,min_mib\n0,a,256,7,300\n",
            "line 2: min_mib is too large");
    refused("time,machine,max_mib,used_mib,class\n0,a,256,7,vip\n",
            "line 2: class is neither guaranteed, burst nor spare");
    refused("{\"time\":1}\n", "line 1: machine is missing");
    refused("{\"time\":1\n", "line 1: it is not a JSON object");
    refused("{\"time\":true}\n", "line 1: time is neither a number nor a text");
    refused("{\"time\":-1,\"machine\":\"a\",\"max_mib\":128,\"used_mib\":64}",
            "line 1: time is not a number");
}

static void names_and_lines_have_a_greatest_length(void **state)
{
    (void)state;
    char text[70000] = COLUMNS "0,";
    size_t length = strlen(text);
    memset(text + length, 'n', 64);
    strcpy(text + length + 64, ",256,1\n");
    refused(text, "line 2: machine is longer than 63 bytes");
    memset(text, 'x', 65537);
    text[65537] = '\0';
    refused(text, "line 1: it is longer than 65536 bytes");
    assert_null(sim_trace_parse("ti\0me\n", 6, error, sizeof error));
    assert_string_equal(error, "line 1: there is a zero byte in it");
}

static void a_trace_without_machines_is_refused(void **state)
{
    (void)state;
    refused("", "there is no machine in it");
    refused(COLUMNS, "there is no machine in it");
}

static void a_file_that_is_not_there_is_told(void **state)
{
    (void)state;
    assert_null(sim_trace_load("/nonexistent/trace", error, sizeof error));
    assert_string_equal(error, "it cannot be read: No such file or directory");
}

/* The lines are the recorder's own, so that both sides stay one format. */
static char *recording(void)
{
    struct policy_machine machines[2] = {
        { .id = 0,
          .class = POLICY_SPARE,
          .weight = 300,
          .min_bytes = (uint64_t)1 << 30,
          .max_bytes = (uint64_t)4 << 30,
          .decision = { .used_bytes = (uint64_t)700 << 20 } },
        { .id = 1,
          .class = POLICY_GUARANTEED,
          .weight = 1000,
          .min_bytes = (uint64_t)1 << 30,
          .max_bytes = (uint64_t)1 << 30,
          .decision = { .used_bytes = POLICY_MISSING } },
    };
    const struct record_machine named[2] = { { "db", &machines[0] }, { "web", &machines[1] } };
    const struct policy_host_memory memory = { .now_ms = 0 };
    const struct policy_host host = { .total_bytes = (uint64_t)8 << 30 };
    const struct policy_plan plan = { .zone = POLICY_GREEN };
    struct policy_settings settings;
    char *text = NULL;
    policy_settings_default(&settings);
    char *first = record_first(&settings, &memory, named, 2);
    char *one = record_period(100000, &host, &plan, named, 2);
    machines[0].decision.used_bytes = (uint64_t)900 << 20;
    machines[1].decision.used_bytes = (uint64_t)50 << 20;
    char *two = record_period(102000, &host, &plan, named, 2);
    assert_true(asprintf(&text, "%s\n%s\n%s\n", first, one, two) > 0);
    free(first);
    free(one);
    free(two);
    return text;
}

static void a_recording_of_the_daemon_is_a_trace(void **state)
{
    (void)state;
    char *text = recording();
    struct sim_trace *trace = parse(text);
    assert_string_equal(error, "");
    assert_non_null(trace);
    assert_int_equal(trace->count, 2);
    assert_string_equal(trace->machines[0].name, "db");
    assert_int_equal(trace->machines[0].max, 4096 * SIM_MIB);
    assert_int_equal(trace->machines[0].min, 1024 * SIM_MIB);
    assert_int_equal(trace->machines[0].weight, 300);
    assert_int_equal(trace->machines[0].class, POLICY_SPARE);
    assert_int_equal(trace->machines[0].count, 2);
    assert_int_equal(trace->machines[0].points[0].used, 700 * SIM_MIB);
    assert_int_equal(trace->machines[0].points[1].time_s, 2);
    assert_int_equal(trace->machines[0].points[1].used, 900 * SIM_MIB);
    /* What was not known is no point. */
    assert_int_equal(trace->machines[1].count, 1);
    assert_int_equal(trace->machines[1].class, POLICY_GUARANTEED);
    assert_int_equal(trace->machines[1].points[0].time_s, 2);
    sim_trace_free(trace);
    free(text);
}

static void a_recording_that_was_cut_off_is_good_up_to_there(void **state)
{
    (void)state;
    char *text = recording();
    text[strlen(text) - 40] = '\0';
    struct sim_trace *trace = parse(text);
    assert_non_null(trace);
    assert_int_equal(trace->count, 1);
    assert_int_equal(trace->machines[0].count, 1);
    sim_trace_free(trace);
    free(text);
}

static void what_is_no_period_of_a_recording_is_named_with_its_line(void **state)
{
    (void)state;
#define FIRST  "{\"ballast\": \"recording\"}\n"
#define PERIOD "{\"now_ms\": 1, \"machines\": [{"
    refused(FIRST "\nx", "line 2: it is no period of a recording");
    refused(FIRST "{\"now_ms\": -1, \"machines\": []}\n", "line 2: it is no period of a recording");
    refused(FIRST PERIOD "\"name\": \"a\"}]}\n", "line 2: a machine lacks its name or settings");
    refused(FIRST PERIOD "\"name\": \"a,b\", \"class\": \"burst\", \"weight\": 1, "
                         "\"max_bytes\": 1, \"min_bytes\": 1}]}\n",
            "line 2: a machine's name or class is none");
    refused(FIRST, "there is no machine in it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_is_read_by_the_names_of_its_columns),
        cmocka_unit_test(json_objects_mean_the_same),
        cmocka_unit_test(many_machines_are_kept_apart),
        cmocka_unit_test(bad_lines_are_named_with_their_number),
        cmocka_unit_test(names_and_lines_have_a_greatest_length),
        cmocka_unit_test(a_trace_without_machines_is_refused),
        cmocka_unit_test(a_file_that_is_not_there_is_told),
        cmocka_unit_test(a_recording_of_the_daemon_is_a_trace),
        cmocka_unit_test(a_recording_that_was_cut_off_is_good_up_to_there),
        cmocka_unit_test(what_is_no_period_of_a_recording_is_named_with_its_line),
    };
    return cmocka_run_group_tests_name("tools/ballast/sim/sim_trace.c", tests, NULL, NULL);
}
