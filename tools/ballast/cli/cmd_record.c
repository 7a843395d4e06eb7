/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `record`, `replay`, `simulate`: what the policy did, would have done, and would do. A recording
 * is copied as it comes, line by line, so that whatever ends it leaves a file that can be replayed.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "tools/ballast/cli/cli_commands.h"
#include "tools/ballast/cli/cli_http.h"
#include "tools/ballast/cli/cli_text.h"
#include "tools/ballast/record/record.h"
#include "tools/ballast/sim/sim.h"

struct writer {
    FILE *file;
    uint64_t lines;
};

static bool write_line(void *context, const char *line, size_t size)
{
    struct writer *writer = context;
    if (size == 0) {
        return true;
    }
    (void)fwrite(line, 1, size, writer->file);
    (void)fputc('\n', writer->file);
    (void)fflush(writer->file);
    writer->lines++;
    return ferror(writer->file) == 0;
}

static int write_recording(struct cli *cli, struct writer *writer, int64_t for_ms)
{
    struct cli_stream stream = { .path = "/v1/record",
                                 .accept = "application/x-ndjson",
                                 .for_ms = for_ms,
                                 .line = write_line,
                                 .context = writer };
    int status = CLI_OK;
    cli_catch_signals();
    switch (cli_follow(cli, &stream, &status)) {
    case CLI_STREAM_FAILED:
        return status;
    case CLI_STREAM_CUT:
        cli_complain(cli, "the daemon ended the recording");
        return CLI_FAILED;
    case CLI_STREAM_ENOUGH:
        break;
    }
    return CLI_OK;
}

int cmd_record(struct cli *cli, const struct cli_args *args)
{
    const char *path = cli_value(args, "output");
    const char *span = cli_value(args, "for");
    struct writer writer = { .file = cli->out };
    int64_t for_ms = 0;
    if (span != NULL && (!cli_parse_span(span, &for_ms) || for_ms == 0)) {
        return cli_usage(cli, "--for: %s is no time; 90s or 10m is one", span);
    }
    if (path != NULL) {
        writer.file = fopen(path, "we");
        if (writer.file == NULL) {
            cli_complain(cli, "cannot write %s: %s", path, strerror(errno));
            return CLI_FAILED;
        }
    }
    int status = write_recording(cli, &writer, for_ms);
    bool lost = ferror(writer.file) != 0;
    if (path != NULL) {
        lost = fclose(writer.file) != 0 || lost;
        (void)fprintf(cli->err, "%" PRIu64 " lines written to %s\n", writer.lines, path);
    }
    if (lost) {
        cli_complain(cli, "the recording cannot be written");
        return CLI_FAILED;
    }
    return status;
}

/* ---- replay ---- */

static void print_result(struct cli *cli, const struct record_replay *result)
{
    char span[CLI_TEXT];
    if (cli->json) {
        json_t *json = json_pack(
            "{s:I, s:I, s:I, s:I, s:I, s:I}", "periods", (json_int_t)result->periods, "decisions",
            (json_int_t)result->decisions, "different", (json_int_t)result->different,
            "different_plans", (json_int_t)result->different_plans, "first_ms",
            (json_int_t)result->first_ms, "last_ms", (json_int_t)result->last_ms);
        cli_put_json(cli->out, json);
        json_decref(json);
        return;
    }
    (void)fprintf(cli->out,
                  "%" PRIu64 " periods over %s, %" PRIu64 " decisions: %" PRIu64
                  " came out otherwise\n",
                  result->periods, cli_span(result->last_ms - result->first_ms, span),
                  result->decisions, result->different);
}

int cmd_replay(struct cli *cli, const struct cli_args *args)
{
    const char *path = args->words[0];
    bool standard = strcmp(path, "-") == 0;
    FILE *in = standard ? stdin : fopen(path, "re");
    struct record_replay result;
    unsigned long line = 0;
    char reason[160];
    if (in == NULL) {
        cli_complain(cli, "cannot read %s: %s", path, strerror(errno));
        return CLI_FAILED;
    }
    bool good =
        record_replay(in, cli->json ? NULL : cli->out, &result, &line, reason, sizeof(reason));
    if (!standard) {
        (void)fclose(in);
    }
    if (!good) {
        cli_complain(cli, "%s:%lu: %s", path, line, reason);
        return CLI_FAILED;
    }
    print_result(cli, &result);
    return result.different == 0 && result.different_plans == 0 ? CLI_OK : CLI_FAILED;
}

/* ---- simulate ---- */

int cmd_simulate(struct cli *cli, const struct cli_args *args)
{
    (void)cli;
    return sim_main(args->argc, args->argv);
}
