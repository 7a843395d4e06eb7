build-clang/kernel/drivers/virtio/virtq_layout.o: \
  drivers/virtio/virtq_layout.c include/base/assert.h \
  include/base/bits.h include/base/string.h drivers/virtio/virtq.h \
  include/base/err.h include/base/memory.h \
  drivers/virtio/virtq_internal.h drivers/virtio/virtq_spec.h

include/base/assert.h:

include/base/bits.h:

include/base/string.h:

drivers/virtio/virtq.h:

include/base/err.h:

include/base/memory.h:

drivers/virtio/virtq_internal.h:

drivers/virtio/virtq_spec.h:
