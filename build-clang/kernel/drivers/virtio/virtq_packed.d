build-clang/kernel/drivers/virtio/virtq_packed.o: \
  drivers/virtio/virtq_packed.c include/base/assert.h \
  include/base/barrier.h drivers/virtio/virtq.h include/base/err.h \
  include/base/memory.h drivers/virtio/virtq_internal.h \
  drivers/virtio/virtq_spec.h

include/base/assert.h:

include/base/barrier.h:

drivers/virtio/virtq.h:

include/base/err.h:

include/base/memory.h:

drivers/virtio/virtq_internal.h:

drivers/virtio/virtq_spec.h:
