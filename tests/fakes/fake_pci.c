/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI configuration space in memory; absent functions read as all ones, as on a real bus. */

#include "tests/fakes/fake_pci.h"

#include <string.h>

#include "base/assert.h"

static struct fake_pci_function functions[FAKE_PCI_FUNCTIONS];
static unsigned function_count;
unsigned fake_pci_probes;
unsigned fake_pci_live_bar_writes;

static struct fake_pci_function *lookup(struct pci_address at)
{
    for (unsigned i = 0; i < function_count; i++) {
        struct pci_address have = functions[i].address;

        if (have.bus == at.bus && have.slot == at.slot && have.function == at.function) {
            return &functions[i];
        }
    }
    return NULL;
}

static void check_access(struct pci_address at, uint16_t offset, unsigned bytes)
{
    ASSERT(at.slot < 32 && at.function < 8);
    ASSERT(bytes == 1 || bytes == 2 || bytes == 4);
    ASSERT(offset % bytes == 0);
    ASSERT(offset + bytes <= 256);
}

uint32_t fake_pci_get(const struct fake_pci_function *function, unsigned offset, unsigned bytes)
{
    uint32_t value = 0;

    memcpy(&value, function->config + offset, bytes);
    return value;
}

void fake_pci_set(struct fake_pci_function *function, unsigned offset, unsigned bytes,
                  uint32_t value)
{
    memcpy(function->config + offset, &value, bytes);
}

static uint32_t config_read(struct pci_address at, uint16_t offset, unsigned bytes)
{
    const struct fake_pci_function *function = lookup(at);

    check_access(at, offset, bytes);
    if (offset == PCI_VENDOR_ID) {
        fake_pci_probes++;
    }
    if (function == NULL) {
        return bytes == 4 ? UINT32_MAX : (1U << (8 * bytes)) - 1;
    }
    return fake_pci_get(function, offset, bytes);
}

static void config_write(struct pci_address at, uint16_t offset, unsigned bytes, uint32_t value)
{
    struct fake_pci_function *function = lookup(at);
    uint8_t in[4];

    check_access(at, offset, bytes);
    ASSERT(function != NULL);
    /* A wider write to the command register would clear status bits. */
    ASSERT(offset != PCI_COMMAND || bytes <= 2);
    if (offset >= PCI_BAR(0) && offset < PCI_BAR(6) &&
        (fake_pci_get(function, PCI_COMMAND, 2) & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY)) != 0) {
        fake_pci_live_bar_writes++;
    }
    memcpy(in, &value, sizeof(in));
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t mask = function->writable[offset + i];

        function->config[offset + i] =
            (uint8_t)((function->config[offset + i] & ~mask) | (in[i] & mask));
    }
}

struct pci_buses fake_pci_roots;

const struct pci_access fake_pci = { .read = config_read,
                                     .write = config_write,
                                     .roots = &fake_pci_roots };

void fake_pci_reset(void)
{
    fake_pci_roots = (struct pci_buses){ 0 };
    memset(functions, 0, sizeof(functions));
    function_count = 0;
    fake_pci_probes = 0;
    fake_pci_live_bar_writes = 0;
}

int fake_pci_setup(void **state)
{
    (void)state;
    fake_pci_reset();
    return 0;
}

int fake_pci_teardown(void **state)
{
    (void)state;
    ASSERT(fake_pci_live_bar_writes == 0);
    return 0;
}

struct fake_pci_function *fake_pci_add(uint8_t bus, uint8_t slot, uint8_t function, uint16_t vendor,
                                       uint16_t device)
{
    struct fake_pci_function *added = &functions[function_count++];

    ASSERT(function_count <= FAKE_PCI_FUNCTIONS);
    added->address = (struct pci_address){ .bus = bus, .slot = slot, .function = function };
    fake_pci_set(added, PCI_VENDOR_ID, 2, vendor);
    fake_pci_set(added, PCI_DEVICE_ID, 2, device);
    fake_pci_set(added, PCI_INTERRUPT_LINE, 1, 10);
    fake_pci_set(added, PCI_INTERRUPT_PIN, 1, 1);
    added->writable[PCI_COMMAND] = 0x07;
    added->writable[PCI_COMMAND + 1] = 0x05;
    added->cap_end = PCI_CAP_FIRST;
    added->cap_last = PCI_CAPABILITIES;
    return added;
}

void fake_pci_make_bridge(struct fake_pci_function *function, uint8_t secondary)
{
    function->config[PCI_HEADER_TYPE] =
        (uint8_t)((function->config[PCI_HEADER_TYPE] & PCI_HEADER_MULTI_FUNCTION) |
                  PCI_HEADER_LAYOUT_BRIDGE);
    function->config[PCI_SECONDARY_BUS] = secondary;
}

void fake_pci_set_bar(struct fake_pci_function *function, unsigned index, uint64_t base,
                      uint64_t size, uint32_t flags)
{
    uint64_t mask = ~(size - 1) & ~(uint64_t)((flags & PCI_BAR_IO) != 0 ? 3 : 15);
    uint32_t half = (uint32_t)mask;

    fake_pci_set(function, PCI_BAR(index), 4, (uint32_t)base | flags);
    memcpy(function->writable + PCI_BAR(index), &half, 4);
    if ((flags & PCI_BAR_IO) == 0 && (flags & PCI_BAR_TYPE) == PCI_BAR_TYPE_64 && index < 5) {
        half = (uint32_t)(mask >> 32);
        fake_pci_set(function, PCI_BAR(index + 1), 4, (uint32_t)(base >> 32));
        memcpy(function->writable + PCI_BAR(index + 1), &half, 4);
    }
}

uint8_t fake_pci_add_cap(struct fake_pci_function *function, uint8_t id, const void *body,
                         unsigned bytes)
{
    unsigned at = function->cap_end;

    ASSERT(at + 2 + bytes <= 256);
    function->config[PCI_STATUS] |= PCI_STATUS_CAPABILITIES;
    function->config[function->cap_last] = (uint8_t)at;
    function->config[at] = id;
    function->config[at + 1] = 0;
    memcpy(function->config + at + 2, body, bytes);
    function->cap_last = at + 1;
    function->cap_end = (at + 2 + bytes + 3) & ~3U;
    return (uint8_t)at;
}
