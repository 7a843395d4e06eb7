/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stores one value where its key says. Nothing is changed by a value that is not allowed. What is
 * wrong with a value is told by the key's own words, so these functions only say whether.
 */

#include <stdio.h>
#include <string.h>

#include "tools/ballast/config/config_internal.h"

static bool store_size(void *at, const struct config_key *key, const char *value)
{
    uint64_t bytes;
    if (!config_parse_size(value, &bytes) || bytes < key->low || bytes > key->high) {
        return false;
    }
    *(uint64_t *)at = bytes;
    return true;
}

static bool parse_time(const struct config_key *key, const char *value, uint32_t *time)
{
    uint64_t ms;
    if (!config_parse_time(value, &ms) || ms % key->unit != 0 || ms / key->unit < key->low ||
        ms / key->unit > key->high) {
        return false;
    }
    *time = (uint32_t)(ms / key->unit);
    return true;
}

/* Two words; the second is empty when there is only one. */
static bool split(const char *value, char words[2][64])
{
    const size_t first = strcspn(value, " \t");
    const char *rest = value + first + strspn(value + first, " \t");
    if (first >= sizeof words[0] || strlen(rest) >= sizeof words[1]) {
        return false;
    }
    snprintf(words[0], sizeof words[0], "%.*s", (int)first, value);
    snprintf(words[1], sizeof words[1], "%s", rest);
    return true;
}

static bool store_times(void *first, void *second, const struct config_key *key, const char *value)
{
    char words[2][64];
    uint32_t times[2];
    if (!split(value, words) || !parse_time(key, words[0], &times[0])) {
        return false;
    }
    /* With one time only, the other limit must not stay below it. */
    times[1] = *(uint32_t *)second > times[0] ? *(uint32_t *)second : times[0];
    if (words[1][0] != '\0' && (!parse_time(key, words[1], &times[1]) || times[1] < times[0])) {
        return false;
    }
    *(uint32_t *)first = times[0];
    *(uint32_t *)second = times[1];
    return true;
}

/* What is not given of a margin counts as nothing: "floor = 64M" is 64 MiB for every machine. */
static bool store_margin(void *bytes, void *percent, const struct config_key *key,
                         const char *value)
{
    char words[2][64];
    uint64_t size = 0;
    uint32_t part = 0;
    bool has_size = false;
    bool has_part = false;
    if (!split(value, words)) {
        return false;
    }
    for (size_t i = 0; i < 2; i++) {
        if (i == 1 && words[i][0] == '\0') {
            break;
        }
        if (!has_part && config_parse_percent(words[i], &part) && part <= key->high) {
            has_part = true;
        } else if (!has_size && config_parse_size(words[i], &size) && size <= POLICY_BYTES_MAX) {
            has_size = true;
        } else {
            return false;
        }
    }
    *(uint64_t *)bytes = size;
    *(uint32_t *)percent = part;
    return true;
}

static bool store_of_ram(struct config_size *at, const struct config_key *key, const char *value)
{
    struct config_size size = { 0 };
    if (config_parse_percent(value, &size.percent)) {
        /* "0 %" is the size 0: a percentage of 0 means that there is none. */
        if (size.percent > 100 || size.percent < key->low) {
            return false;
        }
    } else if (!config_parse_size(value, &size.bytes) || size.bytes > POLICY_BYTES_MAX ||
               size.bytes < key->low) {
        return false;
    }
    *at = size;
    return true;
}

static bool store_number(uint32_t *at, const struct config_key *key, const char *value)
{
    uint64_t number;
    uint32_t percent;
    if (key->kind == CONFIG_PERCENT && config_parse_percent(value, &percent)) {
        number = percent;
    } else if (!config_parse_number(value, &number)) {
        return false;
    }
    if (number < key->low || number > key->high) {
        return false;
    }
    *at = (uint32_t)number;
    return true;
}

static bool store_text(char *at, const struct config_key *key, const char *value)
{
    const size_t length = strlen(value);
    if (length >= key->size || length < key->low) {
        return false;
    }
    if (key->kind == CONFIG_FOLDER && length > 0 && value[0] != '/') {
        return false;
    }
    if (key->kind == CONFIG_NAME && length > 0 && !config_name_valid(value)) {
        return false;
    }
    memset(at, 0, key->size);
    memcpy(at, value, length);
    return true;
}

static bool store_switch(bool *at, const char *value)
{
    static const char *const words[] = { "off", "on", "no", "yes", "false", "true" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(value, words[i]) == 0) {
            *at = i % 2 == 1;
            return true;
        }
    }
    return false;
}

static bool store_choice(void *at, const struct config_key *key, const char *value)
{
    for (unsigned i = 0; key->choices[i] != NULL; i++) {
        if (strcmp(value, key->choices[i]) == 0) {
            memcpy(at, &i, sizeof i); /* enums here are unsigned ints */
            return true;
        }
    }
    return false;
}
_Static_assert(sizeof(enum policy_class) == sizeof(unsigned), "store_choice() writes an unsigned");

static bool store_uri(struct config *config, const char *value)
{
    const size_t length = strlen(value);
    const char *colon = strchr(value, ':');
    if (config->libvirt_uri_count == CONFIG_URIS_MAX || colon == NULL || colon == value ||
        length >= sizeof config->libvirt_uris[0]) {
        return false;
    }
    memcpy(config->libvirt_uris[config->libvirt_uri_count++], value, length + 1);
    return true;
}

static bool store_listen(struct config *config, const char *value)
{
    const size_t length = strlen(value);
    if (config->listen_count == CONFIG_LISTENS_MAX || length >= sizeof config->listens[0] ||
        !config_listen_valid(value)) {
        return false;
    }
    memcpy(config->listens[config->listen_count++], value, length + 1);
    return true;
}

bool config_store(struct config *config, void *base, const struct config_key *key,
                  const char *value)
{
    void *at = (char *)base + key->offset;
    void *second = (char *)base + key->second;
    uint32_t time;
    switch (key->kind) {
    case CONFIG_SIZE:
        return store_size(at, key, value);
    case CONFIG_TIME:
        if (!parse_time(key, value, &time)) {
            return false;
        }
        *(uint32_t *)at = time;
        return true;
    case CONFIG_TIMES:
        return store_times(at, second, key, value);
    case CONFIG_PERCENT:
    case CONFIG_NUMBER:
        return store_number(at, key, value);
    case CONFIG_MARGIN:
        return store_margin(at, second, key, value);
    case CONFIG_OF_RAM:
        return store_of_ram(at, key, value);
    case CONFIG_FOLDER:
    case CONFIG_NAME:
        return store_text(at, key, value);
    case CONFIG_UUID:
        return config_uuid_read(value, at);
    case CONFIG_SWITCH:
        return store_switch(at, value);
    case CONFIG_CHOICE:
        return store_choice(at, key, value);
    case CONFIG_URI:
        return store_uri(config, value);
    case CONFIG_LISTEN:
        return store_listen(config, value);
    }
    return false;
}
