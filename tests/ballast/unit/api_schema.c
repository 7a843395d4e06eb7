/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The small part of JSON Schema that openapi.json uses. A keyword that is not known here fails, so
 * that nothing in the document goes unchecked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "tests/ballast/unit/api_schema.h"
#include "tools/ballast/api/api_internal.h"

static json_t *document;

json_t *schema_document(void)
{
    if (document == NULL) {
        size_t size;
        const char *text = api_openapi(&size);
        json_error_t error;
        document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
        if (document == NULL) {
            fail_msg("openapi.json:%d: %s", error.line, error.text);
        }
    }
    return document;
}

void schema_free(void)
{
    json_decref(document);
    document = NULL;
}

/* Recursion is bounded by the document, which is ours. NOLINTBEGIN(misc-no-recursion) */

/* Follows {"$ref": "#/a/b"}. */
static json_t *resolve(json_t *value)
{
    const char *reference = json_string_value(json_object_get(value, "$ref"));
    if (reference == NULL) {
        return value;
    }
    char path[128];
    snprintf(path, sizeof(path), "%s", reference);
    char *rest = path;
    assert_string_equal(strsep(&rest, "/"), "#");
    json_t *found = schema_document();
    while (rest != NULL) {
        found = json_object_get(found, strsep(&rest, "/"));
    }
    if (found == NULL) {
        fail_msg("%s leads nowhere", reference);
    }
    return resolve(found);
}

json_t *schema_operation(const char *path, const char *method)
{
    char lower[16] = "";
    for (size_t i = 0; method[i] != '\0' && i + 1 < sizeof(lower); i++) {
        lower[i] = (char)(method[i] | 0x20);
    }
    json_t *paths = json_object_get(schema_document(), "paths");
    return json_object_get(json_object_get(paths, path), lower);
}

json_t *schema_of_answer(const char *path, const char *method, unsigned status)
{
    char code[8];
    snprintf(code, sizeof(code), "%u", status);
    json_t *responses = json_object_get(schema_operation(path, method), "responses");
    json_t *answer = resolve(json_object_get(responses, code));
    if (answer == NULL) {
        fail_msg("%s %s: status %s is not in the document", method, path, code);
    }
    json_t *content = json_object_get(json_object_get(answer, "content"), "application/json");
    return json_object_get(content, "schema");
}

static bool has_type(const char *type, const json_t *value)
{
    return (strcmp(type, "object") == 0 && json_is_object(value)) ||
           (strcmp(type, "array") == 0 && json_is_array(value)) ||
           (strcmp(type, "string") == 0 && json_is_string(value)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(type, "number") == 0 && json_is_number(value)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(value));
}

static bool in_list(json_t *list, json_t *value)
{
    size_t index;
    json_t *each;
    json_array_foreach(list, index, each)
    {
        if (json_equal(each, value)) {
            return true;
        }
    }
    return false;
}

static bool matches(const char *pattern, const char *text)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static void check_object(json_t *schema, json_t *value, const char *where)
{
    json_t *properties = json_object_get(schema, "properties");
    if (properties == NULL) {
        return; /* any object */
    }
    const char *key;
    json_t *member;
    size_t index;
    json_t *required;
    json_object_foreach(value, key, member)
    {
        char inner[256];
        snprintf(inner, sizeof(inner), "%s.%s", where, key);
        json_t *property = json_object_get(properties, key);
        if (property == NULL) {
            fail_msg("%s is not in the document", inner);
        }
        schema_check(property, member, inner);
    }
    json_array_foreach(json_object_get(schema, "required"), index, required)
    {
        if (json_object_get(value, json_string_value(required)) == NULL) {
            fail_msg("%s.%s is missing", where, json_string_value(required));
        }
    }
}

/* One keyword; false: the value breaks it. */
static bool check_keyword(const char *keyword, json_t *rule, json_t *value)
{
    static const char *const others[] = { "description", "nullable", "properties", "required",
                                          "items",       "allOf",    "format",     "default" };
    if (strcmp(keyword, "type") == 0) {
        return has_type(json_string_value(rule), value);
    }
    if (strcmp(keyword, "enum") == 0) {
        return in_list(rule, value);
    }
    if (strcmp(keyword, "minimum") == 0) {
        return json_number_value(value) >= json_number_value(rule);
    }
    if (strcmp(keyword, "maximum") == 0) {
        return json_number_value(value) <= json_number_value(rule);
    }
    if (strcmp(keyword, "maxLength") == 0) {
        return json_string_length(value) <= (size_t)json_integer_value(rule);
    }
    if (strcmp(keyword, "pattern") == 0) {
        return matches(json_string_value(rule), json_string_value(value));
    }
    if (strcmp(keyword, "additionalProperties") == 0) {
        return json_is_false(rule);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcmp(others[i], keyword) == 0) {
            return true;
        }
    }
    fail_msg("keyword %s of the document is not checked", keyword);
    return false;
}

void schema_check(json_t *schema, json_t *value, const char *where)
{
    schema = resolve(schema);
    const char *keyword;
    json_t *rule;
    size_t index;
    json_t *part;
    if (schema == NULL) {
        fail_msg("%s has no schema", where);
    }
    if (json_is_null(value) && json_is_true(json_object_get(schema, "nullable"))) {
        return;
    }
    json_object_foreach(schema, keyword, rule)
    {
        if (!check_keyword(keyword, rule, value)) {
            char *text = json_dumps(value, JSON_ENCODE_ANY);
            fail_msg("%s breaks %s: %s", where, keyword, text);
        }
    }
    json_array_foreach(json_object_get(schema, "allOf"), index, part)
    {
        schema_check(part, value, where);
    }
    if (json_is_object(value)) {
        check_object(schema, value, where);
    }
    if (json_is_array(value)) {
        json_array_foreach(value, index, part)
        {
            schema_check(json_object_get(schema, "items"), part, where);
        }
    }
}

/* NOLINTEND(misc-no-recursion) */
