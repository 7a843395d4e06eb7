/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the symbol table and the notes. The file is our own image, but offsets are checked all the
 * same: a half-written image must give an error and not a crash. */

#include "tests/bench/bench_elf.h"

#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct image {
    const unsigned char *bytes;
    uint64_t size;
};

/* A piece of the file, or null when it does not lie inside. */
static const void *piece(const struct image *image, uint64_t offset, uint64_t bytes)
{
    return offset <= image->size && bytes <= image->size - offset ? image->bytes + offset : NULL;
}

/* Null when it is no ELF64 file. */
static const Elf64_Ehdr *header_of(const struct image *image)
{
    const Elf64_Ehdr *header = piece(image, 0, sizeof(*header));

    return header != NULL && memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
                   header->e_ident[EI_CLASS] == ELFCLASS64
               ? header
               : NULL;
}

/* None when it is no ELF64 file. */
static const Elf64_Phdr *segments_of(const struct image *image, unsigned *count)
{
    const Elf64_Ehdr *header = header_of(image);
    const Elf64_Phdr *segments = NULL;

    if (header != NULL) {
        segments = piece(image, header->e_phoff, (uint64_t)header->e_phnum * sizeof(segments[0]));
    }
    *count = segments != NULL ? header->e_phnum : 0;
    return segments;
}

static bool find_in_table(const struct image *image, const Elf64_Shdr *table,
                          const Elf64_Shdr *names, const char *name, uint64_t *address)
{
    const Elf64_Sym *symbols = piece(image, table->sh_offset, table->sh_size);
    const char *texts = piece(image, names->sh_offset, names->sh_size);
    unsigned found = 0;

    if (symbols == NULL || texts == NULL || names->sh_size == 0 ||
        texts[names->sh_size - 1] != '\0') {
        return false;
    }
    for (uint64_t i = 0; i < table->sh_size / sizeof(symbols[0]); i++) {
        if (symbols[i].st_name < names->sh_size && strcmp(texts + symbols[i].st_name, name) == 0) {
            *address = symbols[i].st_value;
            found++;
        }
    }
    return found == 1; /* of several functions of one name one would be taken for another */
}

static bool find(const struct image *image, const char *name, uint64_t *address)
{
    const Elf64_Ehdr *header = header_of(image);
    const Elf64_Shdr *sections;

    if (header == NULL) {
        return false;
    }
    sections = piece(image, header->e_shoff, (uint64_t)header->e_shnum * sizeof(sections[0]));
    for (unsigned i = 0; sections != NULL && i < header->e_shnum; i++) {
        if (sections[i].sh_type == SHT_SYMTAB && sections[i].sh_link < header->e_shnum) {
            return find_in_table(image, &sections[i], &sections[sections[i].sh_link], name,
                                 address);
        }
    }
    return false;
}

/* ---- notes ---- */

/* What stands before PVH's entry in a note: lengths, type and the name "Xen", padded. */
struct xen_note {
    Elf64_Nhdr header;
    char name[4];
};
#define XEN_NOTE_PVH_ENTRY 18U

static uint64_t padded(uint32_t bytes)
{
    return (bytes + UINT64_C(3)) & ~UINT64_C(3);
}

static bool find_in_notes(const struct image *image, const Elf64_Phdr *segment, uint64_t *address)
{
    uint64_t at = 0;

    while (segment->p_filesz - at >= sizeof(struct xen_note)) {
        const struct xen_note *note = piece(image, segment->p_offset + at, sizeof(*note));
        const uint32_t *entry =
            piece(image, segment->p_offset + at + sizeof(*note), sizeof(*entry));
        uint64_t bytes;

        if (note == NULL) {
            return false;
        }
        bytes =
            sizeof(note->header) + padded(note->header.n_namesz) + padded(note->header.n_descsz);
        if (entry != NULL && note->header.n_type == XEN_NOTE_PVH_ENTRY &&
            note->header.n_namesz == sizeof(note->name) && memcmp(note->name, "Xen", 4) == 0) {
            *address = *entry;
            return true;
        }
        if (bytes > segment->p_filesz - at) {
            return false;
        }
        at += bytes;
    }
    return false;
}

static bool find_entry(const struct image *image, const char *name, uint64_t *address)
{
    unsigned count = 0;
    const Elf64_Phdr *segments = segments_of(image, &count);

    (void)name;
    for (unsigned i = 0; i < count; i++) {
        if (segments[i].p_type == PT_NOTE && find_in_notes(image, &segments[i], address)) {
            return true;
        }
    }
    return false;
}

/* ---- segments ---- */

static bool add_loaded(const struct image *image, const char *name, uint64_t *bytes)
{
    unsigned count = 0;
    const Elf64_Phdr *segments = segments_of(image, &count);

    (void)name;
    *bytes = 0;
    for (unsigned i = 0; i < count; i++) {
        *bytes += segments[i].p_type == PT_LOAD ? segments[i].p_filesz : 0;
    }
    return *bytes > 0;
}

/* ---- all three ---- */

typedef bool look_up(const struct image *image, const char *name, uint64_t *address);

static bool look(const char *path, look_up *up, const char *name, uint64_t *address)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat stat;
    void *memory = MAP_FAILED;
    bool found = false;

    if (fd < 0) {
        return false;
    }
    if (fstat(fd, &stat) == 0 && stat.st_size > 0) {
        memory = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    close(fd);
    if (memory != MAP_FAILED) {
        struct image image = { .bytes = memory, .size = (uint64_t)stat.st_size };

        found = up(&image, name, address);
        munmap(memory, (size_t)stat.st_size);
    }
    return found;
}

bool elf_symbol(const char *path, const char *name, uint64_t *address)
{
    return look(path, find, name, address);
}

bool elf_pvh_entry(const char *path, uint64_t *address)
{
    return look(path, find_entry, NULL, address);
}

bool elf_loaded_bytes(const char *path, uint64_t *bytes)
{
    return look(path, add_loaded, NULL, bytes);
}
