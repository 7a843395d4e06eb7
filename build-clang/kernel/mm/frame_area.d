build-clang/kernel/mm/frame_area.o: mm/frame_area.c mm/frame.h \
  include/base/err.h include/base/memory.h mm/frame_internal.h \
  include/base/assert.h include/base/bits.h include/base/local.h \
  include/base/string.h

mm/frame.h:

include/base/err.h:

include/base/memory.h:

mm/frame_internal.h:

include/base/assert.h:

include/base/bits.h:

include/base/local.h:

include/base/string.h:
