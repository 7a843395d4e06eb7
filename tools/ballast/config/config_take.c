/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One "key = value": finds the key in the table, has the value stored, and words the complaints
 * about it: unknown, in the wrong section, given twice, not allowed.
 */

#include <stdio.h>
#include <string.h>

#include "tools/ballast/config/config_internal.h"

static bool belongs(const struct config_key *key, enum config_section section)
{
    /* What may be said of all machines may be said of one. */
    return key->section == section || (section == CONFIG_MACHINE && key->section == CONFIG_DEFAULT);
}

/* "[host]", "[machine db1]". */
static void describe(const struct config_reading *reading, char *text, size_t size)
{
    if (reading->section == CONFIG_MACHINE) {
        snprintf(text, size, "[machine %s]",
                 reading->entries[reading->entry_count - 1].machine.name);
    } else {
        snprintf(text, size, "[%s]", config_section_names[reading->section]);
    }
}

static void complain_unknown(struct config_reading *reading, const char *name)
{
    const char *words[CONFIG_KEYS_MAX];
    size_t count = 0;
    char section[CONFIG_NAME_MAX + 16];
    describe(reading, section, sizeof section);
    for (size_t i = 0; i < config_key_count; i++) {
        if (belongs(&config_keys[i], reading->section)) {
            words[count++] = config_keys[i].name;
        }
    }
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].name, name) == 0) {
            config_complain_at(reading, reading->line, "%s has no key \"%s\"; it belongs to [%s%s]",
                               section, name, config_section_names[config_keys[i].section],
                               config_keys[i].section == CONFIG_MACHINE ? " NAME" : "");
            return;
        }
    }
    const char *near = config_nearest(name, words, count);
    if (near != NULL) {
        config_complain_at(reading, reading->line, "%s has no key \"%s\"; did you mean \"%s\"?",
                           section, name, near);
    } else {
        config_complain_at(reading, reading->line, "%s has no key \"%s\"", section, name);
    }
}

static const struct config_key *find_key(enum config_section section, const char *name)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (belongs(&config_keys[i], section) && strcmp(config_keys[i].name, name) == 0) {
            return &config_keys[i];
        }
    }
    return NULL;
}

/* The name that a key has now. An old one is noted, to be told when all is read. */
static const char *name_now(struct config_reading *reading, const char *name)
{
    for (size_t i = 0; i < CONFIG_RENAMED; i++) {
        const struct config_rename *rename = &config_renames[i];
        if (reading->section == rename->section && strcmp(name, rename->before) == 0) {
            reading->config->renamed_lines[i] = reading->line;
            return rename->now;
        }
    }
    return name;
}

/* What the file gives of a list stands instead of the default, not beside it. */
static void begin_list(struct config *config, const struct config_key *key)
{
    if (key->kind == CONFIG_LISTEN) {
        memset(config->listens, 0, sizeof config->listens);
        config->listen_count = 0;
    }
}

void config_take(struct config_reading *reading, const char *name, const char *value)
{
    if (reading->section == CONFIG_NO_SECTION) {
        /* What is in an unknown section was complained about with the section. */
        if (!reading->headed) {
            config_complain_at(reading, reading->line, "\"%s\" stands before the first section",
                               name);
        }
        return;
    }
    const struct config_key *key = find_key(reading->section, name_now(reading, name));
    if (key == NULL) {
        complain_unknown(reading, name);
        return;
    }
    struct config_machine *machine = &reading->config->machine_default;
    int *lines = reading->lines;
    if (reading->section == CONFIG_MACHINE) {
        struct config_entry *entry = &reading->entries[reading->entry_count - 1];
        machine = &entry->machine;
        lines = entry->lines;
    }
    int *line = &lines[key - config_keys];
    const bool repeats = key->kind == CONFIG_URI || key->kind == CONFIG_LISTEN;
    char section[CONFIG_NAME_MAX + 16];
    describe(reading, section, sizeof section);
    if (*line != 0 && !repeats) {
        config_complain_at(reading, reading->line, "%s %s stands in line %d already", section, name,
                           *line);
        return;
    }
    if (*line == 0) {
        begin_list(reading->config, key);
    }
    *line = reading->line;
    void *base = key->given != 0 ? (void *)machine : (void *)reading->config;
    if (config_store(reading->config, base, key, value)) {
        machine->given |= key->given;
    } else {
        config_complain_at(reading, reading->line, "%s %s = \"%.80s\": allowed is %s", section,
                           name, value, key->allowed);
    }
}
