# SPDX-License-Identifier: BSD-2-Clause
# ballast, the host side: a daemon, a command line and a simulator, and their tests.

BALLAST_SRCS := $(sort $(filter-out %/main.c,$(wildcard tools/ballast/*/*.c)))
BALLAST_LIBS := -Wl,--as-needed -ljansson -luv -lsqlite3 -lmicrohttpd -lnettle -linih -lcurl -lxml2 -lpthread -lm
BALLAST_OBJS  = $(patsubst %.c,$(BUILD)/$(1)/%.o,$(BALLAST_SRCS) $(QMP_SRCS))

# The simulator decides some hundred million times.
$(BUILD)/tools/obj/tools/ballast/policy/%.o $(BUILD)/tools/obj/tools/ballast/sim/%.o: TOOL_FLAGS += -O3

# libxml2's headers include each other by a path of their own.
$(BUILD)/tools/obj/tools/ballast/backend/libvirt_xml.o: TOOL_FLAGS += -isystem /usr/include/libxml2
$(BUILD)/host/tools/ballast/backend/libvirt_xml.o $(BUILD)/fuzz/tools/ballast/backend/libvirt_xml.o: HOST_FLAGS += -isystem /usr/include/libxml2

# One version for all programs: the launcher's (VERSION, in the Makefile).
BALLAST_VERSIONED := $(patsubst %,tools/ballast/%.o,cli/cli_help daemon/daemon daemon/main)
$(BALLAST_VERSIONED:%=$(BUILD)/tools/obj/%): TOOL_FLAGS += -DBALLAST_VERSION='"$(VERSION)"'
$(BALLAST_VERSIONED:%=$(BUILD)/host/%) $(BALLAST_VERSIONED:%=$(BUILD)/fuzz/%): HOST_FLAGS += -DBALLAST_VERSION='"$(VERSION)"'
$(foreach o,tools/obj host fuzz,$(BALLAST_VERSIONED:%=$(BUILD)/$(o)/%)): tools/aerostat/main.c

$(BUILD)/tools/libballast.a: $(call BALLAST_OBJS,tools/obj)
	@rm -f $@; ar rcsD $@ $^

$(BUILD)/tools/ballastd: $(BUILD)/tools/obj/tools/ballast/daemon/main.o $(BUILD)/tools/libballast.a
	@echo "  $@"
	$(Q)$(HOSTCC) $^ $(BALLAST_LIBS) -o $@

$(BUILD)/tools/ballast: $(BUILD)/tools/obj/tools/ballast/cli/main.o $(BUILD)/tools/libballast.a
	@echo "  $@"
	$(Q)$(HOSTCC) $^ $(BALLAST_LIBS) -o $@

ballast: ## Build ballast and ballastd, which distribute a host's memory over machines
	$(call setup,build run ballast)
	@$(MAKE) --no-print-directory -j$(JOBS) $(BALLAST_PROGRAMS)

run-ballast: ## Show ballast: three guests on one small host, memory moves by their demand
	$(call setup,build apps run ballast)
	@$(MAKE) --no-print-directory -j$(JOBS) tools $(BALLAST_PROGRAMS) $(BUILD)/memwork.elf
	@tools/ballast/demo.sh $(BUILD)

# ---- installed: a part of its own, because the guest's side must not need these libraries --------

install-ballast: ## Install ballast and ballastd: PREFIX=/usr/local DESTDIR=
	$(call setup,build ballast)
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(BALLAST_PROGRAMS)
	@mkdir -p $(INSTALL)
	@sed 's|/usr/sbin/|$(abspath $(PREFIX))/sbin/|' tools/ballast/ballastd.service > $(INSTALL)/ballastd.service
	@tools/install.sh install-ballast "$(DESTDIR)$(PREFIX)" $(BUILD)

uninstall-ballast: ## Remove exactly what install-ballast installed
	@tools/install.sh uninstall-ballast "$(DESTDIR)$(PREFIX)"

# ---- unit tests and fuzzers: the same sources with sanitizers ------------------------------------

BALLAST_TESTS   := $(sort $(patsubst tests/ballast/unit/%.c,%,$(wildcard tests/ballast/unit/test_*.c)))
BALLAST_FUZZERS := $(sort $(patsubst tests/ballast/fuzz/%.c,%,$(wildcard tests/ballast/fuzz/fuzz_*.c)))
BALLAST_FAKES   := $(sort $(wildcard tests/ballast/fakes/*.c)) tests/fakes/fake_qmp_server.c

$(BUILD)/host/libballast.a: $(call BALLAST_OBJS,host) $(BALLAST_FAKES:%.c=$(BUILD)/host/%.o)
	@rm -f $@; ar rcsD $@ $^

$(BUILD)/fuzz/libballast.a: $(call BALLAST_OBJS,fuzz) $(BALLAST_FAKES:%.c=$(BUILD)/fuzz/%.o)
	@rm -f $@; ar rcsD $@ $^

# The API's tests stand on a fleet and a store of their own, which stand before the library's.
BALLAST_API_TESTS := $(filter test_api_%,$(BALLAST_TESTS))
API_WORLD := $(patsubst %.c,%.o,$(wildcard tests/ballast/unit/api_*.c))
$(BALLAST_API_TESTS:%=$(BUILD)/ballast/unit/%): $(BUILD)/ballast/unit/%: $(BUILD)/host/tests/ballast/unit/%.o $(API_WORLD:%=$(BUILD)/host/%) $(BUILD)/host/libballast.a
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(HOSTCC) $(SANITIZE) $^ -lcmocka $(BALLAST_LIBS) -o $@

$(BUILD)/ballast/fuzz/fuzz_api: $(BUILD)/fuzz/tests/ballast/fuzz/fuzz_api.o $(BUILD)/fuzz/tests/ballast/unit/api_world.o $(BUILD)/fuzz/libballast.a
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(CLANG) $(SANITIZE) -fsanitize=fuzzer $^ $(BALLAST_LIBS) -o $@

$(BUILD)/ballast/unit/%: $(BUILD)/host/tests/ballast/unit/%.o $(BUILD)/host/libballast.a
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(HOSTCC) $(SANITIZE) $^ -lcmocka $(BALLAST_LIBS) -o $@

$(BUILD)/ballast/fuzz/%: $(BUILD)/fuzz/tests/ballast/fuzz/%.o $(BUILD)/fuzz/libballast.a
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(CLANG) $(SANITIZE) -fsanitize=fuzzer $^ $(BALLAST_LIBS) -o $@

# The daemon's own test starts the program, which is built as the test is and stands beside it.
$(BUILD)/ballast/unit/ballastd: $(BUILD)/host/tools/ballast/daemon/main.o $(BUILD)/host/libballast.a
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(HOSTCC) $(SANITIZE) $^ $(BALLAST_LIBS) -o $@

$(BUILD)/ballast/plain/ballastd: $(BUILD)/tools/ballastd
	@mkdir -p $(@D); cp $< $@

$(BUILD)/ballast/unit/test_daemon: | $(BUILD)/ballast/unit/ballastd
$(BUILD)/ballast/plain/test_daemon: | $(BUILD)/ballast/plain/ballastd

# Prometheus is not installed for its promtool, only unpacked; without it a test is skipped.
PROMTOOL_TESTS := test_api_metrics
$(BUILD)/prometheus:
	@sh tools/debian.sh package prometheus $@ || mkdir -p $@

ballast-unit: $(addprefix $(BUILD)/ballast/unit/,$(call picked,$(BALLAST_TESTS))) $(if $(call picked,$(PROMTOOL_TESTS)),$(BUILD)/prometheus) ## Run ballast's unit tests (T=test_policy for one)
	$(call picks_some,$(BALLAST_TESTS))
	@failed=0; PATH="$(BUILD)/prometheus/usr/bin:$$PATH"; export PATH; \
	for t in $(call picked,$(BALLAST_TESTS)); do echo "== $$t"; $(BUILD)/ballast/unit/$$t || failed=1; done; exit $$failed

# What a fuzzer begins with, where it would take long to find out what it is about.
SEEDS_fuzz_config     := tools/ballast/ballast.conf
SEEDS_fuzz_sim_trace  := tests/ballast/fuzz/seeds/trace.csv,tests/ballast/fuzz/seeds/trace.ndjson
SEEDS_fuzz_qmp_reader := tests/ballast/fuzz/seeds/monitor.json
BALLAST_SEEDS = $(foreach f,$(BALLAST_FUZZERS),$(if $(SEEDS_$(f)),$(f):$(SEEDS_$(f))))

ballast-fuzz: $(addprefix $(BUILD)/ballast/fuzz/,$(call picked,$(BALLAST_FUZZERS))) ## Run ballast's fuzzers for a fixed count (FUZZ_RUNS)
	$(call picks_some,$(BALLAST_FUZZERS))
	@for f in $(call picked,$(BALLAST_FUZZERS)); do \
	  seeds=; for s in $(BALLAST_SEEDS); do case $$s in $$f:*) seeds=-seed_inputs=$${s#*:} ;; esac; done; \
	  if $(BUILD)/ballast/fuzz/$$f -runs=$(FUZZ_RUNS) -seed=1 -len_control=0 $$seeds > $(BUILD)/ballast/fuzz/$$f.log 2>&1; \
	  then echo "$$f: $(FUZZ_RUNS) runs, nothing found"; \
	  else cat $(BUILD)/ballast/fuzz/$$f.log; echo "$$f: FAILED"; exit 1; fi; done

# The same unit tests without sanitizers, under valgrind, which sees what was never written.
$(BALLAST_API_TESTS:%=$(BUILD)/ballast/plain/%): $(BUILD)/ballast/plain/%: $(BUILD)/tools/obj/tests/ballast/unit/%.o $(API_WORLD:%=$(BUILD)/tools/obj/%) $(BALLAST_FAKES:%.c=$(BUILD)/tools/obj/%.o) $(BUILD)/tools/libballast.a
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(HOSTCC) $^ -lcmocka $(BALLAST_LIBS) -o $@

$(BUILD)/ballast/plain/%: $(BUILD)/tools/obj/tests/ballast/unit/%.o $(BALLAST_FAKES:%.c=$(BUILD)/tools/obj/%.o) $(BUILD)/tools/libballast.a
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(HOSTCC) $^ -lcmocka $(BALLAST_LIBS) -o $@

# But for the one whose children leave in the middle, which is a leak to valgrind.
BALLAST_VALGRIND := $(filter-out test_store_crash,$(BALLAST_TESTS))
ballast-valgrind: $(addprefix $(BUILD)/ballast/plain/,$(call picked,$(BALLAST_VALGRIND))) ## Run ballast's unit tests under valgrind (T=test_policy for one)
	$(call picks_some,$(BALLAST_VALGRIND))
	@failed=0; for t in $(call picked,$(BALLAST_VALGRIND)); do \
	  if valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
	       --trace-children=no $(BUILD)/ballast/plain/$$t > $(BUILD)/ballast/plain/$$t.log 2>&1; \
	  then echo "$$t: valgrind finds nothing"; else cat $(BUILD)/ballast/plain/$$t.log; failed=1; fi; done; exit $$failed

# ---- tests with the programs, and with real machines ---------------------------------------------

BALLAST_LIVE := $(sort $(patsubst tests/ballast/live/%.c,%,$(wildcard tests/ballast/live/test_*.c)))
BALLAST_RIG  := $(filter-out tests/ballast/live/test_% %/linux_init.c %/soak.c,$(sort $(wildcard tests/ballast/live/*.c)))
BALLAST_PROGRAMS := $(patsubst tools/ballast/%/main.c,%,$(wildcard tools/ballast/*/main.c))
BALLAST_PROGRAMS := $(patsubst daemon,$(BUILD)/tools/ballastd,$(patsubst cli,$(BUILD)/tools/ballast,$(BALLAST_PROGRAMS)))

$(BUILD)/ballast/live/%: $(call TOOL_OBJS,tests/ballast/live/%.c $(BALLAST_RIG) $(VM_SRCS)) $(BUILD)/tools/libballast.a
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(HOSTCC) $^ -lcmocka $(BALLAST_LIBS) -o $@

$(BUILD)/linux/ballast-init: tests/ballast/live/linux_init.c
	@mkdir -p $(@D); echo "  $@"
	$(Q)$(HOSTCC) $(TOOL_FLAGS) -static -no-pie $< -o $@

$(BUILD)/linux/ballast-initrd: $(BUILD)/linux/ballast-init tools/linux_guest.sh
	@sh tools/linux_guest.sh $(BUILD)/linux $< ballast-initrd

# A libvirtd of the tests' own needs root, which may install it, too; where it is not there and cannot
# be had, its tests are skipped with the reason.
ballast-live: $(addprefix $(BUILD)/ballast/live/,$(call picked,$(BALLAST_LIVE))) $(BALLAST_PROGRAMS) $(BUILD)/tools/aerostat $(BUILD)/memwork.elf $(BUILD)/libc-tests/liar.elf $(BUILD)/linux/ballast-initrd ## Run ballast's tests with real machines (T=test_swap for one)
	$(call picks_some,$(BALLAST_LIVE))
	@[ "$$(id -u)" -ne 0 ] || sh tools/setup.sh libvirt || true
	@failed=0; for t in $(call picked,$(BALLAST_LIVE)); do echo "== $$t"; $(BUILD)/ballast/live/$$t || failed=1; done; exit $$failed

ballast-live-versions: qemu-versions ## Run them on three versions of QEMU: the installed one and two newer
	@failed=0; for qemu in qemu-system-x86_64 $(QEMU_SUITES:%=$(BUILD)/qemu/%/qemu-system-x86_64); do \
	  echo "with $$($$qemu --version | head -n 1)"; \
	  $(MAKE) --no-print-directory ballast-live QEMU=$$qemu || failed=1; done; exit $$failed

SOAK_MINUTES ?= 30
SOAK_GUESTS  ?= 20

ballast-soak: $(BUILD)/ballast/live/soak $(BALLAST_PROGRAMS) $(BUILD)/memwork.elf ## Many guests on one small host for long (SOAK_MINUTES=30 SOAK_GUESTS=20)
	@SOAK_MINUTES=$(SOAK_MINUTES) SOAK_GUESTS=$(SOAK_GUESTS) $(BUILD)/ballast/live/soak

ballast-programs: $(BALLAST_PROGRAMS)

ballast-test-programs: $(BALLAST_TESTS:%=$(BUILD)/ballast/unit/%) $(BALLAST_FUZZERS:%=$(BUILD)/ballast/fuzz/%) \
  $(BALLAST_LIVE:%=$(BUILD)/ballast/live/%) $(BUILD)/linux/ballast-initrd

.PHONY: ballast ballast-programs ballast-test-programs run-ballast install-ballast uninstall-ballast ballast-unit \
  ballast-valgrind ballast-fuzz ballast-live ballast-live-versions ballast-soak
