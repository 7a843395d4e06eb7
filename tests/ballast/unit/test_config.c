/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file: what each key does, that the documented sample is the default, and that
 * lists, sections and machines come out as they were written.
 */
#include "tests/ballast/unit/config_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include "tools/ballast/config/config_internal.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static void an_empty_file_is_the_default(void **state)
{
    (void)state;
    struct config config;
    struct config defaults;
    read_good("", &config);
    config_default(&defaults);
    assert_memory_equal(&config, &defaults, sizeof config);
    assert_int_equal(config.period_ms, 2000);
    assert_string_equal(config.qmp_folder, "/run/ballast/machines");
    assert_string_equal(config.listens[0], "unix:/run/ballast/api.sock");
    assert_int_equal(config.listen_count, 1);
    assert_int_equal(config.machine_default.min.percent, 50);
    assert_int_equal(config.machine_default.class, POLICY_BURST);
}

static void complain_aloud(void *context, const char *file, int line, const char *text)
{
    (void)context;
    print_error("%s:%d: %s\n", file, line, text);
}

static void the_sample_as_it_is_is_the_default(void **state)
{
    (void)state;
    struct config config;
    struct config defaults;
    assert_true(config_read("tools/ballast/ballast.conf", &config, complain_aloud, NULL));
    config_default(&defaults);
    assert_memory_equal(&config, &defaults, sizeof config);
}

/* Takes the '#' from lines that are a key: what the sample claims is the default is. */
static void the_sample_names_every_key_with_its_default(void **state)
{
    (void)state;
    FILE *file = fopen("tools/ballast/ballast.conf", "re");
    assert_non_null(file);
    char *text = calloc(1, 65536);
    char line[256];
    size_t at = 0;
    size_t keys = 0;
    while (fgets(line, sizeof line, file) != NULL && strncmp(line, "#[machine", 9) != 0) {
        const bool key = line[0] == '#' && line[1] != ' ' && line[1] != '\n';
        /* There is no default for this one, and its line shows how it is written. */
        if (strncmp(line, "#uri", 4) == 0) {
            keys++;
            continue;
        }
        keys += key ? 1 : 0;
        at += (size_t)snprintf(text + at, 65536 - at, "%s", key ? line + 1 : line);
    }
    fclose(file);
    struct config config;
    struct config defaults;
    read_good(text, &config);
    config_default(&defaults);
    assert_int_equal(config.machine_default.given,
                     CONFIG_GIVEN_CLASS | CONFIG_GIVEN_MIN | CONFIG_GIVEN_MAX |
                         CONFIG_GIVEN_WEIGHT | CONFIG_GIVEN_OWNER | CONFIG_GIVEN_BALLOONING |
                         CONFIG_GIVEN_MANAGED);
    config.machine_default.given = 0;
    assert_memory_equal(&config, &defaults, sizeof config);
    assert_int_equal(keys + 3, config_key_count); /* and socket, cgroup, uuid */
    free(text);
}

static void every_key_arrives(void **state)
{
    (void)state;
    struct config config;
    read_good("[host]\nmemory = 32G\ncgroup = /sys/fs/cgroup/vms\n"
              "[policy]\nperiod = 500ms\non-exit = restore\nhost-reserve = 1G\nslush = 300M\n"
              "margin = 128M\nbuffer = 25 %\nballoon-max = 60%\nidle-tax = 70\n"
              "overcommit = 300%\nreporting-trust = 40%\ninflate = 5%\ndeadband = 2% 32M\n"
              "psi-some = 11%\npsi-full = 6%\nstale = 7s\nsettle = 61s\nstall-time = 5s\n"
              "stall-rate = 10M\nstall-pause = 30s 20m\nswing-first = 11s\nswing-again = 2m\n"
              "reversals = 13\n"
              "[qmp]\nfolder =\ntimeout = 7s\n"
              "[libvirt]\nuri = qemu:///system\nuri = qemu+ssh://host/system\n"
              "[api]\nlisten = 127.0.0.1:8080\nlisten = [::1]:8080\nlisten = unix:/x\n"
              "tokens = /etc/ballast/tokens\n"
              "[state]\nfolder = /s\nraw = 48h\nminutes = 40d\nquarters = 500d\n"
              "[log]\nlevel = debug\nformat = json\n",
              &config);
    assert_int_equal(config.host_memory_bytes, 32 * GIB);
    assert_string_equal(config.host_cgroup, "/sys/fs/cgroup/vms");
    assert_int_equal(config.period_ms, 500);
    assert_int_equal(config.on_exit, CONFIG_EXIT_RESTORE);
    static const struct policy_settings expected = {
        /* whose gaps are zeros */
        .reserve_bytes = GIB,
        .slush_bytes = 300 * MIB,
        .margin_bytes = 128 * MIB,
        .margin_percent = 0,
        .buffer_percent = 25,
        .balloon_max_percent = 60,
        .idle_tax_percent = 70,
        .overcommit_percent = 300,
        .reporting_trust_percent = 40,
        .inflate_percent = 5,
        .deadband_percent = 2,
        .deadband_bytes = 32 * MIB,
        .psi_some_percent = 11,
        .psi_full_percent = 6,
        .stale_ms = 7000,
        .settle_ms = 61000,
        .stall_ms = 5000,
        .stall_bytes_per_s = 10 * MIB,
        .stall_pause_ms = 30000,
        .stall_pause_max_ms = 1200000,
        .swing_first_ms = 11000,
        .swing_again_ms = 120000,
        .reversals_per_hour = 13,
    };
    assert_memory_equal(&config.policy, &expected, sizeof expected);
    assert_string_equal(config.qmp_folder, "");
    assert_int_equal(config.qmp_timeout_ms, 7000);
    assert_int_equal(config.libvirt_uri_count, 2);
    assert_string_equal(config.libvirt_uris[1], "qemu+ssh://host/system");
    assert_int_equal(config.listen_count, 3);
    assert_string_equal(config.listens[0], "127.0.0.1:8080");
    assert_string_equal(config.listens[2], "unix:/x");
    assert_string_equal(config.tokens, "/etc/ballast/tokens");
    assert_string_equal(config.state_folder, "/s");
    assert_int_equal(config.raw_hours, 48);
    assert_int_equal(config.minute_days, 40);
    assert_int_equal(config.quarter_days, 500);
    assert_int_equal(config.log_level, CONFIG_LOG_DEBUG);
    assert_int_equal(config.log_format, CONFIG_LOG_JSON);
}

static void machines_are_sorted_and_say_what_was_given(void **state)
{
    (void)state;
    struct config config;
    read_good("[default]\nowner = ops\n"
              "[machine web2]\nclass = spare\nminimum = 25%\nmaximum = 1.5G\nweight = 50000\n"
              "owner = alice\nballooning = off\nmanaged = no\nsocket = /run/web2.qmp\n"
              "uuid = ABCDEF01-2345-6789-abcd-ef0123456789\n"
              "[machine box.7@a_b-c]\ncgroup = /sys/fs/cgroup/box\n"
              "[ machine   db1 ]   ; a comment\n",
              &config);
    assert_int_equal(config.machine_count, 3);
    assert_string_equal(config.machines[0].name, "box.7@a_b-c");
    assert_string_equal(config.machines[0].cgroup, "/sys/fs/cgroup/box");
    assert_int_equal(config.machines[0].given, CONFIG_GIVEN_CGROUP);
    assert_string_equal(config.machines[1].name, "db1");
    assert_int_equal(config.machines[1].given, 0);
    const struct config_machine *web = config_find(&config, "web2");
    assert_ptr_equal(web, &config.machines[2]);
    assert_int_equal(web->class, POLICY_SPARE);
    assert_int_equal(web->min.percent, 25);
    assert_int_equal(web->max.bytes, 1536 * MIB);
    assert_int_equal(web->max.percent, 0);
    assert_int_equal(web->weight, 50000);
    assert_string_equal(web->owner, "alice");
    assert_false(web->ballooning);
    assert_false(web->managed);
    assert_string_equal(web->socket, "/run/web2.qmp");
    assert_string_equal(web->uuid, "abcdef01-2345-6789-abcd-ef0123456789");
    assert_int_equal(web->given, 0x3ff & ~CONFIG_GIVEN_CGROUP);
    assert_null(config_find(&config, "web"));
    assert_string_equal(config.machine_default.owner, "ops");
    config_free(&config);
    assert_int_equal(config.machine_count, 0);
}

static void a_name_may_be_as_long_as_the_contract_says(void **state)
{
    (void)state;
    char text[256];
    char name[CONFIG_NAME_MAX + 1];
    memset(name, 'n', sizeof name);
    name[CONFIG_NAME_MAX - 1] = '\0';
    struct config config;
    snprintf(text, sizeof text, "[machine %s]\nweight = 7\n", name);
    read_good(text, &config);
    assert_string_equal(config.machines[0].name, name);
    assert_int_equal(config.machines[0].weight, 7);
    config_free(&config);
}

static void blanks_comments_and_line_ends_do_not_matter(void **state)
{
    (void)state;
    struct config config;
    read_good("\xef\xbb\xbf; first\r\n[host]\r\n   memory   =  1G ; inline\r\n\r\n#x\r\n"
              "\t [policy] # also a comment\n  \tperiod: 3s",
              &config);
    assert_int_equal(config.host_memory_bytes, GIB);
    assert_int_equal(config.period_ms, 3000);
}

static void an_indented_key_is_a_key(void **state)
{
    (void)state;
    struct config config;
    read_good("[policy]\nperiod = 1s\n    reversals = 5\n", &config);
    assert_int_equal(config.policy.reversals_per_hour, 5);
}

static void a_longer_period_makes_statistics_stale_later(void **state)
{
    (void)state;
    struct config config;
    read_good("[policy]\nperiod = 10s\n", &config);
    assert_int_equal(config.policy.stale_ms, 30000);
    read_good("[policy]\nperiod = 10s\nstale = 12s\n", &config);
    assert_int_equal(config.policy.stale_ms, 12000);
}

static void a_guaranteed_machine_ignores_the_common_maximum(void **state)
{
    (void)state;
    struct config config;
    read_good("[default]\nmaximum = 75%\n[machine db]\nclass = guaranteed\n", &config);
    config_free(&config);
}

static void a_file_that_is_not_there_is_a_complaint(void **state)
{
    (void)state;
    struct complaints complaints = { 0 };
    struct config config;
    assert_int_equal(chdir("/"), 0);
    assert_false(config_read("test.conf", &config, complaint_keep, &complaints));
    assert_int_equal(complaints.count, 1);
    assert_string_equal(complaints.texts[0], "No such file or directory");
}

/* ---- files of an earlier version: tests/ballast/old ---- */

static void the_sample_of_the_version_before_is_the_default_still(void **state)
{
    (void)state;
    struct config config;
    struct config defaults;
    struct complaints complaints = { 0 };
    int line;
    char text[160];
    assert_true(config_read("tests/ballast/old/sample.conf", &config, complain_aloud, &complaints));
    config_default(&defaults);
    assert_memory_equal(&config, &defaults, sizeof config);
    for (size_t i = 0; i < CONFIG_RENAMED; i++) {
        assert_false(config_renamed(&config, i, &line, text, sizeof text));
    }
}

/* Every name of the version before is read, and the old names are told, with what to write. */
static void every_key_of_the_version_before_means_what_it_meant(void **state)
{
    (void)state;
    struct config config;
    int line;
    char text[160];
    assert_true(config_read("tests/ballast/old/every-key.conf", &config, complain_aloud, NULL));
    assert_int_equal(config.policy.reserve_bytes, GIB);
    assert_int_equal(config.policy.margin_bytes, 128 * MIB);
    assert_int_equal(config.policy.margin_percent, 7);
    assert_int_equal(config.policy.reversals_per_hour, 13);
    assert_int_equal(config.quarter_days, 500);
    assert_int_equal(config.machine_default.class, POLICY_SPARE);
    assert_int_equal(config.machine_count, 3);
    assert_true(config_renamed(&config, 0, &line, text, sizeof text));
    assert_int_equal(line, 12);
    assert_string_equal(text, "[policy] reserve is called host-reserve now; the next version does "
                              "not read the old name");
    assert_true(config_renamed(&config, 1, &line, text, sizeof text));
    assert_int_equal(line, 14);
    assert_non_null(strstr(text, "[policy] floor is called margin now"));
    config_free(&config);
}

/* Every key that is no new one stands in that file: it says what it claims. */
static void the_file_of_the_version_before_has_every_key(void **state)
{
    (void)state;
    char *text = calloc(1, 65536);
    FILE *file = fopen("tests/ballast/old/every-key.conf", "re");
    assert_non_null(file);
    assert_true(fread(text, 1, 65535, file) > 0);
    (void)fclose(file);
    static const char *const first[] = {
        "memory",     "cgroup",      "period",      "on-exit",     "reserve",         "slush",
        "floor",      "buffer",      "balloon-max", "idle-tax",    "overcommit",      "inflate",
        "deadband",   "psi-some",    "psi-full",    "stale",       "settle",          "stall-time",
        "stall-rate", "stall-pause", "swing-first", "swing-again", "reversals",       "folder",
        "timeout",    "uri",         "listen",      "tokens",      "reporting-trust", "raw",
        "minutes",    "quarters",    "level",       "format",      "class",           "minimum",
        "maximum",    "weight",      "owner",       "ballooning",  "managed",         "socket",
    };
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        char line[40];
        (void)snprintf(line, sizeof line, "\n%s = ", first[i]);
        if (strstr(text, line) == NULL) {
            fail_msg("%s is missing", first[i]);
        }
    }
    free(text);
}

static void an_old_name_and_the_new_one_are_one_key(void **state)
{
    (void)state;
    const struct complaints complaints =
        read_bad("[policy]\nmargin = 1M\nfloor = 2M\n[host]\nfloor = 1M\n");
    assert_int_equal(complaints.count, 2);
    assert_int_equal(complaints.lines[0], 3);
    assert_non_null(strstr(complaints.texts[0], "stands in line 2 already"));
    assert_int_equal(complaints.lines[1], 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_of_the_version_before_is_the_default_still),
        cmocka_unit_test(every_key_of_the_version_before_means_what_it_meant),
        cmocka_unit_test(the_file_of_the_version_before_has_every_key),
        cmocka_unit_test(an_empty_file_is_the_default),
        cmocka_unit_test(the_sample_as_it_is_is_the_default),
        cmocka_unit_test(the_sample_names_every_key_with_its_default),
        cmocka_unit_test(every_key_arrives),
        cmocka_unit_test(machines_are_sorted_and_say_what_was_given),
        cmocka_unit_test(a_name_may_be_as_long_as_the_contract_says),
        cmocka_unit_test(blanks_comments_and_line_ends_do_not_matter),
        cmocka_unit_test(an_indented_key_is_a_key),
        cmocka_unit_test(a_longer_period_makes_statistics_stale_later),
        cmocka_unit_test(a_guaranteed_machine_ignores_the_common_maximum),
        cmocka_unit_test(a_file_that_is_not_there_is_a_complaint),
        cmocka_unit_test(an_old_name_and_the_new_one_are_one_key),
    };
    return cmocka_run_group_tests_name("tools/ballast/config/config.c", tests, NULL, NULL);
}
