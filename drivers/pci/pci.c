/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bus scan, BARs and the command register [PCI 3.0 §6.1 to §6.2.5]. The capability list is walked
 * in pci_caps.c, MSI-X is in pci_msix.c, what bridges let through in pci_bridge.c.
 *
 * The firmware has numbered the buses and, on machines that have one, placed the BARs; this code
 * uses what it finds and only places a BAR that has no address. Bridges are never written.
 */

#include "drivers/pci/pci.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "drivers/pci/pci_spec.h"

#define PCI_SLOTS     32U
#define PCI_FUNCTIONS 8U

/* ---- device memory ---- */

static uint32_t direct_read(const volatile void *at, unsigned bytes)
{
    ASSERT((uintptr_t)at % bytes == 0);
    switch (bytes) {
    case 1:
        return *(const volatile uint8_t *)at;
    case 2:
        return *(const volatile uint16_t *)at;
    default:
        ASSERT(bytes == 4);
        return *(const volatile uint32_t *)at;
    }
}

static void direct_write(volatile void *at, unsigned bytes, uint32_t value)
{
    ASSERT((uintptr_t)at % bytes == 0);
    switch (bytes) {
    case 1:
        *(volatile uint8_t *)at = (uint8_t)value;
        break;
    case 2:
        *(volatile uint16_t *)at = (uint16_t)value;
        break;
    default:
        ASSERT(bytes == 4);
        *(volatile uint32_t *)at = value;
        break;
    }
}

const struct mmio_ops mmio_direct = { .read = direct_read, .write = direct_write };

/* ---- finding ---- */

struct scan {
    const struct pci_access *pci;
    bool (*visit)(void *context, const struct pci_function *function);
    void *context;
    struct pci_buses buses; /* known to exist */
};

/* A bridge leads to its secondary bus. That number is above the bridge's own [PCI-to-PCI Bridge 1.2
 * §3.2.5.3]; demanding it makes the one ascending pass of pci_scan() complete, and loop-free. */
static void note_bridge(struct scan *scan, const struct pci_function *function)
{
    uint32_t secondary = scan->pci->read(function->address, PCI_SECONDARY_BUS, 1);

    if (secondary <= function->address.bus || secondary >= PCI_BUSES) {
        log_warn("pci %x:%x.%x: bridge without a usable bus number (%u)",
                 (unsigned)function->address.bus, (unsigned)function->address.slot,
                 (unsigned)function->address.function, (unsigned)secondary);
        return;
    }
    pci_buses_add(&scan->buses, secondary);
}

/* False when there is no function at this address. */
static bool read_function(const struct pci_access *pci, struct pci_address at,
                          struct pci_function *function)
{
    uint32_t ids = pci->read(at, PCI_VENDOR_ID, 4);

    if ((ids & 0xffffU) == PCI_VENDOR_NONE) {
        return false;
    }
    function->address = at;
    function->vendor = (uint16_t)ids;
    function->device = (uint16_t)(ids >> 16);
    function->header_type = (uint8_t)pci->read(at, PCI_HEADER_TYPE, 1);
    return true;
}

/* Functions 1 to 7 exist only where function 0 says so; asking others can answer for function 0. */
static bool scan_slot(struct scan *scan, uint8_t bus, uint8_t slot)
{
    struct pci_address at = { .bus = bus, .slot = slot, .function = 0 };
    struct pci_function function;
    unsigned functions = 1;

    for (; at.function < functions; at.function++) {
        if (!read_function(scan->pci, at, &function)) {
            if (at.function == 0) {
                return false;
            }
            continue;
        }
        if (at.function == 0 && (function.header_type & PCI_HEADER_MULTI_FUNCTION) != 0) {
            functions = PCI_FUNCTIONS;
        }
        if ((function.header_type & PCI_HEADER_LAYOUT) == PCI_HEADER_LAYOUT_BRIDGE) {
            note_bridge(scan, &function);
        }
        if (scan->visit(scan->context, &function)) {
            return true;
        }
    }
    return false;
}

bool pci_scan(const struct pci_access *pci,
              bool (*visit)(void *context, const struct pci_function *function), void *context)
{
    struct scan scan = { .pci = pci, .visit = visit, .context = context };

    ASSERT(pci != NULL && visit != NULL);
    if (pci->roots != NULL) {
        scan.buses = *pci->roots;
    }
    pci_buses_add(&scan.buses, 0);
    for (unsigned bus = 0; bus < PCI_BUSES; bus++) {
        if (!pci_buses_has(&scan.buses, bus)) {
            continue;
        }
        for (unsigned slot = 0; slot < PCI_SLOTS; slot++) {
            if (scan_slot(&scan, (uint8_t)bus, (uint8_t)slot)) {
                return true;
            }
        }
    }
    return false;
}

bool pci_is_root(const struct pci_access *pci, uint8_t bus)
{
    return bus == 0 || (pci->roots != NULL && pci_buses_has(pci->roots, bus));
}

struct find {
    uint16_t vendor;
    uint16_t device;
    struct pci_function *found;
};

static bool find_visit(void *context, const struct pci_function *function)
{
    const struct find *find = context;

    if (function->vendor != find->vendor || function->device != find->device) {
        return false;
    }
    *find->found = *function;
    return true;
}

bool pci_find(const struct pci_access *pci, uint16_t vendor, uint16_t device,
              struct pci_function *found)
{
    struct find find = { .vendor = vendor, .device = device, .found = found };

    ASSERT(found != NULL);
    return pci_scan(pci, find_visit, &find);
}

/* ---- BARs ---- */

/* Writes all ones and reads which bits stuck: those above the size [PCI 3.0 §6.2.5.1]. */
static uint32_t probe(const struct pci_access *pci, struct pci_address at, unsigned index,
                      uint32_t original)
{
    uint32_t stuck;

    pci->write(at, (uint16_t)PCI_BAR(index), 4, UINT32_MAX);
    stuck = pci->read(at, (uint16_t)PCI_BAR(index), 4);
    pci->write(at, (uint16_t)PCI_BAR(index), 4, original);
    return stuck;
}

/* The size is the lowest address bit that stuck. Every higher bit must have stuck too. */
static uint64_t size_of_mask(uint64_t mask)
{
    uint64_t size = ~mask + 1;

    return is_power_of_two(size) ? size : 0;
}

static void read_io_bar(struct pci_bar *bar, uint32_t original, uint32_t stuck)
{
    uint32_t mask = stuck & ~PCI_BAR_IO_FLAGS;

    bar->io = true;
    bar->base = original & ~PCI_BAR_IO_FLAGS;
    /* The upper half may be wired to zero: I/O space of a PC has 16 address bits. */
    if (mask != 0 && mask >> 16 == 0) {
        mask |= UINT32_C(0xffff0000);
    }
    bar->size = mask == 0 ? 0 : size_of_mask(mask | ~(uint64_t)UINT32_MAX);
}

static void read_memory_bar(const struct pci_access *pci, struct pci_address at, unsigned index,
                            struct pci_bar *bar, uint32_t original, uint32_t stuck)
{
    uint64_t mask = (stuck & ~PCI_BAR_MEMORY_FLAGS) | ~(uint64_t)UINT32_MAX;
    uint32_t high;

    bar->base = original & ~PCI_BAR_MEMORY_FLAGS;
    bar->is_64 = (original & PCI_BAR_TYPE) == PCI_BAR_TYPE_64;
    if (bar->is_64) {
        high = pci->read(at, (uint16_t)PCI_BAR(index + 1), 4);
        bar->base |= (uint64_t)high << 32;
        mask = (stuck & ~PCI_BAR_MEMORY_FLAGS) | (uint64_t)probe(pci, at, index + 1, high) << 32;
    }
    bar->size = (mask & UINT32_MAX) == 0 && !bar->is_64 ? 0 : size_of_mask(mask);
}

/* One BAR; reserved types, a 64-bit BAR without room for its second half, and a size that no
 * hardware has leave `bar->size` 0, which nobody will use. */
static void read_bar(const struct pci_access *pci, struct pci_address at, unsigned index,
                     struct pci_bar *bar)
{
    uint32_t original = pci->read(at, (uint16_t)PCI_BAR(index), 4);
    uint32_t stuck = probe(pci, at, index, original);
    uint32_t type = original & PCI_BAR_TYPE;

    if ((original & PCI_BAR_IO) != 0) {
        read_io_bar(bar, original, stuck);
        return;
    }
    if (type == PCI_BAR_TYPE_64 && index + 1 == PCI_BARS) {
        return;
    }
    if (type == PCI_BAR_TYPE_32 || type == PCI_BAR_TYPE_LOW || type == PCI_BAR_TYPE_64) {
        read_memory_bar(pci, at, index, bar, original, stuck);
    }
    /* A range that wraps around the address space is no range. */
    if (bar->size != 0 && bar->base > UINT64_MAX - bar->size) {
        bar->size = 0;
    }
}

err_t pci_bars_read(const struct pci_access *pci, struct pci_address at,
                    struct pci_bar bars[PCI_BARS])
{
    uint32_t header = pci->read(at, PCI_HEADER_TYPE, 1) & PCI_HEADER_LAYOUT;
    uint32_t command = pci->read(at, PCI_COMMAND, 2);

    for (unsigned i = 0; i < PCI_BARS; i++) {
        bars[i] = (struct pci_bar){ 0 };
    }
    if (header != PCI_HEADER_LAYOUT_DEVICE) {
        return ERR_UNSUPPORTED;
    }
    /* While a BAR holds all ones its function would answer there for somebody else. */
    pci->write(at, PCI_COMMAND, 2, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
    for (unsigned i = 0; i < PCI_BARS; i += bars[i].is_64 ? 2 : 1) {
        read_bar(pci, at, i, &bars[i]);
    }
    pci->write(at, PCI_COMMAND, 2, command);
    return OK;
}

static void write_bar(const struct pci_access *pci, struct pci_address at, unsigned index,
                      const struct pci_bar *bar, uint64_t base)
{
    pci->write(at, (uint16_t)PCI_BAR(index), 4, (uint32_t)base);
    if (bar->is_64) {
        pci->write(at, (uint16_t)PCI_BAR(index + 1), 4, (uint32_t)(base >> 32));
    }
}

static uint64_t read_base(const struct pci_access *pci, struct pci_address at, unsigned index,
                          const struct pci_bar *bar)
{
    uint64_t base = pci->read(at, (uint16_t)PCI_BAR(index), 4) & ~PCI_BAR_MEMORY_FLAGS;

    if (bar->is_64) {
        base |= (uint64_t)pci->read(at, (uint16_t)PCI_BAR(index + 1), 4) << 32;
    }
    return base;
}

err_t pci_bar_place(const struct pci_access *pci, struct pci_address at,
                    struct pci_bar bars[PCI_BARS], unsigned index, struct pci_window *window)
{
    struct pci_bar *bar = &bars[index];
    uint64_t base;
    uint64_t end;

    ASSERT(index < PCI_BARS);
    if (bar->io || bar->size == 0) {
        return ERR_UNSUPPORTED;
    }
    if (bar->base != 0) {
        return OK;
    }
    if (window == NULL) {
        return ERR_NOMEM;
    }
    /* A zero window start would give the address that means "not placed". */
    base = align_up(max_u64(window->next, 1), bar->size);
    end = bar->is_64 ? window->end : min_u64(window->end, UINT64_C(1) << 32);
    /* base < next: the alignment wrapped. */
    if (base < window->next || base >= end || end - base < bar->size) {
        return ERR_NOMEM;
    }
    ASSERT((pci->read(at, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY) == 0);
    write_bar(pci, at, index, bar, base);
    if (read_base(pci, at, index, bar) != base) {
        log_error("pci %x:%x.%x: BAR %u does not keep its address", (unsigned)at.bus,
                  (unsigned)at.slot, (unsigned)at.function, index);
        return ERR_DEVICE;
    }
    bar->base = base;
    window->next = base + bar->size;
    return OK;
}

void pci_command(const struct pci_access *pci, struct pci_address at, uint16_t set, uint16_t clear)
{
    uint32_t command = pci->read(at, PCI_COMMAND, 2);

    ASSERT((set & clear) == 0);
    /* 16 bits wide: a wider write would reach the status register and clear its events. */
    pci->write(at, PCI_COMMAND, 2, (command & ~(uint32_t)clear) | set);
}

uint8_t pci_interrupt_line(const struct pci_access *pci, struct pci_address at)
{
    return (uint8_t)pci->read(at, PCI_INTERRUPT_LINE, 1);
}

uint8_t pci_interrupt_pin(const struct pci_access *pci, struct pci_address at)
{
    uint32_t pin = pci->read(at, PCI_INTERRUPT_PIN, 1);

    return pin <= 4 ? (uint8_t)pin : 0;
}
