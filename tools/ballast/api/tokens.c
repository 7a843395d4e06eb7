/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who asks: tokens from a file, and the local user over the unix socket. Of tokens only the SHA-256
 * is kept, whether the file has that or the token itself. What is shown is hashed and compared with
 * every known one over its whole length, so that the time tells nothing of how much was right. The
 * file must be closed to others, because a plain token in it is all that is needed to be an
 * operator.
 */
#include "tools/ballast/api/api_internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASHED     "sha256:"
#define TOKEN_MIN  16U
#define TOKEN_MAX  255U
#define TOKENS_MAX 1024U
#define FILE_MAX   ((off_t)512 << 10)

struct token {
    uint8_t digest[SHA256_DIGEST_SIZE];
    char owner[CONFIG_NAME_MAX];
    enum api_role role;
};

struct api_tokens {
    size_t count;
    struct token tokens[TOKENS_MAX];
};

static void hash(const char *text, size_t length, uint8_t digest[SHA256_DIGEST_SIZE])
{
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, length, (const uint8_t *)text);
    sha256_digest(&context, SHA256_DIGEST_SIZE, digest);
    explicit_bzero(&context, sizeof(context));
}

/* Neither leaves early nor branches on what is compared. */
static bool token_equals(const struct token *token, const uint8_t digest[SHA256_DIGEST_SIZE])
{
    return memeql_sec(token->digest, digest, SHA256_DIGEST_SIZE) != 0;
}

static int hex_digit(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = digit == '\0' ? NULL : strchr(digits, tolower((unsigned char)digit));
    return at == NULL ? -1 : (int)(at - digits);
}

/* False: these are not exactly as many hexadecimal digits as a digest has. */
static bool read_digest(const char *text, uint8_t digest[SHA256_DIGEST_SIZE])
{
    for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++) {
        int high = hex_digit(text[2 * i]);
        int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
        if (low < 0) {
            return false;
        }
        digest[i] = (uint8_t)(high << 4 | low);
    }
    return text[(size_t)2 * SHA256_DIGEST_SIZE] == '\0';
}

/* NULL when the text is no token. */
static const char *token_fault(const char *text)
{
    size_t length = strlen(text);
    if (length < TOKEN_MIN || length > TOKEN_MAX) {
        return "a token has 16 to 255 characters";
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '!' || text[i] > '~') {
            return "a token is made of visible ASCII characters";
        }
    }
    return NULL;
}

/* A token of the file, or its digest. NULL: it is good. */
static const char *read_token(const char *text, struct token *token)
{
    if (strncmp(text, HASHED, strlen(HASHED)) == 0) {
        return read_digest(text + strlen(HASHED), token->digest)
                   ? NULL
                   : "behind \"sha256:\" stand 64 hexadecimal digits";
    }
    const char *fault = token_fault(text);
    if (fault == NULL) {
        hash(text, strlen(text), token->digest);
    }
    return fault;
}

/* One line, which is taken apart. NULL: it is good. */
static const char *add_line(struct api_tokens *tokens, char *line)
{
    char *rest = line;
    const char *words[4] = { NULL };
    size_t count = 0;
    for (char *word; count < 4 && (word = strsep(&rest, " \t\r")) != NULL;) {
        if (*word != '\0') {
            words[count++] = word;
        }
    }
    if (count == 0 || words[0][0] == '#') {
        return NULL;
    }
    struct token token = { .role = API_OPERATOR };
    const char *text = words[1];
    if (strcmp(words[0], "owner") == 0 && count == 3) {
        if (!config_name_valid(words[1]) || strlen(words[1]) >= sizeof(token.owner)) {
            return "this is no valid name of an owner";
        }
        token.role = API_OWNER;
        strcpy(token.owner, words[1]);
        text = words[2];
    } else if (strcmp(words[0], "monitor") == 0 && count == 2) {
        token.role = API_MONITOR;
    } else if (strcmp(words[0], "operator") != 0 || count != 2) {
        return "neither \"operator TOKEN\", \"monitor TOKEN\" nor \"owner NAME TOKEN\"";
    }
    const char *fault = read_token(text, &token);
    if (fault != NULL) {
        return fault;
    }
    for (size_t i = 0; i < tokens->count; i++) {
        if (token_equals(&tokens->tokens[i], token.digest)) {
            return "this token stands in the file already";
        }
    }
    if (tokens->count == TOKENS_MAX) {
        return "there are more than 1024 tokens";
    }
    tokens->tokens[tokens->count++] = token;
    return NULL;
}

/* Opens it, if it is a file that nobody else reads or writes. -1: reason. */
static int open_private(const char *path, char *reason, size_t reason_size)
{
    /* Not to wait where it is a pipe. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        snprintf(reason, reason_size, "%s cannot be opened: %s", path, strerror(errno));
        return -1;
    }
    const char *fault = NULL;
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        fault = "is no regular file";
    } else if (status.st_uid != 0 && status.st_uid != geteuid()) {
        fault = "belongs to another user than the one who reads it (chown)";
    } else if ((status.st_mode & 077) != 0) {
        fault = "is open to other users (chmod 600 closes it)";
    } else if (status.st_size > FILE_MAX) {
        fault = "is too large";
    }
    if (fault != NULL) {
        snprintf(reason, reason_size, "%s %s", path, fault);
        close(fd);
        return -1;
    }
    return fd;
}

static bool read_lines(struct api_tokens *tokens, FILE *file, const char *path, char *reason,
                       size_t reason_size)
{
    char *line = NULL;
    size_t line_size = 0;
    unsigned number = 0;
    const char *fault = NULL;
    ssize_t length;
    while (fault == NULL && (length = getline(&line, &line_size, file)) > 0) {
        number++;
        line[strcspn(line, "\n")] = '\0';
        fault = strlen(line) + 1 < (size_t)length ? "there is a NUL" : add_line(tokens, line);
    }
    if (fault != NULL) {
        snprintf(reason, reason_size, "%s:%u: %s", path, number, fault);
    }
    if (line != NULL) {
        explicit_bzero(line, line_size);
    }
    free(line);
    return fault == NULL;
}

struct api_tokens *api_tokens_read(const char *path, char *reason, size_t reason_size)
{
    int fd = open_private(path, reason, reason_size);
    if (fd < 0) {
        return NULL;
    }
    struct api_tokens *tokens = calloc(1, sizeof(*tokens));
    FILE *file = fdopen(fd, "r");
    if (tokens == NULL || file == NULL) {
        snprintf(reason, reason_size, "%s: no memory", path);
        file == NULL ? close(fd) : fclose(file);
        free(tokens);
        return NULL;
    }
    bool good = read_lines(tokens, file, path, reason, reason_size);
    fclose(file);
    if (!good) {
        api_tokens_free(tokens);
        return NULL;
    }
    return tokens;
}

void api_tokens_free(struct api_tokens *tokens)
{
    if (tokens != NULL) {
        explicit_bzero(tokens, sizeof(*tokens));
        free(tokens);
    }
}

/* Looks at all of them, found or not. */
static const struct token *find_token(const struct api_tokens *tokens, const char *text,
                                      size_t length)
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    if (length < TOKEN_MIN || length > TOKEN_MAX) {
        return NULL; /* no token has this length: nothing is told by the time */
    }
    hash(text, length, digest);
    const struct token *found = NULL;
    for (size_t i = 0; i < tokens->count; i++) {
        found = token_equals(&tokens->tokens[i], digest) ? &tokens->tokens[i] : found;
    }
    return found;
}

bool api_identify(const struct api *api, const struct api_request *request,
                  struct api_identity *identity)
{
    memset(identity, 0, sizeof(*identity));
    const char *header = request->authorization;
    if (header == NULL) {
        if (request->local) {
            identity->role = API_OPERATOR;
            snprintf(identity->who, sizeof(identity->who), "local:uid %u", request->uid);
        }
        return true;
    }
    if (strncasecmp(header, "Bearer ", 7) != 0 || api->tokens == NULL) {
        return false;
    }
    header += 7 + strspn(header + 7, " ");
    size_t length = strcspn(header, " ");
    const struct token *token = find_token(api->tokens, header, length);
    if (token == NULL || header[length + strspn(header + length, " ")] != '\0') {
        return false;
    }
    identity->role = token->role;
    strcpy(identity->owner, token->owner);
    if (token->role == API_OWNER) {
        snprintf(identity->who, sizeof(identity->who), "owner:%.57s", token->owner);
    } else {
        strcpy(identity->who, token->role == API_MONITOR ? "monitor" : "operator");
    }
    return true;
}

/* Until it is known who a machine is, it is the operator's business only. */
bool api_sees_machine(const struct api_identity *identity, const struct fleet_machine *machine)
{
    return identity->role == API_OPERATOR ||
           (identity->role == API_OWNER && machine->identity[0] != '\0' &&
            strcmp(identity->owner, machine->settings.owner) == 0);
}

/* Events keep the owner of their time: who gets a machine later does not see what was before. */
bool api_sees_event(const struct api_identity *identity, const char *machine,
                    const struct store_event *event)
{
    if (machine[0] != '\0' && strcmp(machine, event->machine) != 0) {
        return false;
    }
    return identity->role == API_OPERATOR ||
           (identity->role == API_OWNER && event->machine[0] != '\0' &&
            strcmp(identity->owner, event->owner) == 0);
}

struct store_event_filter api_event_filter(const struct api_identity *identity, const char *machine)
{
    return (struct store_event_filter){
        .owner = identity->role == API_OPERATOR ? NULL : identity->owner,
        .machine = machine[0] == '\0' ? NULL : machine,
    };
}

const struct fleet_machine *api_machine(struct api_call *call)
{
    const struct fleet_machine *machine = fleet_find(call->api->fleet, call->name);
    if (machine == NULL || !api_sees_machine(&call->identity, machine)) {
        api_error(call, 404, "not_found", "There is no machine of this name: %s", call->name);
        return NULL;
    }
    return machine;
}
