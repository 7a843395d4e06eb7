build-clang/kernel/kernel/work.o: kernel/work.c kernel/work.h \
  include/base/assert.h arch/x86_64/trap.h kernel/task.h \
  include/base/err.h kernel/timer.h mm/frame.h include/base/memory.h

kernel/work.h:

include/base/assert.h:

arch/x86_64/trap.h:

kernel/task.h:

include/base/err.h:

kernel/timer.h:

mm/frame.h:

include/base/memory.h:
