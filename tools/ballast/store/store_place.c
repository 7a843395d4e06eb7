/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether what is written is kept. A database whose file was deleted goes on working: what is
 * committed is in a file without a name, and is gone when the process is. So before and behind each
 * change that is confirmed to somebody the names are looked at.
 *
 * As long as the process lives nothing is lost yet: all is copied into a new file, which then gets
 * the name. A name that somebody else's file has is left to that.
 */

#include "tools/ballast/store/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A megabyte, with SQLite's pages of 4 KiB. */
#define PORTION_PAGES 256

static const char *const suffixes[STORE_FILES] = { "", "-wal", "-shm" };

/* ---- where the files are ---- */

static bool find_inode(const struct store *store, enum store_file file, struct store_inode *inode)
{
    char path[PATH_MAX + 8];
    struct stat status;

    (void)snprintf(path, sizeof path, "%s%s", store->path, suffixes[file]);
    if (stat(path, &status) != 0) {
        *inode = (struct store_inode){ .inode = 0 };
        return false;
    }
    *inode = (struct store_inode){ .device = status.st_dev, .inode = status.st_ino };
    return true;
}

void store_place_remember(struct store *store)
{
    for (unsigned file = 0; file < STORE_FILES; file++) {
        (void)find_inode(store, (enum store_file)file, &store->inodes[file]);
    }
    store->place = STORE_THERE;
}

enum store_place store_watch(struct store *store)
{
    struct store_inode now;

    store->place = STORE_THERE;
    for (unsigned file = 0; file < STORE_FILES; file++) {
        const struct store_inode *open = &store->inodes[file];

        if (open->inode == 0) {
            continue;
        }
        if (!find_inode(store, (enum store_file)file, &now)) {
            store->place = store->place == STORE_THERE ? STORE_GONE : store->place;
        } else if (now.device != open->device || now.inode != open->inode) {
            store->place = STORE_REPLACED;
        }
    }
    return store->place;
}

const char *store_trouble(const struct store *store)
{
    switch (store->place) {
    case STORE_THERE:
        break;
    case STORE_GONE:
        return "the database was deleted under the daemon: no change is taken until it is there "
               "again";
    case STORE_REPLACED:
        return "another file is in the place of the database: no change is taken until the daemon "
               "is restarted or the file is put back";
    }
    return store->unkept;
}

/* ---- the rescue ---- */

static void name_copy(const struct store *store, char path[PATH_MAX + 8])
{
    (void)snprintf(path, PATH_MAX + 8, "%s.new", store->path);
}

void store_rescue_end(struct store *store)
{
    char path[PATH_MAX + 8];

    if (store->copy == NULL) {
        return;
    }
    (void)sqlite3_backup_finish(store->backup);
    (void)sqlite3_close(store->copy);
    store->backup = NULL;
    store->copy = NULL;
    name_copy(store, path);
    (void)unlink(path);
}

/* What the system refused. */
static enum store_rescue refused(struct store *store, const char *doing)
{
    (void)snprintf(store->error, sizeof store->error, "%s: %s", doing, strerror(errno));
    store_rescue_end(store);
    return STORE_RESCUE_FAILED;
}

/* What SQLite complained about while it wrote the copy. */
static enum store_rescue failed(struct store *store)
{
    store_explain(store->copy, "the database could not be made anew", store->error,
                  sizeof store->error);
    store_rescue_end(store);
    return STORE_RESCUE_FAILED;
}

static enum store_rescue rescue_begin(struct store *store)
{
    char path[PATH_MAX + 8];
    int fd = -1;

    name_copy(store, path);
    (void)unlink(path); /* of a rescue that was cut short */
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return refused(store, "a new database could not be made");
    }
    (void)close(fd);
    if (sqlite3_open_v2(path, &store->copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
        SQLITE_OK) {
        store->backup = sqlite3_backup_init(store->copy, "main", store->db, "main");
    }
    return store->backup != NULL ? STORE_RESCUE_MORE : failed(store);
}

/* Gives the copy the database's name. What has that name, or the log's, is ours or nothing. */
static bool take_name(const struct store *store)
{
    char copy[PATH_MAX + 8];
    char other[PATH_MAX + 8];
    struct store_inode now;

    name_copy(store, copy);
    for (unsigned file = STORE_FILE_LOG; file < STORE_FILES; file++) {
        (void)snprintf(other, sizeof other, "%s%s", store->path, suffixes[file]);
        (void)unlink(other);
    }
    if (find_inode(store, STORE_FILE_MAIN, &now)) {
        return rename(copy, store->path) == 0;
    }
    /* Fails where somebody was faster. */
    return link(copy, store->path) == 0 && unlink(copy) == 0;
}

/* From here on the database is `fresh`. The old one has no name: nothing of it is moved or taken
 * away by name. */
static void exchange(struct store *store, sqlite3 *fresh)
{
    for (size_t i = 0; i < STORE_STATEMENTS; i++) {
        (void)sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
    (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_close(store->db);
    store->db = fresh;
    store->held = false;
    store->unkept[0] = '\0';
    store_place_remember(store);
}

/* The copy is whole: it becomes the database. */
static enum store_rescue rescue_done(struct store *store)
{
    sqlite3 *fresh = NULL;
    char copy[PATH_MAX + 8];
    char reason[STORE_REASON_MAX] = "";

    (void)sqlite3_close(store->copy);
    store->copy = NULL;
    if (store_watch(store) != STORE_GONE || !take_name(store)) {
        int error = errno;

        name_copy(store, copy);
        (void)unlink(copy);
        errno = error;
        return refused(store, "the new database could not get its name");
    }
    fresh = store_connect(store->path, 0, reason, sizeof reason);
    if (fresh == NULL) {
        (void)unlink(store->path);
        (void)snprintf(store->error, sizeof store->error, "%.250s", reason);
        return STORE_RESCUE_FAILED;
    }
    exchange(store, fresh);
    return STORE_RESCUE_DONE;
}

enum store_rescue store_rescue(struct store *store)
{
    int code = SQLITE_OK;

    /* Nothing may be half written while pages are copied. */
    if (!store_commit(store)) {
        return STORE_RESCUE_FAILED;
    }
    if (store->copy == NULL && rescue_begin(store) == STORE_RESCUE_FAILED) {
        return STORE_RESCUE_FAILED;
    }
    code = sqlite3_backup_step(store->backup, PORTION_PAGES);
    if (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED) {
        return STORE_RESCUE_MORE;
    }
    code = sqlite3_backup_finish(store->backup); /* tells the copy what was wrong */
    store->backup = NULL;
    return code == SQLITE_OK ? rescue_done(store) : failed(store);
}
