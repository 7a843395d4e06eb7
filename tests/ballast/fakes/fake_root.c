/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes and removes files below a folder of its own in /tmp. A failure ends the program: without
 * its files no test means anything. */

#include "tests/ballast/fakes/fake_root.h"

#include <assert.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(bool good, const char *what)
{
    if (!good) {
        perror(what);
        abort();
    }
}

void fake_root_make(char root[FAKE_ROOT_MAX])
{
    snprintf(root, FAKE_ROOT_MAX, "/tmp/fake_root.XXXXXX");
    must(mkdtemp(root) != NULL, "mkdtemp");
}

/* The whole path, with all folders on the way made. */
static void prepare(const char *root, const char *path, char full[PATH_MAX])
{
    size_t length = (size_t)snprintf(full, PATH_MAX, "%s%s", root, path);

    assert(length < PATH_MAX);
    for (size_t i = strlen(root) + 1; i < length; i++) {
        if (full[i] == '/') {
            full[i] = '\0';
            (void)mkdir(full, 0755);
            full[i] = '/';
        }
    }
}

void fake_root_write(const char *root, const char *path, const char *text, size_t size)
{
    char full[PATH_MAX];
    FILE *file;

    prepare(root, path, full);
    file = fopen(full, "we");
    must(file != NULL, full);
    must(fwrite(text, 1, size, file) == size, full);
    must(fclose(file) == 0, full);
}

void fake_root_text(const char *root, const char *path, const char *text)
{
    fake_root_write(root, path, text, strlen(text));
}

void fake_root_link(const char *root, const char *path, const char *target)
{
    char full[PATH_MAX];

    prepare(root, path, full);
    must(symlink(target, full) == 0, full);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

void fake_root_remove(const char *root, const char *path)
{
    char full[PATH_MAX];

    snprintf(full, sizeof(full), "%s%s", root, path);
    must(nftw(full, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, full);
}
