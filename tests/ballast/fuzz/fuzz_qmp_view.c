/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts from replies: any JSON as the answer to any question, and as any event. Whatever comes, the
 * sizes are missing or possible ones, statistics are not from the future, paths stay inside their
 * places, and every question can be put. The input is a recipe: its bytes say what is answered, and
 * choose among the names and values that the view knows and some that nobody does.
 */

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "tools/ballast/backend/qmp_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool possible(uint64_t bytes)
{
    return bytes == POLICY_MISSING || bytes <= POLICY_BYTES_MAX;
}

static void check(const struct qmp_view *view, int64_t now_ms)
{
    const struct facts *facts = &view->facts;

    assert(facts->stats_ms >= 0 && facts->stats_ms <= now_ms);
    assert(facts->stats_ms > 0 || facts->available_bytes == POLICY_MISSING);
    assert(possible(facts->ram_bytes) && possible(facts->actual_bytes));
    assert(possible(facts->stats_actual_bytes) && possible(facts->total_bytes));
    assert(possible(facts->free_bytes) && possible(facts->available_bytes));
    assert(possible(facts->caches_bytes));
    assert(facts->driver <= POLICY_DRIVER_OK && facts->state < FACTS_STATES);
    assert(facts->offered_known || facts->offered == 0);
    assert(memchr(view->device, '\0', sizeof(view->device)) != NULL);
    assert(memchr(view->memfd, '\0', sizeof(view->memfd)) != NULL);
    assert(memchr(facts->trouble, '\0', sizeof(facts->trouble)) != NULL);
    assert(view->reading.newest_bytes <= view->reading.largest_bytes);
    for (unsigned i = 0; i < QMP_QUESTIONS; i++) {
        if ((qmp_view_possible(view, QMP_BIT(i)) & QMP_BIT(i)) != 0) {
            json_decref(qmp_question_arguments(view, (enum qmp_question)i, 1));
        }
    }
}

/* Gives one object to the view: as an event, as a refusal, or as an answer. */
static void give(struct qmp_view *view, uint8_t what, const json_t *object, int64_t now_ms)
{
    const json_t *value = json_object_get(object, "return");
    struct qmp_error error = { .status = QMP_OK };

    if (what % 32 == 31) {
        (void)qmp_view_event(view, object);
    } else if (what % 32 == 28) {
        qmp_view_end(view);
    } else if (what % 32 == 30) {
        qmp_view_search_begin(view);
    } else if (what % 32 == 29) {
        (void)qmp_view_search_end(view);
    } else {
        if (what >= 224) {
            error = (struct qmp_error){ .status = QMP_REFUSED, .class = "DeviceNotActive" };
        }
        qmp_view_answer(view, (enum qmp_question)(what % 32 % QMP_QUESTIONS),
                        value != NULL ? value : object, &error, now_ms,
                        INT64_C(1795265824000) + now_ms);
    }
}

/* ---- JSON after a recipe ---- */

struct recipe {
    const uint8_t *bytes;
    size_t left;
};

static uint8_t next(struct recipe *recipe)
{
    if (recipe->left == 0) {
        return 0;
    }
    recipe->left--;
    return *recipe->bytes++;
}

static const char *name_of(uint8_t choice)
{
    static const char *const names[] = { "return",
                                         "data",
                                         "status",
                                         "actual",
                                         "base-memory",
                                         "plugged-memory",
                                         "size",
                                         "prealloc",
                                         "type",
                                         "name",
                                         "stats",
                                         "last-update",
                                         "stat-total-memory",
                                         "stat-available-memory",
                                         "stat-free-memory",
                                         "stat-disk-caches",
                                         "event",
                                         "other" };

    return names[choice % (sizeof(names) / sizeof(names[0]))];
}

static json_t *text_of(uint8_t choice)
{
    static const char *const texts[] = { "running",
                                         "shutdown",
                                         "active",
                                         "completed",
                                         "child<virtio-balloon-pci>",
                                         "child<virtio-balloon-device>",
                                         "child<vfio-pci>",
                                         "child<memory-backend-memfd>",
                                         "/machine/q35/pcie.0",
                                         "b0",
                                         "",
                                         "BALLOON_CHANGE",
                                         "RESET",
                                         "STOP",
                                         "SHUTDOWN",
                                         "GUEST_PANICKED",
                                         "MIGRATION",
                                         "DEVICE_DELETED",
                                         "18446744073709551615",
                                         "9223372036854775808" };
    char letters[400];

    if (choice >= 250) { /* longer than any place for a path */
        memset(letters, 'x', sizeof(letters));
        return json_stringn(letters, 180 + (size_t)(choice - 250) * 10);
    }
    return json_string(texts[choice % (sizeof(texts) / sizeof(texts[0]))]);
}

static json_t *number_of(uint8_t choice)
{
    static const json_int_t numbers[] = { 0,
                                          1,
                                          -1,
                                          (json_int_t)POLICY_BYTES_MAX,
                                          (json_int_t)POLICY_BYTES_MAX + 1,
                                          INT64_MAX,
                                          INT64_MAX / 1000,
                                          INT64_C(1795265824),
                                          INT64_C(1795265825),
                                          INT64_C(536870912) };

    return json_integer(numbers[choice % (sizeof(numbers) / sizeof(numbers[0]))]);
}

/* A value with at most `depth` levels. */
static json_t *value_of(struct recipe *recipe, unsigned depth) // NOLINT(misc-no-recursion)
{
    uint8_t kind = next(recipe);
    unsigned count = depth == 0 ? 0 : kind / 8 % 8;
    json_t *value;

    switch (kind % 8) {
    case 0:
    case 1:
    case 2:
        value = json_object();
        for (unsigned i = 0; i < count; i++) {
            const char *name = name_of(next(recipe));

            (void)json_object_set_new(value, name, value_of(recipe, depth - 1));
        }
        return value;
    case 3:
        value = json_array();
        for (unsigned i = 0; i < count; i++) {
            (void)json_array_append_new(value, value_of(recipe, depth - 1));
        }
        return value;
    case 4:
        return number_of(next(recipe));
    case 5:
        return json_boolean(kind / 8 % 2);
    default:
        return text_of(next(recipe));
    }
}

/* What a QEMU really says, so that the states behind it are reached too. */
static json_t *real_reply(uint8_t choice)
{
    static const char *const replies[] = {
        "{\"return\": true}",
        "{\"last-update\": 1795265824, \"stats\": {\"stat-available-memory\": 70000000}}",
        "{\"return\": [{\"name\": \"b0\", \"type\": \"child<virtio-balloon-pci>\"}]}",
        "{\"base-memory\": 536870912, \"plugged-memory\": 0}",
        "{\"actual\": 268435456}",
    };

    return json_loads(replies[choice % (sizeof(replies) / sizeof(replies[0]))], 0, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recipe recipe = { data, size };
    struct qmp_view view;
    int64_t now_ms = 1000;

    qmp_view_clear(&view);
    while (recipe.left > 0) {
        uint8_t what = next(&recipe);
        uint8_t choice = next(&recipe);
        json_t *object = choice >= 128 ? real_reply(choice) : value_of(&recipe, 4);

        give(&view, what, object, now_ms);
        check(&view, now_ms);
        json_decref(object);
        now_ms += 500;
    }
    return 0;
}
