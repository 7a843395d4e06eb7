build-clang/kernel/kernel/app_words.o: kernel/app_words.c \
  kernel/app_words.h include/base/bits.h include/base/string.h \
  kernel/params.h

kernel/app_words.h:

include/base/bits.h:

include/base/string.h:

kernel/params.h:
