/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The values that switch the machine off stand in `\_S5_`, a package in AML. There is no AML
 * interpreter here: the name is recognised by its encoding, every byte of which is checked.
 * [ACPI 6.5 §7.4.2, §20.2]
 */
#include "kernel/acpi_field.h"

#include "base/string.h"

/* AML bytes: DefName := 08 NameString DefPackage, DefPackage := 12 PkgLength NumElements
 * elements, NameString := [5C] "_S5_". [ACPI 6.5 §20.2.2, §20.2.4, §20.2.5.1, §20.2.5.4] */
enum {
    AML_ZERO = 0x00,
    AML_ONE = 0x01,
    AML_NAME = 0x08,
    AML_BYTE = 0x0a,
    AML_PACKAGE = 0x12,
    AML_ROOT = 0x5c
};

/* A small constant at `*at`, which is left behind it; false when it is no constant below 8 or
 * does not end before `end`. SLP_TYP has three bits. [ACPI 6.5 §4.8.3.2.1] */
static bool read_sleep_type(const struct table *aml, size_t end, size_t *at, uint8_t *type)
{
    if (*at >= end) {
        return false;
    }
    const uint8_t opcode = table_u8(aml, (*at)++);
    if (opcode == AML_BYTE) {
        if (*at >= end) {
            return false;
        }
        *type = table_u8(aml, (*at)++);
        return *type < 8;
    }
    *type = opcode == AML_ONE ? 1 : 0;
    return opcode == AML_ZERO || opcode == AML_ONE;
}

/* `at` stands behind the name: PackageOp, PkgLength, NumElements and the first two elements. */
static bool read_s5_package(const struct table *aml, size_t at, struct acpi_info *info)
{
    if (aml->length - at < 4 || table_u8(aml, at) != AML_PACKAGE) {
        return false;
    }
    at++;
    size_t own_bytes = 0;
    const size_t length = acpi_package_length(aml, at, &own_bytes);
    if (length <= own_bytes) {
        return false;
    }
    const size_t end = at + length;
    at += own_bytes;
    const uint8_t elements = table_u8(aml, at++);
    uint8_t type_a = 0;
    uint8_t type_b = 0;
    if (elements < 2 || !read_sleep_type(aml, end, &at, &type_a) ||
        !read_sleep_type(aml, end, &at, &type_b)) {
        return false;
    }
    info->has_s5 = true;
    info->s5_type_a = type_a;
    info->s5_type_b = type_b;
    return true;
}

/* The four letters may stand in any string or method; only a name's definition counts. */
void acpi_s5_find(const struct table *aml, struct acpi_info *info)
{
    size_t at = HEADER_BYTES;
    while (!info->has_s5) {
        at = acpi_aml_find(aml, at + 1, "_S5_", 4, 2);
        if (at + 4 >= aml->length) {
            break;
        }
        const size_t root = table_u8(aml, at - 1) == AML_ROOT ? 1 : 0;
        if (at - 1 - root >= HEADER_BYTES && table_u8(aml, at - 1 - root) == AML_NAME) {
            (void)read_s5_package(aml, at + 4, info);
        }
    }
}
