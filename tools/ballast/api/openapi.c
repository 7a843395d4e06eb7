/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The API's document, tools/ballast/openapi.json, as a part of the program: what GET /openapi.json
 * serves is the file of this very build. The assembler takes the file in; ballast.mk knows that
 * this object depends on it.
 */
#include "tools/ballast/api/api_internal.h"

__asm__(".pushsection .rodata\n"
        ".global api_openapi_begin, api_openapi_end\n"
        "api_openapi_begin:\n"
        ".incbin \"tools/ballast/openapi.json\"\n"
        "api_openapi_end:\n"
        ".popsection\n");

extern const char api_openapi_begin[];
extern const char api_openapi_end[];

const char *api_openapi(size_t *size)
{
    *size = (size_t)(api_openapi_end - api_openapi_begin);
    return api_openapi_begin;
}
