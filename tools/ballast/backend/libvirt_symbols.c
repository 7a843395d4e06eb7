/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding libvirt at run time. The library is never closed again: it keeps threads and callbacks of
 * its own, and there is no time when they are known to be done. Nothing of it is linked, its header
 * gives types only.
 */

#include "tools/ballast/backend/libvirt_symbols.h"

#include <assert.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static struct libvirt_symbols loaded_symbols;
static bool loaded;

/* Function pointers and object pointers are of one size here, but C has no cast between them. */
static_assert(sizeof(void *) == sizeof(void (*)(void)), "dlsym() needs this");

static bool look_up(void *library, const char *name, void *place)
{
    void *symbol = dlsym(library, name);
    memcpy(place, &symbol, sizeof symbol);
    return symbol != NULL;
}

const struct libvirt_symbols *libvirt_symbols_load(const char *library, char *reason,
                                                   size_t reason_size)
{
    assert(library != NULL);
    assert(reason != NULL);
    if (loaded) {
        return &loaded_symbols;
    }
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        snprintf(reason, reason_size,
                 "libvirt is not installed: %s cannot be loaded (on Debian, install libvirt0)",
                 library);
        return NULL;
    }
    struct libvirt_symbols found;
    const char *missing = NULL;
#define LIBVIRT_SYMBOL(name)                                                                       \
    if (!look_up(handle, #name, &found.name)) {                                                    \
        missing = #name;                                                                           \
    }
    LIBVIRT_SYMBOLS(LIBVIRT_SYMBOL)
#undef LIBVIRT_SYMBOL
    if (missing != NULL) {
        snprintf(reason, reason_size, "libvirt is too old: %s has no %s", library, missing);
        dlclose(handle);
        return NULL;
    }
    loaded_symbols = found;
    loaded = true;
    return &loaded_symbols;
}
