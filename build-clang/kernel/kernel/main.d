build-clang/kernel/kernel/main.o: kernel/main.c include/base/boot_info.h \
  include/base/log.h include/base/memory.h arch/x86_64/boot.h \
  arch/x86_64/clock.h arch/x86_64/power.h arch/x86_64/segments.h \
  arch/x86_64/serial.h kernel/app.h kernel/balloon_service.h \
  kernel/fault.h kernel/machine.h include/base/err.h arch/x86_64/trap.h \
  drivers/pci/pci.h kernel/acpi_tables.h kernel/memory.h kernel/params.h \
  kernel/power_button.h kernel/report.h kernel/task.h kernel/timer.h \
  kernel/work.h

include/base/boot_info.h:

include/base/log.h:

include/base/memory.h:

arch/x86_64/boot.h:

arch/x86_64/clock.h:

arch/x86_64/power.h:

arch/x86_64/segments.h:

arch/x86_64/serial.h:

kernel/app.h:

kernel/balloon_service.h:

kernel/fault.h:

kernel/machine.h:

include/base/err.h:

arch/x86_64/trap.h:

drivers/pci/pci.h:

kernel/acpi_tables.h:

kernel/memory.h:

kernel/params.h:

kernel/power_button.h:

kernel/report.h:

kernel/task.h:

kernel/timer.h:

kernel/work.h:
