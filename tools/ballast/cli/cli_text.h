/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Text for people, and what people write: sizes, times, names. What a daemon or a guest said is
 * made harmless before a terminal sees it.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/ballast/policy/policy.h"

#define CLI_TEXT 32U

/* "1.5 GiB", "-" for POLICY_MISSING. Returns `text`. */
const char *cli_size(uint64_t bytes, char text[CLI_TEXT]);

/* How long, roughly: "450 ms", "2 s", "3 min", "5 h", "2 d"; "-" when negative. */
const char *cli_span(int64_t ms, char text[CLI_TEXT]);

/* A point of time in the local zone: "2026-11-21 10:00:00"; "-" when it has none. */
const char *cli_time(int64_t unix_s, char text[CLI_TEXT]);

/* "512M", "1.5G", "2GiB", "65536" to bytes; "50%" to that part of `whole` unless that is
 * POLICY_MISSING. False when the text is none. */
bool cli_parse_size(const char *text, uint64_t whole, uint64_t *bytes);

/* "500ms", "2s", "10m", "1h", "7d", or seconds. */
bool cli_parse_span(const char *text, int64_t *ms);

/* A point of time: unix seconds, "2026-11-21", "2026-11-21 10:00[:00]" (or with a T), or a span
 * like "2h" for so long ago. */
bool cli_parse_time(const char *text, int64_t now_s, int64_t *unix_s);

/* A whole number from `least` to `most`. */
bool cli_parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *number);

/* True when `name` could be a slip for `other`; `distance` is smaller the closer they are. */
bool cli_alike(const char *name, const char *other, unsigned *distance);

/* Columns that a terminal needs. */
size_t cli_columns(const char *text);

/* Writes text without the bytes that would control a terminal. */
void cli_put(FILE *out, const char *text);

/* Members of an answer, with what stands for a missing one: POLICY_MISSING, -1, "", false. A number
 * that is negative is missing too. */
uint64_t cli_bytes(const json_t *object, const char *member);
int64_t cli_number(const json_t *object, const char *member);
const char *cli_string(const json_t *object, const char *member);
bool cli_true(const json_t *object, const char *member);

/* The same for people, "-" for what is not known: a word, a yes or no (in the words given), a
 * number and a percentage, which are written to `text`. */
const char *cli_word(const json_t *object, const char *member);
const char *cli_answer_word(const json_t *object, const char *member, const char *yes,
                            const char *no);
const char *cli_count(const json_t *object, const char *member, char text[CLI_TEXT]);
const char *cli_percent(const json_t *object, const char *member, char text[CLI_TEXT]);

/* What holds a machine, as a sentence; "" where nothing does, or where the sentence of this member
 * says it already. */
const char *cli_hold(const json_t *object, const char *member);

/* Writes JSON for programs: indented, the members in the daemon's order. */
void cli_put_json(FILE *out, const json_t *json);
