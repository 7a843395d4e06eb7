/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text from outside: names in paths, numbers in queries, and words from guests and backends on
 * their way into JSON. Nothing here believes that bytes are UTF-8 before it has looked.
 */
#include "tools/ballast/api/api_internal.h"

#include <stdlib.h>
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* The shortest code point that may take so many bytes: longer forms are refused. */
static const uint32_t utf8_least[] = { 0, 0, 0x80, 0x800, 0x10000 };

size_t api_utf8(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    if (bytes[0] < 0x80) {
        return bytes[0] != 0;
    }
    size_t length = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
    if (bytes[0] < 0xc2 || bytes[0] > 0xf4) {
        return 0;
    }
    uint32_t point = bytes[0] & (0xffU >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0U) != 0x80) {
            return 0; /* the final 0 ends here, too */
        }
        point = point << 6 | (bytes[i] & 0x3fU);
    }
    bool surrogate = point >= 0xd800 && point <= 0xdfff;
    return point < utf8_least[length] || surrogate || point > 0x10ffff ? 0 : length;
}

json_t *api_text(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL) {
        return value;
    }
    char *clean = malloc(strlen(text) * (sizeof(replacement) - 1) + 1);
    if (clean == NULL) {
        return NULL;
    }
    size_t used = 0;
    while (*text != '\0') {
        size_t length = api_utf8(text);
        if (length == 0) {
            memcpy(clean + used, replacement, sizeof(replacement) - 1);
            used += sizeof(replacement) - 1;
            text++;
        } else {
            memcpy(clean + used, text, length);
            used += length;
            text += length;
        }
    }
    clean[used] = '\0';
    value = json_string(clean);
    free(clean);
    return value;
}

json_t *api_number(uint64_t value)
{
    /* JSON's readers have signed 64 bits at best; nothing that is a size comes near. */
    return value > INT64_MAX ? json_null() : json_integer((json_int_t)value);
}

void api_put_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new_nocheck(object, key, api_text(text));
}

void api_put_number(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new_nocheck(object, key, api_number(value));
}

void api_put_word(json_t *object, const char *key, const char *word)
{
    json_object_set_new_nocheck(object, key, word == NULL ? json_null() : api_text(word));
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    char lower = (char)(digit | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool is_utf8(const char *text)
{
    while (*text != '\0') {
        size_t length = api_utf8(text);
        if (length == 0) {
            return false;
        }
        text += length;
    }
    return true;
}

bool api_decode(const char *text, size_t length, char *name, size_t size)
{
    size_t used = 0;
    bool fits = true;
    for (size_t i = 0; i < length; i++) {
        char byte = text[i];
        if (byte == '%') {
            bool whole = length - i > 2;
            int high = whole ? hex_digit(text[i + 1]) : -1;
            int low = whole ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0)) {
                return false;
            }
            byte = (char)(high << 4 | low);
            i += 2;
        }
        if (used + 1 < size) {
            name[used++] = byte;
        } else {
            fits = false;
        }
    }
    name[fits ? used : 0] = '\0';
    return is_utf8(name);
}

const char *api_query_word(const struct api_request *request, const char *key, size_t *length)
{
    size_t key_length = strlen(key);
    const char *part = request->query;
    while (*part != '\0') {
        size_t part_length = strcspn(part, "&");
        if (part_length > key_length && part[key_length] == '=' &&
            memcmp(part, key, key_length) == 0) {
            *length = part_length - key_length - 1;
            return part + key_length + 1;
        }
        part += part_length;
        part += *part == '&';
    }
    return NULL;
}

bool api_query_number(struct api_call *call, const char *key, int64_t least, int64_t most,
                      int64_t *value)
{
    size_t length;
    const char *word = api_query_word(call->request, key, &length);
    if (word == NULL) {
        return true;
    }
    int64_t number = 0;
    bool good = length > 0 && length <= 18; /* always inside 64 bits */
    for (size_t i = 0; good && i < length; i++) {
        good = word[i] >= '0' && word[i] <= '9';
        number = number * 10 + (word[i] - '0');
    }
    if (!good || number < least || number > most) {
        api_error(call, 422, "invalid", "%s must be a whole number from %lld to %lld.", key,
                  (long long)least, (long long)most);
        return false;
    }
    *value = number;
    return true;
}
