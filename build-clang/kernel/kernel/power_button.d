build-clang/kernel/kernel/power_button.o: kernel/power_button.c \
  kernel/power_button.h include/base/log.h arch/x86_64/cpu.h \
  kernel/fault.h kernel/machine.h include/base/err.h arch/x86_64/trap.h \
  drivers/pci/pci.h include/base/memory.h kernel/acpi_tables.h \
  kernel/work.h

kernel/power_button.h:

include/base/log.h:

arch/x86_64/cpu.h:

kernel/fault.h:

kernel/machine.h:

include/base/err.h:

arch/x86_64/trap.h:

drivers/pci/pci.h:

include/base/memory.h:

kernel/acpi_tables.h:

kernel/work.h:
