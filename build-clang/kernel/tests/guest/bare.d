build-clang/kernel/tests/guest/bare.o: tests/guest/bare.c \
  include/base/assert.h include/base/log.h include/base/memory.h \
  arch/x86_64/clock.h arch/x86_64/cpu.h arch/x86_64/paging.h \
  include/base/err.h drivers/pci/pci.h drivers/virtio/virtio.h \
  drivers/virtio/virtq.h drivers/virtio/virtio_pci.h \
  drivers/pci/pci_msix.h drivers/virtio/virtio_pci_caps.h \
  kernel/app_words.h kernel/balloon_service.h kernel/machine.h \
  arch/x86_64/trap.h kernel/acpi_tables.h kernel/task.h mm/frame.h \
  tests/guest/scenarios.h

include/base/assert.h:

include/base/log.h:

include/base/memory.h:

arch/x86_64/clock.h:

arch/x86_64/cpu.h:

arch/x86_64/paging.h:

include/base/err.h:

drivers/pci/pci.h:

drivers/virtio/virtio.h:

drivers/virtio/virtq.h:

drivers/virtio/virtio_pci.h:

drivers/pci/pci_msix.h:

drivers/virtio/virtio_pci_caps.h:

kernel/app_words.h:

kernel/balloon_service.h:

kernel/machine.h:

arch/x86_64/trap.h:

kernel/acpi_tables.h:

kernel/task.h:

mm/frame.h:

tests/guest/scenarios.h:
