/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sizes, times and names, read and written. What the configuration file may say of sizes and times
 * means the same here: its reader reads them.
 */

#include "tools/ballast/cli/cli_text.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <locale.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "tools/ballast/config/config.h"
#include "tools/ballast/policy/policy_text.h"

static_assert(CLI_TEXT >= POLICY_SIZE_TEXT, "a size fits");

const char *cli_size(uint64_t bytes, char text[CLI_TEXT])
{
    if (bytes == POLICY_MISSING) {
        (void)snprintf(text, CLI_TEXT, "-");
        return text;
    }
    return policy_size_text(bytes, text);
}

const char *cli_span(int64_t ms, char text[CLI_TEXT])
{
    static const struct {
        int64_t from_ms, unit_ms;
        const char *unit;
    } units[] = {
        { (int64_t)48 * 3600000, 86400000, "d" },
        { (int64_t)120 * 60000, 3600000, "h" },
        { (int64_t)120 * 1000, 60000, "min" },
        { 1000, 1000, "s" },
        { 0, 1, "ms" },
    };
    (void)snprintf(text, CLI_TEXT, "-");
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (ms >= units[i].from_ms) {
            (void)snprintf(text, CLI_TEXT, "%" PRId64 " %s", ms / units[i].unit_ms, units[i].unit);
            break;
        }
    }
    return text;
}

const char *cli_time(int64_t unix_s, char text[CLI_TEXT])
{
    time_t when = (time_t)unix_s;
    struct tm local;
    if (unix_s < 0 || localtime_r(&when, &local) == NULL ||
        strftime(text, CLI_TEXT, "%Y-%m-%d %H:%M:%S", &local) == 0) {
        (void)snprintf(text, CLI_TEXT, "-");
    }
    return text;
}

bool cli_parse_size(const char *text, uint64_t whole, uint64_t *bytes)
{
    uint64_t percent;
    uint64_t millionths;
    const char *unit = config_parse_decimal(text, &percent, &millionths);
    if (unit == NULL || strcmp(unit, "%") != 0) {
        return config_parse_size(text, bytes);
    }
    if (whole == POLICY_MISSING || percent > 100 || (percent == 100 && millionths != 0)) {
        return false;
    }
    /* In hundred thousandths: finer parts of a percent are below a page. */
    const uint64_t parts = percent * 1000 + millionths / 1000;
    *bytes = whole / 100000 * parts + whole % 100000 * parts / 100000;
    return true;
}

bool cli_parse_span(const char *text, int64_t *ms)
{
    uint64_t whole;
    uint64_t fraction;
    char seconds[CLI_TEXT];
    const char *unit = config_parse_decimal(text, &whole, &fraction);
    if (unit != NULL && *unit == '\0' && strlen(text) + 1 < sizeof(seconds)) {
        (void)snprintf(seconds, sizeof(seconds), "%ss", text);
        text = seconds;
    }
    if (!config_parse_time(text, &whole) || whole > INT64_MAX) {
        return false;
    }
    *ms = (int64_t)whole;
    return true;
}

bool cli_parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
    return config_parse_number(text, number) && *number >= least && *number <= most;
}

bool cli_parse_time(const char *text, int64_t now_s, int64_t *unix_s)
{
    static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S",
                                         "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S" };
    uint64_t number = 0;
    int64_t span_ms = 0;
    if (cli_parse_number(text, 0, (uint64_t)1 << 40, &number)) {
        *unix_s = (int64_t)number;
        return true;
    }
    if (cli_parse_span(text, &span_ms)) {
        *unix_s = now_s - span_ms / 1000;
        return true;
    }
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm parts = { .tm_isdst = -1 };
        const char *end = strptime(text, forms[i], &parts);
        if (end != NULL && *end == '\0') {
            *unix_s = mktime(&parts);
            return true;
        }
    }
    return false;
}

/* ---- names ---- */

static unsigned least_of(unsigned a, unsigned b, unsigned c)
{
    unsigned two = a < b ? a : b;
    return two < c ? two : c;
}

bool cli_alike(const char *name, const char *other, unsigned *distance)
{
    enum { LONGEST = 64 };
    unsigned row[LONGEST + 1];
    size_t n = strlen(name);
    size_t m = strlen(other);
    if (n > LONGEST || m > LONGEST || n == 0 || m == 0) {
        return false;
    }
    for (size_t k = 0; k <= m; k++) {
        row[k] = (unsigned)k;
    }
    for (size_t i = 1; i <= n; i++) {
        unsigned corner = row[0];
        row[0] = (unsigned)i;
        for (size_t k = 1; k <= m; k++) {
            unsigned above = row[k];
            bool same = tolower((unsigned char)name[i - 1]) == tolower((unsigned char)other[k - 1]);
            row[k] = least_of(above + 1, row[k - 1] + 1, corner + (same ? 0U : 1U));
            corner = above;
        }
    }
    *distance = row[m];
    /* Names that share a beginning are worth a hint too: "web" for "web-frontend". */
    if (n >= 3 && strncmp(name, other, n) == 0) {
        *distance = *distance > 1 ? 1 : *distance;
    }
    return *distance <= (n < 4 ? 1U : 2U);
}

/* ---- terminals ---- */

/* Widths of letters depend on the locale; the program's own may be "C". */
static locale_t utf8_locale(void)
{
    static locale_t locale;
    if (locale == (locale_t)0) {
        locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    }
    return locale;
}

size_t cli_columns(const char *text)
{
    locale_t locale = utf8_locale();
    locale_t before = locale == (locale_t)0 ? (locale_t)0 : uselocale(locale);
    size_t left = strlen(text);
    size_t columns = 0;
    mbstate_t state;
    memset(&state, 0, sizeof(state));
    while (left > 0) {
        wchar_t letter = 0;
        size_t size = mbrtowc(&letter, text, left, &state);
        if (size == 0 || size > left) { /* not UTF-8: each byte is a column */
            memset(&state, 0, sizeof(state));
            size = 1;
            letter = L'?';
        }
        int width = wcwidth(letter);
        columns += width > 0 ? (size_t)width : 0;
        text += size;
        left -= size;
    }
    if (before != (locale_t)0) {
        (void)uselocale(before);
    }
    return columns;
}

void cli_put(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        unsigned char next = (unsigned char)text[1];
        if (byte < ' ' || byte == 0x7f) {
            (void)fputc('?', out);
        } else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) { /* controls of 8 bits */
            (void)fputc('?', out);
            text++;
        } else {
            (void)fputc(byte, out);
        }
    }
}

/* ---- answers ---- */

uint64_t cli_bytes(const json_t *object, const char *member)
{
    int64_t number = cli_number(object, member);
    return number < 0 ? POLICY_MISSING : (uint64_t)number;
}

int64_t cli_number(const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);
    return json_is_integer(value) && json_integer_value(value) >= 0 ? json_integer_value(value)
                                                                    : -1;
}

const char *cli_string(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text == NULL ? "" : text;
}

bool cli_true(const json_t *object, const char *member)
{
    return json_is_true(json_object_get(object, member));
}

const char *cli_word(const json_t *object, const char *member)
{
    const char *word = cli_string(object, member);
    return word[0] == '\0' ? "-" : word;
}

const char *cli_answer_word(const json_t *object, const char *member, const char *yes,
                            const char *no)
{
    const json_t *value = json_object_get(object, member);
    if (!json_is_boolean(value)) {
        return "-";
    }
    return json_is_true(value) ? yes : no;
}

const char *cli_count(const json_t *object, const char *member, char text[CLI_TEXT])
{
    int64_t number = cli_number(object, member);
    if (number < 0) {
        (void)snprintf(text, CLI_TEXT, "-");
    } else {
        (void)snprintf(text, CLI_TEXT, "%" PRId64, number);
    }
    return text;
}

const char *cli_percent(const json_t *object, const char *member, char text[CLI_TEXT])
{
    const json_t *value = json_object_get(object, member);
    if (json_is_number(value)) {
        (void)snprintf(text, CLI_TEXT, "%.2f %%", json_number_value(value));
    } else {
        (void)snprintf(text, CLI_TEXT, "-");
    }
    return text;
}

const char *cli_hold(const json_t *object, const char *member)
{
    const char *hold = cli_string(object, "hold_text");
    return strstr(cli_string(object, member), hold) != NULL ? "" : hold;
}

void cli_put_json(FILE *out, const json_t *json)
{
    int fd = fileno(out);
    /* Text of the daemon may hold controls of 8 bits, which a terminal would obey. */
    size_t ascii = fd >= 0 && isatty(fd) == 1 ? JSON_ENSURE_ASCII : 0;
    (void)json_dumpf(json, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER | ascii);
    (void)fputc('\n', out);
}
