build-clang/kernel/kernel/params.o: kernel/params.c kernel/params.h \
  include/base/bits.h kernel/cmdline.h kernel/log.h include/base/log.h

kernel/params.h:

include/base/bits.h:

kernel/cmdline.h:

kernel/log.h:

include/base/log.h:
