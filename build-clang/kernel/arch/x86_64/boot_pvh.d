build-clang/kernel/arch/x86_64/boot_pvh.o: arch/x86_64/boot_pvh.c \
  arch/x86_64/boot.h include/base/assert.h include/base/bits.h \
  include/base/boot_info.h include/base/memory.h include/base/string.h

arch/x86_64/boot.h:

include/base/assert.h:

include/base/bits.h:

include/base/boot_info.h:

include/base/memory.h:

include/base/string.h:
