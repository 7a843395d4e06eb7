/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every format that reaches the log, in all sources of the guest, printed by kernel/format.c. The
 * compiler checks formats against ISO C, and the formatter offers less: what it does not know it
 * prints as it stands, so a directive that comes out with its '%' is a mistake in the message.
 */
#include <ctype.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "kernel/format.h"

/* Formats are read from the sources here. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

#define FORMAT_MAX 2000
#define OPEN_MAX   16

/* All who end in the formatter, and which of their arguments is the format. */
static const struct {
    const char *name;
    unsigned format; /* counted from 0 */
} sinks[] = {
    { "log_write", 1 },   { "log_error", 0 },   { "log_warn", 0 }, { "log_info", 0 },
    { "log_debug", 0 },   { "result_line", 0 }, { "panic", 0 },    { "format_print", 2 },
    { "format_text", 2 }, { "APPEND", 1 },
};

/* Where code of the guest is. Programs on newlib print by its printf, but some use the log too. */
static const char *const folders[] = { "include", "arch", "mm",   "drivers",
                                       "kernel",  "libc", "apps", "tests/guest" };

static unsigned formats_seen;
static unsigned sinks_declared;
static unsigned faults;
static const char *file_name;
static char *file_text;

/* ---- the formatter's judgement ---- */

static int print(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = format_text(out, size, format, args);
    va_end(args);
    return length;
}

/* Zero is a number of any length, and the null pointer of a text. */
static bool is_known(const char *format)
{
    char text[FORMAT_MAX];
    char out[2 * FORMAT_MAX];
    size_t length = 0;
    for (const char *c = format; *c != '\0'; c++) {
        if (c[0] == '%' && c[1] == '%') {
            c++;
            continue;
        }
        text[length++] = *c;
    }
    text[length] = '\0';
    (void)print(out, sizeof out, text, 0LL, 0LL, 0LL, 0LL, 0LL, 0LL, 0LL, 0LL, 0LL, 0LL, 0LL, 0LL,
                0LL, 0LL, 0LL, 0LL, 0LL, 0LL, 0LL, 0LL, 0LL, 0LL, 0LL, 0LL);
    return strchr(out, '%') == NULL;
}

static void complain(const char *at, const char *what, const char *format)
{
    unsigned line = 1;
    for (const char *c = file_text; c < at; c++) {
        line += *c == '\n';
    }
    print_error("%s:%u: %s: %s\n", file_name, line, what, format);
    faults++;
}

/* ---- reading C ---- */

/* Comments become blanks, so that positions stay. */
static void blank_comments(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\'') {
            const char quote = *c++;
            while (*c != quote && *c != '\0' && *c != '\n') {
                c += c[0] == '\\' && c[1] != '\0' ? 2 : 1;
            }
            if (*c == '\0') {
                return;
            }
        } else if (c[0] == '/' && c[1] == '/') {
            while (c[1] != '\n' && c[1] != '\0') {
                *c++ = ' ';
            }
        } else if (c[0] == '/' && c[1] == '*') {
            char *const end = strstr(c + 2, "*/");
            assert_non_null(end);
            for (; c < end + 2; c++) {
                *c = *c == '\n' ? '\n' : ' ';
            }
            c--;
        }
    }
}

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static const char *skip_string(const char *at)
{
    const char quote = *at++;
    while (*at != quote && *at != '\0') {
        at += at[0] == '\\' && at[1] != '\0' ? 2 : 1;
    }
    return *at == '\0' ? at : at + 1;
}

/* From the start of an argument to the ',' or ')' that ends it. */
static const char *argument_end(const char *at)
{
    int depth = 0;
    while (*at != '\0' && (depth > 0 || (*at != ',' && *at != ')'))) {
        if (*at == '"' || *at == '\'') {
            at = skip_string(at);
            continue;
        }
        depth += *at == '(' || *at == '{' || *at == '[';
        depth -= *at == ')' || *at == '}' || *at == ']';
        at++;
    }
    return at;
}

/* The text of a macro that is a string literal; one that is not listed fails. Escapes matter to
 * none of the directives and stay as they are. */
static void append_macro(char *format, const char *name, size_t length)
{
    static const struct {
        const char *name;
        const char *text;
    } macros[] = { { "MMIO_WORD_FORM", "text" } };
    for (size_t i = 0; i < ARRAY_SIZE(macros); i++) {
        if (strlen(macros[i].name) == length && memcmp(macros[i].name, name, length) == 0) {
            strcat(format, macros[i].text);
            return;
        }
    }
    strcat(format, "%<unknown macro>");
}

/* Literals beside one another are one. False: the argument is no literal. */
static bool literal(const char *at, const char *end, char *format)
{
    bool any = false;
    format[0] = '\0';
    while (at < end) {
        if (isspace((unsigned char)*at) || *at == '\\') {
            at++;
        } else if (*at == '"') {
            const char *const behind = skip_string(at);
            assert_true(strlen(format) + (size_t)(behind - at) < FORMAT_MAX - 100);
            strncat(format, at + 1, (size_t)(behind - at) - 2);
            at = behind;
            any = true;
        } else if (any && in_word(*at)) {
            const char *const name = at;
            while (in_word(*at)) {
                at++;
            }
            append_macro(format, name, (size_t)(at - name));
        } else {
            return false;
        }
    }
    return any;
}

/* The text between two positions, without what surrounds it. */
static bool is_text(const char *at, const char *end, const char *text)
{
    while (at < end && isspace((unsigned char)*at)) {
        at++;
    }
    return (size_t)(end - at) >= strlen(text) && memcmp(at, text, strlen(text)) == 0;
}

/* ---- calls ---- */

static void judge_literal(const char *at, const char *end)
{
    char format[FORMAT_MAX];
    if (!literal(at, end, format)) {
        complain(at, "the format is no literal", "");
    } else if (!is_known(format)) {
        complain(at, "the formatter does not know this", format);
    }
    formats_seen++;
}

/* The '?' of a choice that stands before the first string, or NULL. */
static const char *find_question(const char *at, const char *end)
{
    const char *const question = memchr(at, '?', (size_t)(end - at));
    return question == NULL || memchr(at, '"', (size_t)(question - at)) != NULL ? NULL : question;
}

/* One literal, or a choice: "condition ? literal : " for all but the last. */
static void judge_format(const char *at, const char *end)
{
    const char *question = NULL;
    while ((question = find_question(at, end)) != NULL) {
        const char *colon = question;
        while (colon < end && *colon != ':') {
            colon = *colon == '"' ? skip_string(colon) : colon + 1;
        }
        judge_literal(question + 1, colon);
        at = colon < end ? colon + 1 : end;
    }
    judge_literal(at, end);
}

static void judge_call(const char *at, unsigned index)
{
    const char *end = argument_end(at);
    for (unsigned i = 0; i < index && *end == ','; i++) {
        at = end + 1;
        end = argument_end(at);
    }
    /* A declaration, and what hands on the format of its own caller, who is listed too. */
    if (is_text(at, end, "const char *") || is_text(at, end, "__VA_ARGS__") ||
        is_text(at, end, "format") || is_text(at, end, "...")) {
        return;
    }
    judge_format(at, end);
}

static bool is_sink(const char *word, size_t length, unsigned *index)
{
    for (size_t i = 0; i < ARRAY_SIZE(sinks); i++) {
        if (strlen(sinks[i].name) == length && memcmp(sinks[i].name, word, length) == 0) {
            *index = sinks[i].format;
            return true;
        }
    }
    return false;
}

/* Whoever the kernel's headers give a printf format must be in the list above. */
static void judge_declarations(void)
{
    const bool ours =
        strncmp(file_name, "apps/", 5) != 0 && strcmp(file_name, "include/aerostat.h") != 0;
    for (const char *at = file_text; ours && (at = strstr(at, "format(printf")) != NULL; at++) {
        sinks_declared++;
    }
}

static void judge_file(void)
{
    unsigned index;
    judge_declarations();
    for (const char *at = file_text; *at != '\0';) {
        if (*at == '"' || *at == '\'') {
            at = skip_string(at);
        } else if (in_word(*at)) {
            const char *const word = at;
            while (in_word(*at)) {
                at++;
            }
            if (*at == '(' && is_sink(word, (size_t)(at - word), &index)) {
                judge_call(at + 1, index);
            }
        } else {
            at++;
        }
    }
}

static int visit(const char *path, const struct stat *status, int type, struct FTW *where)
{
    const size_t length = strlen(path);
    (void)where;
    if (type != FTW_F || length < 2 || path[length - 2] != '.' ||
        (path[length - 1] != 'c' && path[length - 1] != 'h')) {
        return 0;
    }
    FILE *const file = fopen(path, "r");
    const size_t bytes = (size_t)status->st_size;
    assert_non_null(file);
    file_name = path;
    file_text = calloc(bytes + 2, 1);
    assert_non_null(file_text);
    assert_int_equal(fread(file_text, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
    blank_comments(file_text);
    judge_file();
    free(file_text);
    return 0;
}

static void every_format_that_reaches_the_log_is_known_to_the_formatter(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        assert_int_equal(nftw(folders[i], visit, OPEN_MAX, FTW_PHYS), 0);
    }
    assert_int_equal(faults, 0);
    /* Fewer would mean that the reading of sources has gone blind. */
    assert_true(formats_seen > 200);
    /* log_write, result_line, panic; format_text, format_print. Another one belongs into the list.
     */
    assert_int_equal(sinks_declared, 5);
}

static void a_directive_that_is_not_offered_is_found(void **state)
{
    static const char *const unknown[] = { "at %#llx", "%+d", "% d", "%'u", "%o",   "%f",  "%jd",
                                           "%td",      "%n",  "%ls", "%lc", "100%", "%hs", "%lp" };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
        if (is_known(unknown[i])) {
            fail_msg("\"%s\" counts as known", unknown[i]);
        }
    }
    assert_true(is_known("%s %-5.3s %.*s %c %d %05i %u %08llx %zX %hhu %p 100%%"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_that_reaches_the_log_is_known_to_the_formatter),
        cmocka_unit_test(a_directive_that_is_not_offered_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
