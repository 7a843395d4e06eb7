/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* A temporary folder that stands in front of /proc and /sys. */

#include <stddef.h>

#define FAKE_ROOT_MAX 64U

/* Makes the folder and writes its name to `root`. */
void fake_root_make(char root[FAKE_ROOT_MAX]);

/* Writes a file below it, with the folders on the way; `size` bytes as they are. */
void fake_root_write(const char *root, const char *path, const char *text, size_t size);

/* The same for a string. */
void fake_root_text(const char *root, const char *path, const char *text);

/* Makes a symbolic link below it. */
void fake_root_link(const char *root, const char *path, const char *target);

/* Removes a file, or a folder with all that is in it. */
void fake_root_remove(const char *root, const char *path);
