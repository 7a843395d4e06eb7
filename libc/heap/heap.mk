# SPDX-License-Identifier: BSD-2-Clause
# The heap: what it is made of, for the guest, for host tests and for the benchmark. The Makefile
# includes this file.

# Debian's source package musl; mallocng lies in src/malloc. Several builds may share one.
MUSL ?= $(BUILD)/musl
HEAP_SRCS := libc/heap/heap.c libc/heap/heap_map.c libc/heap/mallocng.c
# As a system's headers: what the package holds is not warned about.
HEAP_INCLUDES := -isystem $(MUSL)/src/malloc

HEAP_OBJS       := $(HEAP_SRCS:%.c=$(BUILD)/%.o)
HEAP_HOST_OBJS  := $(HEAP_SRCS:%.c=$(BUILD)/host/%.o)
HEAP_FUZZ_OBJS  := $(HEAP_SRCS:%.c=$(BUILD)/fuzz/%.o)
HEAP_BENCH_OBJS := $(HEAP_SRCS:%.c=$(BUILD)/tools/obj/%.o)

$(MUSL)/COPYRIGHT:
	$(Q)sh tools/debian.sh source musl $(MUSL) || { echo "the heap, its tests and every program with a C\
	 library need the network once, for Debian's source package musl" >&2; exit 1; }

$(HEAP_OBJS) $(HEAP_HOST_OBJS) $(HEAP_FUZZ_OBJS) $(HEAP_BENCH_OBJS): | $(MUSL)/COPYRIGHT

# The rule for them is that of all of libc.
$(HEAP_OBJS): APP_FLAGS += $(HEAP_INCLUDES)
$(HEAP_HOST_OBJS) $(HEAP_FUZZ_OBJS): HOST_FLAGS += $(HEAP_INCLUDES)
$(HEAP_BENCH_OBJS): TOOL_FLAGS += $(HEAP_INCLUDES) -fno-strict-aliasing
# Not ours to be warned about; and the marks that it reads before a block are not what a sanitizer
# knows of.
NG_OBJS := $(BUILD)/libc/heap/mallocng.o $(BUILD)/host/libc/heap/mallocng.o \
           $(BUILD)/fuzz/libc/heap/mallocng.o $(BUILD)/tools/obj/libc/heap/mallocng.o
$(NG_OBJS): HEAP_INCLUDES += -w
$(filter $(BUILD)/host/% $(BUILD)/fuzz/%,$(NG_OBJS)): SANITIZE :=
