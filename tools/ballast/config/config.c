/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration as a whole: its defaults, and a file taken whole or not at all. The file is
 * read into a copy of the defaults; only when nobody complained the caller gets it.
 */

#include "tools/ballast/config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/config/config_internal.h"

void config_default(struct config *config)
{
    *config = (struct config){
        .period_ms = 2000,
        .on_exit = CONFIG_EXIT_LEAVE,
        .qmp_folder = "/run/ballast/machines",
        .qmp_timeout_ms = 5000,
        .listens = { "unix:/run/ballast/api.sock" },
        .listen_count = 1,
        .state_folder = "/var/lib/ballast",
        .raw_hours = 24,
        .minute_days = 30,
        .quarter_days = 400,
        .log_level = CONFIG_LOG_INFO,
        .log_format = CONFIG_LOG_TEXT,
        .machine_default = {
            .class = POLICY_BURST,
            .min = { .percent = 50 },
            .max = { .percent = 100 },
            .weight = POLICY_WEIGHT_DEFAULT,
            .ballooning = true,
            .managed = true,
        },
    };
    policy_settings_default(&config->policy);
}

static int by_name(const void *left, const void *right)
{
    const struct config_entry *a = left;
    const struct config_entry *b = right;
    const int order = strcmp(a->machine.name, b->machine.name);
    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

static bool take_machines(struct config_reading *reading)
{
    struct config *config = reading->config;
    if (reading->entry_count == 0) {
        return true;
    }
    config->machines = calloc(reading->entry_count, sizeof *config->machines);
    if (config->machines == NULL) {
        config_complain_at(reading, 0, "there is no memory for so many machines");
        return false;
    }
    for (size_t i = 0; i < reading->entry_count; i++) {
        config->machines[i] = reading->entries[i].machine;
    }
    config->machine_count = reading->entry_count;
    return true;
}

static bool parse(const char *text, size_t length, const char *path, struct config *config,
                  config_complain *complain, void *context)
{
    struct config parsed;
    config_default(&parsed);
    struct config_reading reading = {
        .path = path,
        .complain = complain,
        .context = context,
        .config = &parsed,
        .text = text,
        .length = length,
        .section = CONFIG_NO_SECTION,
    };
    config_read_lines(&reading);
    if (reading.entry_count > 0) {
        qsort(reading.entries, reading.entry_count, sizeof *reading.entries, by_name);
    }
    config_check(&reading);
    const bool good = reading.complaints == 0 && take_machines(&reading);
    free(reading.entries);
    if (good) {
        *config = parsed;
    }
    return good;
}

bool config_parse(const char *text, const char *path, struct config *config,
                  config_complain *complain, void *context)
{
    return parse(text, strlen(text), path, config, complain, context);
}

bool config_read(const char *path, struct config *config, config_complain *complain, void *context)
{
    size_t length = 0;
    const char *reason = NULL;
    char *text = config_load(path, &length, &reason);
    if (text == NULL) {
        complain(context, path, 0, reason);
        return false;
    }
    const bool good = parse(text, length, path, config, complain, context);
    free(text);
    return good;
}

void config_free(struct config *config)
{
    free(config->machines);
    config->machines = NULL;
    config->machine_count = 0;
}

bool config_renamed(const struct config *config, size_t index, int *line, char *text, size_t size)
{
    const struct config_rename *rename = &config_renames[index];
    *line = config->renamed_lines[index];
    if (*line != 0) {
        (void)snprintf(text, size,
                       "[%s] %s is called %s now; the next version does not read the old name",
                       config_section_names[rename->section], rename->before, rename->now);
    }
    return *line != 0;
}

const struct config_machine *config_find(const struct config *config, const char *name)
{
    size_t low = 0;
    size_t high = config->machine_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(name, config->machines[middle].name);
        if (order == 0) {
            return &config->machines[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}
