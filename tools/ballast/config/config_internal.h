/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the files of this folder share: the state of one reading, the table of keys, and readers of
 * single values.
 */

#include <stdarg.h>

#include "tools/ballast/config/config.h"

#define CONFIG_FILE_MAX ((size_t)8 << 20)

enum config_section {
    CONFIG_HOST,
    CONFIG_POLICY,
    CONFIG_QMP,
    CONFIG_LIBVIRT,
    CONFIG_API,
    CONFIG_STATE,
    CONFIG_LOG,
    CONFIG_DEFAULT,
    CONFIG_MACHINE,
    CONFIG_NO_SECTION, /* before the first, or inside one that is unknown */
};

/* How a value is read, and what lies at the key's offset. */
enum config_kind {
    CONFIG_SIZE,    /* uint64_t bytes */
    CONFIG_TIME,    /* uint32_t, in the key's unit */
    CONFIG_TIMES,   /* the same; a second time may follow, for the second offset */
    CONFIG_PERCENT, /* uint32_t */
    CONFIG_NUMBER,  /* uint32_t */
    CONFIG_MARGIN,  /* a size, a percentage or both: uint64_t bytes, second offset uint32_t */
    CONFIG_OF_RAM,  /* struct config_size */
    CONFIG_FOLDER,  /* char[size], an absolute path or empty; `low` 1: not empty */
    CONFIG_NAME,    /* char[size], a name or empty */
    CONFIG_UUID,    /* char[CONFIG_UUID_MAX] */
    CONFIG_SWITCH,  /* bool */
    CONFIG_CHOICE,  /* an enum: the index in `choices` */
    CONFIG_URI,     /* one more libvirt URI */
    CONFIG_LISTEN,  /* one more address */
};

struct config_key {
    enum config_section section; /* CONFIG_DEFAULT: there and for machines */
    const char *name;
    enum config_kind kind;
    size_t offset; /* in struct config; in struct config_machine for CONFIG_DEFAULT, _MACHINE */
    size_t second; /* CONFIG_TIMES, CONFIG_MARGIN */
    size_t size;   /* of a text */
    uint64_t low;  /* limits, of numbers in the member's unit */
    uint64_t high;
    uint64_t unit; /* of times, in ms */
    uint32_t given;
    const char *const *choices;
    const char *allowed; /* "must be ..." */
};

#define CONFIG_KEYS_MAX 64U

/* A key's name in the version before. */
struct config_rename {
    enum config_section section;
    const char *before;
    const char *now;
};

extern const struct config_rename config_renames[CONFIG_RENAMED];

extern const struct config_key config_keys[];
extern const size_t config_key_count;
extern const char *const config_section_names[CONFIG_NO_SECTION];

/* A machine's section, and where its keys stand. */
struct config_entry {
    struct config_machine machine;
    int line;
    int lines[CONFIG_KEYS_MAX];
};

struct config_reading {
    const char *path;
    config_complain *complain;
    void *context;
    size_t complaints;
    struct config *config;
    /* The text, and where in it the reading is. */
    const char *text;
    size_t length;
    size_t at;
    int line;
    /* The section that it is in. */
    bool headed; /* a section has begun */
    enum config_section section;
    int section_lines[CONFIG_NO_SECTION];
    int lines[CONFIG_KEYS_MAX]; /* of keys outside of machines' sections; 0: not given */
    struct config_entry *entries;
    size_t entry_count;
    size_t entry_room;
};

void config_complain_at(struct config_reading *reading, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The whole of a file, to be given to free(). NULL: *reason says why not. */
char *config_load(const char *path, size_t *length, const char **reason);

/* Goes through reading->text. */
void config_read_lines(struct config_reading *reading);

/* Takes one key; what is wrong is complained about. */
void config_take(struct config_reading *reading, const char *name, const char *value);

/* Stores a value as the key says. False: it is none, and nothing was changed. */
bool config_store(struct config *config, void *base, const struct config_key *key,
                  const char *value);

/* Complains about what only the whole file shows: contradictions. Entries must be sorted. */
void config_check(struct config_reading *reading);

/* "did you mean" for a word, or NULL when none of the words is near. */
const char *config_nearest(const char *word, const char *const *words, size_t count);

bool config_parse_percent(const char *text, uint32_t *percent); /* "20 %", "20%" */

/* "unix:/absolute/path", or "ADDRESS:PORT" with an address of the loopback interface. */
bool config_listen_valid(const char *text);
