/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `make install-ballast` puts below a prefix works from there, and `make uninstall-ballast`
 * leaves nothing, whether the guest's part is there, too, and in whatever order they come and go.
 * Commands are shell commands as a person would type them; $P is the prefix, $F its folder. That
 * installed machines can be managed is for the other tests: here the daemon runs without any.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/ballast-install-XXXXXX";
static char said[16384]; /* standard output and error of the last command */

/* Runs a command, which must succeed. */
static void succeeds(const char *command)
{
    FILE *pipe;
    size_t length;

    assert_int_equal(setenv("COMMAND", command, 1), 0);
    /* A shell is what is wanted. NOLINTNEXTLINE(cert-env33-c) */
    pipe = popen("exec 2>&1; eval \"$COMMAND\"", "re");
    assert_non_null(pipe);
    length = fread(said, 1, sizeof(said) - 1, pipe);
    said[length] = '\0';
    if (pclose(pipe) != 0) {
        fail_msg("%s: %s", command, said);
    }
}

static void says(const char *text)
{
    if (strstr(said, text) == NULL) {
        fail_msg("'%s' is not in: %s", text, said);
    }
}

static int set_up(void **state)
{
    char prefix[sizeof(folder) + 8];

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(prefix, sizeof(prefix), "%s/usr", folder);
    assert_int_equal(setenv("F", folder, 1), 0);
    assert_int_equal(setenv("P", prefix, 1), 0);
    /* make is not to hand its own flags and variables on. */
    assert_int_equal(unsetenv("MAKEFLAGS") + unsetenv("MFLAGS") + unsetenv("MAKELEVEL"), 0);
    succeeds("make -s install-ballast PREFIX=$P");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    succeeds("rm -rf \"$F\"");
    return 0;
}

static void everything_is_where_it_belongs(void **state)
{
    (void)state;
    succeeds("cd $P && find . -type f | LC_ALL=C sort | tr '\\n' ' '");
    assert_string_equal(
        said, "./bin/ballast ./lib/ballast/manifest ./lib/systemd/system/ballastd.service "
              "./sbin/ballastd ./share/ballast/alerts.yaml ./share/ballast/ballast.conf "
              "./share/ballast/grafana.json "
              "./share/ballast/openapi.json ./share/bash-completion/completions/ballast "
              "./share/doc/ballast/BALLAST.md ./share/doc/ballast/LICENSE "
              "./share/doc/ballast/SIMULATOR.md ./share/man/man1/ballast.1 "
              "./share/man/man5/ballast.conf.5 ./share/man/man8/ballastd.8 ");
}

static void all_programs_tell_one_version(void **state)
{
    (void)state;
    succeeds("version=$(sed -n 's/^#define VERSION *\"\\(.*\\)\"/\\1/p' tools/aerostat/main.c) && "
             "[ \"$($P/bin/ballast --version)\" = \"ballast $version\" ] && "
             "[ \"$($P/sbin/ballastd --version)\" = \"ballastd $version\" ]");
}

static void the_unit_starts_what_was_installed(void **state)
{
    (void)state;
    succeeds("sed -n 's/^ExecStart=//p' $P/lib/systemd/system/ballastd.service");
    said[strcspn(said, "\n")] = '\0';
    assert_int_equal(access(said, X_OK), 0);
    /* Below a stage folder it names what will be there later. */
    succeeds("make -s install-ballast DESTDIR=$F/stage PREFIX=/opt/ballast && "
             "cat $F/stage/opt/ballast/lib/systemd/system/ballastd.service");
    says("\nExecStart=/opt/ballast/sbin/ballastd\n");
    succeeds("make -s uninstall-ballast DESTDIR=$F/stage PREFIX=/opt/ballast && "
             "[ -z \"$(find $F/stage -type f)\" ]");
}

static void the_installed_daemon_answers_the_installed_tool(void **state)
{
    (void)state;
    succeeds("$P/sbin/ballastd --check --config $P/share/ballast/ballast.conf");
    says("nothing is wrong");
    succeeds("mkdir $F/state $F/machines && printf '[qmp]\\nfolder = %s\\n[api]\\n"
             "listen = unix:%s\\n[state]\\nfolder = %s\\n' $F/machines $F/sock $F/state > $F/conf");
    succeeds(
        "timeout 120 $P/sbin/ballastd --config $F/conf & daemon=$!; for i in $(seq 1000); do "
        "$P/bin/ballast --socket $F/sock host | grep green && break; sleep 0.1; done 2>/dev/null; "
        "kill $daemon; wait $daemon");
    says("green");
}

static void manual_pages_are_clean(void **state)
{
    (void)state;
    if (system("command -v groff >/dev/null") != 0) { /* NOLINT(cert-env33-c): a fixed command */
        skip();
    }
    succeeds("groff -man -Tutf8 -ww $P/share/man/man?/ballast* 2>&1 >/dev/null");
    assert_string_equal(said, "");
}

static void a_foreign_file_in_the_way_stops_it(void **state)
{
    (void)state;
    succeeds("mkdir -p $F/other/sbin && echo mine > $F/other/sbin/ballastd && "
             "! make -s install-ballast PREFIX=$F/other");
    says("is not ours");
    succeeds("[ \"$(find $F/other -type f)\" = $F/other/sbin/ballastd ]");
}

/* The last cases: they take away what the others need. */
static void the_guests_part_and_this_one_come_and_go_in_any_order(void **state)
{
    (void)state;
    succeeds("make -s install PREFIX=$P && [ -x $P/bin/aerostat ] && [ -x $P/bin/ballast ]");
    succeeds("make -s uninstall-ballast PREFIX=$P && [ -x $P/bin/aerostat ] && "
             "[ -f $P/share/man/man1/aerostat.1 ] && [ ! -e $P/sbin ] && "
             "[ -z \"$(find $P -name '*ballast*' ! -name BALLAST.md)\" ]");
    succeeds("make -s install-ballast PREFIX=$P && make -s uninstall PREFIX=$P && "
             "[ -x $P/bin/ballast ] && [ ! -e $P/lib/aerostat ]");
    succeeds("make -s uninstall-ballast PREFIX=$P && [ ! -e $P ]");
}

static void what_is_not_ours_stays(void **state)
{
    (void)state;
    succeeds("make -s install-ballast PREFIX=$P && echo theirs > $P/sbin/theirs && "
             "make -s uninstall-ballast PREFIX=$P && find $P -type f");
    says("/sbin/theirs\n");
    assert_ptr_equal(strchr(said, '\n'), strrchr(said, '\n'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_where_it_belongs),
        cmocka_unit_test(all_programs_tell_one_version),
        cmocka_unit_test(the_unit_starts_what_was_installed),
        cmocka_unit_test(the_installed_daemon_answers_the_installed_tool),
        cmocka_unit_test(manual_pages_are_clean),
        cmocka_unit_test(a_foreign_file_in_the_way_stops_it),
        cmocka_unit_test(the_guests_part_and_this_one_come_and_go_in_any_order),
        cmocka_unit_test(what_is_not_ours_stays),
    };

    return cmocka_run_group_tests_name("tests/ballast/live/test_install.c", tests, set_up,
                                       tear_down);
}
