/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's XML: read for what decides whether its memory can come free, and edited for having or
 * not having a balloon device at the next start. libvirt itself cannot change that device by
 * virDomainUpdateDeviceFlags() (observed: libvirt 9.0), so the definition is edited as text, and
 * nothing in it is touched but this one element.
 */

#include "tools/ballast/backend/libvirt_domain.h"

#include <assert.h>
#include <inttypes.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xpath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Domains' descriptions have some ten kilobytes; this bounds what a peer can make us parse. */
#define XML_BYTES_MAX (4U << 20)

#define NODE_TEXT(text) ((const xmlChar *)(text))

struct document {
    xmlDoc *doc;
    xmlXPathContext *paths;
};

static void document_close(struct document *document)
{
    xmlXPathFreeContext(document->paths);
    xmlFreeDoc(document->doc);
}

/* libvirt's own elements are in no namespace; of others one may have the same name. */
static bool is_named(const xmlNode *node, const char *name)
{
    return node->ns == NULL && xmlStrcmp(node->name, NODE_TEXT(name)) == 0;
}

/* No network, no external entities, and nothing printed. */
static bool document_open(const char *xml, struct document *document)
{
    size_t length = strlen(xml);
    *document = (struct document){ 0 };
    if (length == 0 || length > XML_BYTES_MAX) {
        return false;
    }
    document->doc = xmlReadMemory(xml, (int)length, "domain.xml", NULL,
                                  XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (document->doc == NULL) {
        return false;
    }
    const xmlNode *root = xmlDocGetRootElement(document->doc);
    document->paths = xmlXPathNewContext(document->doc);
    if (document->paths == NULL || root == NULL || !is_named(root, "domain")) {
        document_close(document);
        return false;
    }
    return true;
}

/* An XPath expression as a truth; false also when memory ran out. */
static bool is_true(const struct document *document, const char *expression)
{
    xmlXPathObject *result = xmlXPathEvalExpression(NODE_TEXT(expression), document->paths);
    bool answer = result != NULL && xmlXPathCastToBoolean(result) != 0;
    xmlXPathFreeObject(result);
    return answer;
}

/* The same as a whole number, or POLICY_MISSING. */
static uint64_t number_at(const struct document *document, const char *expression)
{
    xmlXPathObject *result = xmlXPathEvalExpression(NODE_TEXT(expression), document->paths);
    double value = result == NULL ? -1 : xmlXPathCastToNumber(result);
    xmlXPathFreeObject(result);
    /* Not "value < 0": a text that is no number is NaN. */
    const uint64_t most = POLICY_BYTES_MAX / 1024U;
    if (!(value >= 0 && value <= (double)most)) {
        return POLICY_MISSING;
    }
    return (uint64_t)value;
}

static void read_memory(const struct document *document, struct libvirt_description *description)
{
    description->locked = is_true(document, "/domain/memoryBacking/locked");
    description->huge_pages = is_true(document, "/domain/memoryBacking/hugepages");
    description->prealloc =
        is_true(document, "/domain/memoryBacking/allocation[@mode='immediate']");
    /* All that goes through VFIO or vDPA pins the whole of the guest's memory. */
    description->pinned =
        is_true(document, "/domain/devices/hostdev[@type='pci' or @type='mdev'] | "
                          "/domain/devices/interface[@type='hostdev' or @type='vdpa'] | "
                          "/domain/devices/disk[@type='nvme' or @type='vhostvdpa']");
    uint64_t kib = number_at(document, "/domain/memory[not(@unit) or @unit='KiB']");
    description->ram_bytes = kib == POLICY_MISSING ? POLICY_MISSING : kib * 1024U;
}

bool libvirt_description_read(const char *xml, struct libvirt_description *description)
{
    assert(xml != NULL);
    assert(description != NULL);
    struct document document;
    if (!document_open(xml, &document)) {
        return false;
    }
    *description = (struct libvirt_description){ 0 };
    if (is_true(&document, "/domain[@type='lxc' or @type='openvz'] | /domain/os[type='exe']")) {
        description->kind = FACTS_CONTAINER;
    }
    description->device = is_true(&document, "/domain/devices/memballoon[@model!='none']");
    if (is_true(&document, "/domain/devices/memballoon[@autodeflate='on']")) {
        description->features |= FACTS_DEFLATE_ON_OOM;
    }
    if (is_true(&document, "/domain/devices/memballoon[@freePageReporting='on']")) {
        description->features |= FACTS_REPORTING;
    }
    uint64_t period = number_at(&document, "/domain/devices/memballoon/stats/@period");
    description->stats_period_s = period < 86400 ? (unsigned)period : 0;
    read_memory(&document, description);
    document_close(&document);
    return true;
}

/* The first child element of this name, or NULL. */
static xmlNode *child_of(xmlNode *parent, const char *name)
{
    for (xmlNode *node = parent->children; node != NULL; node = node->next) {
        if (node->type == XML_ELEMENT_NODE && is_named(node, name)) {
            return node;
        }
    }
    return NULL;
}

/* Puts the model into the element. False when memory ran out. */
static bool set_model(xmlNode *root, bool present, bool *changed)
{
    xmlNode *devices = child_of(root, "devices");
    if (devices == NULL) {
        devices = xmlNewChild(root, NULL, NODE_TEXT("devices"), NULL);
    }
    xmlNode *balloon = devices == NULL ? NULL : child_of(devices, "memballoon");
    if (balloon == NULL && devices != NULL) {
        balloon = xmlNewChild(devices, NULL, NODE_TEXT("memballoon"), NULL);
    }
    if (balloon == NULL) {
        return false;
    }
    xmlChar *model = xmlGetProp(balloon, NODE_TEXT("model"));
    bool is_present = model != NULL && xmlStrcmp(model, NODE_TEXT("none")) != 0;
    bool is_right = model != NULL && is_present == present;
    xmlFree(model);
    *changed = !is_right;
    return is_right ||
           xmlSetProp(balloon, NODE_TEXT("model"), NODE_TEXT(present ? "virtio" : "none")) != NULL;
}

char *libvirt_description_edit(const char *xml, bool present, bool *changed)
{
    assert(xml != NULL);
    assert(changed != NULL);
    struct document document;
    if (!document_open(xml, &document)) {
        return NULL;
    }
    char *copy = NULL;
    if (set_model(xmlDocGetRootElement(document.doc), present, changed)) {
        xmlChar *text = NULL;
        int size = 0;
        xmlDocDumpMemory(document.doc, &text, &size);
        /* free() need not be what xmlFree() is. */
        copy = text == NULL ? NULL : strdup((const char *)text);
        xmlFree(text);
    }
    document_close(&document);
    return copy;
}
