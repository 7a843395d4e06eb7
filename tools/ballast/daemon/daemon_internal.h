/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the daemon's files share. One thread, but for checkpoints of the store, which touch nothing
 * here but struct daemon_checkpoint.
 */

#include <uv.h>

#include "tools/ballast/api/api_server.h"
#include "tools/ballast/daemon/daemon.h"
#include "tools/ballast/daemon/daemon_backends.h"
#include "tools/ballast/daemon/notify.h"
#include "tools/ballast/host/host.h"

/* A checkpoint on its way in another thread. */
struct daemon_checkpoint {
    uv_work_t work;
    bool running;
    bool good;
    char folder[256];
    char reason[512];
};

struct daemon {
    const struct options *options;
    struct log *log;
    struct config config;
    struct notify notify;
    int lock;
    struct store *store;
    enum store_place place;   /* of its files, as it was told last */
    int64_t rescue_ms;        /* it is not made anew before */
    char rescue_why[256];     /* why that failed, as it was told last */
    enum options_exit status; /* what the daemon ends with */
    struct fleet *fleet;
    struct daemon_backends *backends;
    struct api api;
    struct api_tokens *tokens;
    struct api_server *servers[CONFIG_LISTENS_MAX];
    size_t server_count;
    struct recorder *recorder; /* NULL: nobody records */
    /* The loop, and our handles on it. */
    uv_loop_t loop;
    uv_timer_t period;   /* asks the machines, */
    uv_timer_t decide;   /* and decides a moment later */
    uv_timer_t commit;   /* of the store */
    uv_timer_t soon;     /* the same, before its time */
    uv_timer_t tidy;     /* runs while there is something to tidy */
    uv_timer_t rescue;   /* runs while the database is made anew */
    uv_timer_t watchdog; /* tells the service manager */
    uv_timer_t farewell; /* waits for machines to be given their maximum */
    uv_signal_t hangup;
    uv_signal_t terminate;
    uv_signal_t interrupt;
    struct daemon_checkpoint checkpoint;
    /* How it goes. */
    struct host_memory host;
    unsigned polls;      /* periods since the start */
    unsigned commits;    /* of the store's timer */
    int64_t decided_ms;  /* the last decision */
    int64_t farewell_ms; /* when the farewell began; 0: it did not */
    bool ended;          /* the loop ends */
};

/* ---- clocks (daemon.c) ---- */

int64_t daemon_now_ms(void *context);  /* monotonic: the fleet's */
int64_t daemon_wall_ms(void *context); /* since 1970 */
int64_t daemon_wall_s(void *context);

/* Begins to end: at once, or when machines have their maximum. */
void daemon_stop(struct daemon *daemon);

/* ---- the state folder (daemon_state.c) ---- */

/* The lock and the database, which the lock protects. */
enum options_exit daemon_state_open(struct daemon *daemon);

/* Once a period: what was deleted is made anew. */
void daemon_state_watch(struct daemon *daemon);

/* The last commit, and the end of both. */
void daemon_state_close(struct daemon *daemon);

/* What is wrong with the daemon, for /healthz: `context` is the daemon. */
size_t daemon_problems(void *context, const char *texts[API_PROBLEMS]);

/* ---- the period (daemon_period.c) ---- */

/* False: not even the host's total can be told. */
bool daemon_host_read(struct daemon *daemon, struct policy_host *host);

void daemon_period_start(struct daemon *daemon);
void daemon_period_stop(struct daemon *daemon);

/* ---- recordings (daemon_record.c) ---- */

/* Just before a decision. False: nobody records it, or there is no memory for that. */
bool daemon_record_before(struct daemon *daemon);
/* Just behind it, if it is recorded. */
void daemon_record_after(struct daemon *daemon, int64_t now_ms);

/* ---- events and what the fleet keeps (daemon_events.c) ---- */

struct fleet_ops daemon_fleet_ops(struct daemon *daemon);
void daemon_restore_reservations(struct daemon *daemon);

/* ---- history (daemon_history.c) ---- */

/* The points of this period. */
void daemon_history_add(struct daemon *daemon, const struct policy_host *host);

/* Something is in the store that should not wait for the next commit. */
void daemon_history_commit_soon(struct daemon *daemon);

/* Commits, tidies and moves the log into the database, each when it is time. */
void daemon_history_start(struct daemon *daemon);
void daemon_history_stop(struct daemon *daemon);

/* ---- configuration (daemon_reload.c) ---- */

/* Reads the file that the options name into *config. False: complaints were logged. */
bool daemon_config_read(const struct options *options, struct log *log, struct config *config);

/* SIGHUP: the new configuration, or with a complaint the last good one. */
void daemon_reload(struct daemon *daemon);

/* ---- the end (daemon_farewell.c) ---- */

/* on-exit = restore: gives every machine its maximum. False: none has to be waited for. */
bool daemon_farewell_start(struct daemon *daemon);
