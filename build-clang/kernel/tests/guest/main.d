build-clang/kernel/tests/guest/main.o: tests/guest/main.c \
  include/base/bits.h include/base/log.h include/base/string.h \
  kernel/app.h kernel/app_words.h tests/guest/scenarios.h

include/base/bits.h:

include/base/log.h:

include/base/string.h:

kernel/app.h:

kernel/app_words.h:

tests/guest/scenarios.h:
