build-clang/kernel/arch/x86_64/paging.o: arch/x86_64/paging.c \
  arch/x86_64/paging.h include/base/err.h include/base/memory.h \
  include/base/assert.h include/base/bits.h include/base/string.h \
  arch/x86_64/cpu.h

arch/x86_64/paging.h:

include/base/err.h:

include/base/memory.h:

include/base/assert.h:

include/base/bits.h:

include/base/string.h:

arch/x86_64/cpu.h:
