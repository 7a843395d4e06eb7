build-clang/kernel/tests/guest/faults.o: tests/guest/faults.c \
  include/base/assert.h include/base/log.h arch/x86_64/boot.h \
  arch/x86_64/clock.h kernel/balloon_service.h include/base/memory.h \
  kernel/task.h include/base/err.h mm/frame.h tests/guest/scenarios.h

include/base/assert.h:

include/base/log.h:

arch/x86_64/boot.h:

arch/x86_64/clock.h:

kernel/balloon_service.h:

include/base/memory.h:

kernel/task.h:

include/base/err.h:

mm/frame.h:

tests/guest/scenarios.h:
