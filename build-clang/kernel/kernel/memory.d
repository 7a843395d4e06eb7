build-clang/kernel/kernel/memory.o: kernel/memory.c kernel/memory.h \
  include/base/assert.h include/base/bits.h include/base/boot_info.h \
  include/base/log.h include/base/memory.h include/base/string.h \
  arch/x86_64/boot.h arch/x86_64/paging.h include/base/err.h \
  arch/x86_64/stacks.h mm/frame.h mm/memmap.h

kernel/memory.h:

include/base/assert.h:

include/base/bits.h:

include/base/boot_info.h:

include/base/log.h:

include/base/memory.h:

include/base/string.h:

arch/x86_64/boot.h:

arch/x86_64/paging.h:

include/base/err.h:

arch/x86_64/stacks.h:

mm/frame.h:

mm/memmap.h:
