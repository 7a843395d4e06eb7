build-clang/kernel/drivers/virtio/virtq.o: drivers/virtio/virtq.c \
  drivers/virtio/virtq.h include/base/err.h include/base/memory.h \
  include/base/assert.h include/base/barrier.h include/base/bits.h \
  include/base/log.h drivers/virtio/virtq_internal.h \
  drivers/virtio/virtq_spec.h

drivers/virtio/virtq.h:

include/base/err.h:

include/base/memory.h:

include/base/assert.h:

include/base/barrier.h:

include/base/bits.h:

include/base/log.h:

drivers/virtio/virtq_internal.h:

drivers/virtio/virtq_spec.h:
