/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The commands' functions. Each returns an exit status and has told what was wrong.
 */

#include "tools/ballast/cli/cli.h"

int cmd_list(struct cli *cli, const struct cli_args *args);
int cmd_show(struct cli *cli, const struct cli_args *args);
int cmd_host(struct cli *cli, const struct cli_args *args);
int cmd_plan(struct cli *cli, const struct cli_args *args);
int cmd_explain(struct cli *cli, const struct cli_args *args);
int cmd_doctor(struct cli *cli, const struct cli_args *args);
int cmd_set(struct cli *cli, const struct cli_args *args);
int cmd_disable(struct cli *cli, const struct cli_args *args);
int cmd_enable(struct cli *cli, const struct cli_args *args);
int cmd_adopt(struct cli *cli, const struct cli_args *args);
int cmd_forget(struct cli *cli, const struct cli_args *args);
int cmd_expect(struct cli *cli, const struct cli_args *args);
int cmd_device(struct cli *cli, const struct cli_args *args);
int cmd_reserve(struct cli *cli, const struct cli_args *args);
int cmd_release(struct cli *cli, const struct cli_args *args);
int cmd_reservations(struct cli *cli, const struct cli_args *args);
int cmd_events(struct cli *cli, const struct cli_args *args);
int cmd_audit(struct cli *cli, const struct cli_args *args);
int cmd_history(struct cli *cli, const struct cli_args *args);
int cmd_record(struct cli *cli, const struct cli_args *args);
int cmd_replay(struct cli *cli, const struct cli_args *args);
int cmd_simulate(struct cli *cli, const struct cli_args *args);
int cmd_top(struct cli *cli, const struct cli_args *args);
int cmd_version(struct cli *cli, const struct cli_args *args);
int cmd_help(struct cli *cli, const struct cli_args *args);
