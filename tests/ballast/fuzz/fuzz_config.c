/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a configuration file. Properties: no complaint means a configuration that obeys
 * every limit, a complaint means that nothing was taken; a complaint's line is one of the file;
 * the same text gives the same answer twice.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/config/config.h"

struct told {
    size_t count;
    int lines;
};

static void complain(void *context, const char *file, int line, const char *text)
{
    struct told *told = context;
    assert(strcmp(file, "fuzz") == 0);
    assert(line >= 0);
    assert(line <= told->lines);
    assert(text[0] != '\0');
    told->count++;
}

static bool is_untouched(const void *memory, size_t size)
{
    const unsigned char *bytes = memory;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0xa5) {
            return false;
        }
    }
    return true;
}

static bool is_terminated(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static void check_machine(const struct config_machine *machine)
{
    assert((unsigned)machine->class <= POLICY_SPARE);
    assert(machine->min.percent <= 100);
    assert(machine->min.bytes <= POLICY_BYTES_MAX);
    assert(machine->max.percent <= 100);
    assert(machine->max.bytes <= POLICY_BYTES_MAX);
    assert(machine->weight <= POLICY_WEIGHT_MAX);
    assert(machine->owner[0] == '\0' || config_name_valid(machine->owner));
    assert(is_terminated(machine->socket, sizeof machine->socket));
    assert(is_terminated(machine->cgroup, sizeof machine->cgroup));
}

static void check(const struct config *config)
{
    assert(policy_settings_fault(&config->policy) == NULL);
    assert(config->period_ms >= 200);
    assert(config->policy.stale_ms >= config->period_ms);
    assert(config->listen_count <= CONFIG_LISTENS_MAX);
    assert(config->libvirt_uri_count <= CONFIG_URIS_MAX);
    assert(config->machine_count <= CONFIG_MACHINES_MAX);
    assert(config->state_folder[0] == '/');
    check_machine(&config->machine_default);
    for (size_t i = 0; i < config->machine_count; i++) {
        const struct config_machine *machine = &config->machines[i];
        check_machine(machine);
        assert(config_name_valid(machine->name));
        assert(i == 0 || strcmp(machine[-1].name, machine->name) < 0);
        assert(config_find(config, machine->name) == machine);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    assert(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    struct told told = { .lines = 1 };
    for (const char *c = text; *c != '\0'; c++) {
        told.lines += *c == '\n' ? 1 : 0;
    }
    struct config config;
    memset(&config, 0xa5, sizeof config);
    const bool good = config_parse(text, "fuzz", &config, complain, &told);
    assert(good == (told.count == 0));
    if (good) {
        check(&config);
        config_free(&config);
    } else {
        assert(is_untouched(&config, sizeof config));
    }
    struct told again = { .lines = told.lines };
    struct config second;
    assert(config_parse(text, "fuzz", &second, complain, &again) == good);
    assert(again.count == told.count);
    if (good) {
        config_free(&second);
    }
    uint64_t number;
    (void)config_parse_size(text, &number);
    (void)config_parse_time(text, &number);
    free(text);
    return 0;
}
