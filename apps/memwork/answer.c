/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines that memwork answers with. Their form is documented for other people's programs: a key
 * may be added at the end of a line, and nothing is renamed. */

#include "apps/memwork/engine_internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/bits.h"

#define NS_PER_MS UINT64_C(1000000)

struct line {
    char text[ENGINE_LINE_MAX + 1];
    size_t length;
};

/* Appends; what does not fit is cut off. */
__attribute__((format(printf, 2, 0))) static void append_list(struct line *line, const char *format,
                                                              va_list args)
{
    size_t room = sizeof(line->text) - line->length;
    int length = vsnprintf(line->text + line->length, room, format, args);

    line->length += length < 0 ? 0 : min_u64((uint64_t)length, room - 1);
}

__attribute__((format(printf, 2, 3))) static void append(struct line *line, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    append_list(line, format, args);
    va_end(args);
}

static void print(struct engine *engine, const struct line *line)
{
    engine->host->print(engine->host->context, line->text);
}

static uint64_t held_pages(const struct engine *engine)
{
    uint64_t pages = 0;

    for (unsigned i = 0; i < ENGINE_REGIONS_MAX; i++) {
        pages += engine->regions[i].name[0] != '\0' ? engine->regions[i].count : 0;
    }
    return pages;
}

void answer_ok(struct engine *engine, const char *format, ...)
{
    const struct memwork_host *host = engine->host;
    const struct statement *s = engine->now;
    struct line line = { .length = 0 };
    va_list args;

    append(&line, "memwork ok line=%u what=%s", s->line, statement_word(s->kind));
    va_start(args, format);
    append_list(&line, format, args);
    va_end(args);
    append(&line, " held=%llu free=%llu ms=%llu", engine_bytes_of(held_pages(engine)),
           engine_bytes_of(host->free_pages(host->context)),
           (unsigned long long)((host->now_ns(host->context) - engine->started_ns) / NS_PER_MS));
    print(engine, &line);
}

__attribute__((format(printf, 3, 0))) static void error_list(struct engine *engine, const char *why,
                                                             const char *format, va_list args)
{
    struct line line = { .length = 0 };

    append(&line, "memwork error line=%u column=%u why=%s text=\"", engine->line, engine->column,
           why);
    append_list(&line, format, args);
    append(&line, "\"");
    print(engine, &line);
}

bool answer_error(struct engine *engine, const char *why, const char *format, ...)
{
    va_list args;

    engine->failed = true;
    va_start(args, format);
    error_list(engine, why, format, args);
    va_end(args);
    return false;
}

bool answer_fault(struct engine *engine, const struct region *region,
                  const struct region_fault *fault)
{
    if (fault->words == 0) {
        return true;
    }
    return answer_error(engine, "wrong",
                        "%llu words of '%s' are wrong, the first is word %u of page 0x%x: "
                        "0x%016llx instead of 0x%016llx",
                        (unsigned long long)fault->words, region->name, fault->index, fault->page,
                        (unsigned long long)fault->found, (unsigned long long)fault->expected);
}

void engine_script_error(struct engine *engine, const struct script_error *error)
{
    ASSERT(error->line > 0 && error->column > 0);
    engine->line = error->line;
    engine->column = error->column;
    (void)answer_error(engine, "script", "%s", error->text);
    engine->script_is_bad = true;
}

void engine_ready(struct engine *engine)
{
    engine->host->print(engine->host->context, "memwork ready");
}

void answer_gave(struct engine *engine, const struct region *region, uint64_t pages)
{
    struct line line = { .length = 0 };

    append(&line, "memwork gave name=%s bytes=%llu left=%llu", region->name, engine_bytes_of(pages),
           engine_bytes_of(region->count));
    print(engine, &line);
}

void answer_end(struct engine *engine, int status)
{
    const struct memwork_host *host = engine->host;
    struct line line = { .length = 0 };

    append(&line, "memwork end status=%d statements=%llu gave=%llu free=%llu", status,
           (unsigned long long)engine->statements, engine_bytes_of(engine->gave),
           engine_bytes_of(host->free_pages(host->context)));
    print(engine, &line);
}
