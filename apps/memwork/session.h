/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* A script on its way to the engine, wherever it comes from: as a whole, or live, line by line. */

#include <stdbool.h>
#include <stddef.h>

#include "apps/memwork/engine.h"
#include "apps/memwork/script.h"

/* Bytes of a script, or of a block that is still open. */
#define SESSION_TEXT_MAX 32768U

struct session {
    struct engine engine;
    struct program program;
    char text[SESSION_TEXT_MAX];
    size_t used;
    unsigned begin; /* line in which the text begins, from 1 */
    unsigned now;   /* line that is being typed */
};

/* The engine is to be initialised by the caller. */
void session_init(struct session *s);

/* More of the text. False: there is no room, and nothing changed. */
bool session_append(struct session *s, const char *from, size_t bytes);

/* Answers that there is something wrong where the text begins. */
__attribute__((format(printf, 2, 3))) void session_complain(struct session *s, const char *format,
                                                            ...);

/* Runs the text as one script. */
void session_run(struct session *s);

/* What was typed: each line is run once it has ended, with the lines in front of it whose block it
 * closes. What follows `quit`, or a line during which the machine was asked to end, is not run. */
void session_type(struct session *s, const char *typed, size_t bytes);

/* The end of what is typed is the end of its last line and of open blocks, too. */
void session_type_end(struct session *s);

/* Nothing more will be run. */
bool session_is_over(const struct session *s);
