/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Virtio devices over memory that the command line names, in the form monitors append for any
 * guest:
 *
 *     virtio_mmio.device=512@0xfeb00e00:12
 *
 * Pure code.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

#define MMIO_WORD_FORM "SIZE@BASE:IRQ[:ID]"
/* Characters of a bad word that a report shows. */
#define MMIO_WORD_REPORT_MAX 48

struct mmio_word {
    paddr_t base;
    uint64_t bytes;
    uint32_t irq; /* up to 255: an ISA interrupt below 16, a global one above */
};

/* `word` is the bad one, not terminated: `length` printable characters of it. */
typedef void mmio_words_report_fn(void *context, const char *word, int length);

/*
 * Reads all such words of `line`, whatever stands around them, into `words`, and returns how many
 * there are. A malformed one, and one beyond `max`, is reported and passed over: SIZE must not be
 * 0, the window must not wrap around, the interrupt must be 1 to 255.
 */
size_t mmio_words_read(const char *line, struct mmio_word *words, size_t max,
                       mmio_words_report_fn *report, void *context);
