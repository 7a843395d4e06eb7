/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `set`, `disable`, `enable`, `adopt`, `device`: changes of one machine. A change is made to the
 * settings that were read just before (If-Match). When somebody else was faster it is tried once
 * more with what is there then: all that is asked for are absolute values.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/cli/cli_commands.h"
#include "tools/ballast/cli/cli_http.h"
#include "tools/ballast/cli/cli_table.h"
#include "tools/ballast/cli/cli_text.h"
#include "tools/ballast/config/device.h"

/* Makes the body of a PATCH from the machine as it is; NULL: it was told what is wrong. */
typedef json_t *make_change(struct cli *cli, const struct cli_args *args, const json_t *machine);

static int patch(struct cli *cli, const char *name, const json_t *change, const char *etag,
                 struct cli_answer *answer)
{
    char *path = cli_machine_path(name, "");
    int status = cli_request(cli, "PATCH", path, change, etag[0] == '\0' ? "*" : etag, answer);
    free(path);
    return status;
}

/* One attempt. On CLI_OK *before and *answer are set, whatever the daemon said. */
static int attempt(struct cli *cli, const struct cli_args *args, make_change *make, json_t **before,
                   struct cli_answer *answer)
{
    char etag[64] = "";
    const char *name = args->words[0];
    int status = cli_get_machine(cli, name, "", before, etag);
    if (status != CLI_OK) {
        return status;
    }
    json_t *change = make(cli, args, *before);
    status = change == NULL ? CLI_USAGE : patch(cli, name, change, etag, answer);
    json_decref(change);
    if (status != CLI_OK) {
        json_decref(*before);
        *before = NULL;
    }
    return status;
}

static void tell_change(FILE *out, const json_t *before, const json_t *after)
{
    static const char *const members[] = { "minimum_bytes", "maximum_bytes" };
    static const char *const names[] = { "guaranteed", "maximum" };
    static const char *const words[] = { "class", "owner" };
    char was[CLI_TEXT];
    char is[CLI_TEXT];
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (cli_bytes(before, members[i]) != cli_bytes(after, members[i])) {
            cli_line(out, names[i], "%s -> %s", cli_size(cli_bytes(before, members[i]), was),
                     cli_size(cli_bytes(after, members[i]), is));
        }
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(cli_string(before, words[i]), cli_string(after, words[i])) != 0) {
            cli_line(out, words[i], "%s -> %s", cli_word(before, words[i]),
                     cli_word(after, words[i]));
        }
    }
    if (cli_number(before, "weight") != cli_number(after, "weight")) {
        cli_line(out, "weight", "%" PRId64 " -> %" PRId64, cli_number(before, "weight"),
                 cli_number(after, "weight"));
    }
    if (cli_true(before, "managed") != cli_true(after, "managed")) {
        cli_line(out, "managed", "%s", cli_true(after, "managed") ? "yes" : "no");
    }
}

/* A promise below the smallest size that settings allow is kept, and more than kept: nobody else
 * can have what is in between. */
static void tell_least(FILE *out, const json_t *before, const json_t *after)
{
    char least[CLI_TEXT];
    uint64_t minimum = cli_bytes(after, "minimum_bytes");
    if (strcmp(cli_string(after, "least_rule"), "balloon-max") == 0 &&
        minimum != cli_bytes(before, "minimum_bytes")) {
        cli_line(out, "smallest size",
                 "%s: no balloon is larger than balloon-max allows, so what lies between that and "
                 "its guaranteed memory is for nobody else",
                 cli_size(cli_bytes(after, "least_bytes"), least));
    }
}

static void tell_switch(FILE *out, const json_t *machine)
{
    const json_t *ballooning = json_object_get(machine, "ballooning");
    cli_line(out, "ballooning", "%s: %s", cli_string(ballooning, "state"),
             cli_string(ballooning, "text"));
}

/* Reads, changes, tells. */
static int change_machine(struct cli *cli, const struct cli_args *args, make_change *make,
                          bool switching)
{
    json_t *before = NULL;
    struct cli_answer answer;
    int status = attempt(cli, args, make, &before, &answer);
    if (status == CLI_OK && answer.status == 412) {
        json_decref(before);
        cli_answer_free(&answer);
        status = attempt(cli, args, make, &before, &answer);
    }
    if (status != CLI_OK) {
        return status;
    }
    status = cli_answer_status(cli, &answer);
    if (status == CLI_OK && cli->json) {
        cli_put_json(cli->out, answer.json);
    } else if (status == CLI_OK && switching) {
        tell_switch(cli->out, answer.json);
    } else if (status == CLI_OK) {
        tell_change(cli->out, before, answer.json);
        tell_least(cli->out, before, answer.json);
    }
    json_decref(before);
    cli_answer_free(&answer);
    return status;
}

/* ---- set ---- */

static bool add_size(struct cli *cli, const struct cli_args *args, const char *option,
                     const char *member, uint64_t whole, json_t *change)
{
    const char *text = cli_value(args, option);
    uint64_t bytes = 0;
    if (text == NULL) {
        return true;
    }
    if (!cli_parse_size(text, whole, &bytes)) {
        (void)cli_usage(cli, "--%s: %s is no size; 512M, 1.5G or 50%% is one", option, text);
        return false;
    }
    json_object_set_new(change, member, json_integer((json_int_t)bytes));
    return true;
}

static bool add_words(struct cli *cli, const struct cli_args *args, json_t *change)
{
    const char *class = cli_value(args, "class");
    const char *owner = cli_value(args, "owner");
    const char *managed = cli_value(args, "managed");
    if (class != NULL) {
        json_object_set_new(change, "class", json_string(class));
    }
    if (owner != NULL && json_object_set_new(change, "owner", json_string(owner)) != 0) {
        (void)cli_usage(cli, "--owner: this is not UTF-8");
        return false;
    }
    if (managed != NULL) {
        bool yes = strcmp(managed, "yes") == 0;
        if (!yes && strcmp(managed, "no") != 0) {
            (void)cli_usage(cli, "--managed is yes or no, not %s", managed);
            return false;
        }
        json_object_set_new(change, "managed", json_boolean(yes));
    }
    return true;
}

static bool add_weight(struct cli *cli, const struct cli_args *args, json_t *change)
{
    const char *text = cli_value(args, "weight");
    uint64_t weight = 0;
    if (text == NULL) {
        return true;
    }
    if (!cli_parse_number(text, 1, POLICY_WEIGHT_MAX, &weight)) {
        (void)cli_usage(cli, "--weight is 1 to %u, not %s", POLICY_WEIGHT_MAX, text);
        return false;
    }
    json_object_set_new(change, "weight", json_integer((json_int_t)weight));
    return true;
}

/* Percents are of the machine's RAM for the maximum, and of the maximum for what is guaranteed. */
static json_t *make_set(struct cli *cli, const struct cli_args *args, const json_t *machine)
{
    json_t *change = json_object();
    uint64_t most = cli_bytes(machine, "maximum_bytes");
    bool good =
        add_size(cli, args, "max", "maximum_bytes", cli_bytes(machine, "ram_bytes"), change);
    if (good && cli_value(args, "max") != NULL) {
        most = cli_bytes(change, "maximum_bytes");
    }
    good = good && add_size(cli, args, "min", "minimum_bytes", most, change) &&
           add_weight(cli, args, change) && add_words(cli, args, change);
    if (good) {
        return change;
    }
    json_decref(change);
    return NULL;
}

int cmd_set(struct cli *cli, const struct cli_args *args)
{
    bool any = false;
    for (size_t i = 0; args->options[i].name != NULL; i++) {
        any = any || args->values[i] != NULL;
    }
    if (!any) {
        return cli_usage(cli, "set: nothing to change is given");
    }
    const char *class = cli_value(args, "class");
    if (class != NULL && strcmp(class, "guaranteed") != 0 && strcmp(class, "burst") != 0 &&
        strcmp(class, "spare") != 0) {
        return cli_usage(cli, "--class is guaranteed, burst or spare, not %s", class);
    }
    return change_machine(cli, args, make_set, false);
}

/* ---- the switch ---- */

static json_t *make_disable(struct cli *cli, const struct cli_args *args, const json_t *machine)
{
    (void)cli;
    (void)args;
    (void)machine;
    return json_pack("{s:b}", "ballooning", 0);
}

static json_t *make_enable(struct cli *cli, const struct cli_args *args, const json_t *machine)
{
    (void)cli;
    (void)args;
    (void)machine;
    return json_pack("{s:b}", "ballooning", 1);
}

int cmd_disable(struct cli *cli, const struct cli_args *args)
{
    return change_machine(cli, args, make_disable, true);
}

int cmd_enable(struct cli *cli, const struct cli_args *args)
{
    return change_machine(cli, args, make_enable, true);
}

/* ---- adopt ---- */

int cmd_adopt(struct cli *cli, const struct cli_args *args)
{
    struct cli_answer answer;
    const char *name = args->words[0];
    char *path = cli_machine_path(name, "/adopt");
    char size[CLI_TEXT];
    int status = cli_request(cli, "POST", path, NULL, NULL, &answer);
    free(path);
    if (status != CLI_OK) {
        return status;
    }
    status = answer.status == 404 ? cli_no_machine(cli, name) : cli_answer_status(cli, &answer);
    if (status == CLI_OK && cli->json) {
        cli_put_json(cli->out, answer.json);
    } else if (status == CLI_OK) {
        cli_line(cli->out, name, "is controlled again, from %s",
                 cli_size(cli_bytes(answer.json, "size_bytes"), size));
    }
    cli_answer_free(&answer);
    return status;
}

/* ---- device ---- */

/* Root's start script makes words of this for QEMU. So they are this program's own, and of the
 * daemon's answer only a yes or a no counts. In one line, so that a shell makes words of it again.
 */
static int print_words(struct cli *cli, const json_t *device)
{
    const json_t *ballooning = json_object_get(device, "ballooning");
    if (!json_is_boolean(ballooning)) {
        cli_complain(cli, "%s does not answer like ballastd", cli->url);
        return CLI_FAILED;
    }
    if (json_is_true(ballooning)) {
        (void)fputs(DEVICE_OPTION " " DEVICE_VALUE "\n", cli->out);
    }
    return CLI_OK;
}

int cmd_device(struct cli *cli, const struct cli_args *args)
{
    json_t *device = NULL;
    int status = cli_get_machine(cli, args->words[0], "/device", &device, NULL);
    if (status == CLI_OK && cli->json) {
        cli_put_json(cli->out, device);
    } else if (status == CLI_OK) {
        status = print_words(cli, device);
    }
    json_decref(device);
    return status;
}
