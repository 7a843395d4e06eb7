/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the fleet's files share, and its tests look at: the whole state, and what one file does for
 * the others.
 */

#include <string.h>

#include "tools/ballast/fleet/fleet.h"

/* How a peak of a machine goes: see fleet_ledger.c. */
enum fleet_peak {
    FLEET_PEAK_NONE,
    FLEET_PEAK_OPEN,   /* demand that was not granted yet */
    FLEET_PEAK_CLOSED, /* met or missed, and counted */
};

/* A machine with what only the fleet knows of it. `shown` is the first member: pointers to it are
 * pointers to this. */
struct fleet_entry {
    struct fleet_machine shown;
    char base[FACTS_NAME_MAX]; /* the name that its backend gave it */
    pid_t pid;                 /* that its identity was found with */
    char uuid[FACTS_UUID_MAX];
    struct fleet_entry *leader; /* it is the same process as this one, which stands for it */
    struct config_size min;     /* as said, of RAM that may not be known yet */
    struct config_size max;
    bool active;           /* part of the last decision */
    bool device_awaited;   /* switched on while it ran without a device */
    bool told;             /* there were facts, not trouble alone */
    bool in_flight;        /* a target is unanswered: */
    bool overdue;          /* or was given up, */
    uint64_t flight_bytes; /* this, */
    int64_t flight_ms;     /* sent then */
    int64_t retry_ms;      /* a refused target is not repeated before, */
    uint32_t retry_pause_ms;
    enum policy_hold hold; /* as told by events */
    enum policy_drift drift;
    bool behind;
    bool below;
    bool held; /* switched off, and it has its maximum */
    enum fleet_peak peak;
    uint32_t peak_periods;
    int64_t evidence_ms; /* only what was seen later tells something of its guest */
    int64_t ledger_ms;
    uint64_t lent_rest;        /* bytes x ms below one MiB x s */
    struct fleet_ledger saved; /* as it was kept last */
};

typedef void fleet_decide(const struct policy_settings *settings, const struct policy_host *host,
                          struct policy_host_memory *host_memory, struct policy_machine *machines,
                          size_t count, int64_t now_ms, struct policy_plan *plan);

struct fleet {
    struct fleet_ops ops;
    struct policy_settings policy;
    struct config_machine common;
    struct config_machine *sections; /* sorted by name */
    size_t section_count;
    fleet_decide *decide; /* policy_decide(), but for tests of what happens around it */
    /* Machines, sorted by name. */
    struct fleet_machine **machines;
    size_t count;
    /* Further ways to machines that are in `machines`, in no order. */
    struct fleet_entry **followers;
    size_t follower_count;
    /* The last period. */
    struct policy_machine *round; /* the active machines, in the same order; room for all */
    struct policy_host host;
    struct policy_host_memory host_memory;
    struct policy_plan plan;
    bool planned;                           /* there was one */
    bool promises_missing;                  /* as told by an event */
    size_t refused_next;                    /* the refused machine that is looked at next */
    struct books_reservation *reservations; /* the oldest first */
    size_t reservation_count;
};

static inline struct fleet_entry *fleet_entry_of(struct fleet_machine *machine)
{
    return (struct fleet_entry *)machine;
}

/* Only libvirt's users can make its domains, and it keeps the definition in which the switch is
 * saved. */
static inline bool fleet_is_libvirt(const struct fleet_entry *entry)
{
    return strcmp(entry->shown.backend->name, "libvirt") == 0;
}

/* ---- fleet.c ---- */

/* Another machine begins in this entry. Its name, the way to it and its last facts stay; the rest
 * is as of a machine that was just found. */
void fleet_entry_anew(struct fleet_entry *entry, int64_t now_ms);

/* ---- fleet_event.c ---- */

/* Raises an event; `machine` may be NULL for the host. */
void fleet_raise(const struct fleet *fleet, enum fleet_event_kind kind,
                 const struct fleet_machine *machine, uint64_t bytes, const char *code,
                 int64_t now_ms, const char *format, ...) __attribute__((format(printf, 7, 8)));

/* ---- fleet_name.c ---- */

/* Puts a machine among the others; its name must be free. Takes it away again. */
void fleet_put_in(struct fleet *fleet, struct fleet_machine *machine);
void fleet_take_out(struct fleet *fleet, const struct fleet_machine *machine);

/* Writes the base, or where that is taken the base and a number. */
void fleet_name_first(const struct fleet *fleet, const char *base, char name[FACTS_NAME_MAX]);

/* Gives the machines of one base their names, which do not depend on the order in which they came:
 * the base to one of them, the base and a part of its identity to each other one. Settings follow
 * sections of the new name. */
void fleet_name_settle(struct fleet *fleet, const char *base, int64_t now_ms);

/* ---- fleet_identity.c ---- */

/* There are whole facts of a machine: finds out who it is, if that is not known or not the same any
 * more. False: it is a machine that is there already, and nothing more is to be done. */
bool fleet_identify(struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms);

struct fleet_who fleet_who_of(const struct fleet_entry *entry);

/* The machine of this identity that is there, or NULL. */
struct fleet_entry *fleet_present(const struct fleet *fleet, const char *identity);

/* A new process has no target, whatever the one before was told. */
void fleet_target_forget(const struct fleet *fleet, struct fleet_entry *entry);

/* ---- fleet_twin.c ---- */

/* Two entries are one process: one of them follows the other from here on. */
void fleet_join(struct fleet *fleet, struct fleet_entry *one, struct fleet_entry *other,
                int64_t now_ms);

/* A follower told whole facts. False: it is still the same process. True: it is not, and a machine
 * of its own again, of which nothing is known. */
bool fleet_part(struct fleet *fleet, struct fleet_entry *follower, int64_t now_ms);

/* The leader is gone. True: a follower stands in its place now, and nothing leads to it any more.
 */
bool fleet_succeed(struct fleet *fleet, struct fleet_entry *leader, int64_t now_ms);

/* The leader is another process: whoever followed it is a machine of its own. */
void fleet_disband(struct fleet *fleet, struct fleet_entry *leader, int64_t now_ms);

/* A follower is gone. */
void fleet_unfollow(struct fleet *fleet, struct fleet_entry *follower, int64_t now_ms);

/* ---- fleet_settings.c ---- */

/* The section of the file with this name, or NULL. */
const struct config_machine *fleet_section(const struct fleet *fleet, const char *name);

/* Resolves settings anew and tells when they are others. */
void fleet_settings_refresh(struct fleet *fleet, struct fleet_entry *entry, const char *why,
                            int64_t now_ms);

/* Settings of a machine from the file, where no command said otherwise, for the RAM that it has. */
void fleet_settings_resolve(struct fleet *fleet, struct fleet_entry *entry);

/* ---- fleet_tick.c ---- */

/* The policy's input for a machine with these settings, without its memory. False: it has no part
 * in decisions, because nothing of it is in memory or nothing is known of it. */
bool fleet_input(const struct fleet_machine *machine, const struct fleet_settings *settings,
                 int64_t now_ms, struct policy_machine *input);

/* Inputs of all active machines into fleet->round, with their memories. Returns how many. */
size_t fleet_gather(struct fleet *fleet, int64_t now_ms);

/* ---- fleet_undecided.c ---- */

/* What stands for a machine without part in a decision: see fleet_decided(). */
struct policy_machine fleet_undecided(const struct policy_memory *memory);

/* ---- fleet_evidence.c ---- */

/* Concludes facts.driver and facts.reports of new facts; `before` are those that they replace. */
void fleet_evidence(const struct fleet *fleet, struct fleet_entry *entry,
                    const struct facts *before, int64_t now_ms);

/* ---- fleet_follow.c ---- */

/* Tells when a size begins or ends to stand away from its target, or below what was promised. */
void fleet_follow_tell(const struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms);

/* ---- fleet_ledger.c ---- */

void fleet_ledger_update(struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms);

/* At the end of a machine, and now and then. */
void fleet_ledger_save(const struct fleet *fleet, struct fleet_entry *entry);

/* ---- fleet_admit.c ---- */

/* The books' promises if `machine` (NULL: nobody) had these settings and reservations were
 * `reserved_bytes`. */
struct books_host fleet_ask(struct fleet *fleet, const struct fleet_machine *machine,
                            const struct fleet_settings *settings, uint64_t reserved_bytes,
                            int64_t now_ms);
/* What would then be missing to keep all promises, if that is more than now; 0: it is not. Before
 * the first period nothing is known of the host, and all that raises a promise is missing. */
uint64_t fleet_missing_more(struct fleet *fleet, const struct fleet_machine *machine,
                            const struct fleet_settings *settings, int64_t now_ms);
void fleet_watch_promises(struct fleet *fleet, int64_t now_ms);

/* ---- fleet_switch.c ---- */

/* Why a machine cannot balloon at all, as a sentence, or NULL. */
const char *fleet_unsupported(const struct facts *facts);

/* Finds the state of the switch anew, and raises an event when it is another. */
void fleet_switch_update(struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms);

/* What a machine has less than the maximum at which the switch holds it; 0: nothing, or it is not
 * switched off, or its size is not known. */
uint64_t fleet_switch_lacks(const struct fleet_machine *machine);

/* Has the backend see to the device at the next start. */
void fleet_switch_arrange(struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms);

/* ---- fleet_reserve.c ---- */

uint64_t fleet_reserved(const struct fleet *fleet);
/* A machine is there and its memory booked: a reservation of its name ends. */
void fleet_reservation_taken(struct fleet *fleet, const struct fleet_machine *machine,
                             int64_t now_ms);
/* Tells each reservation what of it is free already. */
void fleet_reservations_update(struct fleet *fleet);
