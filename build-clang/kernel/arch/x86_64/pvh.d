build-clang/kernel/arch/x86_64/pvh.o: arch/x86_64/pvh.S \
  arch/x86_64/pvh_note.h

arch/x86_64/pvh_note.h:
