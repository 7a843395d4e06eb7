# SPDX-License-Identifier: BSD-2-Clause
# aerostat: one Makefile. `make help` lists the targets.

CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
HOSTCC  ?= gcc
CLANG   ?= clang
LD      := ld
BUILD   ?= build

# V=1 shows the commands.
V ?= 0
ifeq ($(V),0)
Q := @
endif
JOBS := $(shell nproc 2>/dev/null || echo 1)

# T picks tests by name, patterns with % included, for every target that runs a list of them, and
# EXCEPT leaves some out. Only what is picked is built.
picked = $(filter-out $(EXCEPT),$(if $(T),$(filter $(T),$(1)),$(1)))
# The first command of such a target: a name in T that picks nothing is an error.
picks_some = @$(foreach t,$(T),$(if $(filter $(t),$(1)),,echo "make $@: no test is called $(t); there are: $(1)" >&2; exit 2;)) :

# ---- flags -----------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wundef -Wvla \
            -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith \
            -Wcast-align -Wcast-qual -Wwrite-strings -Wswitch-enum -Wformat=2 -Wimplicit-fallthrough
INCLUDES := -I. -Iinclude
# Paths in messages are relative, so two builds of one commit give the same bytes.
REPRODUCIBLE := -ffile-prefix-map=$(CURDIR)=. -Wdate-time
KERNEL_FLAGS := -std=c11 -O2 -g -ffreestanding -nostdinc -isystem $(shell $(CC) -print-file-name=include 2>/dev/null) \
            -mno-red-zone -mgeneral-regs-only -mcmodel=small -fno-pic -fno-pie \
            -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
            -fno-omit-frame-pointer -momit-leaf-frame-pointer -ffunction-sections -fdata-sections \
            -fno-common -fno-strict-aliasing $(WARNINGS) $(INCLUDES) $(REPRODUCIBLE)
HOST_FLAGS := -std=c11 -O1 -g -fno-omit-frame-pointer -fno-strict-aliasing -D_GNU_SOURCE $(WARNINGS) $(INCLUDES)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
DEPS     = -MMD -MP

# ---- sources ---------------------------------------------------------------------------------

# The core knows no hardware: the same files go into the kernel, the unit tests and the fuzzers.
CORE_SRCS := $(sort $(wildcard mm/*.c drivers/pci/*.c drivers/virtio/*.c)) \
             kernel/cmdline.c kernel/format.c kernel/acpi_tables.c kernel/acpi_s5.c \
             kernel/acpi_devices.c kernel/acpi_pci.c kernel/mmio_words.c kernel/calendar.c kernel/cpio.c \
             kernel/cpio_entry.c kernel/line_edit.c
CORE_SRCS := $(wildcard $(CORE_SRCS))
KERNEL_SRCS := $(sort $(CORE_SRCS) $(wildcard kernel/*.c arch/x86_64/*.c))
KERNEL_ASM  := $(sort $(wildcard arch/x86_64/*.S))

UNIT_TESTS := $(sort $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c)))
FUZZERS    := $(sort $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
# The model of the heap goes only where the heap goes.
FAKE_SRCS  := $(sort $(filter-out tests/fakes/model_heap.c,$(wildcard tests/fakes/*.c)))
QMP_SRCS   := $(sort $(wildcard tools/qmp/*.c))

all: kernel apps libc-tests conformance tools ballast-programs ## Build everything that runs

include libc/heap/heap.mk

# ---- the kernel: freestanding ----------------------------------------------------------------

# An image is the kernel's objects and, for some, an application (tools/link.sh).
KERNEL_OBJS := $(KERNEL_SRCS:%.c=$(BUILD)/kernel/%.o) $(KERNEL_ASM:%.S=$(BUILD)/kernel/%.o)
# Programs that need no C library, because `make run` shall not wait until one is built.
BARE_APPS   := demo
IMAGES      := $(BUILD)/aerostat.elf $(BUILD)/test.elf $(BARE_APPS:%=$(BUILD)/%.elf)
# Loaded text and data (stacks are neither); the goal is in docs/ARCHITECTURE.md.
KERNEL_BYTES_MAX := 131072

objects_of = $(patsubst %.c,$(BUILD)/kernel/%.o,$(sort $(wildcard $(1)/*.c)))

# What runs once at start, and transports, whose every access is an exit, are small and not fast.
SMALL := $(addprefix $(BUILD)/kernel/,kernel/acpi_%.o kernel/cmdline.o kernel/machine.o kernel/mmio_words.o \
           kernel/params.o kernel/hotplug.o kernel/virtio_bus.o kernel/fault.o kernel/format.o kernel/balloon_service.o \
           kernel/balloon_memory.o kernel/pressure_service.o kernel/report.o mm/memmap.o mm/pressure.o \
           mm/frame_check.o mm/frame_stats.o mm/frame_watch.o drivers/pci/%.o drivers/virtio/virtio_%.o drivers/virtio/balloon.o \
           drivers/virtio/balloon_d%.o drivers/virtio/balloon_h%.o drivers/virtio/balloon_l%.o \
           drivers/virtio/balloon_pool.o drivers/virtio/balloon_pr%.o drivers/virtio/balloon_q%.o drivers/virtio/balloon_r%.o \
           drivers/virtio/balloon_s%.o drivers/virtio/virtio.o arch/x86_64/clock.o drivers/virtio/virtq_layout.o kernel/task.o \
           kernel/memory.o kernel/log.o kernel/symbols.o kernel/power_button.o \
           arch/x86_64/paging.o arch/x86_64/apic.o arch/x86_64/boot_pvh.o arch/x86_64/pci_config.o \
           arch/x86_64/power.o arch/x86_64/segments.o arch/x86_64/serial.o arch/x86_64/rtc.o arch/x86_64/trap.o mm/frame_area.o kernel/timer.o \
           kernel/main.o kernel/port.o kernel/calendar.o kernel/line_edit.o kernel/console_input.o kernel/real_time.o kernel/entropy.o \
           drivers/virtio/entropy.o drivers/virtio/console.o drivers/virtio/console_port.o)
$(filter $(SMALL),$(KERNEL_OBJS)): KERNEL_FLAGS += -Oz

# Test images keep every caller in the backtrace.
$(BUILD)/kernel/tests/guest/%.o: KERNEL_FLAGS += -fno-optimize-sibling-calls

$(BUILD)/kernel/%.o: %.c Makefile
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(CC) $(KERNEL_FLAGS) $(DEPS) -c $< -o $@

$(BUILD)/kernel/%.o: %.S Makefile
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(CC) -g -ffreestanding -I. -Iinclude $(REPRODUCIBLE) $(DEPS) -c $< -o $@

define image
$(1): $(KERNEL_OBJS) $(2) linker.ld tools/link.sh tools/symbols.awk
	$$(Q)CC=$$(CC) tools/link.sh $$@ linker.ld $(KERNEL_OBJS) $(2) $(3)
	@size -A $$@ | awk -v name=$$@ -v max=$(KERNEL_BYTES_MAX) -v limited=$(if $(2),0,1) -f tools/size.awk
endef
$(eval $(call image,$(BUILD)/aerostat.elf,))
$(eval $(call image,$(BUILD)/test.elf,$(call objects_of,tests/guest)))
$(foreach app,$(BARE_APPS),$(eval $(call image,$(BUILD)/$(app).elf,$(call objects_of,apps/$(app)))))

kernel: $(IMAGES) ## Build the guest images

# ---- programs: newlib, what lies beneath it, and one image each ---------------------------------

APPS     := $(sort $(filter-out $(BARE_APPS),$(notdir $(patsubst %/,%,$(wildcard apps/*/)))))
NEWLIB   := $(BUILD)/newlib/sysroot
LIBC_DIR := $(BUILD)/libc
# Generating code for a program: as in docs/LIBC.md, and as tools/aerostat-cc does it.
APP_CODE  = -std=c11 -O2 -g -nostdinc -isystem $(shell $(CC) -print-file-name=include 2>/dev/null) \
            -isystem libc/include -isystem $(NEWLIB)/include $(APP_MACHINE) $(REPRODUCIBLE)
APP_MACHINE = $(shell cat tools/newlib.flags) -mno-red-zone -mcmodel=small -fno-pic -fno-pie \
            -fcf-protection=none -fstack-protector-strong -fstack-clash-protection \
            -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -ffunction-sections \
            -fdata-sections -fno-common
APP_FLAGS = $(APP_CODE) $(WARNINGS) $(INCLUDES)
LIBC_OBJS := $(patsubst libc/%.c,$(LIBC_DIR)/%.o,$(sort $(wildcard libc/*.c))) $(HEAP_OBJS)

$(NEWLIB)/complete: tools/newlib.sh tools/newlib.flags
	@rm -f $@
	@tools/newlib.sh $(BUILD)/newlib

# They run before there is a canary to check.
$(addprefix $(LIBC_DIR)/,start.o thread.o random.o): APP_CODE += -fno-stack-protector

# These hand the kernel functions that run on the way out of interrupts, where the program's vector
# registers are still in use.
$(addprefix $(LIBC_DIR)/,api_tasks.o api_pressure.o): APP_CODE += -mgeneral-regs-only

$(LIBC_DIR)/%.o: libc/%.c Makefile | $(NEWLIB)/complete
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(CC) $(APP_FLAGS) $(DEPS) -c $< -o $@

$(BUILD)/apps/%.o: apps/%.c Makefile | $(NEWLIB)/complete
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(CC) $(APP_FLAGS) $(DEPS) -c $< -o $@

# What a program has beside the sources in its folder, EXTRA_OBJS_NAME, is told there.
include $(wildcard apps/*/*.mk)
app_objects = $(patsubst apps/%.c,$(BUILD)/apps/%.o,$(sort $(wildcard apps/$(1)/*.c))) $(EXTRA_OBJS_$(1))
NEWLIB_LIBS = --start-group $(NEWLIB)/lib/libc.a $(NEWLIB)/lib/libm.a --end-group
$(foreach app,$(APPS),$(eval $(call image,$(BUILD)/$(app).elf,$(call app_objects,$(app)) $(LIBC_OBJS),$$(NEWLIB_LIBS))))

# Programs that test what lies beneath newlib: each checks one thing and ends with status 0.
LIBC_TESTS := $(sort $(patsubst tests/libc/%.c,%,$(wildcard tests/libc/*.c)))

$(BUILD)/libc-tests/%.o: tests/libc/%.c Makefile | $(NEWLIB)/complete
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(CC) $(APP_FLAGS) $(DEPS) -c $< -o $@

$(foreach test,$(LIBC_TESTS),$(eval $(call image,$(BUILD)/libc-tests/$(test).elf,$(BUILD)/libc-tests/$(test).o $(LIBC_OBJS),$$(NEWLIB_LIBS))))

apps: $(APPS:%=$(BUILD)/%.elf) ## Build the programs on newlib
libc-tests: $(LIBC_TESTS:%=$(BUILD)/libc-tests/%.elf)

include tests/conformance/conformance.mk

app: ## Build one program, apps/NAME, into build/NAME.elf: make app APP=hello
	$(call setup,build apps)
	@[ -n "$(APP)" ] && [ -d "apps/$(APP)" ] || { echo "usage: make app APP=NAME, one of: $(APPS)" >&2; exit 2; }
	@$(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/$(APP).elf

# ---- installed: what programs outside this repository are built with -----------------------------

PREFIX  ?= /usr/local
DESTDIR ?=
INSTALL := $(BUILD)/install
VERSION  = $(shell sed -n 's/^\#define VERSION *"\(.*\)"/\1/p' tools/aerostat/main.c)

# The kernel and what lies beneath newlib, as one object whose own names are hidden: a program may
# have a panic() or a timer_set() of its own. What stays is what C and POSIX have, and aerostat_*.
PRIVATE_NAMES := app_main|(fd|heap|random|signal|thread)_.*
SHARED_NAMES  := pvh_start memcmp memcpy memmove memset
$(INSTALL)/libaerostat.a: $(KERNEL_OBJS) $(LIBC_OBJS) Makefile
	@mkdir -p $(@D); rm -f $@; echo "  $@"
	$(Q)$(LD) -m elf_x86_64 -r --unique -o $(@:.a=.o) $(filter %.o,$^)
	$(Q)nm -g --defined-only $(LIBC_OBJS) | awk 'NF == 3 && $$3 !~ /^($(PRIVATE_NAMES))$$/ { print $$3 }' > $(@:.a=.names)
	$(Q)printf '%s\n' $(SHARED_NAMES) >> $(@:.a=.names)
	$(Q)objcopy --keep-global-symbols=$(@:.a=.names) $(@:.a=.o)
	$(Q)ar rcsD $@ $(@:.a=.o)

$(INSTALL)/cflags $(INSTALL)/version: tools/newlib.flags tools/aerostat/main.c Makefile
	@mkdir -p $(@D)
	@echo "$(APP_MACHINE)" > $(INSTALL)/cflags
	@echo "aerostat-cc $(VERSION)" > $(INSTALL)/version

INSTALL_PARTS := $(addprefix $(INSTALL)/,libaerostat.a cflags version) \
                 $(addprefix $(BUILD)/,tools/aerostat aerostat.elf demo.elf hello.elf memwork.elf)

install: ## Install the compiler, the launcher, libraries, manual pages: PREFIX=/usr/local DESTDIR=
	$(call setup,build apps run)
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(INSTALL_PARTS)
	@tools/install.sh install "$(DESTDIR)$(PREFIX)" $(BUILD)

uninstall: ## Remove exactly what was installed
	@tools/install.sh uninstall "$(DESTDIR)$(PREFIX)"

# ---- unit tests: hosted, ASan and UBSan -------------------------------------------------------

UNIT_OBJS := $(CORE_SRCS:%.c=$(BUILD)/host/%.o) $(FAKE_SRCS:%.c=$(BUILD)/host/%.o)

$(BUILD)/host/%.o: %.c
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(HOSTCC) $(HOST_FLAGS) $(SANITIZE) -DCHECK_SLOW $(DEPS) -c $< -o $@

$(BUILD)/unit/%: $(BUILD)/host/tests/unit/%.o $(UNIT_OBJS)
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(HOSTCC) $(SANITIZE) $^ -lcmocka $(LIBS) -o $@

$(BUILD)/unit/test_qmp $(BUILD)/unit/test_qmp_open: $(QMP_SRCS:%.c=$(BUILD)/host/%.o)
$(BUILD)/unit/test_qmp $(BUILD)/unit/test_qmp_open: LIBS := -ljansson
$(BUILD)/unit/test_heap $(BUILD)/unit/test_heap_mistakes: $(HEAP_HOST_OBJS) $(BUILD)/host/tests/fakes/model_heap.o

# Our C library's files beside the host's: under other names, and with memory that a test can deny.
FD_OBJS := $(addprefix $(BUILD)/host/libc/,fd.o path.o dir.o)
$(FD_OBJS): HOST_FLAGS += -include tests/fakes/libc_names.h -Dmalloc=libc_malloc
$(BUILD)/unit/test_fd $(BUILD)/unit/test_fd_tree: $(FD_OBJS)

# What of memwork knows no machine, and the machine it is tested on.
MEMWORK_SRCS := $(filter-out apps/memwork/main.c apps/memwork/guest.c,$(wildcard apps/memwork/*.c)) \
                $(wildcard tests/fakes/memwork/*.c)
$(filter $(BUILD)/unit/test_memwork%,$(UNIT_TESTS:%=$(BUILD)/unit/%)): $(MEMWORK_SRCS:%.c=$(BUILD)/host/%.o)

# What of latency knows no machine; the benchmark's Linux guest runs it, too.
LATENCY_SRCS := $(addprefix apps/latency/,histogram.c requests.c)
$(addprefix $(BUILD)/unit/,test_histogram test_requests): $(LATENCY_SRCS:%.c=$(BUILD)/host/%.o)
$(BUILD)/unit/test_requests: $(BUILD)/host/tools/aerostat/record.o

# Beside the host's functions of the same names.
$(BUILD)/unit/test_libc_memory: $(BUILD)/host/libc/memory.o
$(BUILD)/host/libc/memory.o: HOST_FLAGS += $(foreach name,mmap munmap madvise mprotect sbrk sysconf getpagesize,-D$(name)=libc_$(name))

unit: $(addprefix $(BUILD)/unit/,$(call picked,$(UNIT_TESTS))) ## Run the unit tests (T=test_frame for one)
	$(call picks_some,$(UNIT_TESTS))
	@failed=0; for t in $(call picked,$(UNIT_TESTS)); do echo "== $$t"; $(BUILD)/unit/$$t || failed=1; done; exit $$failed

# ---- fuzzers: libFuzzer, the same sources ------------------------------------------------------

FUZZ_RUNS ?= 20000
FUZZ_OBJS := $(CORE_SRCS:%.c=$(BUILD)/fuzz/%.o) $(FAKE_SRCS:%.c=$(BUILD)/fuzz/%.o)

# The fakes are not what is looked for new ways through, and they are what the time goes into.
FUZZ_COVERAGE := -fsanitize=fuzzer-no-link
$(BUILD)/fuzz/tests/fakes/%.o: FUZZ_COVERAGE := -O2

$(BUILD)/fuzz/%.o: %.c
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(CLANG) $(HOST_FLAGS) $(SANITIZE) $(FUZZ_COVERAGE) -Wno-unused-command-line-argument -DCHECK_SLOW $(DEPS) -c $< -o $@

$(BUILD)/fuzzers/fuzz_memwork: $(MEMWORK_SRCS:%.c=$(BUILD)/fuzz/%.o)
$(BUILD)/fuzzers/%: $(BUILD)/fuzz/tests/fuzz/%.o $(FUZZ_OBJS)
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(CLANG) $(SANITIZE) -fsanitize=fuzzer $^ -o $@

$(BUILD)/fuzzers/fuzz_heap: $(HEAP_FUZZ_OBJS) $(BUILD)/fuzz/tests/fakes/model_heap.o

fuzz-short: $(addprefix $(BUILD)/fuzzers/,$(call picked,$(FUZZERS))) ## Run every fuzzer for a fixed count (FUZZ_RUNS)
	$(call picks_some,$(FUZZERS))
	@for f in $(call picked,$(FUZZERS)); do \
	  if $(BUILD)/fuzzers/$$f -runs=$(FUZZ_RUNS) -seed=1 > $(BUILD)/fuzzers/$$f.log 2>&1; \
	  then echo "$$f: $(FUZZ_RUNS) runs, nothing found"; \
	  else cat $(BUILD)/fuzzers/$$f.log; echo "$$f: FAILED"; exit 1; fi; done

fuzz: $(addprefix $(BUILD)/fuzzers/,$(call picked,$(FUZZERS))) ## Fuzz on and on: FUZZ_SECONDS each (default 60), T=name for one
	$(call picks_some,$(FUZZERS))
	@set -e; mkdir -p $(BUILD)/corpus; for f in $(call picked,$(FUZZERS)); do echo "== $$f"; \
	  mkdir -p $(BUILD)/corpus/$$f; \
	  $(BUILD)/fuzzers/$$f -max_total_time=$(or $(FUZZ_SECONDS),60) -print_final_stats=1 $(BUILD)/corpus/$$f; done

HOSTILE_RUNS ?= 20000

$(BUILD)/hostile: $(BUILD)/host/tests/fuzz/fuzz_balloon.o $(BUILD)/host/tests/fuzz/random_inputs.o $(UNIT_OBJS)
	$(Q)$(HOSTCC) $(SANITIZE) $^ -o $@

hostile: $(BUILD)/hostile ## The balloon driver and a hostile device, for long: HOSTILE_RUNS inputs
	@$(BUILD)/hostile $(HOSTILE_RUNS) 1

# ---- programs for the host ---------------------------------------------------------------------

TOOL_FLAGS := -std=c11 -O2 -g -D_GNU_SOURCE $(WARNINGS) $(INCLUDES)
VM_SRCS    := $(sort $(filter-out tools/aerostat/main.c,$(wildcard tools/aerostat/*.c)))
TOOL_OBJS   = $(patsubst %.c,$(BUILD)/tools/obj/%.o,$(1))

$(BUILD)/tools/obj/%.o: %.c
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(HOSTCC) $(TOOL_FLAGS) $(DEPS) -c $< -o $@

$(BUILD)/tools/aerostat: $(call TOOL_OBJS,tools/aerostat/main.c $(VM_SRCS) $(QMP_SRCS))
	$(Q)$(HOSTCC) $^ -ljansson -o $@

tools: $(BUILD)/tools/aerostat ## Build the host's programs

include tools/ballast/ballast.mk

# ---- tests on real QEMUs -----------------------------------------------------------------------

QTEST_SRCS := $(filter-out tests/qemu/test_%,$(sort $(wildcard tests/qemu/*.c)))
QEMU_TESTS := $(sort $(patsubst tests/qemu/%.c,%,$(wildcard tests/qemu/test_*.c)))

$(BUILD)/qemu/%: $(call TOOL_OBJS,tests/qemu/%.c $(QTEST_SRCS) $(VM_SRCS) $(QMP_SRCS))
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(HOSTCC) $^ -lcmocka -ljansson -o $@

$(BUILD)/files.cpio: tests/libc/files.sh tools/initrd.sh
	$(Q)sh tests/libc/files.sh $@

$(BUILD)/memwork.cpio: tests/qemu/memwork.sh tools/initrd.sh
	$(Q)sh tests/qemu/memwork.sh $@

# What the picked tests start: the kernel's own images, and the programs with their files (what a
# program's fragment adds to them: TEST_FILES) where one of the tests names an image beyond those.
PROGRAM_FILES := $(BUILD)/files.cpio $(BUILD)/memwork.cpio $(TEST_FILES)
needs_programs = $(shell cat $(patsubst %,tests/qemu/%.c,$(call picked,$(QEMU_TESTS))) /dev/null | \
                   grep -oE '[a-z/-]*\.(elf|cpio)"' | grep -vE '^(aerostat|test|demo)\.elf' | head -n 1)

qemu-tests: $(addprefix $(BUILD)/qemu/,$(call picked,$(QEMU_TESTS))) kernel $(if $(needs_programs),apps libc-tests conformance $(PROGRAM_FILES)) ## Run the tests on real QEMUs (T=test_boot for one)
	$(call picks_some,$(QEMU_TESTS))
	@failed=0; for t in $(call picked,$(QEMU_TESTS)); do echo "== $$t"; $(BUILD)/qemu/$$t || failed=1; done; exit $$failed

# What is tested before anything else is built (tools/run_tests.sh).
first-programs: $(UNIT_TESTS:%=$(BUILD)/unit/%) $(BALLAST_TESTS:%=$(BUILD)/ballast/unit/%) $(BUILD)/prometheus

# Other versions of QEMU, by the suites of Debian that have them: 10.0 and a newer one.
QEMU_SUITES := trixie sid

qemu-versions: ## Unpack newer QEMUs into build/qemu, to test with them: QEMU=build/qemu/trixie/qemu-system-x86_64
	@tools/qemu_versions.sh $(BUILD)/qemu $(QEMU_SUITES)

test-programs: $(UNIT_TESTS:%=$(BUILD)/unit/%) $(FUZZERS:%=$(BUILD)/fuzzers/%) $(QEMU_TESTS:%=$(BUILD)/qemu/%)

# ---- the build itself --------------------------------------------------------------------------

builds: kernel tools ## Build the images again: by clang too, and to the same bytes by gcc
	@$(MAKE) --no-print-directory -s CC=$(CLANG) BUILD=$(BUILD)/by-clang kernel
	@$(BUILD)/tools/aerostat run --timeout 60 $(BUILD)/by-clang/test.elf -- test=tasks > $(BUILD)/by-clang/tasks.log \
	  || { cat $(BUILD)/by-clang/tasks.log; exit 1; }
	@rm -rf $(BUILD)/again && $(MAKE) --no-print-directory -s BUILD=$(BUILD)/again kernel
	@for i in $(notdir $(IMAGES)); do cmp $(BUILD)/$$i $(BUILD)/again/$$i || exit 1; done
	@echo "builds: clang's image works, and two builds by gcc give the same bytes"

# ---- what a person asks for --------------------------------------------------------------------

setup = @sh tools/setup.sh $(1)

run: ## Show the main job: a guest gives its memory back, seen from both sides
	$(call setup,build run)
	@$(MAKE) --no-print-directory -j$(JOBS) tools $(BUILD)/demo.elf
	@$(BUILD)/tools/aerostat demo --image $(BUILD)/demo.elf

run_tests = @MAKE="$(MAKE)" BUILD="$(BUILD)" JOBS=$(JOBS) tools/run_tests.sh $(1)

test-first: ## The first two minutes of `make test`: checks but clang-tidy, unit tests
	$(call setup,build run ballast test)
	$(call run_tests,first)

test: ## Prove it: checks and unit tests, then fuzzers, real QEMUs, clang-tidy (about 20 minutes)
	$(call setup,build apps run ballast test)
	$(call run_tests,test)

test-all: ## All of `make test`, then other versions of QEMU, valgrind, a soak, longer fuzzing
	$(call setup,build apps run ballast test valgrind)
	$(call run_tests,all)

gdb: ## Stop at the first instruction of the kernel, with symbols
	$(call setup,build run gdb)
	@$(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/aerostat.elf
	@sh tools/gdb.sh $(BUILD)/aerostat.elf

BENCH_SRCS  := $(sort $(filter-out $(addprefix tests/bench/,bench_alloc.c heap_trace.c count_plugin.c linux_init.c),$(wildcard tests/bench/*.c)))
BENCH_PARTS := $(BUILD)/bench $(BUILD)/bench_count.so $(BUILD)/nothing.elf $(BUILD)/hello.elf $(BUILD)/libc-tests/plain.elf \
               $(BUILD)/latency.elf

$(BUILD)/bench: $(call TOOL_OBJS,$(BENCH_SRCS) tests/qemu/huge_pool.c $(VM_SRCS) $(QMP_SRCS))
	$(Q)$(HOSTCC) $^ -ljansson -lm -o $@

$(BUILD)/bench_count.so: tests/bench/count_plugin.c tests/bench/count_shared.h
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(HOSTCC) $(TOOL_FLAGS) -fPIC -shared $< -o $@

$(BUILD)/nothing.elf: $(BUILD)/kernel/tests/guest/nothing.o linker.ld
	$(Q)$(LD) -m elf_x86_64 -nostdlib -static -z max-page-size=4096 -z noexecstack --no-warn-rwx-segments --gc-sections --build-id=none -T linker.ld $< -o $@

$(BUILD)/linux/init: tests/bench/linux_init.c $(LATENCY_SRCS) apps/latency/histogram.h apps/latency/requests.h
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(HOSTCC) $(TOOL_FLAGS) -static -no-pie $(filter %.c,$^) -o $@

bench: ## Print the table of figures (BENCH="--only rate" and so on)
	$(call setup,build apps run)
	@$(MAKE) --no-print-directory -j$(JOBS) kernel $(BENCH_PARTS) $(BUILD)/linux/init
	$(if $(findstring --no-linux,$(BENCH)),,@sh tools/linux_guest.sh $(BUILD)/linux $(BUILD)/linux/init)
	@$(BUILD)/bench $(BENCH)

bench-alloc: ## The allocator on the host: nanoseconds by order
	$(call setup,build)
	@$(MAKE) --no-print-directory $(BUILD)/bench_alloc
	@$(BUILD)/bench_alloc

$(BUILD)/bench_alloc: tests/bench/bench_alloc.c $(wildcard mm/*.c) tests/fakes/fake_seams.c
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(HOSTCC) $(TOOL_FLAGS) -fno-strict-aliasing $^ -o $@

bench-heap: ## The heap on the host, beside glibc, jemalloc and mimalloc (about 5 minutes)
	$(call setup,build)
	@$(MAKE) --no-print-directory $(BUILD)/heap_trace
	@sh tests/bench/heap_trace.sh $(BUILD)/heap_trace $(BUILD)/heap-others

$(BUILD)/heap_trace: $(call TOOL_OBJS,tests/bench/heap_trace.c tests/fakes/frame_memory.c tests/fakes/fake_seams.c \
                       $(HEAP_SRCS) $(wildcard mm/*.c))
	$(Q)$(HOSTCC) $^ -o $@

# The checks that need nothing built and take seconds, and the others.
check-first:
	@tools/checks/check_all first

check-later: $(NEWLIB)/complete $(MUSL)/COPYRIGHT
	@tools/checks/check_all later

check: $(NEWLIB)/complete $(MUSL)/COPYRIGHT ## Format, layers, headers, style, documents, conformance, clang-tidy, shellcheck
	@tools/checks/check_all

format: ## Apply the format
	@git ls-files '*.c' '*.h' | xargs clang-format -i --style=file

clean: ## Remove what was built
	rm -rf $(BUILD)

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-21s %s\n", $$1, $$2 }' Makefile tools/ballast/ballast.mk

.SECONDARY:
.PHONY: all kernel apps app libc-tests tools unit fuzz-short fuzz hostile builds qemu-tests qemu-versions first-programs test-programs run \
  test-first test test-all gdb bench bench-alloc bench-heap check check-first check-later format clean help install uninstall
-include $(shell find $(BUILD) -path $(BUILD)/qemu -prune -o -name '*.d' -type f -print 2>/dev/null)
