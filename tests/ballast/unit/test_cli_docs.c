/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The manual page and the completion know every command and every option, and none that is not
 * there. Run from the root of the tree, as `make ballast-unit` does.
 */

#include <ctype.h>

#include <unistd.h>

#include "tests/ballast/unit/cli_fixture.h"

static char page[1 << 16];

/* The manual page as it reads: without the marks of the macros, with plain dashes. */
static void read_page(const char *path)
{
    FILE *file = fopen(path, "re");
    size_t size = 0;
    int byte;
    assert_non_null(file);
    while ((byte = fgetc(file)) != EOF && size < sizeof(page) - 3) {
        if (byte == '\\') {
            byte = fgetc(file);
            if (byte == 'f') {
                (void)fgetc(file); /* the font */
                continue;
            }
            if (byte != '-') {
                continue;
            }
        }
        page[size++] = byte == '"' ? ' ' : (char)byte;
    }
    page[size] = '\0';
    (void)fclose(file);
}

/* `word` stands in `text`, not as a part of a longer one. */
static bool has_word(const char *text, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        char before = at == text ? ' ' : at[-1];
        char after = at[size];
        if (!isalnum((unsigned char)before) && before != '-' && !isalnum((unsigned char)after) &&
            after != '-' && after != '_') {
            return true;
        }
    }
    return false;
}

static bool page_has_option(const struct cli_option *option)
{
    char name[64];
    char letter[3] = { '-', option->letter, '\0' };
    (void)snprintf(name, sizeof(name), "--%s", option->name);
    return has_word(page, name) && (option->letter == '\0' || has_word(page, letter));
}

static void the_manual_page_has_every_command_and_option(void **state)
{
    (void)state;
    read_page("docs/man/ballast.1");
    for (const struct cli_command *command = cli_commands; command->name != NULL; command++) {
        char macro[3][64];
        (void)snprintf(macro[0], sizeof(macro[0]), "\n.BI %s ", command->name);
        (void)snprintf(macro[1], sizeof(macro[1]), "\n.BR %s ", command->name);
        (void)snprintf(macro[2], sizeof(macro[2]), "\n.B %s\n", command->name);
        if (strstr(page, macro[0]) == NULL && strstr(page, macro[1]) == NULL &&
            strstr(page, macro[2]) == NULL) {
            fail_msg("docs/man/ballast.1 has no entry for %s", command->name);
        }
        for (const struct cli_option *option = command->options; option->name != NULL; option++) {
            if (!page_has_option(option)) {
                fail_msg("docs/man/ballast.1 lacks --%s of %s", option->name, command->name);
            }
        }
    }
    for (const struct cli_option *option = cli_global_options; option->name != NULL; option++) {
        if (!page_has_option(option)) {
            fail_msg("docs/man/ballast.1 lacks --%s", option->name);
        }
    }
}

static bool any_has_option(const char *name)
{
    for (const struct cli_command *command = cli_commands; command->name != NULL; command++) {
        for (const struct cli_option *option = command->options; option->name != NULL; option++) {
            if (strcmp(option->name, name) == 0) {
                return true;
            }
        }
    }
    for (const struct cli_option *option = cli_global_options; option->name != NULL; option++) {
        if (strcmp(option->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void the_manual_page_has_no_option_that_is_not_there(void **state)
{
    unsigned count = 0;
    (void)state;
    read_page("docs/man/ballast.1");
    for (const char *at = strstr(page, "--"); at != NULL; at = strstr(at + 2, "--")) {
        char name[64];
        size_t size = strspn(at + 2, "abcdefghijklmnopqrstuvwxyz-");
        if (size == 0) {
            continue; /* "--" ends options */
        }
        (void)snprintf(name, sizeof(name), "%.*s", (int)size, at + 2);
        if (!any_has_option(name)) {
            fail_msg("docs/man/ballast.1 has --%s", name);
        }
        count++;
    }
    assert_true(count > 20);
}

static void the_manual_page_has_every_exit_status(void **state)
{
    (void)state;
    read_page("docs/man/ballast.1");
    const char *at = strstr(page, ".SH EXIT STATUS");
    assert_non_null(at);
    for (int status = CLI_OK; status <= CLI_CONFLICT; status++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "\n.B %d\n", status);
        assert_has(at, text);
    }
}

/* The sample file has every key with its default: "#key = value". */
static void the_page_of_the_configuration_has_every_key(void **state)
{
    FILE *file = fopen("tools/ballast/ballast.conf", "re");
    char line[256];
    unsigned count = 0;
    (void)state;
    read_page("docs/man/ballast.conf.5");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        size_t size = strspn(line + 1, "abcdefghijklmnopqrstuvwxyz-");
        char key[64];
        if (line[0] == '[') {
            (void)snprintf(key, sizeof(key), ".SS %.*s", (int)strcspn(line, "\n"), line);
            assert_has(page, key);
        } else if (line[0] == '#' && size > 0 && strncmp(line + 1 + size, " =", 2) == 0) {
            (void)snprintf(key, sizeof(key), "%.*s", (int)size, line + 1);
            if (!has_word(page, key)) {
                fail_msg("docs/man/ballast.conf.5 lacks %s", key);
            }
            count++;
        }
    }
    (void)fclose(file);
    assert_true(count > 40);
}

/* ---- completion ---- */

/* Has bash complete the last of `words` ("" is a new word) and returns what it offers where the
 * daemon knows machines of these names. */
static char *offered_of(const char *names, const char *words)
{
    static char text[4096];
    char *script = NULL;
    assert_true(asprintf(&script,
                         "bash -c 'source tools/ballast/completion/ballast.bash;"
                         " ballast() { printf \"%%s\\n\" %s; };"
                         " COMP_WORDS=(ballast %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1));"
                         " _ballast; echo \" ${COMPREPLY[*]} \"'",
                         names, words) > 0);
    FILE *pipe = popen(script, "re"); /* NOLINT(cert-env33-c): a fixed script of this tree */
    assert_non_null(pipe);
    size_t size = fread(text, 1, sizeof(text) - 1, pipe);
    text[size] = '\0';
    assert_int_equal(pclose(pipe), 0);
    free(script);
    return text;
}

static char *offered(const char *words)
{
    return offered_of("db web", words);
}

static void completion_neither_runs_nor_offers_what_is_no_name(void **state)
{
    (void)state;
    assert_string_equal(offered_of("db \"\\$(touch_nothing)\" \"web;x\" web", "show \"\""),
                        " db web \n");
    const char *made = "build/ballast-completion-ran";
    (void)unlink(made);
    assert_has(offered_of("\"\\$(touch\\${IFS}build/ballast-completion-ran)\" web", "show \"\""),
               " web ");
    assert_int_not_equal(access(made, F_OK), 0);
}

static void completion_offers_every_command_and_option(void **state)
{
    char word[64];
    (void)state;
    size_t count = 0;
    const char *all = offered("\"\"");
    for (const struct cli_command *command = cli_commands; command->name != NULL; command++) {
        (void)snprintf(word, sizeof(word), " %s ", command->name);
        assert_has(all, word);
        count++;
    }
    for (const char *at = all + 1; *at != '\0' && *at != '\n'; at++) {
        count -= *at == ' ' ? 1 : 0;
    }
    assert_int_equal(count, 0); /* and none that is not there */
    for (const struct cli_command *command = cli_commands; command->name != NULL; command++) {
        char line[64];
        (void)snprintf(line, sizeof(line), "%s --", command->name);
        const char *options = offered(line);
        for (const struct cli_option *option = command->options; option->name != NULL; option++) {
            (void)snprintf(word, sizeof(word), " --%s ", option->name);
            assert_has(options, word);
        }
        for (const struct cli_option *option = cli_global_options; option->name != NULL; option++) {
            (void)snprintf(word, sizeof(word), " --%s ", option->name);
            assert_has(options, word);
        }
    }
}

static void completion_offers_names_and_values(void **state)
{
    static const struct {
        const char *words, *offer;
    } cases[] = {
        { "show \"\"", " db web \n" },
        { "set w", " web \n" },
        { "--json explain d", " db \n" },
        { "set web --class \"\"", " guaranteed burst spare \n" },
        { "events --machine w", " web \n" },
        { "history --step m", " minute \n" },
        { "help rese", " reserve reservations \n" },
        { "list \"\"", "  \n" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(offered(cases[i].words), cases[i].offer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manual_page_has_every_command_and_option),
        cmocka_unit_test(the_manual_page_has_no_option_that_is_not_there),
        cmocka_unit_test(the_manual_page_has_every_exit_status),
        cmocka_unit_test(the_page_of_the_configuration_has_every_key),
        cmocka_unit_test(completion_offers_every_command_and_option),
        cmocka_unit_test(completion_neither_runs_nor_offers_what_is_no_name),
        cmocka_unit_test(completion_offers_names_and_values),
    };
    return cmocka_run_group_tests_name("docs/man/ballast.1", tests, NULL, NULL);
}
