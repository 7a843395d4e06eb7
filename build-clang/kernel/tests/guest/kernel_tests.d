build-clang/kernel/tests/guest/kernel_tests.o: tests/guest/kernel_tests.c \
  include/base/assert.h include/base/bits.h include/base/log.h \
  include/base/memory.h arch/x86_64/clock.h arch/x86_64/cpu.h \
  arch/x86_64/paging.h include/base/err.h arch/x86_64/stacks.h \
  kernel/memory.h kernel/task.h kernel/timer.h mm/frame.h \
  tests/guest/scenarios.h

include/base/assert.h:

include/base/bits.h:

include/base/log.h:

include/base/memory.h:

arch/x86_64/clock.h:

arch/x86_64/cpu.h:

arch/x86_64/paging.h:

include/base/err.h:

arch/x86_64/stacks.h:

kernel/memory.h:

kernel/task.h:

kernel/timer.h:

mm/frame.h:

tests/guest/scenarios.h:
