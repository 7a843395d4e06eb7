build-clang/kernel/drivers/virtio/virtio.o: drivers/virtio/virtio.c \
  drivers/virtio/virtio.h include/base/err.h drivers/virtio/virtq.h \
  include/base/memory.h include/base/assert.h include/base/bits.h \
  include/base/log.h

drivers/virtio/virtio.h:

include/base/err.h:

drivers/virtio/virtq.h:

include/base/memory.h:

include/base/assert.h:

include/base/bits.h:

include/base/log.h:
