/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests from the input's lines: who asks and for which route, the name in its path, the query,
 * If-Match, Accept, body; or method and target of any kind. Whatever they are: there is a status
 * from the document's list, a JSON body is JSON, nobody and a wrong token change nothing, an owner
 * changes nothing but his own switch and never reads the name of another's machine.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ballast/unit/api_world.h"
#include "tools/ballast/api/api_internal.h"

/* Nothing but the machine, its owner and its events has it. */
#define SECRET "s3cr3t"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cuts the next line off; "" at the end. */
static const char *next_line(char **rest)
{
    const char *line = *rest == NULL ? NULL : strsep(rest, "\n");
    return line == NULL ? "" : line;
}

static const char *or_null(const char *line)
{
    return line[0] == '\0' ? NULL : line;
}

static void make_world(void)
{
    world_reset();
    world_machine(SECRET "-vm", SECRET "-owner");
    world_event(SECRET "-vm", SECRET "-owner", "About " SECRET ".");
    world_event("web", "alice", "About web.");
    world.points[world.point_count++] = (struct store_point){ 1700000000, 1, 2, 3, 4, 5, 6, 7, 0 };
}

/* The first line's second letter picks a route, or none: then method and target are lines. */
static const char *make_target(const char *who, char **rest, char *target, size_t size)
{
    size_t count;
    const struct api_route *routes = api_routes(&count);
    size_t route = who[0] == '\0' ? count : (unsigned char)who[1] % (count + 1);
    if (route == count) {
        const char *method = next_line(rest);
        snprintf(target, size, "%s", next_line(rest));
        return method;
    }
    const char *path = routes[route].path;
    const char *name = strchr(path, '{');
    if (name == NULL) {
        snprintf(target, size, "%s?%s", path, next_line(rest));
    } else {
        const char *word = next_line(rest);
        snprintf(target, size, "%.*s%s%s", (int)(name - path), path, word[0] == '\0' ? "web" : word,
                 strchr(name, '}') + 1);
    }
    return routes[route].method;
}

static void check_status(unsigned status)
{
    static const unsigned known[] = { 200, 201, 204, 400, 401, 403, 404, 405,
                                      409, 412, 413, 422, 428, 429, 500 };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i] == status) {
            return;
        }
    }
    abort();
}

static void check_role(const struct ask *ask, const char *target)
{
    const struct api_response *response = &ask->response;
    if (response->identity.role == API_OPERATOR) {
        return;
    }
    if (response->identity.role == API_NOBODY) {
        assert(world.changes == 0);
        for (size_t i = 0; i < world.audit_count; i++) {
            assert(!world.audits[i].done);
        }
        assert(response->stream == API_STREAM_NONE);
    } else {
        assert(world.changes == 0 || world.change.given == CONFIG_GIVEN_BALLOONING);
        assert(response->stream != API_STREAM_RECORD);
    }
    /* He may have said the word himself. */
    bool said = strstr(target, "s3") != NULL || strchr(target, '%') != NULL ||
                (ask->body != NULL && memmem(ask->body, ask->body_size, "s3", 2) != NULL);
    assert(said || response->body == NULL ||
           memmem(response->body, response->size, SECRET, strlen(SECRET)) == NULL);
    assert(strcmp(world.machines[world.count - 1].settings.owner, SECRET "-owner") == 0);
    assert(world.machines[world.count - 1].settings.revision == 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const tokens[] = { NULL, OPERATOR_TOKEN, ALICE_TOKEN,
                                          "wrong-0123456789abc" };
    char *copy = malloc(size + 1);
    memcpy(copy, data, size);
    copy[size] = '\0';
    make_world();
    char *rest = copy;
    const char *who = next_line(&rest);
    char target[512] = "";
    const char *method = make_target(who, &rest, target, sizeof(target));
    struct ask ask = {
        .token = tokens[(unsigned char)who[0] % 4],
        .if_match = or_null(next_line(&rest)),
        .accept = or_null(next_line(&rest)),
        .body = rest,
        .body_size = rest == NULL ? 0 : size - (size_t)(rest - copy),
    };
    unsigned status = world_ask(&ask, method, target); /* asserts that JSON is JSON */
    check_status(status);
    check_role(&ask, target);
    world_ask_end(&ask);
    free(copy);
    return 0;
}
