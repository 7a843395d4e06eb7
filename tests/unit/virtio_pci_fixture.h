/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* One balloon on PCI and the machine around it, for the tests of both PCI transports. */

#include "drivers/virtio/virtio_pci.h"
#include "tests/fakes/fake_virtio_pci.h"
#include "tests/unit/transport_fixture.h"

#define BALLOON_MODERN       0x1045
#define BALLOON_TRANSITIONAL 0x1002

static struct virtio_pci vp;
static unsigned vectors_left; /* that the machine can give */
static unsigned relaxed;      /* times */
static unsigned fell_back;    /* times, from messages to the line */

static inline bool msix_vector(void *context, uint64_t *address, uint32_t *data)
{
    assert_ptr_equal(context, &vp);
    if (vectors_left == 0) {
        return false;
    }
    vectors_left--;
    *address = 0xfee00000;
    *data = 0x40 + vectors_left;
    return true;
}

static inline void count_relax(void)
{
    relaxed++;
}

static inline void count_fall_back(void *context)
{
    assert_ptr_equal(context, &vp);
    assert_false(virtio_pci_uses_msix(&vp));
    fell_back++;
}

static struct virtio_pci_env env;

/* A modern balloon without MSI-X, nothing attached. */
static inline int pci_setup(void **state)
{
    (void)state;
    fake_virtio_pci_reset(BALLOON_MODERN, true, false);
    env = (struct virtio_pci_env){ .map = fake_virtio_pci_map,
                                   .relax = count_relax,
                                   .falls_back = count_fall_back,
                                   .context = &vp,
                                   .mmio = &fake_virtio_pci_mmio };
    vectors_left = 2;
    relaxed = 0;
    fell_back = 0;
    queue_memory_alloc();
    return 0;
}

/* No test leaves a BAR changed while its function was decoding. */
static inline int pci_teardown(void **state)
{
    free(queue_memory);
    return fake_pci_teardown(state);
}

static inline err_t attach(void)
{
    return virtio_pci_attach(&vp, &fake_pci, fake_virtio_pci.function->address, &env);
}
