build-clang/kernel/kernel/format.o: kernel/format.c kernel/format.h \
  include/base/assert.h include/base/string.h

kernel/format.h:

include/base/assert.h:

include/base/string.h:
