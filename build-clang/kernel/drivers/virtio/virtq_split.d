build-clang/kernel/drivers/virtio/virtq_split.o: \
  drivers/virtio/virtq_split.c include/base/assert.h \
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
