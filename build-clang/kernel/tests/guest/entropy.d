build-clang/kernel/tests/guest/entropy.o: tests/guest/entropy.c \
  include/base/log.h include/base/memory.h arch/x86_64/clock.h \
  arch/x86_64/cpu.h arch/x86_64/paging.h include/base/err.h \
  drivers/virtio/virtio_pci.h drivers/pci/pci.h drivers/pci/pci_msix.h \
  drivers/virtio/virtio.h drivers/virtio/virtq.h \
  drivers/virtio/virtio_pci_caps.h kernel/app_words.h kernel/machine.h \
  arch/x86_64/trap.h kernel/acpi_tables.h kernel/memory.h kernel/task.h \
  tests/guest/scenarios.h

include/base/log.h:

include/base/memory.h:

arch/x86_64/clock.h:

arch/x86_64/cpu.h:

arch/x86_64/paging.h:

include/base/err.h:

drivers/virtio/virtio_pci.h:

drivers/pci/pci.h:

drivers/pci/pci_msix.h:

drivers/virtio/virtio.h:

drivers/virtio/virtq.h:

drivers/virtio/virtio_pci_caps.h:

kernel/app_words.h:

kernel/machine.h:

arch/x86_64/trap.h:

kernel/acpi_tables.h:

kernel/memory.h:

kernel/task.h:

tests/guest/scenarios.h:
