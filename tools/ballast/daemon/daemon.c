/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's life: what is opened in which order, and closed in the other. Everything that can
 * refuse comes before the first machine is touched: configuration, lock, database, host, addresses.
 */

#include "tools/ballast/daemon/daemon_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/ballast/daemon/lock.h"
#include "tools/ballast/record/recorder.h"

static int64_t clock_ms(clockid_t id)
{
    struct timespec now;

    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t daemon_now_ms(void *context)
{
    (void)context;
    return clock_ms(CLOCK_MONOTONIC);
}

int64_t daemon_wall_ms(void *context)
{
    (void)context;
    return clock_ms(CLOCK_REALTIME);
}

int64_t daemon_wall_s(void *context)
{
    (void)context;
    return clock_ms(CLOCK_REALTIME) / 1000;
}

/* ---- signals ---- */

void daemon_stop(struct daemon *daemon)
{
    /* A second signal does not wait, and --once does not take back what it just did. */
    bool at_once = daemon->farewell_ms != 0 || daemon->options->action == OPTIONS_ONCE;

    notify_stopping(&daemon->notify);
    daemon_period_stop(daemon);
    if (!at_once && daemon->config.on_exit == CONFIG_EXIT_RESTORE &&
        daemon_farewell_start(daemon)) {
        return;
    }
    daemon->ended = true;
    uv_stop(&daemon->loop);
}

static void on_end_signal(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;

    log_line(daemon->log, CONFIG_LOG_INFO, NULL, "exit", "the daemon ends: SIG%s",
             sigabbrev_np(number));
    daemon_stop(daemon);
}

static void on_hangup(uv_signal_t *handle, int number)
{
    (void)number;
    daemon_reload(handle->data);
}

/* A peer that closes, or a file that may not grow, is an error of that call and no death. */
static void ignore_signals(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
}

/* ---- handles ---- */

#define TIMERS 8

static void list_timers(struct daemon *daemon, uv_timer_t *timers[TIMERS])
{
    timers[0] = &daemon->period;
    timers[1] = &daemon->decide;
    timers[2] = &daemon->commit;
    timers[3] = &daemon->tidy;
    timers[4] = &daemon->watchdog;
    timers[5] = &daemon->farewell;
    timers[6] = &daemon->soon;
    timers[7] = &daemon->rescue;
}

static void open_handles(struct daemon *daemon)
{
    uv_timer_t *timers[TIMERS];

    list_timers(daemon, timers);
    for (size_t i = 0; i < TIMERS; i++) {
        (void)uv_timer_init(&daemon->loop, timers[i]);
        timers[i]->data = daemon;
    }
    (void)uv_signal_init(&daemon->loop, &daemon->hangup);
    (void)uv_signal_init(&daemon->loop, &daemon->terminate);
    (void)uv_signal_init(&daemon->loop, &daemon->interrupt);
    daemon->hangup.data = daemon;
    daemon->terminate.data = daemon;
    daemon->interrupt.data = daemon;
}

static void close_handles(struct daemon *daemon)
{
    uv_timer_t *timers[TIMERS];

    list_timers(daemon, timers);
    for (size_t i = 0; i < TIMERS; i++) {
        uv_close((uv_handle_t *)timers[i], NULL);
    }
    uv_close((uv_handle_t *)&daemon->hangup, NULL);
    uv_close((uv_handle_t *)&daemon->terminate, NULL);
    uv_close((uv_handle_t *)&daemon->interrupt, NULL);
}

/* ---- start ---- */

static void on_warning(void *context, const char *text)
{
    struct daemon *daemon = context;

    log_line(daemon->log, CONFIG_LOG_WARNING, NULL, "login", "%s", text);
}

static enum options_exit open_api(struct daemon *daemon)
{
    char reason[512] = "";

    if (daemon->config.tokens[0] != '\0') {
        daemon->tokens = api_tokens_read(daemon->config.tokens, reason, sizeof reason);
        if (daemon->tokens == NULL) {
            log_line(daemon->log, CONFIG_LOG_ERROR, NULL, "config", "%s", reason);
            return OPTIONS_EXIT_CONFIG;
        }
    }
    daemon->api = (struct api){
        .fleet = daemon->fleet,
        .store = daemon->store,
        .tokens = daemon->tokens,
        .now_ms = daemon_now_ms,
        .now_s = daemon_wall_s,
        .context = daemon,
        .warn = on_warning,
        .problems = daemon_problems,
        .started_s = daemon_wall_s(NULL),
        .host = &daemon->host,
        .version = OPTIONS_VERSION,
    };
    for (size_t i = 0; i < daemon->config.listen_count; i++) {
        /* Said and not refused: machines are served on a host whose folders were made in the way of
         * an earlier version, too. `ballast` looks who listens before it sends a token. */
        if (api_server_replaceable(daemon->config.listens[i], reason, sizeof reason)) {
            log_line(daemon->log, CONFIG_LOG_WARNING, NULL, "api", "%s", reason);
        }
        struct api_server *server = api_server_start(
            &daemon->loop, &daemon->api, daemon->config.listens[i], reason, sizeof reason);

        if (server == NULL) {
            log_line(daemon->log, CONFIG_LOG_ERROR, NULL, "api", "%s", reason);
            return OPTIONS_EXIT_START;
        }
        daemon->servers[daemon->server_count++] = server;
    }
    return OPTIONS_EXIT_OK;
}

static enum options_exit open_all(struct daemon *daemon)
{
    struct policy_host host;
    struct fleet_ops ops = daemon_fleet_ops(daemon);
    enum options_exit status = daemon_state_open(daemon);

    if (status != OPTIONS_EXIT_OK) {
        return status;
    }
    daemon->fleet = fleet_new(&daemon->config, &ops);
    daemon_restore_reservations(daemon);
    if (!daemon_host_read(daemon, &host)) {
        log_line(daemon->log, CONFIG_LOG_ERROR, NULL, "host", "the host's memory cannot be read");
        return OPTIONS_EXIT_START;
    }
    status = open_api(daemon);
    if (status != OPTIONS_EXIT_OK) {
        return status;
    }
    daemon->backends =
        daemon_backends_start(&daemon->loop, daemon->fleet, daemon->log, &daemon->config);
    return OPTIONS_EXIT_OK;
}

/* ---- end ---- */

static void close_all(struct daemon *daemon)
{
    daemon->ended = true;
    if (daemon->fleet != NULL) {
        fleet_save_ledgers(daemon->fleet);
    }
    /* Who asks is answered no more; then machines go, which is nobody's business now. */
    for (size_t i = 0; i < daemon->server_count; i++) {
        api_server_stop(daemon->servers[i]);
    }
    daemon->server_count = 0;
    daemon_backends_stop(daemon->backends);
    daemon_history_stop(daemon);
    close_handles(daemon);
    /* Until nothing is left: closed handles, and a checkpoint on its way. */
    (void)uv_run(&daemon->loop, UV_RUN_DEFAULT);
    if (daemon->fleet != NULL) {
        fleet_free(daemon->fleet);
    }
    daemon_state_close(daemon);
    api_tokens_free(daemon->tokens);
    recorder_free(daemon->recorder);
}

static void run(struct daemon *daemon)
{
    (void)uv_signal_start(&daemon->hangup, on_hangup, SIGHUP);
    (void)uv_signal_start(&daemon->terminate, on_end_signal, SIGTERM);
    (void)uv_signal_start(&daemon->interrupt, on_end_signal, SIGINT);
    daemon_period_start(daemon);
    daemon_history_start(daemon);
    notify_ready(&daemon->notify);
    log_line(daemon->log, CONFIG_LOG_INFO, NULL, "start", "ballastd %s watches, every %u ms",
             OPTIONS_VERSION, daemon->config.period_ms);
    while (!daemon->ended) {
        (void)uv_run(&daemon->loop, UV_RUN_DEFAULT);
    }
}

enum options_exit daemon_run(const struct options *options, struct log *log)
{
    struct daemon *daemon = calloc(1, sizeof *daemon);
    enum options_exit status = OPTIONS_EXIT_START;
    char reason[256] = "";

    if (daemon == NULL || uv_loop_init(&daemon->loop) != 0) {
        log_line(log, CONFIG_LOG_ERROR, NULL, "start", "there is no memory or no event loop");
        free(daemon);
        return OPTIONS_EXIT_START;
    }
    daemon->options = options;
    daemon->log = log;
    daemon->lock = LOCK_FAILED;
    daemon->loop.data = daemon;
    ignore_signals();
    if (!notify_open(&daemon->notify, reason, sizeof reason)) {
        log_line(log, CONFIG_LOG_WARNING, NULL, "start", "%s", reason);
    }
    if (daemon_config_read(options, log, &daemon->config)) {
        open_handles(daemon);
        status = open_all(daemon);
        if (status == OPTIONS_EXIT_OK) {
            run(daemon);
            status = daemon->status;
        }
        close_all(daemon);
        config_free(&daemon->config);
    } else {
        status = OPTIONS_EXIT_CONFIG;
    }
    (void)uv_loop_close(&daemon->loop);
    notify_close(&daemon->notify);
    log_flush(log, true);
    free(daemon);
    return status;
}
