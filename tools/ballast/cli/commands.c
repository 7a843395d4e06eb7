/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of commands: names, arguments, options and help. The command line is read by it, help is
 * printed from it, and tests hold the manual page and the completion against it.
 */

#include "tools/ballast/cli/cli_commands.h"

const struct cli_option cli_global_options[] = {
    { "json", '\0', NULL, "print the daemon's JSON, for programs" },
    { "socket", '\0', "PATH", "the daemon's unix socket (/run/ballast/api.sock)" },
    { "url", '\0', "URL", "or its address: http://127.0.0.1:PORT, unix:PATH ($BALLAST_URL)" },
    { "token-file", '\0', "FILE", "a file with the token to show ($BALLAST_TOKEN_FILE)" },
    { "no-color", '\0', NULL, "no colours ($NO_COLOR)" },
    { "help", 'h', NULL, "this help" },
    { "version", '\0', NULL, "the version" },
    { .name = NULL },
};

static const struct cli_option no_options[] = { { .name = NULL } };

static const struct cli_option list_options[] = {
    { "names", '\0', NULL, "names only, one a line" },
    { .name = NULL },
};

static const struct cli_option top_options[] = {
    { "delay", 'd', "TIME", "time between two pictures (2s)" },
    { "number", 'n', "N", "end after so many pictures" },
    { "batch", 'b', NULL, "plain text, one picture after the other; so it is in a pipe" },
    { "sort", 's', "COLUMN", "name, now, used, demand, maximum or move" },
    { "reverse", 'r', NULL, "the other way round" },
    { .name = NULL },
};

static const struct cli_option set_options[] = {
    { "min", '\0', "SIZE", "what it is guaranteed; \"50%\" is a part of its maximum" },
    { "max", '\0', "SIZE", "the most it is given; \"100%\" is all its RAM" },
    { "weight", '\0', "N", "1 to 50000: its part of what is contended; 1000 is the default" },
    { "class", '\0', "CLASS", "guaranteed, burst or spare" },
    { "owner", '\0', "NAME", "whose it is; \"\" for nobody's" },
    { "managed", '\0', "yes|no", "no: it is shown, and never touched" },
    { .name = NULL },
};

static const struct cli_option reserve_options[] = {
    { "for", '\0', "NAME", "what it is for: a machine that will start, or any word" },
    { .name = NULL },
};

static const struct cli_option expect_options[] = {
    { "for", '\0', "TIME", "for so long (15m), at most 24h" },
    { "cancel", '\0', NULL, "it is not expected any more" },
    { .name = NULL },
};

static const struct cli_option events_options[] = {
    { "follow", 'f', NULL, "go on, and print events as they happen" },
    { "machine", 'm', "VM", "of this machine only" },
    { "after", '\0', "N", "those after the event of this number" },
    { "limit", '\0', "N", "at most so many (100)" },
    { .name = NULL },
};

static const struct cli_option audit_options[] = {
    { "from", '\0', "TIME", "since then: \"2h\", \"2026-11-21 10:00\", unix seconds" },
    { "limit", '\0', "N", "at most so many, the newest (100)" },
    { .name = NULL },
};

static const struct cli_option history_options[] = {
    { "step", '\0', "STEP", "raw, minute or quarter; by the length of time if not given" },
    { "from", '\0', "TIME", "from then on (1h): \"2h\" ago, \"2026-11-21 10:00\", unix seconds" },
    { "to", '\0', "TIME", "up to then (now)" },
    { "limit", '\0', "N", "at most so many points, the newest (1000)" },
    { "csv", '\0', NULL, "comma separated values, sizes in bytes" },
    { .name = NULL },
};

static const struct cli_option record_options[] = {
    { "output", 'o', "FILE", "write it there, not to standard output" },
    { "for", '\0', "TIME", "end after this long; else ctrl-C ends it" },
    { .name = NULL },
};

const struct cli_command cli_commands[] = {
    { "list", "", 0, 0, false, "all machines",
      "Lists the machines with what each has now, its target, guaranteed and maximum memory, what\n"
      "it uses, and why its target is what it is.",
      list_options, "list\nlist --names\nlist --json", cmd_list },
    { "show", "VM", 1, 1, false, "everything about a machine",
      "Shows settings, memory, statistics of the guest, and the last decision.", no_options,
      "show web", cmd_show },
    { "top", "", 0, 0, false, "machines and memory, live",
      "Shows host and machines until q or ctrl-C is pressed. Letters choose the column to sort "
      "by:\n"
      "n name, w memory now, u used, d demand, x maximum, m move; r turns the order round.",
      top_options, "top\ntop --sort demand\ntop --batch -n 3 -d 5s", cmd_top },
    { "plan", "", 0, 0, false, "what would happen next, and why",
      "Decides once more without carrying it out: each machine's next target and the reason.",
      no_options, "plan\nplan --json", cmd_plan },
    { "explain", "VM", 1, 1, false, "why a machine has what it has",
      "Says in sentences why the machine's target is what it is, and what would change it.",
      no_options, "explain web", cmd_explain },
    { "set", "VM", 1, 1, false, "change a machine's settings",
      "Changes what is given, nothing else. Guaranteed memory that the host cannot promise is\n"
      "refused, with the amount that is missing.",
      set_options, "set web --min 1G --weight 2000\nset db --class guaranteed\nset web --min 50%",
      cmd_set },
    { "disable", "VM", 1, 1, false, "switch ballooning off for a machine",
      "The machine gets its maximum at once and keeps it; the device is left out at its next\n"
      "start. Refused, with the missing amount, when the host cannot honour that.",
      no_options, "disable db", cmd_disable },
    { "enable", "VM", 1, 1, false, "switch ballooning on for a machine",
      "The machine shares memory again, at once if it has the device, else after its next start.",
      no_options, "enable db", cmd_enable },
    { "adopt", "VM", 1, 1, false, "take over a machine that another manager moved",
      "Ends the state \"foreign\": the machine is controlled again, from what it has now.",
      no_options, "adopt web", cmd_adopt },
    { "expect", "VM", 1, 1, false, "a machine will start or be installed anew",
      "Announces that the machine is started or installed anew: the next machine of its name "
      "takes\n"
      "over owner, switch, settings, ledger and history although its UUID is another. Without "
      "that\n"
      "another UUID is another machine, which starts from the configuration's settings.",
      expect_options, "expect web\nexpect web --for 2h\nexpect web --cancel", cmd_expect },
    { "forget", "VM", 1, 1, false, "forget what is kept for a machine",
      "Forgets settings, ledger and history of a machine that does not run, or of earlier ones of\n"
      "that name. Refused when the machine runs and there was no earlier one.",
      no_options, "forget web", cmd_forget },
    { "device", "VM", 1, 1, false, "QEMU's words for a machine's balloon device",
      "For start scripts: prints the words for QEMU's command line, or nothing when ballooning is\n"
      "switched off for the machine. It need not run: what was saved for it counts, or the\n"
      "configuration's default. Look at the exit status: without an answer of the daemon nothing\n"
      "is printed either.",
      no_options, "device web", cmd_device },
    { "reserve", "SIZE", 1, 1, false, "have machines make room",
      "Promises memory to something that will start. Machines make room for it; a machine of that\n"
      "name takes it over when it appears.",
      reserve_options, "reserve 4G --for build", cmd_reserve },
    { "release", "NAME", 1, 1, false, "end a reservation", "Ends the reservation of that name.",
      no_options, "release build", cmd_release },
    { "reservations", "", 0, 0, false, "all reservations",
      "Lists reservations, and how much of each has arrived: has come free for it.", no_options,
      "reservations", cmd_reservations },
    { "doctor", "VM", 1, 1, false, "is ballooning all right for a machine?",
      "Checks device, driver, features, statistics and what could hinder, with a verdict in "
      "words.\n"
      "Exit status 1 when something is bad.",
      no_options, "doctor web", cmd_doctor },
    { "events", "", 0, 0, false, "what happened",
      "Prints what happened. With --follow it goes on; a connection that is lost is made again,\n"
      "and no event is lost that the daemon still has.",
      events_options, "events\nevents -f --machine web\nevents --after 120 --json", cmd_events },
    { "history", "[VM]", 0, 1, false, "memory over time",
      "Prints the history of a machine, or of the host when none is named.", history_options,
      "history web --from 6h --step minute\nhistory --from 2026-11-21 --csv", cmd_history },
    { "audit", "", 0, 0, false, "who changed what", "Prints the audit log: changes and refusals.",
      audit_options, "audit --from 24h", cmd_audit },
    { "record", "", 0, 0, false, "record what goes into the policy and comes out",
      "Writes a recording for `ballast replay` and `ballast simulate`, as lines of JSON.",
      record_options, "record -o day.ndjson --for 1h", cmd_record },
    { "replay", "FILE", 1, 1, false, "decide a recording again",
      "Decides every period of a recording again with this program's policy, and tells each\n"
      "difference. \"-\" is standard input. Exit status 1 when something differs.",
      no_options, "replay day.ndjson", cmd_replay },
    { "simulate", "[OPTION...]", 0, 0, true, "simulate hosts full of machines",
      "Runs the policy, and those of other managers, on simulated hosts and scores them.\n"
      "`ballast simulate --help` lists its options.",
      no_options, "simulate --help", cmd_simulate },
    { "host", "", 0, 0, false, "the host's memory and zone",
      "Shows how short the host is of memory, what is promised, and what may be given.", no_options,
      "host", cmd_host },
    { "version", "", 0, 0, false, "the version", "Prints the version.", no_options, "version",
      cmd_version },
    { "help", "[COMMAND]", 0, 1, false, "help", "Prints help, for one command if it is named.",
      no_options, "help set", cmd_help },
    { .name = NULL },
};
