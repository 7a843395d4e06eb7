build-clang/kernel/tests/guest/loads.o: tests/guest/loads.c \
  include/base/log.h include/base/memory.h arch/x86_64/clock.h \
  arch/x86_64/cpu.h kernel/app_words.h kernel/balloon_service.h \
  kernel/power_button.h kernel/task.h include/base/err.h mm/frame.h \
  tests/guest/scenarios.h

include/base/log.h:

include/base/memory.h:

arch/x86_64/clock.h:

arch/x86_64/cpu.h:

kernel/app_words.h:

kernel/balloon_service.h:

kernel/power_button.h:

kernel/task.h:

include/base/err.h:

mm/frame.h:

tests/guest/scenarios.h:
