/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Our C library's functions beside the host's own: included before everything else, this gives
 * those of libc/fd.c, libc/path.c and libc/dir.c names of their own.
 */

#define access    libc_access
#define chdir     libc_chdir
#define chmod     libc_chmod
#define close     libc_close
#define closedir  libc_closedir
#define dirfd     libc_dirfd
#define dup       libc_dup
#define dup2      libc_dup2
#define fcntl     libc_fcntl
#define fdopendir libc_fdopendir
#define fstat     libc_fstat
#define getcwd    libc_getcwd
#define isatty    libc_isatty
#define link      libc_link
#define lseek     libc_lseek
#define mkdir     libc_mkdir
#define open      libc_open
#define opendir   libc_opendir
#define pread     libc_pread
#define read      libc_read
#define readdir   libc_readdir
#define readlink  libc_readlink
#define rename    libc_rename
#define rewinddir libc_rewinddir
#define rmdir     libc_rmdir
#define seekdir   libc_seekdir
#define stat      libc_stat
#define symlink   libc_symlink
#define telldir   libc_telldir
#define truncate  libc_truncate
#define unlink    libc_unlink
#define write     libc_write
