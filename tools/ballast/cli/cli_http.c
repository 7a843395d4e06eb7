/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests. One libcurl handle for all requests of a run, so that `top` keeps its connection. No
 * proxy and no redirect is ever followed: the daemon is on this host, and the token is for it
 * alone. Over a unix socket nothing is sent before it is known whose it is.
 */

#include "tools/ballast/cli/cli_http.h"

#include <curl/curl.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tools/ballast/cli/cli_http_internal.h"
#include "tools/ballast/cli/cli_peer.h"
#include "tools/ballast/cli/cli_text.h"

#define TOKEN_MAX 512U
#define WAIT_MS   10000L

/* Reads the first line of the token file into a header. */
static int add_token(struct cli *cli, struct cli_http *http)
{
    char token[TOKEN_MAX];
    char header[TOKEN_MAX + 32];
    FILE *file = fopen(cli->token_file, "re");
    if (file == NULL) {
        cli_complain(cli, "cannot read the token in %s: %m", cli->token_file);
        return CLI_NOT_ALLOWED;
    }
    bool read = fgets(token, sizeof(token), file) != NULL;
    (void)fclose(file);
    size_t size = read ? strcspn(token, " \t\r\n") : 0;
    token[size] = '\0';
    if (size == 0 || size == sizeof(token) - 1) {
        cli_complain(cli, "%s holds no token in its first line", cli->token_file);
        return CLI_NOT_ALLOWED;
    }
    (void)snprintf(header, sizeof(header), "Authorization: Bearer %s", token);
    http->headers = curl_slist_append(http->headers, header);
    return CLI_OK;
}

/* Makes the socket for libcurl, so that the one which it uses is known. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct cli_http *http = context;
    (void)purpose;
    http->fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    return http->fd < 0 ? CURL_SOCKET_BAD : http->fd;
}

/* The connection is there, and nothing was sent yet: looks who listens at its other end. */
static int look_at_peer(void *context, char *to, char *from, int to_port, int from_port)
{
    struct cli_http *http = context;
    uid_t peer = (uid_t)-1;
    (void)to;
    (void)from;
    (void)to_port;
    (void)from_port;
    http->stranger = !cli_peer_of(http->fd, &peer) || !cli_peer_trusted(http->socket, peer);
    http->stranger_uid = peer;
    return http->stranger ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void set_socket(struct cli_http *http, const char *path)
{
    http->socket = path;
    (void)curl_easy_setopt(http->curl, CURLOPT_UNIX_SOCKET_PATH, path);
    (void)curl_easy_setopt(http->curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    (void)curl_easy_setopt(http->curl, CURLOPT_OPENSOCKETDATA, http);
    (void)curl_easy_setopt(http->curl, CURLOPT_PREREQFUNCTION, look_at_peer);
    (void)curl_easy_setopt(http->curl, CURLOPT_PREREQDATA, http);
}

static int set_address(struct cli *cli, struct cli_http *http)
{
    static const char unix_prefix[] = "unix:";
    if (strncmp(cli->url, unix_prefix, strlen(unix_prefix)) == 0) {
        set_socket(http, cli->url + strlen(unix_prefix));
        http->base = strdup("http://localhost");
    } else if (strncmp(cli->url, "http://", 7) == 0 || strncmp(cli->url, "https://", 8) == 0) {
        http->base = strdup(cli->url);
        for (size_t n = strlen(http->base); n > 0 && http->base[n - 1] == '/'; n--) {
            http->base[n - 1] = '\0';
        }
    } else {
        cli_complain(cli, "%s is no address: unix:PATH or http://127.0.0.1:PORT is expected",
                     cli->url);
        return CLI_USAGE;
    }
    return CLI_OK;
}

int cli_http_open(struct cli *cli)
{
    if (cli->http != NULL) {
        return CLI_OK;
    }
    struct cli_http *http = calloc(1, sizeof(*http));
    if (http == NULL) {
        abort();
    }
    cli->http = http;
    http->curl = curl_easy_init();
    if (http->curl == NULL) {
        cli_complain(cli, "libcurl does not start");
        return CLI_FAILED;
    }
    (void)curl_easy_setopt(http->curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(http->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(http->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(http->curl, CURLOPT_ERRORBUFFER, http->error);
    (void)curl_easy_setopt(http->curl, CURLOPT_USERAGENT, "ballast");
    (void)curl_easy_setopt(http->curl, CURLOPT_CONNECTTIMEOUT_MS, WAIT_MS);
    int status = set_address(cli, http);
    if (status == CLI_OK && cli->token_file != NULL) {
        status = add_token(cli, http);
    }
    if (status != CLI_OK) {
        cli_http_free(http);
        cli->http = NULL;
    }
    return status;
}

void cli_http_free(struct cli_http *http)
{
    if (http != NULL) {
        curl_slist_free_all(http->headers);
        curl_easy_cleanup(http->curl);
        free(http->base);
        free(http);
    }
}

/* Who listens, and what to do: the usual cause is a folder that others may write to. */
static void tell_stranger(struct cli *cli)
{
    const struct passwd *user = getpwuid(cli->http->stranger_uid);
    cli_complain(cli,
                 "nothing was sent to %s: the process that listens there is of user %s (uid %u), "
                 "who is neither root nor the daemon's user; did somebody replace the socket? The "
                 "folder of the socket must belong to the daemon's user, and nobody else may write "
                 "to it",
                 cli->url, user == NULL ? "?" : user->pw_name, (unsigned)cli->http->stranger_uid);
}

int cli_http_unreachable(struct cli *cli, CURLcode code)
{
    const char *why = cli->http->error[0] == '\0' ? curl_easy_strerror(code) : cli->http->error;
    long system = 0;
    if (cli->http->stranger) {
        tell_stranger(cli);
        return CLI_UNREACHABLE;
    }
    /* Of a unix socket libcurl says "localhost port 80"; the system's reason tells more. */
    if (curl_easy_getinfo(cli->http->curl, CURLINFO_OS_ERRNO, &system) == CURLE_OK && system != 0) {
        why = strerror((int)system);
    }
    cli_complain(cli, "no daemon answers at %s: %s (%s)", cli->url, why,
                 system == EACCES ? "root and members of the daemon's group may reach its socket"
                                  : "is ballastd running?");
    return CLI_UNREACHABLE;
}

/* ---- one request ---- */

struct transfer {
    char *body;
    size_t size;
    char *etag;
};

static size_t take_body(char *data, size_t one, size_t size, void *context)
{
    struct transfer *transfer = context;
    if (size > CLI_ANSWER_MAX - transfer->size) {
        return 0;
    }
    char *body = realloc(transfer->body, transfer->size + size + 1);
    if (body == NULL) {
        return 0;
    }
    memcpy(body + transfer->size, data, size);
    transfer->body = body;
    transfer->size += size;
    return size * one;
}

static size_t take_header(char *data, size_t one, size_t size, void *context)
{
    struct transfer *transfer = context;
    static const char name[] = "etag:";
    if (size > strlen(name) && strncasecmp(data, name, strlen(name)) == 0) {
        size_t from = strlen(name);
        size_t to = size;
        while (from < to && data[from] == ' ') {
            from++;
        }
        while (to > from && (data[to - 1] == '\r' || data[to - 1] == '\n')) {
            to--;
        }
        if (to - from < sizeof(((struct cli_answer *)NULL)->etag)) {
            memcpy(transfer->etag, data + from, to - from);
            transfer->etag[to - from] = '\0';
        }
    }
    return size * one;
}

/* An answer without a JSON body is fine when it is one of success without a body, or an error whose
 * number says enough. */
static int parse_body(struct cli *cli, const struct transfer *transfer, struct cli_answer *answer)
{
    json_error_t error;
    if (transfer->size == 0) {
        return CLI_OK;
    }
    answer->json = json_loadb(transfer->body, transfer->size, 0, &error);
    if (answer->json == NULL && answer->status < 400) {
        cli_complain(cli, "%s does not answer like ballastd: %s", cli->url, error.text);
        return CLI_FAILED;
    }
    return CLI_OK;
}

static CURLcode perform(struct cli_http *http, const char *method, const char *path,
                        const char *body, const char *if_match, struct transfer *transfer)
{
    CURL *curl = http->curl;
    struct curl_slist *headers = NULL;
    char *url = NULL;
    char *line = NULL;
    for (const struct curl_slist *at = http->headers; at != NULL; at = at->next) {
        headers = curl_slist_append(headers, at->data);
    }
    if (body != NULL) {
        headers = curl_slist_append(headers, "Content-Type: application/json");
    }
    if (asprintf(&url, "%s%s", http->base, path) < 0 ||
        asprintf(&line, "If-Match: %s", if_match == NULL ? "" : if_match) < 0) {
        abort();
    }
    if (if_match != NULL) {
        headers = curl_slist_append(headers, line);
    }
    http->error[0] = '\0';
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (body == NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    } else {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, WAIT_MS);
    CURLcode code = curl_easy_perform(curl);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    free(url);
    free(line);
    return code;
}

int cli_request(struct cli *cli, const char *method, const char *path, const json_t *body,
                const char *if_match, struct cli_answer *answer)
{
    struct transfer transfer = { .etag = answer->etag };
    memset(answer, 0, sizeof(*answer));
    int status = cli_http_open(cli);
    if (status != CLI_OK) {
        return status;
    }
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    CURLcode code = perform(cli->http, method, path, text, if_match, &transfer);
    free(text);
    if (code == CURLE_WRITE_ERROR) {
        cli_complain(cli, "%s answers with more than ballastd would", cli->url);
        status = CLI_FAILED;
    } else if (code != CURLE_OK) {
        status = cli_http_unreachable(cli, code);
    } else {
        (void)curl_easy_getinfo(cli->http->curl, CURLINFO_RESPONSE_CODE, &answer->status);
        status = parse_body(cli, &transfer, answer);
    }
    free(transfer.body);
    return status;
}

void cli_answer_free(struct cli_answer *answer)
{
    json_decref(answer->json);
    answer->json = NULL;
}

/* ---- what the daemon says ---- */

int cli_http_exit(long status)
{
    switch (status) {
    case 401:
    case 403:
        return CLI_NOT_ALLOWED;
    case 404:
        return CLI_NOT_FOUND;
    case 409:
        return CLI_REFUSED;
    case 412:
        return CLI_CONFLICT;
    default:
        return status >= 200 && status < 300 ? CLI_OK : CLI_FAILED;
    }
}

int cli_answer_status(struct cli *cli, const struct cli_answer *answer)
{
    const json_t *error = json_object_get(answer->json, "error");
    const char *text = cli_string(error, "text");
    char size[CLI_TEXT];
    int status = cli_http_exit(answer->status);
    if (status == CLI_OK) {
        return CLI_OK;
    }
    if (text[0] == '\0') {
        cli_complain(cli, "the daemon answers with status %ld", answer->status);
    } else {
        cli_complain(cli, "%s", text);
    }
    if (cli_bytes(error, "missing_bytes") != POLICY_MISSING) {
        (void)fprintf(cli->err, "missing: %s\n", cli_size(cli_bytes(error, "missing_bytes"), size));
    }
    if (answer->status == 401 && cli->token_file == NULL) {
        (void)fputs("Show a token with --token-file FILE.\n", cli->err);
    }
    if (cli->json && answer->json != NULL) {
        cli_put_json(cli->out, answer->json);
    }
    return status;
}

int cli_get(struct cli *cli, const char *path, json_t **json)
{
    struct cli_answer answer;
    int status = cli_request(cli, "GET", path, NULL, NULL, &answer);
    *json = NULL;
    if (status != CLI_OK) {
        return status;
    }
    status = cli_answer_status(cli, &answer);
    if (status == CLI_OK && !json_is_object(answer.json)) {
        cli_complain(cli, "%s does not answer like ballastd", cli->url);
        status = CLI_FAILED;
    }
    if (status == CLI_OK) {
        *json = json_incref(answer.json);
    }
    cli_answer_free(&answer);
    return status;
}
