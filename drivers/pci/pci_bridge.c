/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lies behind a bridge: which bridge leads to a bus, and where in its window there is room for
 * a function that was plugged in after the firmware had placed the others.
 *
 * Firmware packs a window from one end (observed: SeaBIOS 1.16, from its base), so one gap is all
 * there is to find: of the two sides that each neighbour leaves, the longer is kept.
 */

#include "base/assert.h"
#include "base/bits.h"
#include "drivers/pci/pci.h"
#include "drivers/pci/pci_spec.h"

struct behind {
    const struct pci_access *pci;
    uint8_t bus;
    struct pci_address bridge;
};

static bool is_bridge(const struct pci_function *function)
{
    return (function->header_type & PCI_HEADER_LAYOUT) == PCI_HEADER_LAYOUT_BRIDGE;
}

static bool bridge_visit(void *context, const struct pci_function *function)
{
    struct behind *behind = context;

    behind->bridge = function->address;
    return is_bridge(function) &&
           behind->pci->read(function->address, PCI_SECONDARY_BUS, 1) == behind->bus;
}

bool pci_bridge_of(const struct pci_access *pci, uint8_t bus, struct pci_address *bridge)
{
    struct behind behind = { .pci = pci, .bus = bus };
    bool found = pci_scan(pci, bridge_visit, &behind);

    *bridge = behind.bridge;
    return found;
}

bool pci_path_bus(const struct pci_access *pci, const struct pci_path *path, uint8_t *bus)
{
    *bus = 0;
    for (unsigned i = 0; i < path->length; i++) {
        struct pci_address at = { *bus, path->bridge[i] >> 3, path->bridge[i] & 7U };

        /* Where there is nobody this reads as no bridge. */
        if ((pci->read(at, PCI_HEADER_TYPE, 1) & PCI_HEADER_LAYOUT) != PCI_HEADER_LAYOUT_BRIDGE) {
            return false;
        }
        *bus = (uint8_t)pci->read(at, PCI_SECONDARY_BUS, 1);
        if (*bus == 0) {
            return false;
        }
    }
    return path->known;
}

/* ---- room ---- */

struct room {
    const struct pci_access *pci;
    struct pci_address at; /* who needs it */
    struct pci_window window;
};

/* [base, end) is taken: the longer side of the window stays. */
static void cut(struct pci_window *window, uint64_t base, uint64_t end)
{
    ASSERT(base <= end && window->next <= window->end);
    if (base == end || base >= window->end || end <= window->next) {
        return;
    }
    base = max_u64(base, window->next);
    end = min_u64(end, window->end);
    if (window->end - end > base - window->next) {
        window->next = end;
    } else {
        window->end = base;
    }
}

/* One of a bridge's windows: two registers with bits 31-20 of its first and of its last MiB, where
 * the low four bits are none of an address. A closed window ends before it begins. What a
 * prefetchable one has above 4 GiB is not looked at: at worst too much counts as taken. */
static struct pci_window window_read(const struct pci_access *pci, struct pci_address bridge,
                                     uint16_t base_at, uint16_t limit_at)
{
    uint64_t base = (uint64_t)(pci->read(bridge, base_at, 2) >> 4) << 20;
    uint64_t end = ((uint64_t)(pci->read(bridge, limit_at, 2) >> 4) + 1) << 20;

    return (struct pci_window){ base, max_u64(base, end) };
}

/* BARs of a bridge are not sized, since that would cut off all behind it. But a BAR lies at a
 * multiple of its size [PCI 3.0 §6.2.5.1], so the lowest bit of its address is as long as it can
 * be. */
static void cut_bridge(struct room *room, struct pci_address at)
{
    struct pci_window inner =
        window_read(room->pci, at, PCI_BRIDGE_MEMORY_BASE, PCI_BRIDGE_MEMORY_LIMIT);

    cut(&room->window, inner.next, inner.end);
    inner = window_read(room->pci, at, PCI_BRIDGE_PREFETCH_BASE, PCI_BRIDGE_PREFETCH_LIMIT);
    cut(&room->window, inner.next, inner.end);
    for (unsigned i = 0; i < PCI_BRIDGE_BARS; i++) {
        uint64_t bar = room->pci->read(at, (uint16_t)PCI_BAR(i), 4);
        uint64_t base = bar & ~(uint64_t)PCI_BAR_MEMORY_FLAGS;

        if ((bar & PCI_BAR_IO) == 0) {
            cut(&room->window, base, base + (base & (0 - base)));
        }
    }
}

static void cut_device(struct room *room, struct pci_address at)
{
    struct pci_bar bars[PCI_BARS];

    if (pci_bars_read(room->pci, at, bars) != OK) {
        return;
    }
    for (unsigned i = 0; i < PCI_BARS; i++) {
        if (!bars[i].io && bars[i].base != 0) {
            cut(&room->window, bars[i].base, bars[i].base + bars[i].size);
        }
    }
}

static bool neighbour_visit(void *context, const struct pci_function *function)
{
    struct room *room = context;
    struct pci_address at = function->address;

    if (at.bus != room->at.bus || (at.slot == room->at.slot && at.function == room->at.function)) {
        return false;
    }
    if (is_bridge(function)) {
        cut_bridge(room, at);
    } else {
        cut_device(room, at);
    }
    return false;
}

static bool needs_room(const struct pci_access *pci, struct pci_address at)
{
    struct pci_bar bars[PCI_BARS];
    bool needs = false;

    if (pci_bars_read(pci, at, bars) != OK) {
        return false;
    }
    for (unsigned i = 0; i < PCI_BARS; i++) {
        needs = needs || (!bars[i].io && bars[i].size != 0 && bars[i].base == 0);
    }
    return needs;
}

struct pci_window pci_window_behind(const struct pci_access *pci, struct pci_address at)
{
    struct room room = { .pci = pci, .at = at };
    struct pci_address bridge;

    if (needs_room(pci, at) && pci_bridge_of(pci, at.bus, &bridge)) {
        room.window = window_read(pci, bridge, PCI_BRIDGE_MEMORY_BASE, PCI_BRIDGE_MEMORY_LIMIT);
        (void)pci_scan(pci, neighbour_visit, &room);
    }
    return room.window;
}
