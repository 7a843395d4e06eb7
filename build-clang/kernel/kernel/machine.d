build-clang/kernel/kernel/machine.o: kernel/machine.c kernel/machine.h \
  include/base/err.h arch/x86_64/trap.h drivers/pci/pci.h \
  include/base/memory.h kernel/acpi_tables.h include/base/assert.h \
  include/base/bits.h include/base/log.h arch/x86_64/apic.h \
  arch/x86_64/clock.h arch/x86_64/cpu.h arch/x86_64/paging.h \
  arch/x86_64/pci_config.h arch/x86_64/power.h arch/x86_64/segments.h \
  drivers/pci/pci_spec.h

kernel/machine.h:

include/base/err.h:

arch/x86_64/trap.h:

drivers/pci/pci.h:

include/base/memory.h:

kernel/acpi_tables.h:

include/base/assert.h:

include/base/bits.h:

include/base/log.h:

arch/x86_64/apic.h:

arch/x86_64/clock.h:

arch/x86_64/cpu.h:

arch/x86_64/paging.h:

arch/x86_64/pci_config.h:

arch/x86_64/power.h:

arch/x86_64/segments.h:

drivers/pci/pci_spec.h:
