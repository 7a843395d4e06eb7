build-clang/kernel/kernel/cmdline.o: kernel/cmdline.c kernel/cmdline.h \
  include/base/assert.h include/base/bits.h include/base/string.h \
  kernel/format.h

kernel/cmdline.h:

include/base/assert.h:

include/base/bits.h:

include/base/string.h:

kernel/format.h:
