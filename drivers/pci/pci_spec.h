/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The registers of PCI configuration space that this kernel uses [PCI 3.0 §6.1, §6.2, §6.7, §6.8]
 * and of a bridge [PCI-to-PCI Bridge 1.2 §3.2]. Offsets in bytes.
 */

#define PCI_VENDOR_ID             0x00U /* 16 bits; all ones: no function here */
#define PCI_DEVICE_ID             0x02U
#define PCI_COMMAND               0x04U /* 16 bits */
#define PCI_STATUS                0x06U /* 16 bits */
#define PCI_CLASS                 0x08U /* 32 bits: class, subclass, interface, revision */
#define PCI_HEADER_TYPE           0x0eU
#define PCI_BAR(n)                (0x10U + 4U * (n))
#define PCI_SECONDARY_BUS         0x19U /* header type 1 */
#define PCI_SUBORDINATE_BUS       0x1aU /* the last one behind it */
#define PCI_BRIDGE_MEMORY_BASE    0x20U /* 16 bits: bits 31-20 of the window's base */
#define PCI_BRIDGE_MEMORY_LIMIT   0x22U /* likewise, of its last MiB */
#define PCI_BRIDGE_PREFETCH_BASE  0x24U /* 16 bits, likewise; the low four tell its width */
#define PCI_BRIDGE_PREFETCH_LIMIT 0x26U
#define PCI_CAPABILITIES          0x34U
#define PCI_INTERRUPT_LINE        0x3cU
#define PCI_INTERRUPT_PIN         0x3dU

#define PCI_VENDOR_NONE 0xffffU

#define PCI_COMMAND_IO       0x0001U
#define PCI_COMMAND_MEMORY   0x0002U
#define PCI_COMMAND_MASTER   0x0004U
#define PCI_COMMAND_INTX_OFF 0x0400U

#define PCI_STATUS_CAPABILITIES 0x0010U

#define PCI_HEADER_MULTI_FUNCTION 0x80U
#define PCI_HEADER_LAYOUT         0x7fU
#define PCI_HEADER_LAYOUT_DEVICE  0U
#define PCI_HEADER_LAYOUT_BRIDGE  1U
#define PCI_BRIDGE_BARS           2U

#define PCI_BAR_IO           0x1U
#define PCI_BAR_IO_FLAGS     0x3U
#define PCI_BAR_MEMORY_FLAGS 0xfU
#define PCI_BAR_TYPE         0x6U
#define PCI_BAR_TYPE_32      0x0U
#define PCI_BAR_TYPE_LOW     0x2U /* below 1 MiB: an old way to say 32 bits */
#define PCI_BAR_TYPE_64      0x4U

#define PCI_CAP_VENDOR  0x09U
#define PCI_CAP_EXPRESS 0x10U
#define PCI_CAP_MSIX    0x11U
#define PCI_CAP_FIRST   0x40U /* capabilities live behind the header */

#define PCI_MSIX_CONTROL          2U /* 16 bits, from the capability */
#define PCI_MSIX_TABLE            4U /* 32 bits: offset, and the BAR in the low three */
#define PCI_MSIX_CONTROL_SIZE     0x07ffU
#define PCI_MSIX_CONTROL_MASK_ALL 0x4000U
#define PCI_MSIX_CONTROL_ENABLE   0x8000U
#define PCI_MSIX_TABLE_BAR        0x7U

#define PCI_MSIX_ENTRY_BYTES        16U
#define PCI_MSIX_ENTRY_ADDRESS_LOW  0U
#define PCI_MSIX_ENTRY_ADDRESS_HIGH 4U
#define PCI_MSIX_ENTRY_DATA         8U
#define PCI_MSIX_ENTRY_CONTROL      12U
#define PCI_MSIX_ENTRY_MASKED       0x1U

/* The PCI Express capability of a port with a slot [PCIe 5.0 §7.5.3]. Offsets from it. */
#define PCI_EXPRESS_FLAGS           0x02U /* 16 bits */
#define PCI_EXPRESS_FLAGS_SLOT      0x0100U
#define PCI_SLOT_CAPABILITIES       0x14U /* 32 bits */
#define PCI_SLOT_HOT_PLUG           0x00000040U
#define PCI_SLOT_CONTROL            0x18U /* 16 bits */
#define PCI_SLOT_POWER_INDICATOR    0x0300U
#define PCI_SLOT_POWER_INDICATOR_ON 0x0100U
#define PCI_SLOT_POWER_OFF          0x0400U
#define PCI_SLOT_STATUS             0x1aU /* 16 bits; writing one clears an event */
#define PCI_SLOT_BUTTON_PRESSED     0x0001U
#define PCI_SLOT_PRESENCE_CHANGED   0x0008U
#define PCI_SLOT_PRESENT            0x0040U
