/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list is short, so it is searched from its start. It is kept apart from the log, whose memory
 * of lines lasts a minute and has a fixed size: a trouble may last for months.
 */

#include "tools/ballast/daemon/troubles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct trouble {
    const char *name;
    bool seen;
    char text[TROUBLES_TEXT_MAX];
};

void troubles_begin(struct troubles *troubles)
{
    for (size_t i = 0; i < troubles->count; i++) {
        troubles->items[i].seen = false;
    }
}

bool troubles_see(struct troubles *troubles, const char *name, const char *text)
{
    for (size_t i = 0; i < troubles->count; i++) {
        struct trouble *trouble = &troubles->items[i];

        if (strcmp(trouble->name, name) == 0 &&
            strncmp(trouble->text, text, TROUBLES_TEXT_MAX - 1) == 0) {
            trouble->seen = true;
            return false;
        }
    }
    if (troubles->count == troubles->capacity) {
        troubles->capacity = troubles->capacity == 0 ? 8 : troubles->capacity * 2;
        troubles->items =
            reallocarray(troubles->items, troubles->capacity, sizeof *troubles->items);
        if (troubles->items == NULL) {
            abort();
        }
    }
    struct trouble *trouble = &troubles->items[troubles->count++];

    trouble->name = name;
    trouble->seen = true;
    (void)snprintf(trouble->text, sizeof trouble->text, "%s", text);
    return true;
}

bool troubles_over(struct troubles *troubles, const char **name, char text[TROUBLES_TEXT_MAX])
{
    for (size_t i = 0; i < troubles->count; i++) {
        struct trouble *trouble = &troubles->items[i];

        if (!trouble->seen) {
            *name = trouble->name;
            memcpy(text, trouble->text, TROUBLES_TEXT_MAX);
            *trouble = troubles->items[--troubles->count];
            return true;
        }
    }
    return false;
}

void troubles_free(struct troubles *troubles)
{
    free(troubles->items);
    *troubles = (struct troubles){ 0 };
}
