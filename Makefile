# Builds, tests and plays with Remus; `make help` lists what can be asked of it.
# SPDX-License-Identifier: Apache-2.0

OUT := build$(if $(DEBUG),/debug)
DEPS := build/.deps
comma := ,
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.DEFAULT_GOAL := all

CC = gcc
CLANG = clang
WARNINGS := -Wall -Wextra -Werror -Wstrict-prototypes

##@ Build
.PHONY: all deps clean help
all: $(OUT)/xen-core programs		## build everything: build/xen-core (DEBUG=1: build/debug), dom0's programs

deps:					## install the Debian packages of deps.txt that are missing (as root)
	@.ci/deps

clean:					## remove build/
	rm -rf build

help:					## this list
	@awk -F ':.*## ' '/^##@/ { print "\n" substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile

$(DEPS): deps.txt
	@mkdir -p $(@D)
	@.ci/deps
	@touch $@

# --- xen-core: freestanding; the compiler's own headers and Xen's public ones are all it sees ---

XC_FLAGS = -std=gnu11 -ffreestanding -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
	-isystem build/include -Ixen-core \
	-m64 -mno-red-zone -mcmodel=kernel -mgeneral-regs-only -fno-pic -no-pie -fcf-protection=none \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-common \
	-fno-omit-frame-pointer -O2 -g $(WARNINGS) -Wmissing-prototypes -Wshadow -Wcast-qual -Wundef
XC_LINK = $(LD) -nostdlib -static -z max-page-size=4096 -z noexecstack --build-id=none \
	--fatal-warnings -T xen-core/xen-core.lds

# A noun that differs in the debug build is two files, and the variant picks one.
XC_FOUND := $(sort $(shell find xen-core -name '*.c' -o -name '*.S'))
XC_SOURCES := $(filter-out $(if $(DEBUG),%_release.c,%_debug.c),$(XC_FOUND))
XC_OBJECTS := $(XC_SOURCES:%=$(OUT)/objects/%.o)
XC_HEADERS := $(shell find xen-core -name '*.h')
GENERATED := build/include/xen build/include/version.h

build/include/xen: | $(DEPS)
	@mkdir -p $(@D)
	ln -sfn /usr/include/xen $@

.PHONY: FORCE
build/include/version.h: FORCE | $(DEPS)
	@mkdir -p $(@D)
	@xen-core/version.sh >$@.new; cmp -s $@ $@.new && rm $@.new || mv $@.new $@

$(OUT)/objects/%.o: % Makefile | $(DEPS) $(GENERATED)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(XC_FLAGS) -MMD -MP -c -o $@ $<

# The version lies among system headers, which the compiler does not list.
$(OUT)/objects/xen-core/boot/main.c.o $(OUT)/objects/xen-core/hypercall/xen_version.c.o: build/include/version.h

# Linked twice: the first image has no table of names, the second has that of the first, and it is
# checked that the table did not move what it names.
$(OUT)/symbols_none.S: xen-core/symbols.sh | $(DEPS)
	@mkdir -p $(@D)
	@xen-core/symbols.sh </dev/null >$@

$(OUT)/xen-core.first: $(OUT)/symbols_none.S.o $(XC_OBJECTS) xen-core/xen-core.lds
	@$(XC_LINK) -o $@ $(filter %.o,$^)

$(OUT)/symbols.S: $(OUT)/xen-core.first xen-core/symbols.sh
	@nm $< | xen-core/symbols.sh >$@

$(OUT)/symbols_none.S.o $(OUT)/symbols.S.o: %.o: %
	@$(CC) -c -o $@ $<

$(OUT)/xen-core.elf: $(OUT)/symbols.S.o $(XC_OBJECTS) xen-core/xen-core.lds
	@echo "  LD      $@"
	@$(XC_LINK) -o $@ $(filter %.o,$^)
	@nm $@ | xen-core/symbols.sh | cmp - $(OUT)/symbols.S

# What a boot loader takes: multiboot 1 wants a 32-bit ELF, loaded at its physical addresses.
$(OUT)/xen-core: $(OUT)/xen-core.elf
	@echo "  IMAGE   $@"
	@objcopy -O elf32-i386 --strip-debug $< $@

-include $(XC_OBJECTS:.o=.d)

# --- tiny guests that misbehave, a folder each; what they all stand on is lib/ ---

GUESTS := $(patsubst tests/guests/%/main.c,build/guests/%.elf,$(wildcard tests/guests/*/main.c))
GUEST_SHARED := tests/guests/lib/report.c tests/guests/lib/memory.c
GUEST_LIB := tests/guests/lib/head.S tests/guests/lib/start.c $(GUEST_SHARED)
GUEST_FLAGS = -std=gnu11 -ffreestanding -nostdlib -static -no-pie -fno-pic \
	-mgeneral-regs-only -fcf-protection=none -fno-stack-protector -fno-strict-aliasing \
	-fno-asynchronous-unwind-tables -O1 -g $(WARNINGS) -Itests/guests -Ixen-core -isystem build/include \
	-Wl,--build-id=none,-T,tests/guests/lib/guest.lds,-z,noexecstack,--no-warn-rwx-segments
GUEST_HEADERS := $(wildcard tests/guests/lib/*.h tests/guests/lib/*/*.h) tests/guests/lib/guest.lds

build/guests/%.elf: tests/guests/%/main.c $(GUEST_LIB) $(GUEST_HEADERS) Makefile | $(DEPS) $(GENERATED)
	@mkdir -p $(@D)
	@echo "  GUEST   $<"
	@$(CC) $(GUEST_FLAGS) -m64 -mno-red-zone -Itests/guests/lib/wide -o $@ $(GUEST_LIB) $<

# The one that has 32 bits is of several sources.
GUEST_NARROW := $(wildcard tests/guests/lib/narrow/*.[Sc] tests/guests/narrow/*.c)

build/guests/narrow.elf: $(GUEST_NARROW) $(GUEST_SHARED) $(GUEST_HEADERS) $(wildcard tests/guests/narrow/*.h) \
		xen-core/abi/narrow.h Makefile | $(DEPS) $(GENERATED)
	@mkdir -p $(@D)
	@echo "  GUEST   tests/guests/narrow"
	@$(CC) $(GUEST_FLAGS) -m32 -march=i686 -Itests/guests/lib/narrow -o $@ $(GUEST_NARROW) $(GUEST_SHARED)

.PHONY: guests
guests: $(GUESTS)			## the guests that misbehave, for the tests

# --- dom0's programs: */main/remus*.c, each with what it needs of all else that lies in these folders;
#     SANITIZE=1: with sanitizers, below build/sanitize ---

U_FOLDERS := $(wildcard common replication fencing toolstack)
U_MAINS := $(sort $(wildcard $(U_FOLDERS:%=%/main/remus*.c)))
PROGRAMS := $(subst _,-,$(basename $(notdir $(U_MAINS))))
U_OUT := build$(if $(SANITIZE),/sanitize)
U_SANITIZE := $(if $(SANITIZE),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all)
U_FLAGS := -std=gnu11 -D_GNU_SOURCE -O2 -g -fno-omit-frame-pointer $(WARNINGS) -Wmissing-prototypes \
	-Wshadow -Wcast-qual -fno-strict-aliasing -I. -isystem build/include $(U_SANITIZE)
U_LIBS := -Wl,--as-needed -lev -luring -lseccomp -lxengnttab -lxenevtchn -lxenstore -lxencall -lxenforeignmemory \
	-lxentoolcore -lxenctrl -lxenlight -lxentoollog -llz4 -lxxhash -lssl -lcrypto -ljansson -lconfig -lcpg -lvotequorum -lcmap -lsystemd -lpthread
U_SOURCES := $(sort $(shell find $(U_FOLDERS) -name '*.c'))
U_OBJECTS := $(U_SOURCES:%=$(U_OUT)/objects/%.o)
U_HEADERS := $(sort $(shell find $(U_FOLDERS) -name '*.h'))
U_ARCHIVE := $(U_OUT)/libremus.a

.PHONY: programs
programs: $(PROGRAMS:%=$(U_OUT)/%)

$(U_OBJECTS): $(U_OUT)/objects/%.o: % Makefile | $(DEPS) $(GENERATED)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(U_FLAGS) -MMD -MP -c -o $@ $<

$(U_OUT)/objects/replication/main/daemon_verbs.c.o: build/include/version.h

$(U_ARCHIVE): $(filter-out $(U_MAINS:%=$(U_OUT)/objects/%.o),$(U_OBJECTS))
	@rm -f $@
	@ar rcs $@ $^

$(PROGRAMS:%=$(U_OUT)/%): $(U_OUT)/%: $(U_OBJECTS) $(U_ARCHIVE)
	@echo "  LD      $@"
	@$(CC) $(U_FLAGS) -o $@ $(filter %/main/$(subst -,_,$*).c.o,$^) $(U_ARCHIVE) $(U_LIBS)

-include $(U_OBJECTS:.o=.d)

##@ Install
.PHONY: install
install: all				## onto this host, or below DESTDIR=
	@DESTDIR='$(DESTDIR)' toolstack/install.sh $(OUT)/xen-core $(PROGRAMS:%=$(U_OUT)/%)

# --- programs that test or fuzz sources on the build machine; a source names what it is linked with:
#     /* links: xen-core/lib/xz.c ... */   and, if any,   /* libs: -lNAME ... */     on its first lines ---

UNIT := $(patsubst tests/unit/%.c,build/unit/%,$(wildcard tests/unit/test_*.c))
FUZZ := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 60
links = $(shell sed -n '1,10s,.*/\* links: \(.*\) \*/.*,\1,p' $(1))
libs = $(shell sed -n '1,10s,.*/\* libs: \(.*\) \*/.*,\1,p' $(1))
HOST_FLAGS := -std=gnu11 -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer $(WARNINGS) \
	-Wno-unused-parameter -Ixen-core -I. -isystem build/include

build/unit/%: tests/unit/%.c $$(call links,tests/unit/%.c) $(XC_HEADERS) $(U_HEADERS) Makefile | $(DEPS) $(GENERATED)
	@mkdir -p $(@D)
	@rm -f $@
	@echo "  TEST    $<"
	@$(CC) $(HOST_FLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all \
		-o $@ $(filter %.c,$^) -lcmocka $(call libs,$<)

build/fuzz/%: tests/fuzz/%.c $$(call links,tests/fuzz/%.c) $(XC_HEADERS) $(U_HEADERS) Makefile | $(DEPS) $(GENERATED)
	@mkdir -p $(@D)
	@rm -f $@
	@echo "  FUZZ    $<"
	@$(CLANG) $(HOST_FLAGS) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-o $@ $(filter %.c,$^) $(call libs,$<)

# The simulated pair of hosts counts in schedules a second: without sanitizers (test_pair has those).
SIM := build/unit/sim_pair
SIM_SCHEDULES ?= 1000000
SIM_SOURCES := $(sort $(wildcard tests/sim/*.c)) $(wildcard $(addprefix replication/,epoch/*.c primary/*.c \
	standby/*.c stage/*.c wire/*.c encode/*.c)) common/log.c common/states.c

$(SIM): $(SIM_SOURCES) $(wildcard tests/sim/*.h) $(U_HEADERS) Makefile | $(DEPS)
	@mkdir -p $(@D)
	@echo "  SIM     tests/sim"
	@$(CC) $(HOST_FLAGS) -O2 -o $@ $(filter %.c,$^) -llz4 -lxxhash -lpthread

.PHONY: unit-programs fuzz-programs
unit-programs: $(UNIT) $(SIM)
fuzz-programs: $(FUZZ)

##@ Test: each ends with a line "N passed, N failed"
.PHONY: test test-lint test-unit test-model test-cluster test-hosts test-bochs fuzz sim soak build/host
test: $(DEPS)				## all of the tests below
	+@tests/run-all.sh

test-lint: $(DEPS) $(GENERATED)		## the rules of the house: layers, headers, layout, cppcheck
	@LINT_CC='$(CC) $(XC_FLAGS)' tests/lint/run.sh

test-unit: $(DEPS)			## single sources, compiled for this machine with sanitizers
	+@$(MAKE) --no-print-directory -k unit-programs || true
	@tests/unit/run.sh $(UNIT) $(SIM)

build/cluster/watch: tests/cluster/watch.c $(U_ARCHIVE)
	@mkdir -p $(@D)
	@echo "  TEST    $<"
	@$(CC) $(U_FLAGS) -o $@ $^ $(U_LIBS)

test-cluster: build/cluster/watch	## real Corosyncs in network namespaces; T='*': all; STRETCH=1: timing as shipped
	@python3 tests/cluster/run.py $(if $(T),'$(T)')

test-model: $(DEPS)			## the models of arbitration, searched whole, and their rules broken on purpose
	@tests/model/run.sh

test-bochs: $(OUT)/xen-core		## the hypervisor's self-tests on a second, stricter SVM
	@python3 tests/bochs/run.py --cpus 2 $<

build/host: all
	@DESTDIR=$@ toolstack/install.sh $(OUT)/xen-core $(PROGRAMS:%=$(U_OUT)/%)

test-hosts: build/host guests			## whole emulated hosts; T=pattern chooses, T=list lists
	@python3 tests/hosts/run.py '$(or $(T),*)'

fuzz: $(DEPS)				## parsers of foreign bytes, FUZZ_SECONDS=60 each
	+@$(MAKE) --no-print-directory -k fuzz-programs || true
	@tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ)

sim: $(SIM)				## SIM_SCHEDULES=1000000 random schedules of a simulated pair, then mutations
	@$(SIM) $(shell date +%s) $(SIM_SCHEDULES)
	@python3 tests/sim/mutations.py

soak: build/host guests			## the long campaigns
	@$(if $(T),:,tests/model/run.sh --soak)
	@python3 tests/hosts/run.py --soak '$(or $(T),*)'

##@ Play and measure
.PHONY: host demo bench
host: build/host				## one emulated host on this terminal
	@python3 tests/hosts/play.py

demo: build/host				## a VM survives the death of its host; INTERACTIVE=1: then both hosts are yours
	@python3 tests/hosts/demo.py $(if $(INTERACTIVE),--interactive)

bench: build/host				## measure; B=name runs one, without it they are listed
	@python3 bench/run.py $(B)

##@ Layout
.PHONY: format format-check
format: $(DEPS)				## lay out the C sources
	@tests/lint/sources '*.[ch]' | xargs clang-format -i

format-check: $(DEPS)			## say which lines `make format` would change
	@tests/lint/check_format.sh
