build-clang/kernel/mm/memmap.o: mm/memmap.c mm/memmap.h \
  include/base/boot_info.h include/base/err.h include/base/memory.h \
  mm/frame.h include/base/assert.h include/base/bits.h

mm/memmap.h:

include/base/boot_info.h:

include/base/err.h:

include/base/memory.h:

mm/frame.h:

include/base/assert.h:

include/base/bits.h:
