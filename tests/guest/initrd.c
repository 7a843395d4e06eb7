/* SPDX-License-Identifier: BSD-2-Clause */
/* Names everything in the initrd, one level after the other, with the sum of its bytes. */

#include <stddef.h>
#include <stdint.h>

#include "base/bits.h"
#include "base/log.h"

#include "kernel/initrd.h"
#include "tests/guest/scenarios.h"

#define DIRECTORIES_MAX 32U
#define STATUS_TOO_MANY 4

static struct cpio_node directories[DIRECTORIES_MAX];

static void tell(const struct cpio_node *node)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < node->data.length; i++) {
        sum += (unsigned char)node->data.start[i];
    }
    char path[CPIO_NAME_MAX + 1];
    size_t length = min_u64(node->path.length, CPIO_NAME_MAX);

    for (size_t i = 0; i < length; i++) {
        path[i] = node->path.start[i];
    }
    path[length] = '\0';
    result_line("file path=%s mode=%x bytes=%zu sum=%u", path, node->mode, node->data.length, sum);
}

int scenario_initrd(void)
{
    const struct cpio *tree = initrd_tree();
    unsigned files = 0;
    unsigned count = 1;

    directories[0] = cpio_root(tree);
    for (unsigned i = 0; i < count; i++) {
        struct cpio_node node;
        struct cpio_text name;
        size_t position = 0;

        while (cpio_list(tree, &directories[i], &position, &node, &name) == OK) {
            tell(&node);
            files++;
            if ((node.mode & CPIO_TYPE_MASK) == CPIO_TYPE_DIRECTORY) {
                if (count == DIRECTORIES_MAX) {
                    return STATUS_TOO_MANY;
                }
                directories[count++] = node;
            }
        }
    }
    result_line("initrd files=%u", files);
    return 0;
}
