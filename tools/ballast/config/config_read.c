/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a file with libinih: that library parses "name = value" and comments. It tells no line
 * numbers, cuts long lines and long names silently, and takes an indented line for the last one's
 * continuation; so it is fed line by line from here, and section headings and everything that it
 * would pass over are seen to before a line is handed on.
 *
 * Invariant: while a handler runs, reading->line is its line.
 */

#include <assert.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/config/config_internal.h"

void config_complain_at(struct config_reading *reading, int line, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    reading->complaints++;
    reading->complain(reading->context, reading->path, line, text);
}

static bool add_entry(struct config_reading *reading, const char *name)
{
    if (reading->entry_count == CONFIG_MACHINES_MAX) {
        config_complain_at(reading, reading->line, "there are more than %u machines",
                           CONFIG_MACHINES_MAX);
        return false;
    }
    if (reading->entry_count == reading->entry_room) {
        const size_t room = reading->entry_room == 0 ? 16 : reading->entry_room * 2;
        struct config_entry *grown = realloc(reading->entries, room * sizeof *grown);
        if (grown == NULL) {
            config_complain_at(reading, reading->line, "there is no memory for so many machines");
            return false;
        }
        reading->entries = grown;
        reading->entry_room = room;
    }
    struct config_entry *entry = &reading->entries[reading->entry_count++];
    *entry = (struct config_entry){ .line = reading->line };
    memcpy(entry->machine.name, name, strlen(name) + 1);
    return true;
}

/* The name in "machine NAME", or NULL. */
static const char *machine_name(const char *heading)
{
    if (strncmp(heading, "machine", 7) != 0 || (heading[7] != ' ' && heading[7] != '\t')) {
        return NULL;
    }
    return heading + 7 + strspn(heading + 7, " \t");
}

static void enter_machine(struct config_reading *reading, const char *name)
{
    if (!config_name_valid(name)) {
        config_complain_at(reading, reading->line,
                           "[machine %.40s]: a name has at most %u letters, digits and -_.@, and "
                           "begins with a letter or digit",
                           name, CONFIG_NAME_MAX - 1);
        return;
    }
    if (add_entry(reading, name)) {
        reading->section = CONFIG_MACHINE;
    }
}

static void enter_section(struct config_reading *reading, const char *heading)
{
    reading->section = CONFIG_NO_SECTION;
    const char *name = machine_name(heading);
    if (name != NULL) {
        enter_machine(reading, name);
        return;
    }
    for (unsigned i = 0; i < CONFIG_MACHINE; i++) {
        if (strcmp(heading, config_section_names[i]) != 0) {
            continue;
        }
        if (reading->section_lines[i] != 0) {
            config_complain_at(reading, reading->line, "section [%s] stands in line %d already",
                               heading, reading->section_lines[i]);
        } else {
            reading->section_lines[i] = reading->line;
        }
        reading->section = (enum config_section)i;
        return;
    }
    const char *near = config_nearest(heading, config_section_names, CONFIG_NO_SECTION);
    if (near == NULL) {
        config_complain_at(reading, reading->line, "there is no section [%.40s]", heading);
    } else {
        config_complain_at(reading, reading->line,
                           "there is no section [%.40s]; did you mean [%s%s]?", heading, near,
                           strcmp(near, "machine") == 0 ? " NAME" : "");
    }
}

/* "[heading]", and nothing behind it but a comment. */
static void take_heading(struct config_reading *reading, char *line)
{
    reading->headed = true;
    char *end = strchr(line, ']');
    const char *rest = end == NULL ? line : end + 1 + strspn(end + 1, " \t");
    if (end == NULL || (*rest != '\0' && *rest != ';' && *rest != '#')) {
        config_complain_at(reading, reading->line,
                           "a line that begins with '[' is a section such as [host]: %.60s", line);
        reading->section = CONFIG_NO_SECTION;
        return;
    }
    *end = '\0';
    char *heading = line + 1 + strspn(line + 1, " \t");
    for (size_t n = strlen(heading); n > 0 && (heading[n - 1] == ' ' || heading[n - 1] == '\t');) {
        heading[--n] = '\0';
    }
    enter_section(reading, heading);
}

static bool is_clean(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

/* Has the line a '=' or ':' before a comment begins? */
static bool has_separator(const char *line)
{
    for (const char *c = line; *c != '\0'; c++) {
        if (*c == '=' || *c == ':') {
            return c > line;
        }
        if (*c == ';' && c > line && (c[-1] == ' ' || c[-1] == '\t')) {
            return false;
        }
    }
    return false;
}

/* Looks at one line, without its ends. True: it is for libinih. */
static bool is_assignment(struct config_reading *reading, char *line, size_t length)
{
    if (!is_clean(line, length)) {
        config_complain_at(reading, reading->line, "the line has a control character");
        return false;
    }
    if (length == 0 || line[0] == '#' || line[0] == ';') {
        return false;
    }
    if (line[0] == '[') {
        take_heading(reading, line);
        return false;
    }
    if (!has_separator(line)) {
        config_complain_at(reading, reading->line,
                           "the line is no section, no \"key = value\" and no comment: %.60s",
                           line);
        return false;
    }
    return true;
}

/* libinih's reader of lines. */
static char *next_line(char *buffer, int size, void *context)
{
    struct config_reading *reading = context;
    const char *begin = reading->text + reading->at;
    size_t length = reading->length - reading->at;
    if (length == 0) {
        return NULL;
    }
    assert(size > 4);
    const char *end = memchr(begin, '\n', length);
    if (end != NULL) {
        length = (size_t)(end - begin);
    }
    reading->at += length + (end != NULL ? 1 : 0);
    reading->line++;
    while (length > 0 &&
           (begin[length - 1] == '\r' || begin[length - 1] == ' ' || begin[length - 1] == '\t')) {
        length--;
    }
    while (length > 0 && (*begin == ' ' || *begin == '\t')) {
        begin++;
        length--;
    }
    if (length > (size_t)size - 3) {
        if (*begin != '#' && *begin != ';') {
            config_complain_at(reading, reading->line, "the line has more than %d characters",
                               size - 3);
        }
        length = 0;
    }
    memcpy(buffer, begin, length);
    buffer[length] = '\0';
    if (!is_assignment(reading, buffer, length)) {
        length = 0;
    }
    memcpy(buffer + length, "\n", 2);
    return buffer;
}

static int take_pair(void *context, const char *section, const char *name, const char *value)
{
    (void)section; /* kept here: libinih's copy is cut at 50 characters */
    config_take(context, name, value);
    return 1;
}

void config_read_lines(struct config_reading *reading)
{
    static const char bom[] = "\xef\xbb\xbf";
    if (reading->length >= 3 && memcmp(reading->text, bom, 3) == 0) {
        reading->at = 3;
    }
    const int failed_line = ini_parse_stream(next_line, reading, take_pair, reading);
    if (failed_line != 0 && reading->complaints == 0) {
        config_complain_at(reading, failed_line > 0 ? failed_line : 0,
                           "the line is not understood");
    }
}

char *config_load(const char *path, size_t *length, const char **reason)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        *reason = strerror(errno);
        return NULL;
    }
    char *text = malloc(CONFIG_FILE_MAX + 1);
    if (text == NULL) {
        *reason = strerror(ENOMEM);
    } else {
        errno = 0;
        *length = fread(text, 1, CONFIG_FILE_MAX + 1, file);
        if (ferror(file) != 0) {
            *reason = strerror(errno);
        } else if (*length > CONFIG_FILE_MAX) {
            *reason = "it is larger than 8 MiB";
        } else {
            *reason = NULL;
        }
    }
    fclose(file);
    if (text == NULL || *reason == NULL) {
        return text;
    }
    free(text);
    return NULL;
}
