/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parser of kernel parameters: cut the line into words, find each in the table, check its
 * value, store it. It knows no parameter itself (those are the table's) and prints nothing (that
 * is the callbacks'), so it runs before there is a console.
 *
 * Invariants: the line is only read, and never behind its terminating zero; a parameter always
 * holds its default or a value that passed every check; a message is bounded whatever the line is.
 */
#include "kernel/cmdline.h"

#include <stdbool.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/string.h"
#include "kernel/format.h"

struct word {
    char text[CMDLINE_WORD_MAX + 1]; /* without quotes, terminated */
    bool too_long;
    bool quote_open;
};

struct reporter {
    cmdline_report_fn *call;
    void *context;
};

/* Append to a text that may be full already; the result is cut, never overrun. */
#define APPEND(text, ...)                                                                          \
    ((void)format_print((text) + strlen(text), sizeof(text) - strlen(text), __VA_ARGS__))

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_blanks(const char *cursor)
{
    while (is_blank(*cursor)) {
        cursor++;
    }
    return cursor;
}

size_t cmdline_take_word(const char **line, char *text, size_t size, bool *found, bool *quote_open)
{
    const char *cursor = skip_blanks(*line);
    size_t length = 0;
    ASSERT(size > 0);
    *found = *cursor != '\0';
    *quote_open = false;
    for (; *cursor != '\0' && (*quote_open || !is_blank(*cursor)); cursor++) {
        if (*cursor == '"') {
            *quote_open = !*quote_open;
        } else {
            if (length < size - 1) {
                text[length] = *cursor;
            }
            length++;
        }
    }
    text[length < size ? length : size - 1] = '\0';
    *line = cursor;
    return length;
}

/* Whatever the boot loader passed, a report is plain ASCII: other bytes are shown as \xNN. */
static void report(const struct reporter *reporter, const char *word, const char *reason)
{
    char shown[CMDLINE_REPORT_MAX * sizeof "\\xNN" + sizeof "..."];
    size_t used = 0;
    size_t i = 0;
    for (; word[i] != '\0' && i < CMDLINE_REPORT_MAX; i++) {
        const char c = word[i];
        const bool plain = c >= ' ' && c <= '~' && c != '\\';
        const int written = format_print(shown + used, sizeof shown - used,
                                         plain ? "%c" : "\\x%02x", plain ? c : (unsigned char)c);
        used += (size_t)written;
        ASSERT(used < sizeof shown);
    }
    format_print(shown + used, sizeof shown - used, "%s", word[i] == '\0' ? "" : "...");
    reporter->call(reporter->context, shown, reason);
}

/* ---- the table ------------------------------------------------------------------------------ */

static size_t choices_count(const struct param *param)
{
    size_t count = 0;
    while (param->choices[count] != NULL) {
        count++;
    }
    return count;
}

static void check_param(const struct param *param)
{
    ASSERT(param->name != NULL);
    ASSERT(param->name[0] != '\0' && strlen(param->name) <= CMDLINE_NAME_MAX);
    ASSERT(param->help != NULL);
    switch (param->kind) {
    case PARAM_FLAG:
        ASSERT(param->value != NULL && param->default_value <= 1);
        break;
    case PARAM_NUMBER:
        ASSERT(param->value != NULL);
        ASSERT(param->min <= param->default_value && param->default_value <= param->max);
        break;
    case PARAM_CHOICE:
        ASSERT(param->value != NULL && param->choices != NULL);
        ASSERT(param->default_value < choices_count(param));
        break;
    case PARAM_TEXT:
        ASSERT(param->text != NULL && param->text_size > 0);
        ASSERT(param->default_text == NULL || strlen(param->default_text) < param->text_size);
        break;
    }
}

static void set_default(const struct param *param)
{
    if (param->kind != PARAM_TEXT) {
        *param->value = param->default_value;
        return;
    }
    const char *const text = param->default_text != NULL ? param->default_text : "";
    memcpy(param->text, text, strlen(text) + 1);
}

static const struct param *find_param(const struct param *table, size_t count, const char *name,
                                      size_t name_length)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(table[i].name) == name_length && memcmp(table[i].name, name, name_length) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

/* How many letters to insert, remove or replace to come from `a` to `b` (Levenshtein), one row of
 * the table at a time. `b` is a parameter's name. */
static unsigned edit_distance(const char *a, size_t a_length, const char *b)
{
    unsigned row[CMDLINE_NAME_MAX + 1];
    const size_t b_length = strlen(b);
    ASSERT(b_length <= CMDLINE_NAME_MAX);
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            const unsigned replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            const unsigned step = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replace < step ? replace : step;
        }
    }
    return row[b_length];
}

static void report_unknown(const struct reporter *reporter, const struct param *table, size_t count,
                           const char *word, size_t name_length)
{
    const char *nearest = NULL;
    unsigned best = 3; /* more than two letters wrong is another word, not a slip */
    for (size_t i = 0; i < count; i++) {
        const unsigned distance = edit_distance(word, name_length, table[i].name);
        if (distance < best && distance < name_length) {
            best = distance;
            nearest = table[i].name;
        }
    }
    char reason[CMDLINE_LINE_MAX] = "no parameter has this name";
    if (nearest != NULL) {
        APPEND(reason, ", the nearest is %s", nearest);
    }
    report(reporter, word, reason);
}

/* ---- values --------------------------------------------------------------------------------- */

/* Decimal or 0x hexadecimal. False when a character is no digit or the number overflows. */
static bool parse_number(const char *text, uint64_t *number)
{
    const bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const unsigned base = hex ? 16 : 10;
    const char *cursor = hex ? text + 2 : text;
    if (*cursor == '\0') {
        return false;
    }
    uint64_t sum = 0;
    for (; *cursor != '\0'; cursor++) {
        unsigned digit = base;
        if (*cursor >= '0' && *cursor <= '9') {
            digit = (unsigned)(*cursor - '0');
        } else if (*cursor >= 'a' && *cursor <= 'f') {
            digit = (unsigned)(*cursor - 'a') + 10;
        } else if (*cursor >= 'A' && *cursor <= 'F') {
            digit = (unsigned)(*cursor - 'A') + 10;
        }
        if (digit >= base || sum > (UINT64_MAX - digit) / base) {
            return false;
        }
        sum = sum * base + digit;
    }
    *number = sum;
    return true;
}

/* The index of `text` in a list that ends with a null pointer; the length of the list if absent. */
static size_t find_text(const char *const *list, const char *text)
{
    size_t i = 0;
    while (list[i] != NULL && strcmp(list[i], text) != 0) {
        i++;
    }
    return i;
}

static bool set_flag(const struct param *param, const char *value)
{
    static const char *const words[] = { "off", "on", "no", "yes", "0", "1", NULL };
    const size_t i = value == NULL ? 1 : find_text(words, value);
    if (words[i] == NULL) {
        return false;
    }
    *param->value = i & 1; /* the words alternate */
    return true;
}

static bool set_number(const struct param *param, const char *value)
{
    uint64_t number = 0;
    if (value == NULL || !parse_number(value, &number) || number < param->min ||
        number > param->max) {
        return false;
    }
    *param->value = number;
    return true;
}

static bool set_choice(const struct param *param, const char *value)
{
    const size_t i = value == NULL ? choices_count(param) : find_text(param->choices, value);
    if (param->choices[i] == NULL) {
        return false;
    }
    *param->value = i;
    return true;
}

static bool set_text(const struct param *param, const char *value)
{
    if (value == NULL || strlen(value) >= param->text_size) {
        return false;
    }
    memcpy(param->text, value, strlen(value) + 1);
    return true;
}

static bool set_value(const struct param *param, const char *value)
{
    switch (param->kind) {
    case PARAM_FLAG:
        return set_flag(param, value);
    case PARAM_NUMBER:
        return set_number(param, value);
    case PARAM_CHOICE:
        return set_choice(param, value);
    case PARAM_TEXT:
        break;
    }
    return set_text(param, value);
}

static void report_value(const struct reporter *reporter, const struct param *param,
                         const char *word)
{
    char reason[CMDLINE_LINE_MAX] = "";
    APPEND(reason, "%s expects ", param->name);
    switch (param->kind) {
    case PARAM_FLAG:
        APPEND(reason, "on or off");
        break;
    case PARAM_NUMBER:
        APPEND(reason, "a number from %llu to %llu%s%s", (unsigned long long)param->min,
               (unsigned long long)param->max, param->unit != NULL ? " " : "",
               param->unit != NULL ? param->unit : "");
        break;
    case PARAM_CHOICE:
        APPEND(reason, "one of");
        for (size_t i = 0; param->choices[i] != NULL; i++) {
            APPEND(reason, "%s %s", i == 0 ? "" : ",", param->choices[i]);
        }
        break;
    case PARAM_TEXT:
        APPEND(reason, "a text of at most %zu characters", param->text_size - 1);
        break;
    }
    report(reporter, word, reason);
}

/* ---- the line ------------------------------------------------------------------------------- */

static void apply_word(const struct reporter *reporter, const struct param *table, size_t count,
                       const struct word *word)
{
    if (word->quote_open) {
        report(reporter, word->text, "a double quote is not closed");
        return;
    }
    if (word->too_long) {
        report(reporter, word->text, "the word is longer than CMDLINE_WORD_MAX characters");
        return;
    }
    size_t name_length = 0;
    while (word->text[name_length] != '\0' && word->text[name_length] != '=') {
        name_length++;
    }
    const char *const value = word->text[name_length] == '=' ? word->text + name_length + 1 : NULL;
    const struct param *const param = find_param(table, count, word->text, name_length);
    if (param == NULL) {
        report_unknown(reporter, table, count, word->text, name_length);
    } else if (!set_value(param, value)) {
        report_value(reporter, param, word->text);
    }
}

static bool ends_parameters(const char *cursor)
{
    return cursor[0] == '-' && cursor[1] == '-' && (cursor[2] == '\0' || is_blank(cursor[2]));
}

const char *cmdline_parse(const char *line, const struct param *table, size_t count,
                          cmdline_report_fn *report_call, void *context)
{
    for (size_t i = 0; i < count; i++) {
        check_param(&table[i]);
        /* Found under its own name means that no earlier parameter has the same one. */
        ASSERT(find_param(table, count, table[i].name, strlen(table[i].name)) == &table[i]);
        set_default(&table[i]);
    }
    return cmdline_apply(line, table, count, report_call, context);
}

const char *cmdline_apply(const char *line, const struct param *table, size_t count,
                          cmdline_report_fn *report_call, void *context)
{
    ASSERT(line != NULL);
    ASSERT(report_call != NULL);
    const struct reporter reporter = { report_call, context };
    const char *cursor = skip_blanks(line);
    while (*cursor != '\0') {
        if (ends_parameters(cursor)) {
            return skip_blanks(cursor + 2);
        }
        struct word word;
        bool found;
        const size_t length =
            cmdline_take_word(&cursor, word.text, sizeof word.text, &found, &word.quote_open);
        word.too_long = length > CMDLINE_WORD_MAX;
        cursor = skip_blanks(cursor);
        apply_word(&reporter, table, count, &word);
    }
    return cursor;
}

/* ---- help ----------------------------------------------------------------------------------- */

static void describe_param(const struct param *param, cmdline_line_fn *write, void *context)
{
    char line[CMDLINE_LINE_MAX] = "";
    const char *const unit = param->unit != NULL ? param->unit : "";
    APPEND(line, "%s=", param->name);
    switch (param->kind) {
    case PARAM_FLAG:
        APPEND(line, "on|off: %s (default %s)", param->help,
               param->default_value != 0 ? "on" : "off");
        break;
    case PARAM_NUMBER:
        APPEND(line, "NUMBER: %s (default %llu%s%s, %llu to %llu)", param->help,
               (unsigned long long)param->default_value, unit[0] != '\0' ? " " : "", unit,
               (unsigned long long)param->min, (unsigned long long)param->max);
        break;
    case PARAM_CHOICE:
        for (size_t i = 0; param->choices[i] != NULL; i++) {
            APPEND(line, "%s%s", i == 0 ? "" : "|", param->choices[i]);
        }
        APPEND(line, ": %s (default %s)", param->help, param->choices[param->default_value]);
        break;
    case PARAM_TEXT:
        APPEND(line, "TEXT: %s (default \"%s\", at most %zu characters)", param->help,
               param->default_text != NULL ? param->default_text : "", param->text_size - 1);
        break;
    }
    write(context, line);
}

void cmdline_describe(const struct param *table, size_t count, cmdline_line_fn *write,
                      void *context)
{
    ASSERT(write != NULL);
    for (size_t i = 0; i < count; i++) {
        check_param(&table[i]);
        describe_param(&table[i], write, context);
    }
}
