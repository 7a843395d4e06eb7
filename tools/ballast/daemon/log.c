/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of the log. Each goes out with one write(), so that lines of several writers on one pipe do
 * not mix. A line that cannot be written is lost: the daemon has more important work.
 *
 * What repeats (the same level, machine, code and text) within a minute is counted in a small
 * table. When its minute is over, or another line needs its place, the count is told.
 */

#include "tools/ballast/daemon/log.h"
#include "tools/ballast/daemon/log_escape.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {
    [CONFIG_LOG_ERROR] = "error",
    [CONFIG_LOG_WARNING] = "warning",
    [CONFIG_LOG_INFO] = "info",
    [CONFIG_LOG_DEBUG] = "debug",
};

/* The journal's priorities, as syslog numbers them. */
static const int priorities[] = {
    [CONFIG_LOG_ERROR] = 3,
    [CONFIG_LOG_WARNING] = 4,
    [CONFIG_LOG_INFO] = 6,
    [CONFIG_LOG_DEBUG] = 7,
};

const char *log_level_name(enum config_log_level level)
{
    assert(level <= CONFIG_LOG_DEBUG);
    return level_names[level];
}

bool log_level_parse(const char *name, enum config_log_level *level)
{
    for (int i = CONFIG_LOG_ERROR; i <= CONFIG_LOG_DEBUG; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum config_log_level)i;
            return true;
        }
    }
    return false;
}

/* JOURNAL_STREAM names the device and inode of the journal's socket; whoever redirected our output
 * elsewhere wants a time and no priority. */
static bool goes_to_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char here[64];

    if (stream == NULL || fstat(fd, &status) != 0) {
        return false;
    }
    (void)snprintf(here, sizeof here, "%ju:%ju", (uintmax_t)status.st_dev,
                   (uintmax_t)status.st_ino);
    return strcmp(stream, here) == 0;
}

static int64_t wall_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void log_init(struct log *log, int fd)
{
    *log = (struct log){ .fd = fd,
                         .journal = goes_to_journal(fd),
                         .format = CONFIG_LOG_TEXT,
                         .level = CONFIG_LOG_INFO,
                         .now_ms = wall_ms };
}

void log_configure(struct log *log, enum config_log_format format, enum config_log_level level)
{
    log->format = format;
    log->level = level;
}

static void time_text(int64_t now_ms, char *text, size_t size)
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm civil = { 0 };
    char whole[32] = "";

    (void)gmtime_r(&seconds, &civil);
    (void)strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &civil);
    (void)snprintf(text, size, "%s.%03dZ", whole, (int)(now_ms % 1000));
}

/* The longest line: all of a text and its names escaped, and what stands around them. */
#define LINE_MAX_BYTES (6 * (LOG_TEXT_MAX + CONFIG_NAME_MAX) + 512)

static void write_out(const struct log *log, const char *line, int length)
{
    ssize_t written = 0;

    assert(length > 0 && (size_t)length < LINE_MAX_BYTES);
    written = write(log->fd, line, (size_t)length);
    (void)written;
}

static void write_text(const struct log *log, const struct log_recent *line, const char *when)
{
    char text[2 * LOG_TEXT_MAX];
    char machine[4 * CONFIG_NAME_MAX];
    char code[128];
    char prefix[64];
    char out[LINE_MAX_BYTES];
    int length = 0;
    size_t machine_length = log_escape_text(line->machine, true, machine, sizeof machine);
    size_t code_length = log_escape_text(line->code, true, code, sizeof code);

    (void)log_escape_text(line->text, false, text, sizeof text);
    if (log->journal) {
        (void)snprintf(prefix, sizeof prefix, "<%d>", priorities[line->level]);
    } else {
        (void)snprintf(prefix, sizeof prefix, "%s %s: ", when, level_names[line->level]);
    }
    length = snprintf(out, sizeof out, "%s%s%s%s%s%s\n", prefix, text,
                      machine_length > 0 ? " machine=" : "", machine,
                      code_length > 0 ? " code=" : "", code);
    write_out(log, out, length);
}

static void write_json(const struct log *log, const struct log_recent *line, const char *when)
{
    char text[6 * LOG_TEXT_MAX];
    char machine[6 * CONFIG_NAME_MAX];
    char code[192];
    char out[LINE_MAX_BYTES];
    int length = 0;
    size_t machine_length = log_escape_json(line->machine, machine, sizeof machine);
    size_t code_length = log_escape_json(line->code, code, sizeof code);

    (void)log_escape_json(line->text, text, sizeof text);
    length = snprintf(
        out, sizeof out, "{\"time\":\"%s\",\"level\":\"%s\"%s%s%s%s%s%s,\"text\":\"%s\"}\n", when,
        level_names[line->level], machine_length > 0 ? ",\"machine\":\"" : "", machine,
        machine_length > 0 ? "\"" : "", code_length > 0 ? ",\"code\":\"" : "", code,
        code_length > 0 ? "\"" : "", text);
    write_out(log, out, length);
}

static void write_line(const struct log *log, const struct log_recent *line)
{
    char when[48];

    time_text(log->now_ms(), when, sizeof when);
    if (log->format == CONFIG_LOG_JSON) {
        write_json(log, line, when);
    } else {
        write_text(log, line, when);
    }
}

/* Says how often a line came again, and forgets it. */
static void end_repeats(const struct log *log, struct log_recent *line)
{
    if (line->hash != 0 && line->repeats > 0) {
        size_t length = strlen(line->text);
        char count[48] = " (once more)";
        size_t needed = 0;

        if (line->repeats > 1) {
            (void)snprintf(count, sizeof count, " (%" PRIu32 " times more)", line->repeats);
        }
        needed = strlen(count);
        if (length + needed >= sizeof line->text) {
            length = sizeof line->text - needed - 1;
        }
        memcpy(line->text + length, count, needed + 1);
        write_line(log, line);
    }
    line->hash = 0;
}

/* FNV-1a: the table needs no more. Never 0. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    do {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    } while (*text++ != '\0');
    return hash;
}

static uint64_t hash_line(const struct log_recent *line)
{
    uint64_t hash = UINT64_C(14695981039346656037) + line->level;

    hash = hash_text(hash_text(hash_text(hash, line->machine), line->code), line->text);
    return hash != 0 ? hash : 1;
}

static bool is_over(const struct log_recent *line, int64_t now_ms)
{
    /* A clock that was set back must not silence a line for days. */
    return now_ms < line->since_ms || now_ms - line->since_ms >= LOG_REPEAT_MS;
}

void log_line(struct log *log, enum config_log_level level, const char *machine, const char *code,
              const char *format, ...)
{
    struct log_recent line = { .level = level, .since_ms = log->now_ms() };
    struct log_recent *place = NULL;
    va_list arguments;

    if (level > log->level) {
        return;
    }
    (void)snprintf(line.machine, sizeof line.machine, "%s", machine != NULL ? machine : "");
    (void)snprintf(line.code, sizeof line.code, "%s", code != NULL ? code : "");
    va_start(arguments, format);
    (void)vsnprintf(line.text, sizeof line.text, format, arguments);
    va_end(arguments);
    line.hash = hash_line(&line);

    place = &log->recent[line.hash % LOG_RECENT];
    if (place->hash == line.hash && !is_over(place, line.since_ms)) {
        place->repeats++;
        return;
    }
    end_repeats(log, place);
    *place = line;
    write_line(log, &line);
}

void log_flush(struct log *log, bool all)
{
    int64_t now_ms = log->now_ms();

    for (size_t i = 0; i < LOG_RECENT; i++) {
        if (all || is_over(&log->recent[i], now_ms)) {
            end_repeats(log, &log->recent[i]);
        }
    }
}
