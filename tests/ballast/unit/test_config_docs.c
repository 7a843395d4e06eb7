/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of keys in docs/BALLAST.md is the program's: every key has one row, no row is of
 * another, the default there is the default, and what is allowed stands there in the words of the
 * complaint. Run from the root of the tree, as `make ballast-unit` does.
 */
#include "tests/ballast/unit/config_fixture.h"

#include <stdlib.h>

#include "tools/ballast/config/config_internal.h"

#define ROWS_MAX 128U

struct row {
    char section[16];
    char key[32];
    char fallback[64]; /* "none": the key need not stand; "" nothing */
    char allowed[256];
};

static struct row rows[ROWS_MAX];
static size_t row_count;

/* A cell up to the next bar, without the blanks around it. */
static const char *cell(const char *at, char *text, size_t size)
{
    const char *end = strstr(at, " |");
    assert_non_null(end);
    assert_true((size_t)(end - at) < size);
    memcpy(text, at, (size_t)(end - at));
    text[end - at] = '\0';
    return end + 2 + (end[2] == ' ' ? 1 : 0);
}

static int read_rows(void **state)
{
    FILE *file = fopen("docs/BALLAST.md", "re");
    char line[1024];
    char words[sizeof rows[0].fallback];
    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        struct row *row = &rows[row_count];
        int used = 0;
        if (sscanf(line, "| `[%15[a-z]] %31[a-z-]` | %n", row->section, row->key, &used) != 2 ||
            used == 0) {
            continue;
        }
        const char *at = cell(line + used, words, sizeof words);
        (void)cell(at, row->allowed, sizeof row->allowed);
        if (words[0] == '`') {
            words[strlen(words) - 1] = '\0';
            strcpy(row->fallback, words + 1);
        } else if (strcmp(words, "none") == 0) {
            strcpy(row->fallback, words);
        } else {
            assert_string_equal(words, "nothing");
        }
        assert_true(++row_count < ROWS_MAX);
    }
    (void)fclose(file);
    return 0;
}

static const struct row *find_row(const char *section, const char *key)
{
    for (size_t i = 0; i < row_count; i++) {
        if (strcmp(rows[i].section, section) == 0 && strcmp(rows[i].key, key) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static void every_key_has_its_row_with_what_is_allowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        const struct row *row = find_row(config_section_names[key->section], key->name);
        if (row == NULL) {
            fail_msg("docs/BALLAST.md has no row for [%s] %s", config_section_names[key->section],
                     key->name);
            return;
        }
        assert_string_equal(row->allowed, key->allowed);
    }
    /* As many, and each found: there is no other, and none twice. */
    assert_int_equal(row_count, config_key_count);
}

static void the_defaults_of_the_table_are_the_defaults(void **state)
{
    struct config config;
    struct config defaults;
    size_t told = 0;
    (void)state;
    config_default(&defaults); /* gaps between members are zeros, as in what is read */
    for (size_t i = 0; i < row_count; i++) {
        char text[256];
        if (strcmp(rows[i].fallback, "none") == 0) {
            continue;
        }
        (void)snprintf(text, sizeof text, "[%s]\n%s = %s\n", rows[i].section, rows[i].key,
                       rows[i].fallback);
        read_good(text, &config);
        config.machine_default.given = 0;
        print_message("[%s] %s = %s\n", rows[i].section, rows[i].key, rows[i].fallback);
        assert_memory_equal(&config, &defaults, sizeof config);
        config_free(&config);
        told++;
    }
    assert_int_equal(told + 4,
                     config_key_count); /* and uri, socket, cgroup, uuid, which have none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_has_its_row_with_what_is_allowed),
        cmocka_unit_test(the_defaults_of_the_table_are_the_defaults),
    };
    return cmocka_run_group_tests_name("docs/BALLAST.md", tests, read_rows, NULL);
}
