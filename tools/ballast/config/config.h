/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The configuration file of ballastd, read into plain structures. docs/BALLAST.md is its reference.
 * A file is taken whole or not at all: what is wrong is told with file, line and a sentence, all of
 * it and not only the first.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/ballast/policy/policy.h"

#define CONFIG_NAME_MAX     64U   /* of machines and owners, with the final 0 */
#define CONFIG_UUID_MAX     37U   /* 36 letters, with the final 0 */
#define CONFIG_PATH_MAX     108U  /* of sockets: what an address holds */
#define CONFIG_MACHINES_MAX 4096U /* sections [machine NAME] */
#define CONFIG_URIS_MAX     8U
#define CONFIG_LISTENS_MAX  4U

/* Keys that have another name now: see config_renamed(). */
#define CONFIG_RENAMED 2U

/* A size that may be told as a part of the machine's RAM. */
struct config_size {
    uint64_t bytes;
    uint32_t percent; /* 0: `bytes` counts */
};

/* What may be said of a machine; `given` has a bit for each member that was. */
enum config_given {
    CONFIG_GIVEN_CLASS = 1U << 0,
    CONFIG_GIVEN_MIN = 1U << 1,
    CONFIG_GIVEN_MAX = 1U << 2,
    CONFIG_GIVEN_WEIGHT = 1U << 3,
    CONFIG_GIVEN_OWNER = 1U << 4,
    CONFIG_GIVEN_BALLOONING = 1U << 5,
    CONFIG_GIVEN_SOCKET = 1U << 6,
    CONFIG_GIVEN_MANAGED = 1U << 7,
    CONFIG_GIVEN_CGROUP = 1U << 8,
    CONFIG_GIVEN_UUID = 1U << 9,
};

struct config_machine {
    char name[CONFIG_NAME_MAX];
    uint32_t given;
    enum policy_class class;
    struct config_size min;
    struct config_size max; /* at most its RAM */
    uint32_t weight;
    char owner[CONFIG_NAME_MAX];
    bool ballooning;
    bool managed;                 /* false: shown, never touched */
    char socket[CONFIG_PATH_MAX]; /* a QMP socket outside the folder */
    char cgroup[256];             /* a container's cgroup: it is shown, with the reason why it
                                   * cannot balloon; no socket then */
    char uuid[CONFIG_UUID_MAX];   /* the section is for the machine with this UUID only */
};

enum config_log_format {
    CONFIG_LOG_TEXT,
    CONFIG_LOG_JSON,
};

enum config_log_level {
    CONFIG_LOG_ERROR,
    CONFIG_LOG_WARNING,
    CONFIG_LOG_INFO,
    CONFIG_LOG_DEBUG,
};

enum config_exit {
    CONFIG_EXIT_LEAVE,   /* machines stay as they are when the daemon ends */
    CONFIG_EXIT_RESTORE, /* each is given its maximum */
};

struct config {
    /* [host] */
    uint64_t host_memory_bytes; /* at most so much is distributed; 0: all the host has */
    char host_cgroup[256];      /* "" or a folder of cgroup v2 that holds all machines: its limit
                                 * and pressure count instead of the host's */
    /* [policy] */
    struct policy_settings policy;
    uint32_t period_ms;
    enum config_exit on_exit;
    /* [qmp] */
    char qmp_folder[CONFIG_PATH_MAX]; /* "": none; each NAME.qmp in it is a machine */
    uint32_t qmp_timeout_ms;
    /* [libvirt] */
    char libvirt_uris[CONFIG_URIS_MAX][256];
    size_t libvirt_uri_count;
    /* [api] */
    char listens[CONFIG_LISTENS_MAX][CONFIG_PATH_MAX]; /* "unix:PATH" or "ADDRESS:PORT", loopback */
    size_t listen_count;
    char tokens[256]; /* the file with tokens; "": only the unix socket's owner may ask */
    /* [state] */
    char state_folder[256]; /* database and lock */
    uint32_t raw_hours;     /* how long history is kept: every period, */
    uint32_t minute_days;   /* minutes, */
    uint32_t quarter_days;  /* quarter hours */
    /* [log] */
    enum config_log_level log_level;
    enum config_log_format log_format;
    int renamed_lines[CONFIG_RENAMED]; /* where each old name stands; 0: nowhere */
    /* [default] and [machine NAME], sorted by name */
    struct config_machine machine_default;
    struct config_machine *machines;
    size_t machine_count;
};

/* Takes one complaint: `line` is 0 where it is about the whole file. */
typedef void config_complain(void *context, const char *file, int line, const char *text);

/* The configuration without a file: every default. */
void config_default(struct config *config);

/* Reads `path`. True: *config is complete (give it to config_free()). False: it is unchanged, and
 * there was at least one complaint. */
bool config_read(const char *path, struct config *config, config_complain *complain, void *context);

/* The same from memory; `path` is for complaints only. */
bool config_parse(const char *text, const char *path, struct config *config,
                  config_complain *complain, void *context);

void config_free(struct config *config);

/* The section of a machine, or NULL. */
const struct config_machine *config_find(const struct config *config, const char *name);

/* What is to be told of a file although nothing is wrong with it: old names of keys, which this
 * version still reads. `index` is below CONFIG_RENAMED. True: a sentence for *line without a full
 * stop is in `text`. */
bool config_renamed(const struct config *config, size_t index, int *line, char *text, size_t size);

/* Reads a UUID in its usual form, whatever its letters, as small letters. False, with "" in `uuid`:
 * it is none, or the one of all zeros, which QEMU tells of a machine without one. */
bool config_uuid_read(const char *text, char uuid[CONFIG_UUID_MAX]);

/* Machine names: letters, digits and "-_.@", beginning with a letter or digit. */
bool config_name_valid(const char *name);

/* "512M", "1.5G", "65536" (bytes), "2GiB" to bytes, and "500ms", "2s", "10m", "1h", "7d" to
 * milliseconds. False when the text is none, or too large. */
bool config_parse_size(const char *text, uint64_t *bytes);
bool config_parse_time(const char *text, uint64_t *ms);

/* A number with an optional fraction, whose unit is chosen by the caller: returns where the unit
 * begins, or NULL. The fraction is in millionths. */
const char *config_parse_decimal(const char *text, uint64_t *whole, uint64_t *millionths);

/* A whole number without a unit. */
bool config_parse_number(const char *text, uint64_t *number);
