/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wrong with a file is told with its line and in words that help, all of it at once, and
 * nothing of the file is taken.
 */
#include "tests/ballast/unit/config_fixture.h"

static void a_value_that_is_none_names_key_value_and_what_is_allowed(void **state)
{
    (void)state;
    const struct complaints told = read_bad("[host]\nmemory = 4X\n");
    assert_int_equal(told.lines[0], 2);
    assert_string_equal(told.texts[0], "[host] memory = \"4X\": allowed is a size from 0 to 64T, "
                                       "such as 512M or 1.5G");
    refuses("[policy]\nperiod = 2\n", 2, "from 200ms to 1m");
    refuses("[policy]\nperiod = 2h\n", 2, "from 200ms to 1m");
    refuses("[policy]\nbuffer = 201%\n", 2, "from 0 % to 200 %");
    refuses("[policy]\nbuffer = -1\n", 2, "from 0 % to 200 %");
    refuses("[policy]\nmargin = 51%\n", 2, "at most 50 %");
    refuses("[policy]\nmargin = 1% 2%\n", 2, "both");
    refuses("[policy]\nstall-pause = 2m 1m\n", 2, "the first pause and the longest");
    refuses("[policy]\nreversals = 0\n", 2, "from 1 to 3600");
    refuses("[policy]\non-exit = explode\n", 2, "leave or restore");
    refuses("[state]\nraw = 90m\n", 2, "whole hours");
    refuses("[state]\nfolder =\n", 2, "absolute path");
    refuses("[qmp]\nfolder = run\n", 2, "absolute path");
    refuses("[log]\nlevel = loud\n", 2, "error, warning, info or debug");
    refuses("[libvirt]\nuri = nonsense\n", 2, "libvirt URI");
    refuses("[machine a]\nweight = 50001\n", 2, "from 1 to 50000");
    refuses("[machine a]\nweight = 5e3\n", 2, "from 1 to 50000");
    refuses("[machine a]\nmaximum = 0\n", 2, "more than 0");
    refuses("[machine a]\nmaximum = 101%\n", 2, "percentage");
    refuses("[machine a]\nballooning = perhaps\n", 2, "on or off");
    refuses("[machine a]\nowner = ../b\n", 2, "a name");
    refuses("[machine a]\nclass = Burst\n", 2, "guaranteed, burst or spare");
}

static void unknown_words_get_a_suggestion(void **state)
{
    (void)state;
    refuses("[polcy]\n", 1, "did you mean [policy]?");
    refuses("[machin db]\nweight = 3\n", 1, "there is no section [machin db]");
    refuses("[zebra]\nstripes = 3\n", 1, "there is no section [zebra]");
    refuses("[policy]\nperoid = 2s\n", 2, "did you mean \"period\"?");
    refuses("[machine a]\nmin = 2G\n", 2, "[machine a] has no key \"min\"");
    refuses("[machine a]\nminimun = 2G\n", 2, "did you mean \"minimum\"?");
    refuses("[policy]\nmemory = 2G\n", 2, "it belongs to [host]");
    refuses("[default]\nsocket = /x\n", 2, "it belongs to [machine NAME]");
    refuses("[machine a]\nuuid = web\n", 2, "a UUID of 32");
    refuses("[machine a]\nuuid = 00000000-0000-0000-0000-000000000000\n", 2, "not all zeros");
}

static void lines_that_are_nothing_are_told(void **state)
{
    (void)state;
    refuses("memory = 1G\n", 1, "before the first section");
    refuses("[host]\nmemory\n", 2, "no \"key = value\"");
    refuses("[host]\n= 3\n", 2, "no \"key = value\"");
    refuses("[host\n", 1, "a line that begins with '['");
    refuses("[host] memory = 1G\n", 1, "a line that begins with '['");
    refuses("[host]\nmemory = 1\033G\n", 2, "control character");
    refuses("[machine ../x]\n", 1, "begins with a letter or digit");
    refuses("[machine ]\n", 1, "there is no section [machine]");
}

static void a_line_that_is_too_long_is_told_and_not_cut(void **state)
{
    (void)state;
    char text[600];
    memset(text, 'x', sizeof text);
    memcpy(text, "[host]\ncgroup = /", 17);
    text[sizeof text - 1] = '\0';
    refuses(text, 2, "more than 197 characters");
    text[7] = '#'; /* a long comment is a comment */
    struct config config;
    read_good(text, &config);
}

static void what_stands_twice_is_told_with_both_lines(void **state)
{
    (void)state;
    refuses("[host]\nmemory = 1G\nmemory = 2G\n", 3, "stands in line 2 already");
    refuses("[host]\n[qmp]\n[host]\n", 3, "[host] stands in line 1 already");
    refuses("[machine a]\n[machine b]\n[machine a]\n", 3, "[machine a] stands in line 1 already");
    refuses("[machine a]\nweight=1\nweight=2\n", 3, "[machine a] weight stands in line 2");
    refuses("[api]\nlisten = unix:/a\nlisten = unix:/a\n", 3, "stands there twice");
    refuses("[libvirt]\nuri = a:b\nuri = a:b\n", 3, "stands there twice");
    refuses("[machine a]\nsocket = /s\n[machine b]\nsocket = /s\n", 4, "a and b have the same");
}

static void the_api_listens_on_loopback_only(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "0.0.0.0:80", "192.168.0.1:80",   "[::]:80",    "example.com:80",
        "127.0.0.1",  "127.0.0.1:65536",  "unix:run/x", "[::1:80",
        "127.0.0.1:", "127.0.0.1.evil:8", ":80",        ""
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "[api]\nlisten = %s\n", bad[i]);
        refuses(text, 2, "loopback interface");
    }
}

static void contradictions_are_told(void **state)
{
    (void)state;
    refuses("[machine a]\nminimum = 2G\nmaximum = 1G\n", 2, "minimum above its maximum");
    refuses("[machine a]\nminimum = 80%\nmaximum = 70%\n", 2, "minimum above its maximum");
    refuses("[machine a]\nmaximum = 40%\n", 2, "minimum above its maximum");
    refuses("[default]\nminimum = 3G\nmaximum = 2G\n[machine a]\n", 2, "[default] has a minimum");
    refuses("[machine a]\nclass = guaranteed\nmaximum = 1G\n", 3,
            "is guaranteed and has a maximum");
    refuses("[machine a]\nsocket = /s\ncgroup = /c\n", 3, "has a socket and a cgroup");
    refuses("[policy]\nperiod = 10s\nstale = 2s\n", 3, "no statistics would ever be fresh");
    refuses("[policy]\nswing-first = 200s\n", 2, "swing-again is shorter than swing-first");
    refuses("[state]\nraw = 31d\n", 1, "coarser history");
}

static void everything_that_is_wrong_is_told_at_once_and_in_order(void **state)
{
    (void)state;
    const struct complaints told = read_bad("[host]\nmemory = x\nnothing\n[polizy]\nperiod = 1\n"
                                            "[policy]\nperiod = 1\n[machine a]\nclass = b\n"
                                            "minimum = 2G\nmaximum = 1G\n");
    static const int lines[] = { 2, 3, 4, 7, 9, 10 };
    assert_int_equal(told.count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(told.lines[i], lines[i]);
    }
}

static void no_more_machines_and_addresses_than_there_is_room_for(void **state)
{
    (void)state;
    enum { ROOM = 200000 };
    char *text = test_malloc(ROOM);
    size_t at = 0;
    for (unsigned i = 0; i <= CONFIG_MACHINES_MAX; i++) {
        at += (size_t)snprintf(text + at, ROOM - at, "[machine m%u]\n", i);
    }
    refuses(text, CONFIG_MACHINES_MAX + 1, "more than 4096 machines");
    test_free(text);
    refuses("[api]\nlisten=unix:/1\nlisten=unix:/2\nlisten=unix:/3\nlisten=unix:/4\n"
            "listen=unix:/5\n",
            6, "four at most");
}

static void sizes_and_times_are_read_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t value; /* UINT64_MAX: refused */
    } sizes[] = {
        { "0", 0 },
        { "65536", 65536 },
        { "512M", 536870912 },
        { "512 MiB", 536870912 },
        { "2gb", 2147483648 },
        { "1.5G", 1610612736 },
        { "0.1K", 102 },
        { "3.000001T", 3298535982839 },
        { "", UINT64_MAX },
        { "G", UINT64_MAX },
        { "1.G", UINT64_MAX },
        { ".5G", UINT64_MAX },
        { "1.5", UINT64_MAX },
        { "-1G", UINT64_MAX },
        { "1GG", UINT64_MAX },
        { "1 G x", UINT64_MAX },
        { "18446744073709551615", UINT64_MAX },
        { "99999999999T", UINT64_MAX },
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t value = 1;
        assert_int_equal(config_parse_size(sizes[i].text, &value), sizes[i].value != UINT64_MAX);
        assert_int_equal(value, sizes[i].value == UINT64_MAX ? 1 : sizes[i].value);
    }
    static const struct {
        const char *text;
        uint64_t value;
    } times[] = {
        { "0", 0 },
        { "500ms", 500 },
        { "2s", 2000 },
        { "1.5s", 1500 },
        { "10m", 600000 },
        { "1h", 3600000 },
        { "7d", 604800000 },
        { "2", UINT64_MAX },
        { "s", UINT64_MAX },
        { "1y", UINT64_MAX },
        { "2 s s", UINT64_MAX },
        { "2S", UINT64_MAX },
        { "-2s", UINT64_MAX },
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        uint64_t value = 1;
        assert_int_equal(config_parse_time(times[i].text, &value), times[i].value != UINT64_MAX);
        assert_int_equal(value, times[i].value == UINT64_MAX ? 1 : times[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_that_is_none_names_key_value_and_what_is_allowed),
        cmocka_unit_test(unknown_words_get_a_suggestion),
        cmocka_unit_test(lines_that_are_nothing_are_told),
        cmocka_unit_test(a_line_that_is_too_long_is_told_and_not_cut),
        cmocka_unit_test(what_stands_twice_is_told_with_both_lines),
        cmocka_unit_test(the_api_listens_on_loopback_only),
        cmocka_unit_test(contradictions_are_told),
        cmocka_unit_test(everything_that_is_wrong_is_told_at_once_and_in_order),
        cmocka_unit_test(no_more_machines_and_addresses_than_there_is_room_for),
        cmocka_unit_test(sizes_and_times_are_read_exactly),
    };
    return cmocka_run_group_tests_name("tools/ballast/config/config_read.c", tests, NULL, NULL);
}
