/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A QEMU as its QMP socket shows it: answers the questions that the QMP backend asks, from the
 * members of a structure that the test changes as it likes. It has no thread: the test lets it work
 * between two turns of its loop.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct fake_machine {
    /* What it is: set by the test, whenever it likes. */
    bool silent;  /* takes the connection and says nothing */
    bool mute;    /* reads commands and does not answer them */
    bool garbage; /* says something that is no QMP */
    bool no_device;
    bool no_summary; /* an old QEMU: query-memory-size-summary is unknown */
    bool q35;        /* the device is on the root complex */
    bool refuses_balloon;
    uint64_t ram_bytes;
    uint64_t actual_bytes;
    uint64_t grows_by; /* its size, with every answer */
    const char *status;
    const char *migration;
    const char *more_peripherals; /* members of a list, with a comma in front */
    const char *objects;
    const char *memdev;  /* one member's JSON */
    const char *uuid;    /* NULL: it was given none */
    const char *hugetlb; /* "true" or "false" */
    uint64_t last_update_s;
    uint64_t available_bytes;
    /* What happened. */
    unsigned clients;
    unsigned commands;
    unsigned balloons;
    uint64_t target_bytes;
    int64_t polling_s;
    /* Its own. */
    char path[108];
    int listener;
    int client;
    char input[65536];
    size_t length;
};

/* Listens at `path`: 512 MiB, running, with a driver. */
void fake_machine_start(struct fake_machine *machine, const char *path);

/* Takes a client, reads what it sent, answers. */
void fake_machine_work(struct fake_machine *machine);

/* Sends an event: its name, and its data as JSON. */
void fake_machine_event(struct fake_machine *machine, const char *name, const char *data);

/* Closes the connection, but goes on listening. */
void fake_machine_hang_up(struct fake_machine *machine);

/* Ends it as a QEMU that exits: the socket's file goes too. */
void fake_machine_end(struct fake_machine *machine);
