/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A loop of requests, each of which works on a piece of memory, and how long each took. Some work
 * on memory that was taken and touched before the loop, the others take fresh memory by mmap() and
 * give it back by munmap(). The same source runs in our guest and in the Linux guest that the
 * benchmark compares with (tests/bench/linux_init.c); docs/LATENCY.md explains words and lines.
 */

#include <stdbool.h>
#include <stdint.h>

/* What the loop knows of its machine. */
struct requests_host {
    void *context;
    uint64_t (*now_ns)(void *context);
    uint64_t (*balloon_bytes)(void *context); /* what the host has taken by now */
    void (*print)(void *context, const char *line);
};

struct requests_config {
    uint64_t requests;      /* at most so many; 0: any number */
    uint64_t ms;            /* for at most so long */
    uint64_t bytes;         /* of a request: whole lines of 64 */
    uint64_t fresh_percent; /* requests that work on fresh memory */
    uint64_t held_mib;      /* taken and touched before the loop */
    uint64_t kept;          /* fresh pieces that are in use at the most */
    uint64_t moves;         /* ends after so many moves of the balloon; 0: goes on */
    uint64_t mib;           /* a move: the host takes at least so much, and gives all of it back */
};

#define REQUESTS_KEPT_MAX 4096U

extern const struct requests_config requests_default;

/* Takes a word `name=NUMBER`. False: there is no such word, or no number, or it is too large. */
bool requests_word(struct requests_config *config, const char *word);

enum requests_status {
    REQUESTS_OK,
    REQUESTS_WRONG,  /* memory did not hold what was written there */
    REQUESTS_MEMORY, /* there was too little memory: before the loop, or for a request in it */
};

/* Runs the loop and prints what came of it. */
enum requests_status requests_run(const struct requests_config *config,
                                  const struct requests_host *host);
