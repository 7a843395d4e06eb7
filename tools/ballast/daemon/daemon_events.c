/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fleet tells and wants to be kept. An event goes to the log, to the store, which numbers
 * it, and to everybody who follows events. Settings and reservations are on disk before the fleet
 * goes on; a target is committed a moment after it was accepted, together with others of its
 * period.
 */

#include "tools/ballast/daemon/daemon_internal.h"

#include <stdio.h>

/* How loud an event is. Decisions come by the hundred: they are in the store for who wants them. */
static enum config_log_level level_of(enum fleet_event_kind kind)
{
    switch (kind) {
    case FLEET_EVENT_TARGET:
    case FLEET_EVENT_HOLD:
        return CONFIG_LOG_DEBUG;
    case FLEET_EVENT_REFUSED:
    case FLEET_EVENT_DRIFT:
    case FLEET_EVENT_SHORT:
    case FLEET_EVENT_TROUBLE:
        return CONFIG_LOG_WARNING;
    case FLEET_EVENT_FOUND:
    case FLEET_EVENT_GONE:
    case FLEET_EVENT_RESET:
    case FLEET_EVENT_STATE:
    case FLEET_EVENT_ZONE:
    case FLEET_EVENT_SETTINGS:
    case FLEET_EVENT_SWITCH:
    case FLEET_EVENT_RESERVATION:
        return CONFIG_LOG_INFO;
    }
    return CONFIG_LOG_INFO;
}

static void on_event(void *context, const struct fleet_event *event)
{
    struct daemon *daemon = context;
    struct store_event kept = { .time_s = daemon_wall_s(NULL), .bytes = event->bytes };
    char text[API_SENTENCE];

    if (daemon->ended) {
        return;
    }
    (void)snprintf(kept.kind, sizeof kept.kind, "%s", fleet_event_name(event->kind));
    (void)snprintf(kept.machine, sizeof kept.machine, "%s",
                   event->machine != NULL ? event->machine : "");
    (void)snprintf(kept.owner, sizeof kept.owner, "%s", event->owner != NULL ? event->owner : "");
    (void)snprintf(kept.code, sizeof kept.code, "%s", event->code);
    (void)snprintf(kept.text, sizeof kept.text, "%s", event->text);
    log_line(daemon->log, level_of(event->kind), event->machine, event->code, "%s",
             api_event_sentence(&kept, text));
    kept.number = store_event_add(daemon->store, &kept);
    if (kept.number == 0) {
        log_line(daemon->log, CONFIG_LOG_ERROR, NULL, "store", "an event is not kept: %s",
                 store_error(daemon->store));
    }
    for (size_t i = 0; i < daemon->server_count; i++) {
        api_server_event(daemon->servers[i], &kept);
    }
}

static bool complain(struct daemon *daemon, const char *name, const char *what)
{
    log_line(daemon->log, CONFIG_LOG_ERROR, name, "store", "%s: %s", what,
             store_error(daemon->store));
    return false;
}

static bool meet(void *context, const struct fleet_meeting *meeting, struct fleet_kept *kept)
{
    struct daemon *daemon = context;

    if (!store_meet(daemon->store, meeting, daemon_wall_s(NULL), kept)) {
        return complain(daemon, meeting->who.name, "what is kept for the machine cannot be read");
    }
    if (store_error(daemon->store)[0] != '\0') {
        (void)complain(daemon, meeting->who.name, "a part of what is kept cannot be read");
    }
    daemon_history_commit_soon(daemon);
    return true;
}

static bool recall(void *context, const char *name, struct fleet_settings *settings)
{
    struct daemon *daemon = context;

    if (store_recall(daemon->store, name, settings)) {
        return true;
    }
    return store_error(daemon->store)[0] != '\0' &&
           complain(daemon, name, "kept settings cannot be read");
}

static bool save(void *context, const struct fleet_who *who, const struct fleet_settings *settings)
{
    struct daemon *daemon = context;

    return store_save_settings(daemon->store, who->identity, settings) ||
           complain(daemon, who->name, "settings cannot be kept");
}

static void save_target(void *context, const struct fleet_who *who, uint64_t bytes)
{
    struct daemon *daemon = context;

    if (daemon->ended) {
        return;
    }
    if (!store_save_target(daemon->store, who->identity, bytes)) {
        (void)complain(daemon, who->name, "a target cannot be kept");
    }
    daemon_history_commit_soon(daemon);
}

static void save_ledger(void *context, const struct fleet_who *who,
                        const struct fleet_ledger *ledger)
{
    struct daemon *daemon = context;

    if (!store_save_ledger(daemon->store, who->identity, ledger)) {
        (void)complain(daemon, who->name, "a ledger cannot be kept");
    }
}

static bool forget(void *context, const char *name, const char *const *present, size_t count,
                   size_t *machines)
{
    struct daemon *daemon = context;

    return store_forget(daemon->store, name, present, count, machines) ||
           complain(daemon, name, "a machine cannot be forgotten");
}

static bool expect(void *context, const char *name, const char *identity, uint32_t seconds,
                   bool *known)
{
    struct daemon *daemon = context;
    int64_t until_s = seconds == 0 ? 0 : daemon_wall_s(NULL) + seconds;

    return store_expect(daemon->store, name, identity, until_s, known) ||
           complain(daemon, name, "an announcement cannot be kept");
}

static bool expected(void *context, const char *name, char identity[FLEET_IDENTITY_MAX])
{
    struct daemon *daemon = context;

    if (store_expected(daemon->store, name, daemon_wall_s(NULL), identity)) {
        return true;
    }
    return store_error(daemon->store)[0] != '\0' &&
           complain(daemon, name, "an announcement cannot be read");
}

static bool save_reservation(void *context, const char *name, uint64_t bytes)
{
    struct daemon *daemon = context;

    return store_save_reservation(daemon->store, name, bytes) ||
           complain(daemon, name, "a reservation cannot be kept");
}

struct fleet_ops daemon_fleet_ops(struct daemon *daemon)
{
    return (struct fleet_ops){
        .context = daemon,
        .event = on_event,
        .meet = meet,
        .recall = recall,
        .save = save,
        .save_target = save_target,
        .save_ledger = save_ledger,
        .save_reservation = save_reservation,
        .forget = forget,
        .expect = expect,
        .expected = expected,
    };
}

static void restore(void *context, const char *name, uint64_t bytes)
{
    struct daemon *daemon = context;

    fleet_restore_reservation(daemon->fleet, name, bytes, daemon_now_ms(NULL));
}

void daemon_restore_reservations(struct daemon *daemon)
{
    if (!store_each_reservation(daemon->store, restore, daemon)) {
        (void)complain(daemon, NULL, "kept reservations cannot be read");
    }
}
