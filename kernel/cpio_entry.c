/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the entries of cpio archives where they lie. An entry is a header of 110 bytes (a magic and
 * thirteen numbers of eight hexadecimal digits), the name with its zero, and the content; name and
 * content are padded to multiples of four, counted from the header. An entry of a special name ends
 * an archive. [Linux Documentation/driver-api/early-userspace/buffer-format.rst]
 *
 * cpio_open() looks at everything once. The rest walks the same entries again by the same code, and
 * a fault there is the programmer's mistake: a changed archive, or one that was not opened.
 */

#include "kernel/cpio_entry.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/string.h"

#define MAGIC_BYTES  6U
#define DIGITS       8U
#define HEADER_BYTES 110U
#define ALIGN        4U

static const char magic_newc[] = "070701";
static const char magic_crc[] = "070702";
static const char trailer[] = "TRAILER!!!";

STATIC_ASSERT(MAGIC_BYTES + CPIO_FIELD_COUNT * DIGITS == HEADER_BYTES, "the header is its numbers");
STATIC_ASSERT(sizeof(size_t) > sizeof(uint32_t), "sums of a few 32-bit sizes do not wrap");

/* ---- one entry ---- */

static bool digit_value(char digit, uint32_t *value)
{
    if (digit >= '0' && digit <= '9') {
        *value = (uint32_t)(digit - '0');
    } else if (digit >= 'a' && digit <= 'f') {
        *value = (uint32_t)(digit - 'a') + 10;
    } else if (digit >= 'A' && digit <= 'F') {
        *value = (uint32_t)(digit - 'A') + 10;
    } else {
        return false;
    }
    return true;
}

static bool field_read(const char *header, enum cpio_field field, uint32_t *value)
{
    const char *digits = header + MAGIC_BYTES + (size_t)field * DIGITS;

    *value = 0;
    for (unsigned i = 0; i < DIGITS; i++) {
        uint32_t digit;

        if (!digit_value(digits[i], &digit)) {
            return false;
        }
        *value = *value << 4 | digit;
    }
    return true;
}

/* Without "/" and "./" in front and "/" behind: "/a", "./a" and "a/" are all "a", "." is "". */
static struct cpio_text name_clean(struct cpio_text name)
{
    for (;;) {
        bool dot =
            name.length > 0 && name.start[0] == '.' && (name.length == 1 || name.start[1] == '/');

        if (!dot && (name.length == 0 || name.start[0] != '/')) {
            break;
        }
        name.start++;
        name.length--;
    }
    while (name.length > 0 && name.start[name.length - 1] == '/') {
        name.length--;
    }
    return name;
}

/* Reads what stands at cursor->at. Returns null, or why it cannot be read. */
static const char *entry_read(const struct cpio *cpio, const struct cpio_cursor *cursor,
                              struct cpio_entry *entry, size_t *next)
{
    size_t left = cpio->bytes - cursor->at;
    const char *header = cpio->start + cursor->at;
    uint32_t name_bytes;
    uint32_t data_bytes;

    ASSERT(cursor->at <= cpio->bytes);
    if (left == 0) {
        return "the archive has no end: it was cut short";
    }
    if (left < HEADER_BYTES || (memcmp(header, magic_newc, MAGIC_BYTES) != 0 &&
                                memcmp(header, magic_crc, MAGIC_BYTES) != 0)) {
        return "this is no cpio archive of the format newc (is it compressed?)";
    }
    if (!field_read(header, CPIO_FIELD_NAME_BYTES, &name_bytes) ||
        !field_read(header, CPIO_FIELD_BYTES, &data_bytes)) {
        return "a number is not hexadecimal";
    }
    if (name_bytes == 0 || name_bytes > left - HEADER_BYTES) {
        return "a name lies beyond the end";
    }
    const char *name = header + HEADER_BYTES;

    /* Behind the last name the padding may be missing. */
    size_t data_at = min_u64(align_up(HEADER_BYTES + (size_t)name_bytes, ALIGN), left);

    if (memchr(name, '\0', name_bytes) != name + name_bytes - 1) {
        return "a name does not end where it should";
    }
    if (data_bytes > left - data_at) {
        return "the content of a file lies beyond the end";
    }
    entry->header = header;
    entry->name = (struct cpio_text){ name, name_bytes - 1 };
    entry->data = (struct cpio_text){ header + data_at, data_bytes };
    *next = cursor->at + min_u64(align_up(data_at + data_bytes, ALIGN), left);
    return NULL;
}

static bool is_trailer(const struct cpio_entry *entry)
{
    return entry->name.length == sizeof(trailer) - 1 &&
           memcmp(entry->name.start, trailer, sizeof(trailer) - 1) == 0;
}

/* Moves to the next entry, over ends of archives and the zeros behind them; entry->header is null
 * behind the last one. Returns null, or why the entry at cursor->at cannot be read. */
static const char *cursor_move(const struct cpio *cpio, struct cpio_cursor *cursor,
                               struct cpio_entry *entry)
{
    for (;;) {
        size_t next = 0;

        if (!cursor->inside) {
            while (cursor->at < cpio->bytes && cpio->start[cursor->at] == '\0') {
                cursor->at++;
            }
            if (cursor->at == cpio->bytes) {
                *entry = (struct cpio_entry){ .header = NULL };
                return NULL;
            }
            cursor->archive = cursor->at;
        }
        const char *reason = entry_read(cpio, cursor, entry, &next);

        if (reason != NULL) {
            return reason;
        }
        cursor->at = next;
        cursor->inside = !is_trailer(entry);
        if (cursor->inside) {
            entry->name = name_clean(entry->name);
            return NULL;
        }
    }
}

bool cpio_entry_next(const struct cpio *cpio, struct cpio_cursor *cursor, struct cpio_entry *entry)
{
    const char *reason = cursor_move(cpio, cursor, entry);

    ASSERT(reason == NULL);
    return entry->header != NULL;
}

uint32_t cpio_entry_field(const struct cpio_entry *entry, enum cpio_field field)
{
    uint32_t value;
    bool good = field_read(entry->header, field, &value);

    ASSERT(good);
    return value;
}

/* ---- the check of a whole archive ---- */

static const char *name_fault(struct cpio_text name)
{
    size_t from = 0;

    if (name.length > CPIO_PATH_MAX) {
        return "a name is longer than CPIO_PATH_MAX";
    }
    while (from < name.length) {
        const char *component = name.start + from;
        const char *slash = memchr(component, '/', name.length - from);
        size_t length = slash != NULL ? (size_t)(slash - component) : name.length - from;

        if (length > CPIO_NAME_MAX) {
            return "a part of a name is longer than CPIO_NAME_MAX";
        }
        if (length == 0 ||
            (component[0] == '.' && (length == 1 || (length == 2 && component[1] == '.')))) {
            return "a name has an empty part, or '.' or '..', in its middle";
        }
        from += length + 1;
    }
    return NULL;
}

static uint32_t sum_of(struct cpio_text data)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < data.length; i++) {
        sum += (unsigned char)data.start[i];
    }
    return sum;
}

static const char *data_fault(const struct cpio_entry *entry)
{
    uint32_t type = cpio_type(cpio_entry_field(entry, CPIO_FIELD_MODE));

    if (entry->name.length == 0 && type != CPIO_TYPE_DIRECTORY) {
        return "a file has no name";
    }
    if (type == CPIO_TYPE_LINK && (entry->data.length == 0 || entry->data.length > CPIO_PATH_MAX ||
                                   memchr(entry->data.start, '\0', entry->data.length) != NULL)) {
        return "the target of a symbolic link is no path";
    }
    /* Names of one file whose content stands elsewhere have the sum, but not the bytes. */
    if (memcmp(entry->header, magic_crc, MAGIC_BYTES) == 0 && type == CPIO_TYPE_FILE &&
        entry->data.length != 0 && sum_of(entry->data) != cpio_entry_field(entry, CPIO_FIELD_SUM)) {
        return "the check sum of a file is wrong";
    }
    return NULL;
}

static const char *entry_fault(const struct cpio_entry *entry)
{
    for (unsigned field = 0; field < CPIO_FIELD_COUNT; field++) {
        uint32_t ignored;

        if (!field_read(entry->header, (enum cpio_field)field, &ignored)) {
            return "a number is not hexadecimal";
        }
    }
    const char *reason = name_fault(entry->name);

    return reason != NULL ? reason : data_fault(entry);
}

err_t cpio_open(struct cpio *cpio, const void *start, size_t bytes, struct cpio_fault *fault)
{
    struct cpio_cursor cursor = { .at = 0 };
    struct cpio_entry entry;

    ASSERT(bytes == 0 || start != NULL);
    *cpio = (struct cpio){ start, bytes };
    do {
        const char *reason = cursor_move(cpio, &cursor, &entry);
        size_t offset = cursor.at; /* stays where the fault is */

        if (reason == NULL && entry.header != NULL) {
            offset = (size_t)(entry.header - cpio->start);
            reason = entry_fault(&entry);
        }
        if (reason != NULL) {
            *fault = (struct cpio_fault){ offset, reason };
            *cpio = (struct cpio){ NULL, 0 };
            return ERR_INVALID;
        }
    } while (entry.header != NULL);
    return OK;
}
