/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The questions put to a QEMU. All of a set are sent at once; QEMU answers them in their order.
 */

#include <assert.h>

#include "tools/ballast/backend/qmp_view.h"

static const struct {
    const char *command;
    const char *path;     /* a fixed place, or NULL */
    const char *property; /* of the device or backend, or NULL */
} questions[QMP_QUESTIONS] = {
    [QMP_ASK_STATUS] = { "query-status", NULL, NULL },
    [QMP_ASK_MEMORY] = { "query-memory-size-summary", NULL, NULL },
    [QMP_ASK_MIGRATE] = { "query-migrate", NULL, NULL },
    [QMP_ASK_BALLOON] = { "query-balloon", NULL, NULL },
    [QMP_ASK_STATS] = { "qom-get", NULL, "guest-stats" },
    [QMP_ASK_UUID] = { "query-uuid", NULL, NULL },
    [QMP_ASK_PERIPHERAL] = { "qom-list", "/machine/peripheral", NULL },
    [QMP_ASK_ANONYMOUS] = { "qom-list", "/machine/peripheral-anon", NULL },
    [QMP_ASK_OBJECTS] = { "qom-list", "/objects", NULL },
    [QMP_ASK_MEMDEV] = { "query-memdev", NULL, NULL },
    [QMP_ASK_POLLING] = { "qom-set", NULL, "guest-stats-polling-interval" },
    [QMP_ASK_BUS] = { "qom-get", NULL, "parent_bus" },
    [QMP_ASK_HOTPLUG] = { "qom-get", NULL, "hotpluggable" },
    [QMP_ASK_DEFLATE] = { "qom-get", NULL, "deflate-on-oom" },
    [QMP_ASK_REPORTING] = { "qom-get", NULL, "free-page-reporting" },
    [QMP_ASK_HINTING] = { "qom-get", NULL, "free-page-hint" },
    [QMP_ASK_POISON] = { "qom-get", NULL, "page-poison" },
    [QMP_ASK_HUGETLB] = { "qom-get", NULL, "hugetlb" },
};

const char *qmp_question_command(enum qmp_question question)
{
    assert(question < QMP_QUESTIONS);
    return questions[question].command;
}

const char *qmp_command_sent(size_t index)
{
    static const char *const others[] = { QMP_TARGET_COMMAND, "qmp_capabilities" };

    if (index < QMP_QUESTIONS) {
        return questions[index].command;
    }
    index -= QMP_QUESTIONS;
    return index < sizeof(others) / sizeof(others[0]) ? others[index] : NULL;
}

json_t *qmp_question_arguments(const struct qmp_view *view, enum qmp_question question,
                               uint32_t period_s)
{
    const char *path = questions[question].path;
    const char *property = questions[question].property;

    if (question == QMP_ASK_POLLING) {
        return json_pack("{s:s, s:s, s:I}", "path", view->device, "property", property, "value",
                         (json_int_t)period_s);
    }
    if (property != NULL) {
        path = question == QMP_ASK_HUGETLB ? view->memfd : view->device;
        return json_pack("{s:s, s:s}", "path", path, "property", property);
    }
    return path == NULL ? NULL : json_pack("{s:s}", "path", path);
}

uint32_t qmp_view_possible(const struct qmp_view *view, uint32_t set)
{
    const uint32_t of_device = QMP_SET_DEVICE & ~QMP_BIT(QMP_ASK_HUGETLB);

    set &= ~view->absent;
    if (view->device[0] == '\0') {
        set &= ~of_device;
    }
    if (view->memfd[0] == '\0') {
        set &= ~QMP_BIT(QMP_ASK_HUGETLB);
    }
    return set;
}
