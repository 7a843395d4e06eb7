build-clang/kernel/kernel/task.o: kernel/task.c kernel/task.h \
  include/base/err.h include/base/assert.h include/base/memory.h \
  arch/x86_64/clock.h arch/x86_64/context.h arch/x86_64/cpu.h \
  arch/x86_64/paging.h kernel/timer.h kernel/work.h mm/frame.h

kernel/task.h:

include/base/err.h:

include/base/assert.h:

include/base/memory.h:

arch/x86_64/clock.h:

arch/x86_64/context.h:

arch/x86_64/cpu.h:

arch/x86_64/paging.h:

kernel/timer.h:

kernel/work.h:

mm/frame.h:
