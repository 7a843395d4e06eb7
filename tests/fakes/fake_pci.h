/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * PCI configuration space in memory: functions with 256 bytes each and a mask of the bits that can
 * be written, from which BAR sizing follows by itself. There is one such machine, since struct
 * pci_access has no room for a second; fake_pci_reset() empties it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "drivers/pci/pci.h"
#include "drivers/pci/pci_spec.h"

#define FAKE_PCI_FUNCTIONS 64U

struct fake_pci_function {
    struct pci_address address;
    uint8_t config[256];
    uint8_t writable[256];
    unsigned cap_end;  /* where the next capability goes */
    unsigned cap_last; /* the pointer that will lead to it */
};

extern const struct pci_access fake_pci;

/* Root buses beside bus 0. */
extern struct pci_buses fake_pci_roots;

/* Functions asked for, present or not, and BAR registers written while decoding was on. */
extern unsigned fake_pci_probes;
extern unsigned fake_pci_live_bar_writes;

void fake_pci_reset(void);

/* A setup and a teardown for cmocka: an empty machine; no BAR was written while decoding was on. */
int fake_pci_setup(void **state);
int fake_pci_teardown(void **state);

/* A function with a type 0 header, decoding off and INTx pin A. */
struct fake_pci_function *fake_pci_add(uint8_t bus, uint8_t slot, uint8_t function, uint16_t vendor,
                                       uint16_t device);

/* Makes it a bridge. */
void fake_pci_make_bridge(struct fake_pci_function *function, uint8_t secondary);

/* A BAR of `size` bytes, a power of two; `flags` are the low four bits. */
void fake_pci_set_bar(struct fake_pci_function *function, unsigned index, uint64_t base,
                      uint64_t size, uint32_t flags);

/* Appends a capability: two header bytes are made, `body` follows. Returns its offset. */
uint8_t fake_pci_add_cap(struct fake_pci_function *function, uint8_t id, const void *body,
                         unsigned bytes);

uint32_t fake_pci_get(const struct fake_pci_function *function, unsigned offset, unsigned bytes);
void fake_pci_set(struct fake_pci_function *function, unsigned offset, unsigned bytes,
                  uint32_t value);
