/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single values: sizes, times, percentages, names and addresses. Whole numbers only, so that a
 * fraction means the same on every machine. What these values are for is the key table's business.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "tools/ballast/config/config_internal.h"

#define MILLION 1000000U
/* Above this a number is no size or time that anybody means, and products with units are safe. */
#define WHOLE_MAX (UINT64_MAX / 2)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *text)
{
    while (*text == ' ' || *text == '\t') {
        text++;
    }
    return text;
}

const char *config_parse_decimal(const char *text, uint64_t *whole, uint64_t *millionths)
{
    if (!is_digit(*text)) {
        return NULL;
    }
    *whole = 0;
    for (; is_digit(*text); text++) {
        const uint64_t digit = (uint64_t)(*text - '0');
        if (*whole > (WHOLE_MAX - digit) / 10) {
            return NULL;
        }
        *whole = *whole * 10 + digit;
    }
    *millionths = 0;
    if (*text == '.') {
        if (!is_digit(*++text)) {
            return NULL;
        }
        for (uint64_t place = MILLION / 10; is_digit(*text); text++, place /= 10) {
            *millionths += place * (uint64_t)(*text - '0');
        }
    }
    return skip_blanks(text);
}

static bool scale(uint64_t whole, uint64_t millionths, uint64_t unit, uint64_t *result)
{
    if (whole >= WHOLE_MAX / unit) {
        return false;
    }
    *result = whole * unit + unit * millionths / MILLION; /* units have at most 41 bits */
    return true;
}

bool config_parse_size(const char *text, uint64_t *bytes)
{
    static const char letters[] = "KMGT";
    uint64_t whole;
    uint64_t millionths;
    const char *unit = config_parse_decimal(text, &whole, &millionths);
    if (unit == NULL) {
        return false;
    }
    uint64_t scale_by = 1;
    const char *letter = *unit == '\0' ? NULL : strchr(letters, toupper((unsigned char)*unit));
    if (letter != NULL) {
        scale_by = (uint64_t)1 << (10 * (letter - letters + 1));
        unit += strcasecmp(unit + 1, "iB") == 0 ? 3 : 1;
    }
    if (strcasecmp(unit, "B") == 0) {
        unit++;
    }
    if (*unit != '\0' || (scale_by == 1 && millionths != 0)) {
        return false;
    }
    return scale(whole, millionths, scale_by, bytes);
}

bool config_parse_time(const char *text, uint64_t *ms)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
    uint64_t whole;
    uint64_t millionths;
    const char *unit = config_parse_decimal(text, &whole, &millionths);
    if (unit == NULL) {
        return false;
    }
    if (*unit == '\0') { /* nothing is nothing in every unit */
        return whole == 0 && millionths == 0 && scale(0, 0, 1, ms);
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(unit, units[i].name) == 0) {
            return scale(whole, millionths, units[i].ms, ms);
        }
    }
    return false;
}

bool config_parse_number(const char *text, uint64_t *number)
{
    uint64_t millionths;
    const char *end = config_parse_decimal(text, number, &millionths);
    return end != NULL && *end == '\0' && millionths == 0 && strchr(text, '.') == NULL;
}

bool config_parse_percent(const char *text, uint32_t *percent)
{
    uint64_t whole;
    uint64_t millionths;
    const char *end = config_parse_decimal(text, &whole, &millionths);
    if (end == NULL || millionths != 0 || strcmp(end, "%") != 0 || whole > UINT32_MAX) {
        return false;
    }
    *percent = (uint32_t)whole;
    return true;
}

bool config_name_valid(const char *name)
{
    const size_t length = strnlen(name, CONFIG_NAME_MAX);
    if (length == 0 || length >= CONFIG_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        const char c = name[i];
        const bool plain = is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!plain && (i == 0 || strchr("-_.@", c) == NULL)) {
            return false;
        }
    }
    return true;
}

static bool is_loopback(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (strcmp(address, "localhost") == 0) {
        return true;
    }
    if (inet_pton(AF_INET, address, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    const size_t length = strlen(address);
    char inner[INET6_ADDRSTRLEN];
    if (length < 3 || length - 2 >= sizeof inner || address[0] != '[' ||
        address[length - 1] != ']') {
        return false;
    }
    memcpy(inner, address + 1, length - 2);
    inner[length - 2] = '\0';
    return inet_pton(AF_INET6, inner, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool config_listen_valid(const char *text)
{
    if (strncmp(text, "unix:", 5) == 0) {
        return text[5] == '/';
    }
    const char *colon = strrchr(text, ':');
    char address[CONFIG_PATH_MAX];
    uint64_t port;
    if (colon == NULL || (size_t)(colon - text) >= sizeof address ||
        !config_parse_number(colon + 1, &port) || port > UINT16_MAX) {
        return false;
    }
    memcpy(address, text, (size_t)(colon - text));
    address[colon - text] = '\0';
    return is_loopback(address);
}

/* Edits that turn one word into the other; words here are short, longer ones are never near. */
static size_t distance(const char *from, const char *to)
{
    enum { LONGEST = 32 };
    const size_t m = strlen(from);
    const size_t n = strlen(to);
    if (m >= LONGEST || n >= LONGEST) {
        return LONGEST;
    }
    size_t row[LONGEST];
    for (size_t j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= m; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            const size_t replaced = diagonal + (from[i - 1] != to[j - 1] ? 1U : 0U);
            const size_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replaced < shorter ? replaced : shorter;
        }
    }
    return row[n];
}

const char *config_nearest(const char *word, const char *const *words, size_t count)
{
    const char *best = NULL;
    /* A third of the letters may be wrong: more, and the guess is rather a riddle. */
    size_t best_distance = strlen(word) / 3 + 2;
    for (size_t i = 0; i < count; i++) {
        const size_t edits = distance(word, words[i]);
        if (edits < best_distance && edits < strlen(words[i])) {
            best = words[i];
            best_distance = edits;
        }
    }
    return best;
}

bool config_uuid_read(const char *text, char uuid[CONFIG_UUID_MAX])
{
    bool nil = true;

    uuid[0] = '\0';
    for (size_t i = 0; i < CONFIG_UUID_MAX - 1; i++) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const unsigned char c = (unsigned char)text[i];

        if (dash ? c != '-' : isxdigit(c) == 0) {
            uuid[0] = '\0';
            return false;
        }
        nil = nil && (dash || c == '0');
        uuid[i] = (char)tolower(c);
    }
    uuid[CONFIG_UUID_MAX - 1] = '\0';
    if (nil || text[CONFIG_UUID_MAX - 1] != '\0') {
        uuid[0] = '\0';
        return false;
    }
    return true;
}
