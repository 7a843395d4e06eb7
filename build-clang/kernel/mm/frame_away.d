build-clang/kernel/mm/frame_away.o: mm/frame_away.c mm/frame.h \
  include/base/err.h include/base/memory.h mm/frame_internal.h \
  include/base/assert.h include/base/bits.h include/base/local.h

mm/frame.h:

include/base/err.h:

include/base/memory.h:

mm/frame_internal.h:

include/base/assert.h:

include/base/bits.h:

include/base/local.h:
