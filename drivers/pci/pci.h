/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * PCI, as much of it as a guest of a virtual machine needs: find functions, walk capabilities, size
 * and place BARs, switch decoding and interrupts. How configuration space and device memory are
 * reached is the caller's matter (struct pci_access, struct mmio_ops), so all of this is pure code.
 *
 * None of it may be called from an interrupt.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"

#define PCI_BARS 6U
/* Positions a capability can have between 0x40 and 0xff, 4 bytes apart: no list can be longer. */
#define PCI_CAPS_MAX 48U

struct pci_address {
    uint8_t bus;
    uint8_t slot;     /* 0 to 31 */
    uint8_t function; /* 0 to 7 */
};

/* The bridges that lead from bus 0 to a bus, whatever number the bus has at the moment. */
#define PCI_PATH_MAX 6U
struct pci_path {
    bool known; /* else the rest means nothing */
    uint8_t length;
    uint8_t bridge[PCI_PATH_MAX]; /* slot << 3 | function, from bus 0 on */
};

/* A set of buses: a bit for each number. */
#define PCI_BUSES 256U
struct pci_buses {
    uint64_t bits[PCI_BUSES / 64];
};

static inline bool pci_buses_has(const struct pci_buses *buses, unsigned bus)
{
    return (buses->bits[bus / 64U] >> (bus % 64U) & 1) != 0;
}

static inline void pci_buses_add(struct pci_buses *buses, unsigned bus)
{
    buses->bits[bus / 64U] |= UINT64_C(1) << (bus % 64U);
}

/* Configuration space; `bytes` is 1, 2 or 4 and `offset` a multiple of it, below 256. Reading what
 * is not there gives all ones. Ports 0xcf8/0xcfc or ECAM behind it. */
struct pci_access {
    uint32_t (*read)(struct pci_address at, uint16_t offset, unsigned bytes);
    void (*write)(struct pci_address at, uint16_t offset, unsigned bytes, uint32_t value);
    /* A bit for each root bus: one that no bridge leads to. Bus 0 is one without being said. Null:
     * there is no other. */
    const struct pci_buses *roots;
};

/* Device memory: one access of 1, 2 or 4 bytes each, never split, merged or left out. */
struct mmio_ops {
    uint32_t (*read)(const volatile void *at, unsigned bytes);
    void (*write)(volatile void *at, unsigned bytes, uint32_t value);
};

/* Plain loads and stores: what a machine uses. */
extern const struct mmio_ops mmio_direct;

/* I/O ports: one access of 1, 2 or 4 bytes each. */
struct port_ops {
    uint32_t (*read)(uint16_t port, unsigned bytes);
    void (*write)(uint16_t port, unsigned bytes, uint32_t value);
};

/* Makes device memory accessible, uncached; null when it cannot. Never undone. */
typedef void *(*mmio_map_fn)(paddr_t address, size_t bytes);

struct pci_function {
    struct pci_address address;
    uint16_t vendor;
    uint16_t device;
    uint8_t header_type; /* PCI_HEADER_* */
};

struct pci_bar {
    uint64_t base; /* 0: not placed */
    uint64_t size; /* 0: there is no such BAR, or it is malformed */
    bool io;
    bool is_64; /* takes the next BAR's place too */
};

struct pci_cap {
    uint8_t id;
    uint8_t offset;
};

/* Guest-physical addresses that BARs may be placed at: [next, end). Shrinks with use. */
struct pci_window {
    uint64_t next;
    uint64_t end;
};

/* ---- finding ---- */

/* Calls `visit` for each function of each bus that the roots and the bridges' numbers lead to, in
 * ascending order, until it returns true. Returns true when it did. At most 256 buses. */
bool pci_scan(const struct pci_access *pci,
              bool (*visit)(void *context, const struct pci_function *function), void *context);

/* The bus is bus 0 or another root. */
bool pci_is_root(const struct pci_access *pci, uint8_t bus);

/* The first function with these ids. */
bool pci_find(const struct pci_access *pci, uint16_t vendor, uint16_t device,
              struct pci_function *found);

/* ---- capabilities ---- */

/* The capability list in its order; returns its length. Ends at loops and at offsets that point
 * into the header, so any 256 bytes are survived. */
unsigned pci_caps_list(const struct pci_access *pci, struct pci_address at,
                       struct pci_cap caps[PCI_CAPS_MAX]);

/* Offset of the first capability with this id; 0: none. */
uint8_t pci_cap_find(const struct pci_access *pci, struct pci_address at, uint8_t id);

/* ---- BARs and the command register ---- */

/* Places and sizes of all BARs. Decoding is off meanwhile, so nothing else may use the function;
 * BARs and command register are left as found. ERR_UNSUPPORTED for a bridge. */
MUST_USE err_t pci_bars_read(const struct pci_access *pci, struct pci_address at,
                             struct pci_bar bars[PCI_BARS]);

/* Gives memory BAR `index` a place, naturally aligned, in the window, if the firmware did not. Does
 * not touch bridges: behind one, pci_window_behind() tells the window. ERR_NOMEM when the window
 * has no room (below 4 GiB for a 32-bit BAR), ERR_UNSUPPORTED for an I/O BAR or none, ERR_DEVICE
 * when the BAR does not keep its value. Decoding must be off. */
MUST_USE err_t pci_bar_place(const struct pci_access *pci, struct pci_address at,
                             struct pci_bar bars[PCI_BARS], unsigned index,
                             struct pci_window *window);

/* The bridge that leads to a bus. */
bool pci_bridge_of(const struct pci_access *pci, uint8_t bus, struct pci_address *bridge);

/* The number of the bus at the end of the path. False: the path is not known, or not there. */
bool pci_path_bus(const struct pci_access *pci, const struct pci_path *path, uint8_t *bus);

/* Where the BARs of a function behind a bridge may be placed: a gap that the others on its bus
 * leave in the bridge's window. Empty when there is none, when the window is closed, and when all
 * of its BARs have a place. Otherwise the functions of that bus are sized: nothing may use them
 * meanwhile, an interrupt neither. */
struct pci_window pci_window_behind(const struct pci_access *pci, struct pci_address at);

/* Sets and clears PCI_COMMAND_* bits. */
void pci_command(const struct pci_access *pci, struct pci_address at, uint16_t set, uint16_t clear);

/* What the firmware wrote: the interrupt line of a machine with 8259 routing; 0xff: none. */
uint8_t pci_interrupt_line(const struct pci_access *pci, struct pci_address at);

/* The INTx pin, 1 to 4 for A to D; 0: none. */
uint8_t pci_interrupt_pin(const struct pci_access *pci, struct pci_address at);
