build-clang/kernel/kernel/acpi_s5.o: kernel/acpi_s5.c kernel/acpi_field.h \
  include/base/assert.h include/base/string.h kernel/acpi_tables.h \
  include/base/err.h include/base/memory.h

kernel/acpi_field.h:

include/base/assert.h:

include/base/string.h:

kernel/acpi_tables.h:

include/base/err.h:

include/base/memory.h:
