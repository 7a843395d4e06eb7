/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The fleet: all machines of one host with their settings, what is known of them and what was
 * decided. It calls the policy and has its decisions carried out. It knows no event loop, no
 * sockets and no clock, so that the daemon, tests and the dry run use it alike: the time is told
 * with each call, in milliseconds of one monotonic clock. One thread.
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/ballast/config/config.h"
#include "tools/ballast/fleet/facts.h"
#include "tools/ballast/policy/policy.h"

struct fleet;

/* ---- settings: what the operator and the owner say ---- */

struct fleet_settings {
    enum policy_class class;
    uint64_t min_bytes; /* guaranteed */
    uint64_t max_bytes; /* 0: all its RAM */
    uint32_t weight;
    bool ballooning; /* the switch, as saved */
    bool managed;    /* false: shown, never touched */
    char owner[CONFIG_NAME_MAX];
    uint64_t revision;  /* counts changes of this machine's settings: its ETag */
    uint32_t commanded; /* bits of enum config_given: what somebody changed by command; the rest
                         * follows the configuration file. Loaded as 0: all of it */
};

/* The switch, as people see it. */
enum fleet_switch {
    FLEET_SWITCH_ENABLED,
    FLEET_SWITCH_DISABLED,        /* off, and the running machine has no device */
    FLEET_SWITCH_PENDING_RESTART, /* saved, but the running machine is otherwise: while it runs
                                   * without ballooning it is held at its maximum */
    FLEET_SWITCH_REFUSED,         /* switching off was asked for and could not be honoured */
    FLEET_SWITCH_UNSUPPORTED,     /* there is none: see fleet_machine.unsupported */
};

/* ---- what a backend offers ---- */

struct fleet_backend {
    const char *name; /* "qmp", "libvirt", "cgroup" */
    /* Sends a target. True: it is on its way, and fleet_target_done() will tell how it went
     * (possibly before this returns). After 10 s without that the fleet tells trouble and may send
     * another; an answer that comes later still counts if none was. */
    bool (*set_target)(void *handle, uint64_t bytes);
    /* Has the device (not) be there at the next start, where the backend can arrange that (NULL:
     * it cannot, whoever starts the machine asks `ballast device`). */
    bool (*set_device)(void *handle, bool present);
};

/* ---- the customer's ledger ---- */

/* Counted since this machine was found for the first time. */
struct fleet_ledger {
    uint64_t lent_mib_s; /* MiB x s below its maximum */
    uint32_t peaks_met;  /* peaks that were paid within two periods, or not */
    uint32_t peaks_missed;
};

/* ---- who a machine is ---- */

/* Settings, owner and switch, the last target, the ledger and the history hang on a machine's
 * identity, not on its name: on its UUID, or on "NAME at PLACE" where it has none. A machine whose
 * UUID another process already has is no more than its name and place, too. */
#define FLEET_IDENTITY_MAX 208U

/* A machine, for whoever keeps what belongs to it. Strings are never NULL. */
struct fleet_who {
    const char *identity;
    const char *name; /* that its backend gave it */
};

/* What is asked when it becomes known who a machine is. */
struct fleet_meeting {
    struct fleet_who who;
    const char *formerly;    /* a second name for what was kept before there were identities; "" */
    const char *predecessor; /* the identity whose place it takes, as was announced; "" */
    bool copy;               /* its UUID is another running machine's: it takes nothing over */
};

/* What was kept for it. */
struct fleet_kept {
    bool known;     /* it was seen before, or takes over what was kept */
    bool inherited; /* what was kept for the predecessor is its own now */
    bool another;   /* it is not known, and another machine of its name is */
    bool has_settings;
    struct fleet_settings settings;
    uint64_t target_bytes; /* 0: none */
    struct fleet_ledger ledger;
};

/* ---- a machine, to be read by everybody and written by the fleet only ---- */

struct fleet_machine {
    char name[FACTS_NAME_MAX];         /* unique among the machines that are there */
    char identity[FLEET_IDENTITY_MAX]; /* "": not known yet. Then the machine has the
                                        * configuration's settings, is not touched, and is the
                                        * operator's business only */
    bool copy;                         /* another process has the same UUID */
    /* The same process through another backend, which does not control it; NULL: none. */
    const struct fleet_machine *follower;
    const struct fleet_backend *backend;
    void *handle;
    char where[128]; /* socket or URI, for people */
    int64_t found_ms;
    int64_t seen_ms; /* the last facts */
    struct facts facts;
    struct fleet_settings settings;
    enum fleet_switch switch_state;
    uint64_t refused_missing_bytes; /* FLEET_SWITCH_REFUSED: so much was missing */
    uint64_t lacking_bytes;         /* switched off, with a device: so much less than its maximum it
                                     * has still, */
    int64_t lacking_ms;             /* and since when; 0: it has its maximum, or it is not so */
    const char *unsupported;        /* FLEET_SWITCH_UNSUPPORTED: why, a sentence */
    uint64_t commanded_bytes;       /* last target that was accepted, */
    uint32_t commands_taken;        /* and how many were since it was found */
    uint64_t commands;              /* targets sent since it was found */
    char last_error[128];           /* of the last target that was refused */
    struct policy_machine policy;   /* as of the last period: input, memory and decision; see
                                     * fleet_decided() */
    struct fleet_ledger ledger;
};

/* Whether the policy decided about a machine in this period (that of fleet_machine.policy, or of
 * fleet_dry_run()). It does not where nothing of the machine is in memory, or nothing is known of
 * it: then every size in the decision is POLICY_MISSING, and the other members mean nothing. */
static inline bool fleet_decided(const struct policy_machine *policy)
{
    return policy->max_bytes != 0;
}

/* Demand, and what of it could not be granted. Both follow from what a machine uses: where that is
 * not known the policy goes on with what the machine has, and that is nobody's demand. */
static inline uint64_t fleet_demand(const struct policy_decision *decision)
{
    return decision->used_bytes == POLICY_MISSING ? POLICY_MISSING : decision->demand_bytes;
}

static inline uint64_t fleet_short(const struct policy_decision *decision)
{
    return decision->used_bytes == POLICY_MISSING ? POLICY_MISSING : decision->short_bytes;
}

/* ---- what happens ---- */

enum fleet_event_kind {
    FLEET_EVENT_FOUND,
    FLEET_EVENT_GONE,
    FLEET_EVENT_TARGET,  /* a target was sent: bytes, reason in text */
    FLEET_EVENT_REFUSED, /* the machine did not take it */
    FLEET_EVENT_HOLD,    /* a safety rule began or ended to apply */
    FLEET_EVENT_DRIFT,
    FLEET_EVENT_RESET,
    FLEET_EVENT_STATE, /* paused, panicked, ... */
    FLEET_EVENT_ZONE,
    FLEET_EVENT_SETTINGS,
    FLEET_EVENT_SWITCH,
    FLEET_EVENT_RESERVATION,
    FLEET_EVENT_SHORT,   /* a peak could not be paid, or promises cannot be kept */
    FLEET_EVENT_TROUBLE, /* a backend cannot reach a machine */
};

struct fleet_event {
    enum fleet_event_kind kind;
    int64_t at_ms;
    const char *machine; /* NULL: the host */
    const char *owner;   /* of the machine; "" none */
    uint64_t bytes;      /* POLICY_MISSING: none */
    const char *code;    /* stable word, for example the reason's name; never NULL */
    const char *text;    /* a sentence */
};

const char *fleet_event_name(enum fleet_event_kind kind);
const char *fleet_switch_name(enum fleet_switch state);

/* What the fleet asks of whoever made it; a member may be NULL where nobody cares. Calls come from
 * inside fleet functions; they may read the fleet and must not change it. */
struct fleet_ops {
    void *context;
    void (*event)(void *context, const struct fleet_event *event);
    /* It is known now who a machine is: what was kept for it. False: that cannot be told. */
    bool (*meet)(void *context, const struct fleet_meeting *meeting, struct fleet_kept *kept);
    /* The settings of the machine that was seen last under this name. False: none. */
    bool (*recall)(void *context, const char *name, struct fleet_settings *settings);
    /* Keeps settings over a restart. False: they could not be kept, and the change is refused. */
    bool (*save)(void *context, const struct fleet_who *who, const struct fleet_settings *settings);
    /* Keeps the last target, so that a daemon started anew knows it. 0: none any more. */
    void (*save_target)(void *context, const struct fleet_who *who, uint64_t bytes);
    /* The ledger, for fleet_save_ledgers() and when a machine is gone. */
    void (*save_ledger)(void *context, const struct fleet_who *who,
                        const struct fleet_ledger *ledger);
    bool (*save_reservation)(void *context, const char *name, uint64_t bytes); /* 0: released */
    /* Forgets all that was kept for machines of this name, but for the `count` identities in
     * `present`. *machines tells how many they were. False: it could not be done. */
    bool (*forget)(void *context, const char *name, const char *const *present, size_t count,
                   size_t *machines);
    /* Keeps for so many seconds (0: ends it) that the next machine of this name takes the place of
     * `identity`; "" means the machine that was seen last under this name. *known: there is one. */
    bool (*expect)(void *context, const char *name, const char *identity, uint32_t seconds,
                   bool *known);
    /* Whose place the next machine of this name takes. False: nothing was announced. */
    bool (*expected)(void *context, const char *name, char identity[FLEET_IDENTITY_MAX]);
};

/* ---- life ---- */

/* `config` is copied where it is needed and need not stay. Never NULL. */
struct fleet *fleet_new(const struct config *config, const struct fleet_ops *ops);
void fleet_free(struct fleet *fleet);

/* A new configuration: applied at once. Settings that somebody changed by command stay. */
void fleet_configure(struct fleet *fleet, const struct config *config, int64_t now_ms);

/* ---- machines come, tell and go (called by backends) ---- */

/* A machine appears. Where another machine has the name already it gets one with a suffix. NULL
 * when the name is not valid, when there are CONFIG_MACHINES_MAX or no memory for one more. Who it
 * is becomes known with its first whole facts; until then nothing that was kept belongs to it. */
struct fleet_machine *fleet_found(struct fleet *fleet, const char *name,
                                  const struct fleet_backend *backend, void *handle,
                                  const char *where, int64_t now_ms);

/* It is gone; the pointer is invalid afterwards. `why` is the reason for the event,
 * without a full stop: "it was shut down". */
void fleet_gone(struct fleet *fleet, struct fleet_machine *machine, const char *why,
                int64_t now_ms);

/* New facts. Copied. The first whole ones tell who the machine is. When it is the process of a
 * machine that is there already, both are one machine from then on: libvirt controls it before QMP,
 * because libvirt keeps the definition in which the switch is saved. The other backend goes on
 * telling, and takes over when the first one loses the machine. */
void fleet_told(struct fleet *fleet, struct fleet_machine *machine, const struct facts *facts,
                int64_t now_ms);

/* How a target went: `error` NULL for accepted. */
void fleet_target_done(struct fleet *fleet, struct fleet_machine *machine, uint64_t bytes,
                       const char *error, int64_t now_ms);

/* ---- the period ---- */

/* Decides, and carries out. */
void fleet_tick(struct fleet *fleet, const struct policy_host *host, int64_t now_ms);

/* Has every ledger kept that changed since the last time. Called every few seconds. */
void fleet_save_ledgers(struct fleet *fleet);

/* What would happen next: the same decision on a copy, nothing carried out. The array, sorted by
 * name, is to be given to free(); names are those of fleet_machines(). */
struct policy_machine *fleet_dry_run(struct fleet *fleet, const struct policy_host *host,
                                     int64_t now_ms, struct policy_plan *plan, size_t *count);

/* All machines, sorted by name; valid until one comes or goes. */
struct fleet_machine *const *fleet_machines(const struct fleet *fleet, size_t *count);
struct fleet_machine *fleet_find(const struct fleet *fleet, const char *name);

/* The settings of a machine, or those that one of this name would start with if it is the machine
 * that was seen last under this name: what was saved for it, else the configuration's. False: the
 * name is not valid. */
bool fleet_settings_of(struct fleet *fleet, const char *name, struct fleet_settings *settings);

/* The most that a machine with these settings and so much RAM gets, where ballooning can limit it.
 */
uint64_t fleet_settings_max(const struct fleet_settings *settings, uint64_t ram_bytes);

const struct policy_plan *fleet_plan(const struct fleet *fleet); /* of the last period */
const struct policy_host *fleet_host(const struct fleet *fleet);
const struct policy_settings *fleet_policy(const struct fleet *fleet);
const struct policy_host_memory *fleet_host_memory(const struct fleet *fleet); /* now */

/* What a machine is promised with its settings as they are now, and the smallest size that they
 * allow: the members of a promise, see books_promise(). False: there is none, because nothing is
 * known of it, or it is a container. */
bool fleet_promise(const struct fleet *fleet, const struct fleet_machine *machine, int64_t now_ms,
                   struct books_machine *entry);

/* RAM and overhead that all machines hold now, for host_read(). */
uint64_t fleet_resident(struct fleet *fleet, int64_t now_ms);

/* ---- changes by command ---- */

enum fleet_status {
    FLEET_OK = 0,
    FLEET_NOT_FOUND,
    FLEET_INVALID,     /* the values contradict each other or the machine */
    FLEET_CHANGED,     /* the revision is another: somebody changed it meanwhile */
    FLEET_REFUSED,     /* the host cannot honour it: missing_bytes */
    FLEET_UNSUPPORTED, /* the machine cannot balloon at all */
    FLEET_NOT_KEPT,    /* it could not be saved */
};

struct fleet_result {
    enum fleet_status status;
    uint64_t missing_bytes; /* FLEET_REFUSED */
    char text[256];         /* a sentence; "" for FLEET_OK */
};

/* Which members of a change count: bits of enum config_given (class, min, max, weight, owner,
 * ballooning, managed). */
struct fleet_change {
    uint32_t given;
    struct fleet_settings settings;
};

#define FLEET_ANY_REVISION UINT64_MAX

/* Changes settings, the switch too. `revision` must be the machine's, or FLEET_ANY_REVISION. */
struct fleet_result fleet_change(struct fleet *fleet, const char *machine,
                                 const struct fleet_change *change, uint64_t revision,
                                 int64_t now_ms);

/* Takes a machine over again that somebody else controlled. */
struct fleet_result fleet_adopt(struct fleet *fleet, const char *machine, int64_t now_ms);

static_assert(BOOKS_NAME_MAX == CONFIG_NAME_MAX, "a reservation has room for a machine's name");

/* Takes over what was kept before a restart: no admission, nothing is saved again. */
void fleet_restore_reservation(struct fleet *fleet, const char *name, uint64_t bytes,
                               int64_t now_ms);

/* Promises memory to something that will start: machines make room for it. When a machine of that
 * name is found later the reservation becomes its own and ends by itself. */
struct fleet_result fleet_reserve(struct fleet *fleet, const char *name, uint64_t bytes,
                                  int64_t now_ms);
struct fleet_result fleet_release(struct fleet *fleet, const char *name, int64_t now_ms);
/* All of them, the oldest first: what has arrived is theirs in this order. */
const struct books_reservation *fleet_reservations(const struct fleet *fleet, size_t *count);

/* ---- what is kept by identity ---- */

/* Forgets settings, ledger, target and history of the machines of this name that are not there. A
 * machine that runs keeps its own. */
struct fleet_result fleet_forget(struct fleet *fleet, const char *name, int64_t now_ms);

/* Announces that the machine of this name is started or installed anew: within so many seconds the
 * next machine of the name takes over settings, ledger and history although its UUID is another.
 * 0 seconds take the announcement back. */
#define FLEET_EXPECT_MAX_S 86400U
struct fleet_result fleet_expect(struct fleet *fleet, const char *name, uint32_t seconds,
                                 int64_t now_ms);

/* ---- doctor ---- */

enum fleet_verdict {
    FLEET_GOOD,
    FLEET_NOTE,    /* works, but worth knowing */
    FLEET_BAD,     /* ballooning does not work */
    FLEET_UNKNOWN, /* cannot be told */
};

#define FLEET_CHECKS_MAX 20U

struct fleet_check {
    const char *name; /* "device", "driver", "features", "statistics", "reclaim", ... */
    enum fleet_verdict verdict;
    char text[256]; /* what was found, and what to do about it */
};

struct fleet_diagnosis {
    enum fleet_verdict verdict; /* the worst */
    char text[256];             /* the whole in a sentence */
    size_t count;
    struct fleet_check checks[FLEET_CHECKS_MAX];
};

void fleet_doctor(const struct fleet *fleet, const struct fleet_machine *machine, int64_t now_ms,
                  struct fleet_diagnosis *diagnosis);
