/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The API without a network: a request goes in, a response comes out. tools/ballast/openapi.json
 * describes it, GET /openapi.json serves it. api_server.h puts it on sockets. One thread, the
 * fleet's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/ballast/fleet/fleet.h"
#include "tools/ballast/host/host.h"
#include "tools/ballast/store/store.h"

#define API_BODY_MAX ((size_t)64 << 10)
#define API_PROBLEMS 4
#define API_REASONS  ((size_t)POLICY_SHRINK_MAXIMUM + 1)

enum api_role {
    API_NOBODY,
    API_MONITOR,  /* the host's numbers, metrics and health, and nothing else */
    API_OWNER,    /* sees and switches his own machines */
    API_OPERATOR, /* everything */
};

struct api_identity {
    enum api_role role;
    char owner[CONFIG_NAME_MAX]; /* API_OWNER */
    char who[64];                /* for the audit log */
};

/* The tokens, read from a file that only its owner (root or the daemon's user) may read: lines of
 * "operator TOKEN", "monitor TOKEN" or "owner NAME TOKEN", '#' begins a comment. A token has 16 to
 * 255 visible ASCII characters and stands there once, or as "sha256:" and the 64 hexadecimal digits
 * of its SHA-256. NULL: `reason` says why; never a part of the file. */
struct api_tokens;
struct api_tokens *api_tokens_read(const char *path, char *reason, size_t reason_size);
void api_tokens_free(struct api_tokens *tokens);

struct api_request {
    const char *method;        /* HEAD is answered as GET: the server leaves the body out */
    const char *path;          /* without the query; not decoded */
    const char *query;         /* behind '?', "" none */
    const char *authorization; /* header, or NULL */
    const char *if_match;      /* header, or NULL */
    const char *accept;        /* header, or NULL */
    const char *last_event_id; /* header, or NULL */
    const char *body;
    size_t body_size;
    bool local; /* over the unix socket, from root or the daemon's own user: an operator */
    uint32_t uid;
    const char *from; /* "uid 1000", "127.0.0.1"; NULL: not known */
};

struct api_response {
    unsigned status;
    const char *type; /* content type; NULL: no body */
    char *body;       /* given back by api_response_free() */
    size_t size;
    char etag[32];    /* "" none */
    char allow[64];   /* for 405 */
    unsigned retry_s; /* for 429; 0: none */
    /* A stream begins behind the body: events after stream_after, or recorded periods. */
    enum { API_STREAM_NONE, API_STREAM_EVENTS, API_STREAM_RECORD } stream;
    struct api_identity identity;         /* who asked: what a stream may show */
    char stream_machine[CONFIG_NAME_MAX]; /* events of this machine only; "" of all */
    int64_t stream_after;
};

/* Attempts to change something, of one owner, or of all monitors or strangers together. */
#define API_RECENT_OWNERS 64U

struct api_recent {
    char who[64];       /* as in the audit log */
    int64_t paid_ms;    /* each attempt costs a while; so far what he did is paid for */
    uint64_t unwritten; /* refused attempts that the audit log has not got yet, not singly */
};

/* Requests with a wrong token since the last line about them. */
#define API_LOGIN_SOURCES 8U

struct api_logins {
    uint64_t total; /* since the start */
    struct {
        char from[64];
        uint64_t count;
    } sources[API_LOGIN_SOURCES];
    uint64_t elsewhere; /* from others than these */
    bool told;          /* there was a line, */
    int64_t told_ms;    /* at this time */
};

struct api {
    struct fleet *fleet;
    const struct host_memory *host;   /* as read last; NULL or all zero: not read yet */
    struct store *store;              /* NULL: no history */
    const struct api_tokens *tokens;  /* NULL: none */
    int64_t (*now_ms)(void *context); /* the fleet's clock */
    int64_t (*now_s)(void *context);  /* the wall clock */
    void *context;
    int64_t started_s;
    const char *version;
    /* Counted for /metrics; all zero at the start. */
    uint64_t requests;
    uint64_t periods;
    uint64_t decisions[API_REASONS];             /* by enum policy_reason */
    uint64_t audit_failures;                     /* changes that the audit log could not take */
    struct api_recent owners[API_RECENT_OWNERS]; /* one that is not among them did nothing lately */
    struct api_recent monitors;
    struct api_recent strangers;
    struct api_logins logins;
    /* What is wrong with the daemon itself, as sentences without a full stop; returns how many.
     * NULL: nothing ever is. */
    size_t (*problems)(void *context, const char *texts[API_PROBLEMS]);
    /* Takes a sentence for the log, with no part of a token in it. NULL: there is no log. */
    void (*warn)(void *context, const char *text);
};

/* Counts the decisions of a period, and tells what was held back of attempts and log-ins; to be
 * called after each fleet_tick(). */
void api_period(struct api *api);

/* Never fails: what is wrong is a response. */
void api_handle(struct api *api, const struct api_request *request, struct api_response *response);

/* The sentence of an event for an operator, who is told which amount is missing in the host where
 * the event has one. Others are shown neither this nor the number. Returns `text`. */
#define API_SENTENCE 320
const char *api_event_sentence(const struct store_event *event, char text[API_SENTENCE]);

/* The same for a request that the transport refuses before it is whole: audited as any other. The
 * text is a sentence; retry_s 0: no Retry-After. */
void api_refuse(struct api *api, const struct api_request *request, unsigned status,
                const char *code, const char *text, unsigned retry_s,
                struct api_response *response);
void api_response_free(struct api_response *response);
