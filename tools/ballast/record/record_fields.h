/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The members of the policy's structures as tables, so that one function writes all of them and one
 * reads all of them, and neither can forget what the other knows.
 */

#include <jansson.h>
#include <stddef.h>

#include "tools/ballast/policy/policy.h"

enum record_kind {
    RECORD_U64,   /* a size or a counter; POLICY_MISSING is null */
    RECORD_TIME,  /* int64_t, milliseconds from 0 to RECORD_TIME_MAX */
    RECORD_U32,   /* */
    RECORD_SIGN,  /* int32_t, -1 to 1 */
    RECORD_BOOL,  /* */
    RECORD_NAMED, /* an enumeration, or a uint32_t that holds one */
};

struct record_field {
    const char *name;
    size_t offset;
    enum record_kind kind;
    size_t count;                        /* above 1: an array */
    const char *(*word)(unsigned value); /* RECORD_NAMED: NULL for what is no value */
    bool optional;                       /* recordings made before it existed are read as if it
                                          * were all zero */
    const char *former;                  /* RECORD_NAMED: a word that earlier recordings have for
                                          * the first one; NULL: none */
};

struct record_table {
    const char *what; /* for complaints */
    const struct record_field *fields;
    size_t count;
    size_t size; /* of the structure */
};

extern const struct record_table record_table_settings;
extern const struct record_table record_table_host;
extern const struct record_table record_table_host_memory;
extern const struct record_table record_table_sample;
extern const struct record_table record_table_memory;
extern const struct record_table record_table_decision;
extern const struct record_table record_table_plan;
extern const struct record_table record_table_machine; /* without sample, memory and decision */

/* Adds the members of `object` to `into`, which stays the caller's. */
void record_write(const struct record_table *table, const void *object, json_t *into);

/* Reads all members, optional ones where they are there; others are ignored. False: `reason` names
 * the member that is wrong, and *object is partly written. */
bool record_read(const struct record_table *table, const json_t *from, void *object, char *reason,
                 size_t reason_size);

/* The name of the first member that differs, or NULL. */
const char *record_difference(const struct record_table *table, const void *one, const void *other);
