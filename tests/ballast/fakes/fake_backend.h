/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A backend without machines: keeps what it was asked for, and answers when the test says so. And
 * what a fleet asks of its owner: events are kept, settings live in a small table.
 */

#include "tools/ballast/fleet/fleet.h"

#define FAKE_EVENTS_MAX 256U
#define FAKE_KEPT_MAX   16U

struct fake_machine {
    uint64_t targets[64];
    size_t target_count;
    bool refuses_to_send;
    bool device; /* at its next start, as last asked for */
    size_t device_count;
};

extern const struct fleet_backend fake_backend;         /* can arrange devices */
extern const struct fleet_backend fake_backend_simple;  /* cannot */
extern const struct fleet_backend fake_backend_libvirt; /* goes by the name of libvirt */

struct fake_event {
    enum fleet_event_kind kind;
    int64_t at_ms;
    char machine[FACTS_NAME_MAX]; /* "" the host */
    char owner[CONFIG_NAME_MAX];
    char code[32];
    uint64_t bytes;
    char text[256];
};

struct fake_owner {
    struct fake_event events[FAKE_EVENTS_MAX];
    size_t event_count;
    bool disk_full;  /* nothing can be saved */
    bool unreadable; /* what was kept cannot be told */
    size_t meetings;
    size_t copies; /* of these, with a UUID that another machine has */
    char expected[FACTS_NAME_MAX];
    char predecessor[FLEET_IDENTITY_MAX];
    size_t saves;
    size_t kept_count;
    char names[FAKE_KEPT_MAX][FLEET_IDENTITY_MAX]; /* identities */
    char bases[FAKE_KEPT_MAX][FACTS_NAME_MAX];
    struct fleet_settings kept[FAKE_KEPT_MAX];
    uint64_t targets[FAKE_KEPT_MAX];
    struct fleet_ledger ledgers[FAKE_KEPT_MAX];
    size_t ledger_saves;
    char reservation[FACTS_NAME_MAX]; /* the last one saved, */
    uint64_t reserved_bytes;          /* 0: released */
};

struct fleet_ops fake_owner_ops(struct fake_owner *owner);

/* How many events of a kind there were; code NULL: any. */
size_t fake_events(const struct fake_owner *owner, enum fleet_event_kind kind, const char *code);
/* The last of a kind, or NULL. */
const struct fake_event *fake_last(const struct fake_owner *owner, enum fleet_event_kind kind);
