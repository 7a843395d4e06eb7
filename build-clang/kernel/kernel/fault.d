build-clang/kernel/kernel/fault.o: kernel/fault.c kernel/fault.h \
  include/base/assert.h include/base/log.h include/base/memory.h \
  arch/x86_64/boot.h arch/x86_64/cpu.h arch/x86_64/paging.h \
  include/base/err.h arch/x86_64/power.h arch/x86_64/stacks.h \
  arch/x86_64/trap.h kernel/balloon_service.h kernel/format.h \
  kernel/symbols.h kernel/task.h kernel/work.h mm/frame.h

kernel/fault.h:

include/base/assert.h:

include/base/log.h:

include/base/memory.h:

arch/x86_64/boot.h:

arch/x86_64/cpu.h:

arch/x86_64/paging.h:

include/base/err.h:

arch/x86_64/power.h:

arch/x86_64/stacks.h:

arch/x86_64/trap.h:

kernel/balloon_service.h:

kernel/format.h:

kernel/symbols.h:

kernel/task.h:

kernel/work.h:

mm/frame.h:
