/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `list`, `show`, `host`: what there is.
 */

#include <inttypes.h>
#include <string.h>

#include "tools/ballast/cli/cli_commands.h"
#include "tools/ballast/cli/cli_http.h"
#include "tools/ballast/cli/cli_table.h"
#include "tools/ballast/cli/cli_text.h"

/* What a person should know of a machine first: trouble, then its switch, else its state. */
static const char *state_word(const json_t *machine)
{
    const char *state = cli_word(machine, "state");
    const char *drift = cli_string(machine, "drift");
    const char *ballooning = cli_string(json_object_get(machine, "ballooning"), "state");
    if (strcmp(state, "running") != 0) {
        return state;
    }
    if (drift[0] != '\0' && strcmp(drift, "none") != 0) {
        return drift;
    }
    if (!cli_true(machine, "managed")) {
        return "unmanaged";
    }
    return strcmp(ballooning, "enabled") == 0 || ballooning[0] == '\0' ? state : ballooning;
}

/* Why it has what it has: the rule that holds it says more than that nothing moves. Where nothing
 * is decided there is no word, and a sentence says why. */
static const char *why_word(const json_t *decision)
{
    const char *reason = cli_string(decision, "reason");
    if (reason[0] == '\0') {
        return cli_word(decision, "reason_text");
    }
    const char *hold = cli_string(decision, "hold");
    bool keeps = strcmp(reason, "keep") == 0;
    return keeps && hold[0] != '\0' && strcmp(hold, "none") != 0 ? hold : reason;
}

/* The class `guaranteed` is promised all that it may have, whatever its minimum says. */
static const char *promise_of(const json_t *machine)
{
    return strcmp(cli_string(machine, "class"), "guaranteed") == 0 ? "maximum_bytes"
                                                                   : "minimum_bytes";
}

static void add_machine(struct cli_table *table, const json_t *machine)
{
    const json_t *decision = json_object_get(machine, "decision");
    const char *state = state_word(machine);
    bool running = strcmp(state, "running") == 0;
    uint64_t missing = cli_bytes(machine, "short_bytes");
    bool is_short = missing != POLICY_MISSING && missing > 0;
    cli_table_add(table, CLI_PLAIN, "%s", cli_string(machine, "name"));
    cli_table_add(table, running ? CLI_PLAIN : CLI_YELLOW, "%s", state);
    cli_table_add(table, CLI_PLAIN, "%s", cli_string(machine, "class"));
    cli_table_bytes(table, cli_bytes(machine, "size_bytes"));
    cli_table_bytes(table, cli_bytes(machine, "target_bytes"));
    cli_table_bytes(table, cli_bytes(machine, "used_bytes"));
    cli_table_bytes(table, cli_bytes(machine, promise_of(machine)));
    cli_table_bytes(table, cli_bytes(machine, "maximum_bytes"));
    cli_table_add(table, is_short ? CLI_RED : CLI_PLAIN, "%s", why_word(decision));
}

static void print_names(struct cli *cli, const json_t *machines)
{
    const json_t *machine;
    size_t i;
    json_array_foreach(machines, i, machine)
    {
        cli_put(cli->out, cli_string(machine, "name"));
        (void)fputc('\n', cli->out);
    }
}

int cmd_list(struct cli *cli, const struct cli_args *args)
{
    json_t *json = NULL;
    int status = cli_get(cli, "/v1/machines", &json);
    if (status != CLI_OK) {
        return status;
    }
    const json_t *machines = json_object_get(json, "machines");
    if (cli_value(args, "names") != NULL) {
        print_names(cli, machines);
    } else if (cli->json) {
        cli_put_json(cli->out, json);
    } else if (json_array_size(machines) == 0) {
        (void)fputs("There is no machine.\n", cli->out);
    } else {
        struct cli_table *table =
            cli_table_new("NAME|STATE|CLASS|>NOW|>TARGET|>USED|>GUARANTEED|>MAXIMUM|WHY");
        const json_t *machine;
        size_t i;
        json_array_foreach(machines, i, machine)
        {
            add_machine(table, machine);
        }
        cli_table_print(table, cli->out, cli->colour);
        cli_table_free(table);
    }
    json_decref(json);
    return CLI_OK;
}

/* ---- show ---- */

static void size_line(FILE *out, const char *name, const json_t *object, const char *member)
{
    char text[CLI_TEXT];
    cli_line(out, name, "%s", cli_size(cli_bytes(object, member), text));
}

/* A size, and the word for why it is not smaller. */
static void rule_line(FILE *out, const char *name, const json_t *object, const char *member,
                      const char *rule)
{
    char text[CLI_TEXT];
    const char *word = cli_string(object, rule);
    cli_line(out, name, "%s%s%s%s", cli_size(cli_bytes(object, member), text),
             word[0] == '\0' ? "" : " (", word, word[0] == '\0' ? "" : ")");
}

static void show_memory(FILE *out, const json_t *machine)
{
    size_line(out, "memory now", machine, "size_bytes");
    size_line(out, "target", machine, "target_bytes");
    size_line(out, "guaranteed", machine, promise_of(machine));
    size_line(out, "maximum", machine, "maximum_bytes");
    size_line(out, "RAM", machine, "ram_bytes");
    size_line(out, "used", machine, "used_bytes");
    size_line(out, "available", machine, "available_bytes");
    size_line(out, "demand", machine, "demand_bytes");
    size_line(out, "fair part", machine, "want_bytes");
    size_line(out, "floor", machine, "floor_bytes");
    size_line(out, "promised", machine, "promised_bytes");
    size_line(out, "booked", machine, "booked_bytes");
    rule_line(out, "smallest size", machine, "smallest_bytes", "smallest_rule");
    size_line(out, "can be taken", machine, "takeable_bytes");
    size_line(out, "short of", machine, "short_bytes");
    size_line(out, "in the host", machine, "resident_bytes");
    size_line(out, "overhead", machine, "overhead_bytes");
}

static void show_guest(FILE *out, const json_t *machine)
{
    const json_t *guest = json_object_get(machine, "guest");
    char text[CLI_TEXT];
    char size[CLI_TEXT];
    if (json_is_integer(json_object_get(guest, "age_ms"))) {
        cli_line(out, "statistics", "%s old; total %s", cli_span(cli_number(guest, "age_ms"), text),
                 cli_size(cli_bytes(guest, "total_bytes"), size));
        cli_line(out, "swapped", "in %s, out %s", cli_size(cli_bytes(guest, "swap_in_bytes"), text),
                 cli_size(cli_bytes(guest, "swap_out_bytes"), size));
    } else {
        cli_line(out, "statistics", "none yet");
    }
    cli_line(out, "out of memory", "%s%s", cli_count(guest, "oom_kills", text),
             cli_number(guest, "oom_kills") < 0 ? "" : " programs killed by the guest");
    cli_line(out, "device, driver", "%s, %s", cli_answer_word(machine, "device", "yes", "no"),
             cli_word(machine, "driver"));
    cli_line(out, "accounting", "%s", cli_word(machine, "mode"));
}

static void show_ledger(FILE *out, const json_t *ledger)
{
    char lent[CLI_TEXT];
    char met[CLI_TEXT];
    char missed[CLI_TEXT];
    cli_line(out, "ledger", "lent %s MiB x s; peaks paid %s, not paid %s",
             cli_count(ledger, "lent_mib_s", lent), cli_count(ledger, "peaks_met", met),
             cli_count(ledger, "peaks_missed", missed));
}

static void show_identity(FILE *out, const json_t *machine)
{
    const json_t *also = json_object_get(machine, "also");
    const bool is_copy = json_is_true(json_object_get(machine, "copy"));
    cli_line(out, "UUID", "%s%s", cli_word(machine, "uuid"),
             is_copy ? ", which another machine has too: it is known by name and place" : "");
    if (json_is_object(also)) {
        cli_line(out, "also seen", "by %s %s; %s controls it", cli_string(also, "backend"),
                 cli_string(also, "where"), cli_string(machine, "backend"));
    }
}

static void show_machine(FILE *out, const json_t *machine)
{
    const json_t *decision = json_object_get(machine, "decision");
    const json_t *ballooning = json_object_get(machine, "ballooning");
    const char *hold = cli_hold(decision, "reason_text");
    cli_line(out, "name", "%s", cli_string(machine, "name"));
    cli_line(out, "kind, state", "%s, %s", cli_word(machine, "kind"), cli_word(machine, "state"));
    if (cli_string(machine, "trouble")[0] != '\0') {
        cli_line(out, "trouble", "%s", cli_string(machine, "trouble"));
    }
    cli_line(out, "where", "%s %s", cli_string(machine, "backend"), cli_string(machine, "where"));
    show_identity(out, machine);
    cli_line(out, "owner", "%s", cli_word(machine, "owner"));
    cli_line(out, "class, weight", "%s, %" PRId64, cli_string(machine, "class"),
             cli_number(machine, "weight"));
    cli_line(out, "managed", "%s", cli_answer_word(machine, "managed", "yes", "no"));
    cli_line(out, "ballooning", "%s: %s", cli_word(ballooning, "state"),
             cli_string(ballooning, "text"));
    show_memory(out, machine);
    show_guest(out, machine);
    cli_line(out, "decision", "%s: %s", cli_word(decision, "reason"),
             cli_string(decision, "reason_text"));
    if (hold[0] != '\0') {
        cli_line(out, "held", "%s: %s", cli_string(decision, "hold"), hold);
    }
    show_ledger(out, json_object_get(machine, "ledger"));
    if (cli_string(machine, "last_error")[0] != '\0') {
        cli_line(out, "last error", "%s", cli_string(machine, "last_error"));
    }
}

int cmd_show(struct cli *cli, const struct cli_args *args)
{
    json_t *machine = NULL;
    int status = cli_get_machine(cli, args->words[0], "", &machine, NULL);
    if (status != CLI_OK) {
        return status;
    }
    if (cli->json) {
        cli_put_json(cli->out, machine);
    } else {
        show_machine(cli->out, machine);
    }
    json_decref(machine);
    return CLI_OK;
}

/* ---- host ---- */

static void show_host(FILE *out, const json_t *host)
{
    char text[CLI_TEXT];
    char other[CLI_TEXT];
    size_line(out, "total", host, "total_bytes");
    size_line(out, "available", host, "available_bytes");
    cli_line(out, "swap", "%s, %s free", cli_size(cli_bytes(host, "swap_total_bytes"), text),
             cli_size(cli_bytes(host, "swap_free_bytes"), other));
    size_line(out, "saved by KSM", host, "ksm_saved_bytes");
    cli_line(out, "pressure", "some %s, full %s", cli_percent(host, "psi_some_percent", text),
             cli_percent(host, "psi_full_percent", other));
    size_line(out, "own use", host, "own_bytes");
    size_line(out, "host reserve", host, "reserve_bytes");
    size_line(out, "slush fund", host, "slush_bytes");
    size_line(out, "  of it left", host, "slush_left_bytes");
    size_line(out, "ceiling", host, "ceiling_bytes");
    size_line(out, "booked", host, "booked_bytes");
    size_line(out, "machines hold", host, "resident_bytes");
    size_line(out, "  beside RAM", host, "overhead_bytes");
    size_line(out, "arrived", host, "arrived_bytes");
    size_line(out, "on its way", host, "coming_bytes");
    size_line(out, "asked for", host, "asked_bytes");
    size_line(out, "granted", host, "granted_bytes");
    size_line(out, "taken", host, "taken_bytes");
    size_line(out, "short of", host, "short_bytes");
    size_line(out, "reserved", host, "reserved_bytes");
    size_line(out, "  of it arrived", host, "reserved_arrived_bytes");
    size_line(out, "promised", host, "promised_bytes");
    size_line(out, "not covered", host, "missing_for_promises_bytes");
    size_line(out, "can be promised", host, "could_promise_bytes");
    cli_line(out, "admits", "%s",
             cli_answer_word(host, "admit", "yes", "no, nothing new may start"));
    cli_line(out, "machines", "%s", cli_count(host, "machines", text));
    if (json_is_integer(json_object_get(host, "decided_age_ms"))) {
        cli_line(out, "decided", "%s ago", cli_span(cli_number(host, "decided_age_ms"), text));
    } else {
        cli_line(out, "decided", "not yet");
    }
}

int cmd_host(struct cli *cli, const struct cli_args *args)
{
    json_t *host = NULL;
    int status = cli_get(cli, "/v1/host", &host);
    (void)args;
    if (status != CLI_OK) {
        return status;
    }
    if (cli->json) {
        cli_put_json(cli->out, host);
    } else {
        cli_line(cli->out, "zone", "%s", cli_word(host, "zone"));
        show_host(cli->out, host);
    }
    json_decref(host);
    return CLI_OK;
}
