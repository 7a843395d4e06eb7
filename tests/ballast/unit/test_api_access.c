/* SPDX-License-Identifier: BSD-2-Clause */
/* tools/ballast/api, who may do what: the file of tokens, roles, paths and methods. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/ballast/unit/api_world.h"
#include "tools/ballast/api/api_internal.h"

static struct ask ask;
static char path[] = "/tmp/ballast-tokens-XXXXXX";
static char reason[256];

static int setup(void **state)
{
    (void)state;
    world_reset();
    ask = (struct ask){ .token = OPERATOR_TOKEN };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_ask_end(&ask);
    world_free();
    return 0;
}

/* ---- the file of tokens ---- */

static struct api_tokens *read_tokens(const void *text, size_t size, mode_t mode)
{
    strcpy(path + strlen(path) - 6, "XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), (ssize_t)size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    reason[0] = '\0';
    struct api_tokens *tokens = api_tokens_read(path, reason, sizeof(reason));
    unlink(path);
    assert_int_equal(tokens == NULL, reason[0] != '\0');
    return tokens;
}

static void tokens_are_read_with_comments_and_blank_lines(void **state)
{
    (void)state;
    static const char text[] = "# who may\n\n  operator   abcdefghijklmnop \r\n"
                               "owner alice\tqrstuvwxyz012345";
    struct api_tokens *tokens = read_tokens(text, strlen(text), 0600);
    assert_non_null(tokens);
    api_tokens_free(tokens);
}

static bool knows(struct api_tokens *tokens, const char *token, enum api_role role)
{
    char header[128];
    struct api_identity identity;
    struct api api = { .tokens = tokens };
    struct api_request request = { .authorization = header };
    snprintf(header, sizeof(header), "Bearer %s", token);
    return api_identify(&api, &request, &identity) && identity.role == role;
}

/* printf %s abcdefghijklmnop | sha256sum */
#define HASH "f39dac6cbaba535e2c207cd0cd8f154974223c848f727f98b3564cea569b41cf"

static void a_token_may_stand_as_its_sha256(void **state)
{
    (void)state;
    static const char text[] = "operator sha256:" HASH "\n"
                               "monitor plain-0123456789\n"
                               /* in capitals: printf %s qrstuvwxyz012345 | sha256sum */
                               "owner alice sha256:"
                               "B0C90C4515E691171D4A9AA8BAF2BD9E6D39C832A326195FD33F93133595DBDA\n";
    struct api_tokens *tokens = read_tokens(text, strlen(text), 0600);
    assert_non_null(tokens);
    assert_true(knows(tokens, "abcdefghijklmnop", API_OPERATOR));
    assert_true(knows(tokens, "plain-0123456789", API_MONITOR));
    assert_true(knows(tokens, "qrstuvwxyz012345", API_OWNER));
    assert_false(knows(tokens, "sha256:" HASH, API_OPERATOR)); /* what the file has opens nothing */
    assert_false(knows(tokens, HASH, API_OPERATOR));
    assert_false(knows(tokens, "abcdefghijklmnoq", API_OPERATOR));
    api_tokens_free(tokens);
}

static void what_is_no_sha256_is_told_without_it(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "operator sha256:",
        "operator sha256:f39dac6cbaba535e",
        "operator sha256:" HASH "0",
        "operator sha256:g39dac6cbaba535e2c207cd0cd8f154974223c848f727f98b3564cea569b41cf",
        "operator sha256:" HASH " abcdefghijklmnop",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_null(read_tokens(lines[i], strlen(lines[i]), 0600));
        assert_null(strstr(reason, "39dac6"));
    }
    /* The same token twice, in two ways. */
    assert_null(read_tokens("monitor abcdefghijklmnop\noperator sha256:" HASH, 25 + 16 + 64, 0600));
    assert_non_null(strstr(reason, "already"));
}

static void a_file_of_tokens_open_to_others_is_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0610, 0777 };
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        assert_null(read_tokens("operator abcdefghijklmnop\n", 26, modes[i]));
        assert_non_null(strstr(reason, "chmod 600"));
    }
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    assert_null(api_tokens_read("/nowhere/tokens", reason, sizeof(reason)));
    assert_null(api_tokens_read("/tmp", reason, sizeof(reason)));
    strcpy(path + strlen(path) - 6, "pipe00");
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_null(api_tokens_read(path, reason, sizeof(reason)));
    assert_non_null(strstr(reason, "regular"));
    unlink(path);
}

static void a_line_that_is_wrong_is_told_without_its_token(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "operator short",
        "operator",
        "operator abcdefghijklmnop more",
        "owner abcdefghijklmnop",
        "owner ../x abcdefghijklmnop",
        "root abcdefghijklmnop",
        "monitor",
        "monitor prometheus abcdefghijklmnop",
        "operator abcdefghijklm\xc3\xb6nop",
        "operator 0123456789abcdef\noperator abcdefghijklmnop\noperator abcdefghijklmnop",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_null(read_tokens(lines[i], strlen(lines[i]), 0600));
        assert_null(strstr(reason, "abcdef"));
        assert_non_null(strstr(reason, strchr(lines[i], '\n') == NULL ? ":1:" : ":3:"));
    }
    assert_null(read_tokens("operator abcdefghij\0klmnop\n", 27, 0600));
}

/* ---- roles ---- */

static void nobody_gets_anything_but_health_and_document(void **state)
{
    (void)state;
    ask.token = NULL;
    size_t count;
    const struct api_route *routes = api_routes(&count);
    for (size_t i = 0; i < count; i++) {
        unsigned status = world_ask(&ask, routes[i].method, routes[i].path);
        bool is_public =
            strcmp(routes[i].path, "/healthz") == 0 || strcmp(routes[i].path, "/openapi.json") == 0;
        assert_int_equal(status, is_public ? 200 : 401);
    }
    assert_int_equal(world.changes, 0);
}

static void a_wrong_token_is_no_token_even_for_the_local_user(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "operator-012345678",   /* shorter */
        "operator-01234567890", /* longer */
        "operator-0123456788",
        "Operator-0123456789",
        "operator-0123456789 x",
    };
    ask.local = true;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ask.token = wrong[i];
        assert_int_equal(world_ask(&ask, "GET", "/v1/host"), 401);
    }
    char longest[300];
    memset(longest, 'x', sizeof(longest));
    longest[299] = '\0';
    ask.token = longest;
    assert_int_equal(world_ask(&ask, "GET", "/v1/host"), 401);
}

static void only_bearer_tokens_count(void **state)
{
    (void)state;
    struct api_identity identity;
    struct api_request request = { .authorization = "Basic " OPERATOR_TOKEN };
    assert_false(api_identify(&world.api, &request, &identity));
    request.authorization = "bearer   " OPERATOR_TOKEN "  ";
    assert_true(api_identify(&world.api, &request, &identity));
    assert_int_equal(identity.role, API_OPERATOR);
    assert_string_equal(identity.who, "operator");
    request.authorization = "Bearer " ALICE_TOKEN;
    assert_true(api_identify(&world.api, &request, &identity));
    assert_int_equal(identity.role, API_OWNER);
    assert_string_equal(identity.owner, "alice");
    assert_string_equal(identity.who, "owner:alice");
}

static void the_local_user_is_an_operator(void **state)
{
    (void)state;
    ask.token = NULL;
    ask.local = true;
    ask.uid = 42;
    assert_int_equal(world_ask(&ask, "GET", "/v1/host"), 200);
    assert_string_equal(ask.response.identity.who, "local:uid 42");
    ask.token = ALICE_TOKEN; /* to look with an owner's eyes */
    assert_int_equal(world_ask(&ask, "GET", "/v1/host"), 403);
}

static void without_tokens_no_token_is_right(void **state)
{
    (void)state;
    const struct api_tokens *tokens = world.api.tokens;
    world.api.tokens = NULL;
    assert_int_equal(world_ask(&ask, "GET", "/v1/host"), 401);
    world.api.tokens = tokens;
}

static void an_owner_may_not_what_is_the_operators(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        const char *target;
    } cases[] = {
        { "GET", "/v1/host" },
        { "GET", "/v1/host/history" },
        { "GET", "/v1/reservations" },
        { "POST", "/v1/reservations" },
        { "GET", "/v1/audit" },
        { "DELETE", "/v1/reservations/job" },
        { "GET", "/v1/record" },
        { "POST", "/v1/machines/web/adopt" },
        { "DELETE", "/v1/machines/web" },
        { "POST", "/v1/machines/web/expect" },
        { "DELETE", "/v1/machines/web/expect" },
        { "GET", "/metrics" },
    };
    ask.token = ALICE_TOKEN;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(world_ask(&ask, cases[i].method, cases[i].target), 403);
        assert_string_equal(world_string(&ask, "error.code"), "forbidden");
    }
    assert_int_equal(world.changes, 0);
}

static void a_monitor_reads_numbers_and_nothing_else(void **state)
{
    (void)state;
    size_t count;
    const struct api_route *routes = api_routes(&count);
    ask.token = MONITOR_TOKEN;
    for (size_t i = 0; i < count; i++) {
        const char *route = routes[i].path;
        bool allowed = strcmp(route, "/metrics") == 0 || strcmp(route, "/v1/host") == 0 ||
                       strcmp(route, "/healthz") == 0 || strcmp(route, "/openapi.json") == 0;
        assert_int_equal(world_ask(&ask, routes[i].method, route), allowed ? 200 : 403);
    }
    assert_int_equal(world.changes, 0);
    assert_int_equal(world_ask(&ask, "GET", "/metrics"), 200);
    assert_string_equal(ask.response.identity.who, "monitor");
    assert_false(api_sees_machine(&ask.response.identity, &world.machines[1]));
}

/* ---- paths and methods ---- */

static void unknown_paths_are_not_found(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "",
        "/",
        "/v1",
        "/v1/",
        "/v1/host/",
        "//v1/host",
        "/v1/machines/",
        "/v1/machines//doctor",
        "/v1/machines/web/doctor/",
        "/v1/machines/web/fly",
        "/v1/hos",
        "/V1/host",
        "/v1/machines/../host",
        "/healthz%00",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(world_ask(&ask, "GET", paths[i]), 404);
    }
}

static void a_method_that_is_not_there_is_told_what_is(void **state)
{
    (void)state;
    assert_int_equal(world_ask(&ask, "PUT", "/v1/machines/web"), 405);
    assert_string_equal(ask.response.allow, "GET, HEAD, PATCH, DELETE");
    assert_int_equal(world_ask(&ask, "GET", "/v1/machines/web/adopt"), 405);
    assert_string_equal(ask.response.allow, "POST");
    assert_int_equal(world_ask(&ask, "get", "/v1/reservations"), 405);
    assert_string_equal(ask.response.allow, "GET, HEAD, POST");
    assert_int_equal(world_ask(&ask, "HEAD", "/v1/machines/web"), 200);
    assert_string_equal(ask.response.allow, "");
}

static void names_are_decoded_once_and_checked(void **state)
{
    (void)state;
    assert_int_equal(world_ask(&ask, "GET", "/v1/machines/%77e%62"), 200);
    assert_string_equal(world_string(&ask, "name"), "web");
    assert_int_equal(world_ask(&ask, "GET", "/v1/machines/%2577eb"), 404);
    assert_string_equal(world_string(&ask, "error.text"),
                        "There is no machine of this name: %77eb");
    assert_int_equal(world_ask(&ask, "GET", "/v1/machines/web%2Fdoctor"), 404);
    static const char *const damaged[] = { "%",   "%7",     "web%",      "%zz",    "%00", "a%00b",
                                           "%ff", "%c0%af", "%ed%a0%80", "%e2%82", "\xff" };
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        char target[64];
        snprintf(target, sizeof(target), "/v1/machines/%s", damaged[i]);
        assert_int_equal(world_ask(&ask, "GET", target), 400);
        assert_string_equal(world_string(&ask, "error.code"), "malformed");
    }
    assert_int_equal(world_ask(&ask, "GET", "/v1/machines/%f0%9f%8e%88"), 404);
}

static void a_name_that_is_too_long_is_nobodys(void **state)
{
    (void)state;
    char target[200] = "/v1/machines/";
    memset(target + 13, 'a', 64);
    assert_int_equal(world_ask(&ask, "GET", target), 404);
    /* Not cut: the 63 characters before would be a machine. */
    memset(world.machines[3].name, 'a', 63);
    world.machines[3].name[63] = '\0';
    memset(target + 13, 'a', 64);
    assert_int_equal(world_ask(&ask, "GET", target), 404);
    target[13 + 63] = '\0';
    assert_int_equal(world_ask(&ask, "GET", target), 200);
}

/* What is known of a machine by its name only is nobody's but the operator's. */
static void a_machine_that_is_not_known_yet_is_shown_to_operators_only(void **state)
{
    (void)state;
    struct fleet_machine *web = fleet_find(world.api.fleet, "web");
    memset(web->identity, 0, sizeof(web->identity));
    ask.token = ALICE_TOKEN;
    assert_int_equal(world_ask(&ask, "GET", "/v1/machines/web"), 404);
    assert_int_equal(world_ask(&ask, "GET", "/v1/machines/web/history"), 404);
    ask.token = OPERATOR_TOKEN;
    assert_int_equal(world_ask(&ask, "GET", "/v1/machines/web"), 200);
    assert_true(json_is_null(world_value(ask.json, "uuid")));
    assert_int_equal(world_ask(&ask, "GET", "/v1/machines/web/history"), 200);
    assert_string_equal(world.history_of, "all of web");
}

/* The name may have been another owner's machine before. */
static void an_owner_reads_the_history_of_the_machine_that_is_there(void **state)
{
    (void)state;
    ask.token = ALICE_TOKEN;
    assert_int_equal(world_ask(&ask, "GET", "/v1/machines/web/history"), 200);
    assert_string_equal(world.history_of, "web at x");
    ask.token = OPERATOR_TOKEN;
    assert_int_equal(world_ask(&ask, "GET", "/v1/machines/gone/history"), 200);
    assert_string_equal(world.history_of, "all of gone");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_read_with_comments_and_blank_lines),
        cmocka_unit_test(a_token_may_stand_as_its_sha256),
        cmocka_unit_test(what_is_no_sha256_is_told_without_it),
        cmocka_unit_test(a_file_of_tokens_open_to_others_is_refused),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(a_line_that_is_wrong_is_told_without_its_token),
        cmocka_unit_test_setup_teardown(nobody_gets_anything_but_health_and_document, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_wrong_token_is_no_token_even_for_the_local_user, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(only_bearer_tokens_count, setup, teardown),
        cmocka_unit_test_setup_teardown(the_local_user_is_an_operator, setup, teardown),
        cmocka_unit_test_setup_teardown(without_tokens_no_token_is_right, setup, teardown),
        cmocka_unit_test_setup_teardown(an_owner_may_not_what_is_the_operators, setup, teardown),
        cmocka_unit_test_setup_teardown(a_monitor_reads_numbers_and_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_paths_are_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_method_that_is_not_there_is_told_what_is, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(names_are_decoded_once_and_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_that_is_too_long_is_nobodys, setup, teardown),
        cmocka_unit_test_setup_teardown(a_machine_that_is_not_known_yet_is_shown_to_operators_only,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(an_owner_reads_the_history_of_the_machine_that_is_there,
                                        setup, teardown),
    };
    return cmocka_run_group_tests_name("tools/ballast/api access", tests, NULL, NULL);
}
