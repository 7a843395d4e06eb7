/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests of libc/memory.c, whose functions have the prefix libc_ here, beside the host's. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <errno.h>

#include "mm/frame.h"
#include "tests/fakes/frame_memory.h"

#define POOL_FRAMES 2048U
#define PAGE        ((size_t)FRAME_SIZE)
#define ACCESS      (PROT_READ | PROT_WRITE)
#define PRIVATE     (MAP_PRIVATE | MAP_ANONYMOUS)

void *libc_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);
int libc_munmap(void *address, size_t bytes);
int libc_madvise(void *address, size_t bytes, int advice);
int libc_mprotect(void *address, size_t bytes, int protection);
void *libc_sbrk(intptr_t increment);
long libc_sysconf(int name);
int libc_getpagesize(void);

static int start(void **state)
{
    (void)state;
    frame_memory_start(FRAME_MEMORY_LOW, POOL_FRAMES);
    frame_memory_soil();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    assert_int_equal(frame_free_count(), POOL_FRAMES);
    frame_memory_stop();
    return 0;
}

static unsigned char *map(size_t bytes)
{
    return libc_mmap(NULL, bytes, ACCESS, PRIVATE, -1, 0);
}

static void assert_zero(const unsigned char *memory, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        assert_int_equal(memory[i], 0);
    }
}

static void assert_refused(size_t bytes, int protection, int flags, int error)
{
    errno = 0;
    assert_ptr_equal(libc_mmap(NULL, bytes, protection, flags, 0, 0), MAP_FAILED);
    assert_int_equal(errno, error);
}

static void a_mapping_is_zeroed_and_takes_whole_frames(void **state)
{
    unsigned char *mapping = map(3 * PAGE + 1);

    (void)state;
    assert_int_equal((uintptr_t)mapping % PAGE, 0);
    assert_int_equal(frame_free_count(), POOL_FRAMES - 4);
    assert_zero(mapping, 4 * PAGE);
    assert_int_equal(libc_munmap(mapping, 3 * PAGE + 1), 0);
}

static void what_is_no_private_memory_is_refused(void **state)
{
    (void)state;
    assert_refused(0, ACCESS, PRIVATE, EINVAL);
    assert_refused(PAGE, ACCESS, MAP_PRIVATE, ENODEV);
    assert_refused(PAGE, ACCESS, MAP_SHARED | MAP_ANONYMOUS, ENOTSUP);
    assert_refused(PAGE, ACCESS, PRIVATE | MAP_FIXED, ENOTSUP);
    assert_refused(PAGE, PROT_NONE, PRIVATE, ENOTSUP);
    assert_refused(PAGE, ACCESS | PROT_EXEC, PRIVATE, ENOTSUP);
    assert_refused((POOL_FRAMES + 1) * PAGE, ACCESS, PRIVATE, ENOMEM);
    assert_refused(SIZE_MAX, ACCESS, PRIVATE, ENOMEM);
    assert_refused((size_t)PFN_NONE * PAGE, ACCESS, PRIVATE, ENOMEM);
}

static void any_part_of_a_mapping_can_be_unmapped_once(void **state)
{
    unsigned char *mapping = map(8 * PAGE);

    (void)state;
    assert_int_equal(libc_munmap(mapping + 2 * PAGE, 3 * PAGE), 0);
    assert_int_equal(frame_free_count(), POOL_FRAMES - 5);
    assert_int_equal(libc_munmap(mapping + 4 * PAGE, PAGE), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(libc_munmap(mapping, 8 * PAGE), -1);
    assert_int_equal(frame_free_count(), POOL_FRAMES - 5);
    assert_int_equal(libc_munmap(mapping, 2 * PAGE), 0);
    assert_int_equal(libc_munmap(mapping + 5 * PAGE, 3 * PAGE), 0);
}

static void ranges_that_are_none_are_refused(void **state)
{
    unsigned char *mapping = map(PAGE);

    (void)state;
    assert_int_equal(libc_munmap(mapping + 1, PAGE), -1);
    assert_int_equal(libc_munmap(mapping, 0), -1);
    assert_int_equal(libc_munmap(mapping, SIZE_MAX), -1);
    assert_int_equal(libc_munmap(NULL, PAGE), -1);
    assert_int_equal(libc_munmap((void *)(UINTPTR_MAX - PAGE + 1), PAGE), -1);
    assert_int_equal(libc_madvise(mapping + 1, PAGE, MADV_DONTNEED), -1);
    assert_int_equal(libc_madvise(mapping, PAGE, 12345), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(libc_munmap(mapping, PAGE), 0);
}

static void memory_that_is_not_needed_is_zero_and_stays_taken(void **state)
{
    unsigned char *mapping = map(3 * PAGE);

    (void)state;
    memset(mapping, 1, 3 * PAGE);
    assert_int_equal(libc_madvise(mapping + PAGE, PAGE, MADV_DONTNEED), 0);
    assert_int_equal(mapping[PAGE - 1], 1);
    assert_zero(mapping + PAGE, PAGE);
    assert_int_equal(mapping[2 * PAGE], 1);
    assert_int_equal(libc_madvise(mapping, PAGE, MADV_FREE), 0);
    assert_int_equal(libc_madvise(mapping, PAGE, MADV_WILLNEED), 0);
    assert_int_equal(frame_free_count(), POOL_FRAMES - 3);
    assert_int_equal(libc_munmap(mapping, 3 * PAGE), 0);
}

/* The host's own protection finds a write. */
static void memory_that_is_zero_is_not_written_to_be_zero(void **state)
{
    unsigned char *mapping = map(3 * PAGE);

    (void)state;
    mapping[PAGE - 1] = 1;
    mapping[2 * PAGE] = 1;
    assert_int_equal(mprotect(mapping + PAGE, PAGE, PROT_READ), 0);
    assert_int_equal(libc_madvise(mapping, 3 * PAGE, MADV_DONTNEED), 0);
    assert_int_equal(mprotect(mapping + PAGE, PAGE, ACCESS), 0);
    assert_zero(mapping, 3 * PAGE);
    assert_int_equal(libc_munmap(mapping, 3 * PAGE), 0);
}

static void protection_cannot_be_changed(void **state)
{
    unsigned char *mapping = map(PAGE);

    (void)state;
    assert_int_equal(libc_mprotect(mapping, PAGE, ACCESS), 0);
    assert_int_equal(libc_mprotect(mapping, PAGE, PROT_NONE), -1);
    assert_int_equal(errno, ENOTSUP);
    assert_int_equal(libc_munmap(mapping, PAGE), 0);
}

static void sbrk_is_refused(void **state)
{
    (void)state;
    errno = 0;
    assert_ptr_equal(libc_sbrk(0), (void *)-1);
    assert_int_equal(errno, ENOMEM);
}

static void sysconf_knows_pages_and_the_processor(void **state)
{
    unsigned char *mapping = map(10 * PAGE);
    pfn_t first;
    pfn_t count;

    (void)state;
    assert_int_equal(libc_sysconf(_SC_PAGESIZE), 4096);
    assert_int_equal(libc_getpagesize(), 4096);
    assert_int_equal(libc_sysconf(_SC_PHYS_PAGES), POOL_FRAMES);
    assert_int_equal(libc_sysconf(_SC_AVPHYS_PAGES), POOL_FRAMES - 10);
    assert_int_equal(libc_sysconf(_SC_NPROCESSORS_ONLN), 1);
    assert_int_equal(libc_sysconf(_SC_NPROCESSORS_CONF), 1);
    /* What the balloon holds is no memory of this machine. */
    assert_int_equal(frame_take_blocks(FRAME_FREE_BACKED, 0, BLOCK_FRAMES, &first, &count), OK);
    assert_int_equal(libc_sysconf(_SC_PHYS_PAGES), POOL_FRAMES - count);
    frame_give_run(first, count);
    errno = 0;
    assert_int_equal(libc_sysconf(123456), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(libc_munmap(mapping, 10 * PAGE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mapping_is_zeroed_and_takes_whole_frames, start, stop),
        cmocka_unit_test_setup_teardown(what_is_no_private_memory_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(any_part_of_a_mapping_can_be_unmapped_once, start, stop),
        cmocka_unit_test_setup_teardown(ranges_that_are_none_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(memory_that_is_not_needed_is_zero_and_stays_taken, start,
                                        stop),
        cmocka_unit_test_setup_teardown(memory_that_is_zero_is_not_written_to_be_zero, start, stop),
        cmocka_unit_test_setup_teardown(protection_cannot_be_changed, start, stop),
        cmocka_unit_test_setup_teardown(sbrk_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(sysconf_knows_pages_and_the_processor, start, stop),
    };

    return cmocka_run_group_tests_name("libc/memory.c", tests, NULL, NULL);
}
