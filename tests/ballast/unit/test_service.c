/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/ballast/ballastd.service and the manual: who may write to which folder. The unit's own
 * lines are carried out in a folder of this test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/ballast/api/api_server.h"

static char folder[] = "/tmp/ballast-unit-XXXXXX";

/* What stands behind `key`= in a line of the file. */
static const char *value_of(const char *file, const char *key)
{
    static char line[512];
    FILE *in = fopen(file, "re");
    size_t size = strlen(key);

    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL) {
        if (strncmp(line, key, size) == 0 && line[size] == '=') {
            (void)fclose(in);
            line[strcspn(line, "\n")] = '\0';
            return line + size + 1;
        }
    }
    (void)fclose(in);
    fail_msg("%s has no %s", file, key);
    return NULL;
}

static bool has_line(const char *file, const char *wanted)
{
    char line[512];
    bool found = false;
    FILE *in = fopen(file, "re");

    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        found = found || strcmp(line, wanted) == 0;
    }
    (void)fclose(in);
    return found;
}

static mode_t mode_of(const char *path)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

/* As the service manager does it: the folder, then the command with the unit's mask. */
static void the_unit_gives_its_group_the_folder_of_machines_and_no_other(void **state)
{
    static const char unit[] = "tools/ballast/ballastd.service";
    char machines[64];
    char reason[512];
    char command[1024] = "";
    const char *rest;

    (void)state;
    assert_string_equal(value_of(unit, "RuntimeDirectory"), "ballast");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(
        chmod(folder, (mode_t)strtoul(value_of(unit, "RuntimeDirectoryMode"), NULL, 8)), 0);
    mode_t mask = umask((mode_t)strtoul(value_of(unit, "UMask"), NULL, 8));
    rest = value_of(unit, "ExecStartPre");
    for (const char *at; (at = strstr(rest, "/run/ballast")) != NULL; rest = at + 12) {
        (void)snprintf(command + strlen(command), sizeof command - strlen(command), "%.*s%s",
                       (int)(at - rest), rest, folder);
    }
    (void)snprintf(command + strlen(command), sizeof command - strlen(command), "%s", rest);
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a line of this tree */
    }
    (void)umask(mask);
    (void)snprintf(machines, sizeof machines, "%s/machines", folder);
    assert_int_equal(mode_of(folder), 02750);
    assert_int_equal(mode_of(machines), 02770);
    char listen[80];
    (void)snprintf(listen, sizeof listen, "unix:%s/api.sock", folder);
    assert_false(api_server_replaceable(listen, reason, sizeof reason));
    assert_int_equal(rmdir(machines), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void the_manual_makes_the_same_folders_without_a_service_manager(void **state)
{
    static const char manual[] = "docs/BALLAST.md";

    (void)state;
    assert_true(has_line(manual, "install -d -m 2750 -o ballast -g ballast /run/ballast"));
    assert_true(has_line(manual, "install -d -m 2770 -o ballast -g ballast /run/ballast/machines"));
}

static void a_folder_in_which_the_socket_can_be_replaced_is_told(void **state)
{
    static const struct {
        mode_t outer, inner;
        const char *said; /* NULL: nothing */
    } cases[] = {
        { 0755, 02750, NULL },
        { 01777, 0700, NULL },
        { 0755, 02770, "inner may be written by its group" },
        { 0755, 0757, "inner may be written by everybody" },
        { 0755, 01777, "inner may be written by everybody" },
        { 0775, 0750, "may be written by its group" },
        { 0777, 0750, "may be written by everybody" },
    };
    char inner[64];
    char listen[96];
    char reason[512];

    (void)state;
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    (void)snprintf(inner, sizeof inner, "%s/inner", folder);
    (void)snprintf(listen, sizeof listen, "unix:%s/api.sock", inner);
    assert_int_equal(mkdir(inner, 0700), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(chmod(folder, cases[i].outer), 0);
        assert_int_equal(chmod(inner, cases[i].inner), 0);
        reason[0] = '\0';
        assert_int_equal(api_server_replaceable(listen, reason, sizeof reason),
                         cases[i].said != NULL);
        if (cases[i].said != NULL && strstr(reason, cases[i].said) == NULL) {
            fail_msg("%s", reason);
        }
    }
    assert_false(api_server_replaceable("127.0.0.1:80", reason, sizeof reason));
    assert_int_equal(rmdir(inner), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_unit_gives_its_group_the_folder_of_machines_and_no_other),
        cmocka_unit_test(the_manual_makes_the_same_folders_without_a_service_manager),
        cmocka_unit_test(a_folder_in_which_the_socket_can_be_replaced_is_told),
    };
    return cmocka_run_group_tests_name("tools/ballast/ballastd.service", tests, NULL, NULL);
}
