/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* What newlib's <dirent.h>, which has the functions, wants to know: the types. */

#include <sys/types.h>

/* Types of files, as far as an archive has them: the upper bits of st_mode. */
#define DT_UNKNOWN 0
#define DT_FIFO    1
#define DT_CHR     2
#define DT_DIR     4
#define DT_BLK     6
#define DT_REG     8
#define DT_LNK     10
#define DT_SOCK    12

struct dirent {
    ino_t d_ino;
    unsigned char d_type;
    char d_name[256];
};

typedef struct __dirstream DIR;
