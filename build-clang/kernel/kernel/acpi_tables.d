build-clang/kernel/kernel/acpi_tables.o: kernel/acpi_tables.c \
  kernel/acpi_field.h include/base/assert.h include/base/string.h \
  kernel/acpi_tables.h include/base/err.h include/base/memory.h \
  include/base/bits.h include/base/log.h

kernel/acpi_field.h:

include/base/assert.h:

include/base/string.h:

kernel/acpi_tables.h:

include/base/err.h:

include/base/memory.h:

include/base/bits.h:

include/base/log.h:
