/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XML that a libvirtd may send: it is read, edited, and the edited text read again. What was taken
 * for a domain stays one, with the device that was asked for, and with everything else unchanged.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/backend/libvirt_domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
    if (!(condition)) {                                                                            \
        abort();                                                                                   \
    }

static void check_edit(const char *xml, bool present, const struct libvirt_description *before)
{
    bool changed = false;
    char *edited = libvirt_description_edit(xml, present, &changed);
    REQUIRE(edited != NULL)
    struct libvirt_description after;
    REQUIRE(libvirt_description_read(edited, &after))
    /* The first device counts, and a second one would be libvirt's mistake. */
    REQUIRE(!present || after.device)
    REQUIRE(after.kind == before->kind && after.features == before->features)
    REQUIRE(after.locked == before->locked && after.huge_pages == before->huge_pages)
    REQUIRE(after.pinned == before->pinned && after.prealloc == before->prealloc)
    REQUIRE(after.ram_bytes == before->ram_bytes)
    char *again = libvirt_description_edit(edited, present, &changed);
    REQUIRE(again != NULL && !changed)
    free(again);
    free(edited);
}

/* Bytes that are no text stand for pieces of XML, so that documents come about by themselves. */
static const char *const pieces[] = {
    "<domain type='kvm'>",
    "</domain>",
    "<devices>",
    "</devices>",
    "<memballoon model='virtio'>",
    "<memballoon model='none' autodeflate='on' freePageReporting='on'>",
    "</memballoon>",
    "<stats period='",
    "'/>",
    "<memory unit='KiB'>",
    "</memory>",
    "<memoryBacking><locked/><hugepages/></memoryBacking>",
    "<devices><hostdev type='pci'/></devices>",
    "<os><type>exe</type></os>",
    "<devices><memballoon model='virtio'/></devices>",
    "<domain xmlns='urn:x' type='lxc'>",
    "<!DOCTYPE domain [",
    "<!ENTITY a 'b'>",
    "]>",
    "&a;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "xmlns:q='urn:q'",
};

/* To be given to free(). */
static char *assemble(const uint8_t *data, size_t size)
{
    char *xml = NULL;
    size_t length = 0;
    FILE *text = open_memstream(&xml, &length);
    REQUIRE(text != NULL)
    bool inside = size > 0 && data[0] % 2 == 0; /* a root need not be invented each time */
    fputs(inside ? "<domain type='kvm'>" : "", text);
    for (size_t i = 1; i < size; i++) {
        if (data[i] >= 0x80) {
            fputs(pieces[data[i] % (sizeof pieces / sizeof pieces[0])], text);
        } else if (data[i] != 0) {
            fputc(data[i], text);
        }
    }
    fputs(inside ? "</domain>" : "", text);
    fclose(text);
    return xml;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *xml = assemble(data, size);
    struct libvirt_description description;
    if (libvirt_description_read(xml, &description)) {
        REQUIRE(description.ram_bytes <= POLICY_BYTES_MAX ||
                description.ram_bytes == POLICY_MISSING)
        check_edit(xml, true, &description);
        check_edit(xml, false, &description);
    }
    free(xml);
    return 0;
}
