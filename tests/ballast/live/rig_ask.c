/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a test asks the daemon: over its API, as any program would, and through the command line
 * tool, as a person would.
 */

#include "tests/ballast/live/rig.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define LOOK_MS 50

struct answer {
    char *text;
    size_t length;
};

static size_t take(char *bytes, size_t one, size_t count, void *context)
{
    struct answer *answer = context;
    char *grown = realloc(answer->text, answer->length + one * count + 1);

    if (grown == NULL) {
        return 0;
    }
    answer->text = grown;
    memcpy(answer->text + answer->length, bytes, one * count);
    answer->length += one * count;
    answer->text[answer->length] = '\0';
    return one * count;
}

static long request(struct rig *rig, const char *method, const char *path, const char *body,
                    struct answer *answer)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "If-Match: *");
    char socket_path[128];
    char url[512];
    long status = 0;

    assert_non_null(curl);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    snprintf(socket_path, sizeof(socket_path), "%s/api.sock", rig->folder);
    snprintf(url, sizeof(url), "http://localhost%s", path);
    (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)RIG_STEP_MS);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    if (body != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    if (curl_easy_perform(curl) == CURLE_OK) {
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return status;
}

long rig_call(struct rig *rig, const char *method, const char *path, json_t *body, json_t **reply)
{
    struct answer answer = { NULL, 0 };
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    long status = request(rig, method, path, text, &answer);

    json_decref(body);
    free(text);
    if (reply != NULL) {
        *reply = answer.text == NULL ? NULL : json_loads(answer.text, JSON_DECODE_ANY, NULL);
    }
    free(answer.text);
    return status;
}

json_t *rig_get(struct rig *rig, const char *path)
{
    json_t *reply = NULL;
    long status = rig_call(rig, "GET", path, NULL, &reply);

    if (status != 200 || reply == NULL) {
        fail_msg("GET %s: status %ld", path, status);
    }
    return reply;
}

json_t *rig_member(json_t *value, const char *path)
{
    char copy[128];
    char *rest = copy;
    char *name;

    snprintf(copy, sizeof(copy), "%s", path);
    while ((name = strsep(&rest, "/")) != NULL) {
        value = json_object_get(value, name);
    }
    return value;
}

static uint64_t number_at(struct rig *rig, const char *path, const char *member)
{
    json_t *reply = rig_get(rig, path);
    json_t *value = rig_member(reply, member);
    uint64_t number = json_is_integer(value) ? (uint64_t)json_integer_value(value) : UINT64_MAX;

    if (value == NULL) {
        fail_msg("%s has no member %s", path, member);
    }
    json_decref(reply);
    return number;
}

static const char *machine_path(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "/v1/machines/%s", name);
    return path;
}

uint64_t rig_number(struct rig *rig, const char *name, const char *member)
{
    return number_at(rig, machine_path(name), member);
}

uint64_t rig_host(struct rig *rig, const char *member)
{
    return number_at(rig, "/v1/host", member);
}

/* False while the machine is not known. */
static bool word_at(struct rig *rig, const char *path, const char *member, char word[64])
{
    json_t *reply = NULL;
    long status = rig_call(rig, "GET", path, NULL, &reply);
    json_t *value = status == 200 ? rig_member(reply, member) : NULL;

    snprintf(word, 64, "%s", json_is_string(value) ? json_string_value(value) : "null");
    json_decref(reply);
    return status == 200;
}

const char *rig_word(struct rig *rig, const char *name, const char *member)
{
    static char word[64];

    if (!word_at(rig, machine_path(name), member, word)) {
        fail_msg("the daemon does not know %s", name);
    }
    return word;
}

static void until(struct rig *rig, const char *name, const char *member, uint64_t least,
                  uint64_t most)
{
    int64_t limit = vm_now_ms() + RIG_STEP_MS;
    uint64_t number = 0;

    for (;;) {
        json_t *reply = NULL;
        bool known = rig_call(rig, "GET", machine_path(name), NULL, &reply) == 200;
        json_t *value = known ? rig_member(reply, member) : NULL;
        bool told = json_is_integer(value);

        number = told ? (uint64_t)json_integer_value(value) : UINT64_MAX;
        json_decref(reply);
        if (told && number >= least && number <= most) {
            return;
        }
        if (vm_now_ms() > limit) {
            fail_msg("%s of %s is %lld MiB, should be from %lld to %lld MiB", member, name,
                     (long long)(number >> 20), (long long)(least >> 20), (long long)(most >> 20));
        }
        rig_look_again(rig, LOOK_MS);
    }
}

void rig_until(struct rig *rig, const char *name, bool (*condition)(json_t *machine),
               const char *what)
{
    int64_t limit = vm_now_ms() + RIG_STEP_MS;
    json_t *reply = NULL;

    while (rig_call(rig, "GET", machine_path(name), NULL, &reply) != 200 || !condition(reply)) {
        if (vm_now_ms() > limit) {
            char *text = json_dumps(reply, JSON_COMPACT);

            fprintf(stderr, "%s\n",
                    text == NULL ? "no answer" : text); /* more than cmocka prints */
            free(text);
            json_decref(reply);
            fail_msg("%s is never %s", name, what);
        }
        json_decref(reply);
        reply = NULL;
        rig_look_again(rig, LOOK_MS);
    }
    json_decref(reply);
}

void rig_until_least(struct rig *rig, const char *name, const char *member, uint64_t least)
{
    until(rig, name, member, least, UINT64_MAX - 1);
}

void rig_until_most(struct rig *rig, const char *name, const char *member, uint64_t most)
{
    until(rig, name, member, 0, most);
}

static void until_word(struct rig *rig, const char *path, const char *member, const char *want)
{
    int64_t limit = vm_now_ms() + RIG_STEP_MS;
    char word[64];

    while (!word_at(rig, path, member, word) || strcmp(word, want) != 0) {
        if (vm_now_ms() > limit) {
            fail_msg("%s of %s is '%s', should be '%s'", member, path, word, want);
        }
        rig_look_again(rig, LOOK_MS);
    }
}

void rig_until_word(struct rig *rig, const char *name, const char *member, const char *word)
{
    until_word(rig, machine_path(name), member, word);
}

void rig_until_zone(struct rig *rig, const char *zone)
{
    until_word(rig, "/v1/host", "zone", zone);
}

void rig_until_host(struct rig *rig, const char *member, uint64_t value)
{
    int64_t limit = vm_now_ms() + RIG_STEP_MS;

    while (rig_host(rig, member) != value) {
        if (vm_now_ms() > limit) {
            fail_msg("the host's %s is %lld, should be %lld", member,
                     (long long)rig_host(rig, member), (long long)value);
        }
        rig_look_again(rig, LOOK_MS);
    }
}

void rig_until_gone(struct rig *rig, const char *name)
{
    int64_t limit = vm_now_ms() + RIG_STEP_MS;

    while (rig_call(rig, "GET", machine_path(name), NULL, NULL) != 404) {
        if (vm_now_ms() > limit) {
            fail_msg("%s is still there", name);
        }
        rig_look_again(rig, LOOK_MS);
    }
}

size_t rig_events(struct rig *rig, const char *kind, const char *machine)
{
    json_t *reply = rig_get(rig, "/v1/events?limit=1000");
    json_t *events = json_object_get(reply, "events");
    size_t count = 0;
    size_t i;
    json_t *event;

    json_array_foreach(events, i, event)
    {
        const char *its_kind = json_string_value(json_object_get(event, "kind"));
        const char *its_machine = json_string_value(json_object_get(event, "machine"));

        count += its_kind != NULL && strcmp(its_kind, kind) == 0 &&
                 (machine == NULL || (its_machine != NULL && strcmp(its_machine, machine) == 0));
    }
    json_decref(reply);
    return count;
}

void rig_wait_event(struct rig *rig, const char *kind, const char *machine)
{
    int64_t limit = vm_now_ms() + RIG_STEP_MS;

    while (rig_events(rig, kind, machine) == 0) {
        if (vm_now_ms() > limit) {
            fail_msg("no event %s of %s", kind, machine == NULL ? "the host" : machine);
        }
        rig_look_again(rig, LOOK_MS);
    }
}

/* Periods since the daemon's start; false: it does not answer. */
static bool read_periods(struct rig *rig, uint64_t *periods)
{
    static const char name[] = "\nballast_periods_total ";
    struct answer answer = { NULL, 0 };
    bool told = request(rig, "GET", "/metrics", NULL, &answer) == 200;
    const char *at = told && answer.text != NULL ? strstr(answer.text, name) : NULL;

    if (told && at == NULL) {
        fail_msg("the daemon does not tell its periods");
    }
    *periods = at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
    free(answer.text);
    return told;
}

void rig_periods(struct rig *rig, unsigned count)
{
    int64_t limit = vm_now_ms() + RIG_STEP_MS;
    uint64_t began;
    uint64_t now = 0;

    assert_true(read_periods(rig, &began));
    while (!read_periods(rig, &now) || now < began + count + 1) { /* one is half over */
        if (vm_now_ms() > limit) {
            fail_msg("the daemon decided %llu times, should have done so %u times",
                     (unsigned long long)(now - began), count);
        }
        rig_look_again(rig, LOOK_MS);
    }
}

void rig_left_alone(struct rig *rig, const char *name, unsigned periods)
{
    uint64_t commands = rig_number(rig, name, "commands");

    rig_periods(rig, periods);
    assert_int_equal(rig_number(rig, name, "commands"), commands);
}

char *rig_ballast(struct rig *rig, int *status, const char *words)
{
    struct answer answer = { NULL, 0 };
    char command[1024];
    char bytes[4096];
    size_t count;
    FILE *pipe;
    int end;

    snprintf(command, sizeof(command), "%s/tools/ballast --socket %s/api.sock %s 2>&1", rig->build,
             rig->folder, words);
    pipe = popen(command, "re"); /* NOLINT(cert-env33-c): as a person would */
    assert_non_null(pipe);
    while ((count = fread(bytes, 1, sizeof(bytes), pipe)) != 0) {
        assert_int_equal(take(bytes, 1, count, &answer), count);
    }
    end = pclose(pipe);
    *status = WIFEXITED(end) ? WEXITSTATUS(end) : -1;
    return answer.text == NULL ? strdup("") : answer.text;
}

void rig_tool(struct rig *rig, const char *words, int want, const char *says)
{
    int status;
    char *text = rig_ballast(rig, &status, words);

    if (status != want || strstr(text, says) == NULL) {
        fail_msg("`ballast %s` ended with %d (%d expected) and did not say '%s': %s", words, status,
                 want, says, text);
    }
    free(text);
}
