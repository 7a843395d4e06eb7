/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * openapi.json as a test reads it: the schema of an answer, and whether a value is exactly what its
 * schema says: type, range, words, and all required members and no other.
 */

#include <jansson.h>

/* The document, parsed once. */
json_t *schema_document(void);
void schema_free(void);

/* The operation of a route, NULL when there is none; and the schema of a JSON answer of it. */
json_t *schema_operation(const char *path, const char *method);
json_t *schema_of_answer(const char *path, const char *method, unsigned status);

/* Fails the test, with the place, when the value is not what the schema says. */
void schema_check(json_t *schema, json_t *value, const char *where);
