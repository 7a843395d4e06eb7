/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The policy's decisions in words: the short names that programs read, and sentences for people.
 */

#include "tools/ballast/policy/policy.h"

/* Stable names of one word each, in lower case with hyphens: "burst", "soft", "grow-peak". NULL
 * for a value that is none. */
const char *policy_class_name(enum policy_class class);
const char *policy_zone_name(enum policy_zone zone);
const char *policy_reason_name(enum policy_reason reason);
const char *policy_hold_name(enum policy_hold hold);
const char *policy_drift_name(enum policy_drift drift);
const char *policy_mode_name(enum policy_mode mode);
const char *policy_unreclaimable_name(enum policy_unreclaimable why);

/* The other way; false when there is no such name. */
bool policy_class_parse(const char *name, enum policy_class *class);

/* Why the target is what it is, as one sentence with the numbers that decided, without its subject
 * ("keeps 1.5 GiB: ..."), full stop and line end: the caller puts the machine's name before it. To
 * be called after policy_decide(), with what that was given. It names amounts of this machine only,
 * and none of the host's, because the machine's owner reads it. Returns the length as snprintf()
 * does. */
int policy_explain(const struct policy_machine *machine, const struct policy_plan *plan,
                   int64_t now_ms, char *text, size_t size);

/* What the sentence before leaves out: the host's amount that decided, for an operator ("; the host
 * has 1.5 GiB to give"). An empty text where none did. */
int policy_explain_host(const struct policy_decision *decision, const struct policy_plan *plan,
                        char *text, size_t size);

/* Why the machine may not shrink, and what would change that; a sentence whose subject is the
 * machine
 * ("it is paused; ..."). An empty text when it may shrink. */
int policy_explain_hold(const struct policy_machine *machine, int64_t now_ms, char *text,
                        size_t size);

/* A size as people read it: "1.5 GiB", "640 MiB". Returns `text`. */
#define POLICY_SIZE_TEXT 24U
char *policy_size_text(uint64_t bytes, char text[POLICY_SIZE_TEXT]);
