build-clang/kernel/apps/demo/demo.o: apps/demo/demo.c include/base/log.h \
  include/base/memory.h arch/x86_64/clock.h kernel/app.h \
  kernel/app_words.h kernel/task.h include/base/err.h mm/frame.h

include/base/log.h:

include/base/memory.h:

arch/x86_64/clock.h:

kernel/app.h:

kernel/app_words.h:

kernel/task.h:

include/base/err.h:

mm/frame.h:
