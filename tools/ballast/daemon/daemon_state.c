/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state folder: the lock, the database in it, and what becomes of both while the daemon runs.
 * Once a period it is looked whether the files are still there. Where they were deleted, folder,
 * lock and database are made anew with all that the open database holds; where another file is in
 * their place that is a person's doing, and for a person to decide. Until then changes are refused
 * and /healthz says why.
 */

#include "tools/ballast/daemon/daemon_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/ballast/daemon/lock.h"

/* How long nothing is tried after it failed. */
#define RETRY_MS 10000
/* While the database is made anew: how much the loop has between two portions. */
#define RESCUE_PAUSE_MS 10
/* A decision that is so much later than a period is worth a word. */
#define LATE_MS 10000

/* The service manager makes it; whoever starts us by hand is spared a step. */
static bool make_folder(const struct daemon *daemon)
{
    return mkdir(daemon->config.state_folder, 0750) == 0 || errno == EEXIST;
}

enum options_exit daemon_state_open(struct daemon *daemon)
{
    char reason[512] = "";
    const char *folder = daemon->config.state_folder;

    if (!make_folder(daemon)) {
        log_line(daemon->log, CONFIG_LOG_ERROR, NULL, "state",
                 "cannot make the state folder %s: %s", folder, strerror(errno));
        return OPTIONS_EXIT_STATE;
    }
    daemon->lock = lock_take(folder, reason, sizeof reason);
    if (daemon->lock < 0) {
        log_line(daemon->log, CONFIG_LOG_ERROR, NULL, "lock", "%s", reason);
        return daemon->lock == LOCK_BUSY ? OPTIONS_EXIT_RUNNING : OPTIONS_EXIT_STATE;
    }
    daemon->store = store_open(folder, reason, sizeof reason);
    if (daemon->store == NULL) {
        log_line(daemon->log, CONFIG_LOG_ERROR, NULL, "store", "%s", reason);
        return OPTIONS_EXIT_STATE;
    }
    return OPTIONS_EXIT_OK;
}

/* ---- made anew ---- */

/* Told once, and again when it is for another reason: /healthz says all the time that it is so. */
static void rescue_failed(struct daemon *daemon, const char *why)
{
    (void)uv_timer_stop(&daemon->rescue);
    daemon->rescue_ms = daemon_now_ms(NULL) + RETRY_MS;
    if (strcmp(daemon->rescue_why, why) != 0) {
        (void)snprintf(daemon->rescue_why, sizeof daemon->rescue_why, "%s", why);
        log_line(daemon->log, CONFIG_LOG_ERROR, NULL, "store",
                 "the database cannot be made anew, and is tried again every %d s: %s",
                 RETRY_MS / 1000, why);
    }
}

/* Whoever has the folder decides about the machines. Nothing is done to them any more. */
static void end_at_once(struct daemon *daemon, const char *reason)
{
    log_line(daemon->log, CONFIG_LOG_ERROR, NULL, "lock",
             "the state folder is another daemon's now, and this one ends: %s", reason);
    notify_stopping(&daemon->notify);
    daemon_period_stop(daemon);
    daemon->status = OPTIONS_EXIT_RUNNING;
    daemon->ended = true;
    uv_stop(&daemon->loop);
}

/* The lock went with the folder. False: the rescue has to wait, or the daemon ends. */
static bool renew_lock(struct daemon *daemon)
{
    char reason[256] = "";
    int lock = LOCK_FAILED;

    if (lock_held(daemon->lock, daemon->config.state_folder)) {
        return true;
    }
    lock = lock_take(daemon->config.state_folder, reason, sizeof reason);
    if (lock == LOCK_BUSY) {
        end_at_once(daemon, reason);
        return false;
    }
    if (lock < 0) {
        rescue_failed(daemon, reason);
        return false;
    }
    lock_release(daemon->lock);
    daemon->lock = lock;
    return true;
}

static void on_rescue(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;

    switch (store_rescue(daemon->store)) {
    case STORE_RESCUE_MORE:
        break;
    case STORE_RESCUE_DONE:
        (void)uv_timer_stop(timer);
        daemon->place = STORE_THERE;
        log_line(daemon->log, CONFIG_LOG_WARNING, NULL, "store",
                 "the database was made anew with all that was kept");
        break;
    case STORE_RESCUE_FAILED:
        rescue_failed(daemon, store_error(daemon->store));
        break;
    }
}

static void rescue_start(struct daemon *daemon)
{
    if (!make_folder(daemon)) {
        rescue_failed(daemon, strerror(errno));
    } else if (renew_lock(daemon)) {
        (void)uv_timer_start(&daemon->rescue, on_rescue, 0, RESCUE_PAUSE_MS);
    }
}

void daemon_state_watch(struct daemon *daemon)
{
    enum store_place place = store_watch(daemon->store);

    if (place != daemon->place) {
        daemon->place = place;
        daemon->rescue_ms = 0;
        daemon->rescue_why[0] = '\0';
        log_line(daemon->log, place == STORE_THERE ? CONFIG_LOG_INFO : CONFIG_LOG_ERROR, NULL,
                 "store", "%s",
                 place == STORE_THERE ? "the database is there again"
                                      : store_trouble(daemon->store));
    }
    if (place == STORE_GONE && uv_is_active((uv_handle_t *)&daemon->rescue) == 0 &&
        daemon_now_ms(NULL) >= daemon->rescue_ms) {
        rescue_start(daemon);
    }
}

/* The last chance: what is not in a file now is gone with the process. */
static void rescue_now(struct daemon *daemon)
{
    enum store_rescue state = STORE_RESCUE_MORE;

    if (store_watch(daemon->store) == STORE_THERE) {
        return;
    }
    if (make_folder(daemon) && lock_held(daemon->lock, daemon->config.state_folder)) {
        while (state == STORE_RESCUE_MORE) {
            state = store_rescue(daemon->store);
        }
    }
    if (state != STORE_RESCUE_DONE) {
        log_line(daemon->log, CONFIG_LOG_ERROR, NULL, "store",
                 "what was kept is lost, because the database was deleted or replaced");
    }
}

void daemon_state_close(struct daemon *daemon)
{
    if (daemon->store != NULL) {
        rescue_now(daemon);
        if (!store_commit(daemon->store)) {
            log_line(daemon->log, CONFIG_LOG_ERROR, NULL, "store",
                     "history of the last seconds is lost: %s", store_error(daemon->store));
        }
    }
    store_close(daemon->store);
    lock_release(daemon->lock);
}

/* ---- how it goes ---- */

size_t daemon_problems(void *context, const char *texts[API_PROBLEMS])
{
    const struct daemon *daemon = context;
    const char *trouble = store_trouble(daemon->store);
    size_t count = 0;

    if (trouble[0] != '\0') {
        texts[count++] = trouble;
    }
    if (daemon->decided_ms != 0 &&
        daemon_now_ms(NULL) - daemon->decided_ms > (int64_t)daemon->config.period_ms + LATE_MS) {
        texts[count++] = "the last decision is late: no machine is given memory now";
    }
    return count;
}
