/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration, at the start, on SIGHUP and for --check. A new one is taken whole or not at
 * all; with a complaint the last good one stays. What cannot change while the daemon runs (the
 * state folder, the addresses it listens at) is said and waits for a restart.
 */

#include "tools/ballast/daemon/daemon_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void complain_to_log(void *context, const char *file, int line, const char *text)
{
    if (line > 0) {
        log_line(context, CONFIG_LOG_ERROR, NULL, "config", "%s:%d: %s", file, line, text);
    } else {
        log_line(context, CONFIG_LOG_ERROR, NULL, "config", "%s: %s", file, text);
    }
}

static void complain_to_file(void *context, const char *file, int line, const char *text)
{
    if (line > 0) {
        (void)fprintf(context, "%s:%d: %s\n", file, line, text);
    } else {
        (void)fprintf(context, "%s: %s\n", file, text);
    }
}

/* The default file may be absent: then every setting has its default. */
static bool read_file(const struct options *options, struct config *config,
                      config_complain *complain, void *context, bool *absent)
{
    *absent = !options->config_given && access(options->config, F_OK) != 0 && errno == ENOENT;
    if (*absent) {
        config_default(config);
        return true;
    }
    return config_read(options->config, config, complain, context);
}

bool daemon_config_read(const struct options *options, struct log *log, struct config *config)
{
    bool absent = false;

    if (!read_file(options, config, complain_to_log, log, &absent)) {
        return false;
    }
    for (size_t i = 0; i < CONFIG_RENAMED; i++) {
        char text[160];
        int line;
        if (config_renamed(config, i, &line, text, sizeof text)) {
            log_line(log, CONFIG_LOG_WARNING, NULL, "config", "%s:%d: %s", options->config, line,
                     text);
        }
    }
    if (absent) {
        log_line(log, CONFIG_LOG_INFO, NULL, "config",
                 "there is no %s: every setting has its default", options->config);
    }
    log_configure(log, config->log_format,
                  options->log_level_given ? options->log_level : config->log_level);
    return true;
}

static bool same_listens(const struct config *a, const struct config *b)
{
    if (a->listen_count != b->listen_count) {
        return false;
    }
    for (size_t i = 0; i < a->listen_count; i++) {
        if (strcmp(a->listens[i], b->listens[i]) != 0) {
            return false;
        }
    }
    return true;
}

/* What is in use stays, and the configuration says what is in use. */
static void keep_fixed(struct daemon *daemon, struct config *fresh)
{
    const struct config *now = &daemon->config;

    if (strcmp(now->state_folder, fresh->state_folder) != 0) {
        log_line(daemon->log, CONFIG_LOG_WARNING, NULL, "config",
                 "another state folder takes a restart: %s stays in use", now->state_folder);
        memcpy(fresh->state_folder, now->state_folder, sizeof fresh->state_folder);
    }
    if (!same_listens(now, fresh)) {
        log_line(daemon->log, CONFIG_LOG_WARNING, NULL, "config",
                 "other addresses to listen at take a restart: those in use stay");
        memcpy(fresh->listens, now->listens, sizeof fresh->listens);
        fresh->listen_count = now->listen_count;
    }
}

/* The tokens are read again too, so that one can be withdrawn; a file that is wrong changes none.
 */
static bool read_tokens(struct daemon *daemon, const struct config *fresh,
                        struct api_tokens **tokens)
{
    char reason[512] = "";

    *tokens = NULL;
    if (fresh->tokens[0] == '\0') {
        return true;
    }
    *tokens = api_tokens_read(fresh->tokens, reason, sizeof reason);
    if (*tokens == NULL) {
        log_line(daemon->log, CONFIG_LOG_ERROR, NULL, "config", "%s", reason);
    }
    return *tokens != NULL;
}

static void take(struct daemon *daemon, struct config *fresh, struct api_tokens *tokens)
{
    struct config old = daemon->config;
    struct api_tokens *old_tokens = daemon->tokens;

    keep_fixed(daemon, fresh);
    daemon->config = *fresh;
    daemon->tokens = tokens;
    daemon->api.tokens = tokens;
    api_tokens_free(old_tokens);
    for (size_t i = 0; i < daemon->server_count; i++) {
        api_server_tokens_changed(daemon->servers[i]);
    }
    fleet_configure(daemon->fleet, &daemon->config, daemon_now_ms(NULL));
    daemon_backends_configure(daemon->backends, &daemon->config);
    config_free(&old);
    uv_timer_set_repeat(&daemon->period, daemon->config.period_ms);
    log_line(daemon->log, CONFIG_LOG_INFO, NULL, "config", "the configuration was read again");
}

void daemon_reload(struct daemon *daemon)
{
    struct config fresh = { 0 };
    struct api_tokens *tokens = NULL;

    notify_reloading(&daemon->notify);
    if (daemon_config_read(daemon->options, daemon->log, &fresh)) {
        if (read_tokens(daemon, &fresh, &tokens)) {
            take(daemon, &fresh, tokens);
        } else {
            config_free(&fresh);
            log_configure(daemon->log, daemon->config.log_format,
                          daemon->options->log_level_given ? daemon->options->log_level
                                                           : daemon->config.log_level);
            log_line(daemon->log, CONFIG_LOG_WARNING, NULL, "config",
                     "the last good configuration stays");
        }
    } else {
        log_line(daemon->log, CONFIG_LOG_WARNING, NULL, "config",
                 "the last good configuration stays");
    }
    notify_ready(&daemon->notify);
}

/* What a configuration means, for a person. */
static void summarize(const struct options *options, const struct config *config, bool absent,
                      FILE *out)
{
    char reason[512] = "";

    (void)fprintf(out, "%s: %s\n", options->config,
                  absent ? "there is none, every setting has its default" : "nothing is wrong");
    for (size_t i = 0; i < CONFIG_RENAMED; i++) {
        int line;
        if (config_renamed(config, i, &line, reason, sizeof reason)) {
            (void)fprintf(out, "  warning   line %d: %s\n", line, reason);
        }
    }
    (void)fprintf(out, "period      %u ms\n", config->period_ms);
    (void)fprintf(out, "machines    %s%s%s, %zu named in the file\n",
                  config->qmp_folder[0] != '\0' ? "sockets in " : "no folder of sockets",
                  config->qmp_folder, config->libvirt_uri_count > 0 ? " and through libvirt" : "",
                  config->machine_count);
    for (size_t i = 0; i < config->libvirt_uri_count; i++) {
        (void)fprintf(out, "libvirt     %s\n", config->libvirt_uris[i]);
    }
    for (size_t i = 0; i < config->listen_count; i++) {
        (void)fprintf(out, "listens at  %s\n", config->listens[i]);
        if (api_server_replaceable(config->listens[i], reason, sizeof reason)) {
            (void)fprintf(out, "  warning   %s\n", reason);
        }
    }
    (void)fprintf(out, "state       %s, history kept %u hours, %u days, %u days\n",
                  config->state_folder, config->raw_hours, config->minute_days,
                  config->quarter_days);
}

enum options_exit daemon_check(const struct options *options, FILE *out, FILE *err)
{
    struct config config = { 0 };
    struct api_tokens *tokens = NULL;
    char reason[512] = "";
    bool absent = false;

    if (!read_file(options, &config, complain_to_file, err, &absent)) {
        return OPTIONS_EXIT_CONFIG;
    }
    if (config.tokens[0] != '\0') {
        tokens = api_tokens_read(config.tokens, reason, sizeof reason);
        if (tokens == NULL) {
            (void)fprintf(err, "%s: %s\n", options->config, reason);
            config_free(&config);
            return OPTIONS_EXIT_CONFIG;
        }
        api_tokens_free(tokens);
    }
    summarize(options, &config, absent, out);
    config_free(&config);
    return OPTIONS_EXIT_OK;
}
