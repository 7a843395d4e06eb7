/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * memwork's language: a text becomes a program, a list of statements. Pure and bounded: nothing is
 * allocated, nothing recurses, and whatever the text is, it ends in a program or in an error with
 * its place. docs/MEMWORK.md is the reference.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer scripts, deeper blocks and longer names are errors that tell the limit. */
#define SCRIPT_STATEMENTS_MAX 256U
#define SCRIPT_DEPTH_MAX      8U
#define SCRIPT_NAME_MAX       15U /* characters of a region's name */
#define SCRIPT_PRINT_MAX      96U /* characters that one print can say */
#define SCRIPT_PRINTED_MAX    2048U
#define SCRIPT_ERROR_MAX      192U

/* So much fits every computation of engine.c in 64 bits. */
#define SCRIPT_BYTES_MAX   (UINT64_C(16) << 40)
#define SCRIPT_TIME_NS_MAX (UINT64_C(24) * 3600 * 1000000000)

enum statement_kind {
    STATEMENT_ALLOC,
    STATEMENT_CACHE,
    STATEMENT_CHURN,
    STATEMENT_FILL,
    STATEMENT_FREE,
    STATEMENT_HOLD,
    STATEMENT_PRINT,
    STATEMENT_QUIT,
    STATEMENT_REPEAT,
    STATEMENT_SINE,
    STATEMENT_STEP,
    STATEMENT_TOUCH,
    STATEMENT_VERIFY,
    STATEMENT_WAIT,
    STATEMENT_END, /* of a repeat: "}" */
};

enum wait_for { WAIT_BALLOON, WAIT_TARGET, WAIT_FREE };
enum wait_until { WAIT_EXACTLY, WAIT_AT_LEAST, WAIT_AT_MOST };

/* Times are in nanoseconds. What a kind does not mention is zero. */
struct statement {
    enum statement_kind kind;
    unsigned line;
    unsigned column;
    char name[SCRIPT_NAME_MAX + 1]; /* of the region; "" means all */
    uint64_t bytes;                 /* alloc, cache, free, wait; churn: per second */
    unsigned percent; /* instead of bytes: alloc, cache: of free memory, free: of the region */
    uint64_t low;     /* sine, step */
    uint64_t high;
    uint64_t period_ns;
    uint64_t time_ns; /* hold; churn, sine, step: how long; wait: how long at most */
    uint64_t seed;    /* fill; churn; free at random */
    uint64_t count;   /* repeat: how often; cache: its cost */
    bool random;      /* free */
    bool or_less;     /* alloc, cache: what there is will do */
    enum wait_for wait_for;
    enum wait_until wait_until;
    unsigned other;  /* repeat and end: each other's index */
    const char *say; /* print: in the program's own memory, terminated */
};

struct program {
    struct statement statements[SCRIPT_STATEMENTS_MAX];
    unsigned count;
    char printed[SCRIPT_PRINTED_MAX];
    size_t printed_used;
};

struct script_error {
    unsigned line;
    unsigned column;
    bool incomplete; /* the text ends inside of a block: more of it may make it right */
    char text[SCRIPT_ERROR_MAX];
};

/* Reads `length` bytes of text, the first line of which has number `line`. False: *error tells the
 * first mistake, and *program is of no use. The program keeps no pointer into the text, but some
 * into itself: it is not to be copied. */
bool script_parse(const char *text, size_t length, unsigned line, struct program *program,
                  struct script_error *error);

/* The word by which a statement begins; "}" for STATEMENT_END. */
const char *statement_word(enum statement_kind kind);
