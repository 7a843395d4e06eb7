/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers as QEMU 7.2 does, as far as the backend asks. */

#include "tests/ballast/fakes/fake_machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"

static void say(struct fake_machine *machine, const char *text)
{
    if (machine->client >= 0) {
        (void)send(machine->client, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

void fake_machine_start(struct fake_machine *machine, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    *machine = (struct fake_machine){ .ram_bytes = (uint64_t)512 << 20,
                                      .actual_bytes = (uint64_t)512 << 20,
                                      .status = "running",
                                      .migration = "",
                                      .more_peripherals = "",
                                      .objects = "",
                                      .memdev = "{\"id\": \"pc.ram\", \"size\": 536870912, "
                                                "\"prealloc\": false, \"share\": false}",
                                      .hugetlb = "false",
                                      .client = -1 };
    snprintf(machine->path, sizeof(machine->path), "%s", path);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    machine->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (machine->listener < 0 ||
        bind(machine->listener, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(machine->listener, 1) != 0) {
        perror(path);
        abort();
    }
}

void fake_machine_event(struct fake_machine *machine, const char *name, const char *data)
{
    char text[512];

    snprintf(text, sizeof(text),
             "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"%s\", "
             "\"data\": %s}\r\n",
             name, data);
    say(machine, text);
}

void fake_machine_hang_up(struct fake_machine *machine)
{
    if (machine->client >= 0) {
        close(machine->client);
    }
    machine->client = -1;
    machine->length = 0;
}

void fake_machine_end(struct fake_machine *machine)
{
    fake_machine_hang_up(machine);
    close(machine->listener);
    unlink(machine->path);
}

/* ---- answers ---- */

static void stats(const struct fake_machine *machine, char *text, size_t size)
{
    snprintf(text, size,
             "{\"stats\": {\"stat-total-memory\": %" PRIu64 ", \"stat-available-memory\": %" PRIu64
             ", \"stat-free-memory\": 4096, \"stat-disk-caches\": 8192, \"stat-swap-in\": "
             "18446744073709551615, \"stat-swap-out\": 7, \"stat-major-faults\": 3, "
             "\"stat-minor-faults\": 4}, \"last-update\": %" PRIu64 "}",
             machine->actual_bytes - ((uint64_t)42 << 20), machine->available_bytes,
             machine->last_update_s);
}

static void property(const struct fake_machine *machine, const char *name, char *text, size_t size)
{
    if (strcmp(name, "guest-stats") == 0) {
        stats(machine, text, size);
    } else if (strcmp(name, "parent_bus") == 0) {
        snprintf(text, size, "\"%s\"",
                 machine->q35 ? "/machine/q35/pcie.0" : "/machine/i440fx/pci.0");
    } else if (strcmp(name, "hugetlb") == 0) {
        snprintf(text, size, "%s", machine->hugetlb);
    } else {
        /* It may be unplugged, and offers to report free pages. */
        const bool yes =
            strcmp(name, "hotpluggable") == 0 || strcmp(name, "free-page-reporting") == 0;
        snprintf(text, size, "%s", yes ? "true" : "false");
    }
}

static void children(const struct fake_machine *machine, const char *path, char *text, size_t size)
{
    const char *more = strcmp(path, "/objects") == 0              ? machine->objects
                       : strcmp(path, "/machine/peripheral") == 0 ? machine->more_peripherals
                                                                  : "";
    bool here = strcmp(path, "/machine/peripheral") == 0 && !machine->no_device;

    snprintf(text, size, "[{\"name\": \"type\", \"type\": \"string\"}%s%s]",
             here ? ", {\"name\": \"b0\", \"type\": \"child<virtio-balloon-pci>\"}" : "", more);
}

/* The value of "return", or an error. */
static bool answer(struct fake_machine *machine, const char *command, const json_t *arguments,
                   char *text, size_t size)
{
    const char *path = json_string_value(json_object_get(arguments, "path"));
    const char *name = json_string_value(json_object_get(arguments, "property"));

    if (strcmp(command, "query-status") == 0) {
        snprintf(text, size, "{\"status\": \"%s\"}", machine->status);
    } else if (strcmp(command, "query-memory-size-summary") == 0 && !machine->no_summary) {
        snprintf(text, size, "{\"base-memory\": %" PRIu64 ", \"plugged-memory\": 0}",
                 machine->ram_bytes);
    } else if (strcmp(command, "query-migrate") == 0) {
        snprintf(text, size, machine->migration[0] == '\0' ? "{}" : "{\"status\": \"%s\"}",
                 machine->migration);
    } else if (strcmp(command, "query-balloon") == 0 && !machine->no_device) {
        snprintf(text, size, "{\"actual\": %" PRIu64 "}", machine->actual_bytes);
    } else if (strcmp(command, "query-uuid") == 0) {
        snprintf(text, size, "{\"UUID\": \"%s\"}",
                 machine->uuid == NULL ? "00000000-0000-0000-0000-000000000000" : machine->uuid);
    } else if (strcmp(command, "query-memdev") == 0) {
        snprintf(text, size, "[%s]", machine->memdev);
    } else if (strcmp(command, "qom-list") == 0 && path != NULL) {
        children(machine, path, text, size);
    } else if (strcmp(command, "qom-get") == 0 && name != NULL) {
        property(machine, name, text, size);
    } else if (strcmp(command, "qom-set") == 0) {
        machine->polling_s = json_integer_value(json_object_get(arguments, "value"));
        snprintf(text, size, "{}");
    } else if (strcmp(command, "balloon") == 0 && !machine->refuses_balloon) {
        machine->balloons++;
        machine->target_bytes = (uint64_t)json_integer_value(json_object_get(arguments, "value"));
        snprintf(text, size, "{}");
    } else if (strcmp(command, "qmp_capabilities") == 0) {
        snprintf(text, size, "{}");
    } else {
        return false;
    }
    return true;
}

/* As QEMU 11.1.3 on x-query-virtio-status: whoever sends to a machine what is not stable ends it. A
 * test that comes here has found a command that must never reach a running machine. */
static void stable_check(const char *command)
{
    static const char *const stable[] = {
        "qmp_capabilities", "query-status",  "query-memory-size-summary",
        "query-migrate",    "query-balloon", "query-uuid",
        "query-memdev",     "qom-list",      "qom-get",
        "qom-set",          "balloon",
    };

    for (size_t i = 0; i < sizeof(stable) / sizeof(stable[0]); i++) {
        if (strcmp(command, stable[i]) == 0) {
            return;
        }
    }
    fprintf(stderr, "fake machine: \"%s\" is no stable command: the machine ends\n", command);
    abort();
}

static void handle(struct fake_machine *machine, const json_t *message)
{
    const char *command = json_string_value(json_object_get(message, "execute"));
    const char *class = "CommandNotFound";
    json_int_t id = json_integer_value(json_object_get(message, "id"));
    char value[2048];
    char text[2200];

    machine->commands++;
    machine->actual_bytes += machine->grows_by;
    stable_check(command);
    if (answer(machine, command, json_object_get(message, "arguments"), value, sizeof(value))) {
        snprintf(text, sizeof(text), "{\"return\": %s, \"id\": %lld}\r\n", value, (long long)id);
    } else {
        class = strcmp(command, "query-balloon") == 0 || strcmp(command, "balloon") == 0
                    ? "DeviceNotActive"
                    : class;
        snprintf(text, sizeof(text),
                 "{\"error\": {\"class\": \"%s\", \"desc\": \"refused by the fake\"}, "
                 "\"id\": %lld}\r\n",
                 class, (long long)id);
    }
    say(machine, text);
}

/* ---- work ---- */

static void take_client(struct fake_machine *machine)
{
    if (machine->client >= 0) {
        return; /* one at a time */
    }
    machine->client = accept4(machine->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (machine->client >= 0) {
        machine->clients++;
        if (machine->garbage) {
            say(machine, "SSH-2.0-OpenSSH\r\n");
        } else if (!machine->silent) {
            say(machine, GREETING);
        }
    }
}

void fake_machine_work(struct fake_machine *machine)
{
    ssize_t count;

    take_client(machine);
    if (machine->client < 0) {
        return;
    }
    count = recv(machine->client, machine->input + machine->length,
                 sizeof(machine->input) - machine->length, MSG_DONTWAIT);
    if (count == 0) {
        fake_machine_hang_up(machine);
        return;
    }
    machine->length += count > 0 ? (size_t)count : 0;
    while (!machine->mute && machine->client >= 0 && machine->length > 0) {
        json_error_t error;
        json_t *message =
            json_loadb(machine->input, machine->length, JSON_DISABLE_EOF_CHECK, &error);
        size_t used = (size_t)error.position;

        if (message == NULL) {
            break;
        }
        handle(machine, message);
        json_decref(message);
        memmove(machine->input, machine->input + used, machine->length - used);
        machine->length -= used;
    }
}
