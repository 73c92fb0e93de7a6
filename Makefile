# SPDX-License-Identifier: Apache-2.0
#
# `make demo` and `make check` start from a bare Debian 12: they install what is missing and then
# call make again, so that no library is asked for before it is there.

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
SANITIZE ?=
# 1: the fuzz targets are linked with libFuzzer (needs clang); `make fuzz` sets it.
FUZZ ?=
# In all, shared among the targets; which of them.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(patsubst tests/fuzz/fuzz-%.c,%,$(wildcard tests/fuzz/fuzz-*.c))
# Builds that watch the programs, each in a folder of its own: asan, tsan, memcheck or cover.
INSTRUMENT ?= $(if $(filter-out 0,$(SANITIZE)),asan)
B ?= build$(if $(FUZZ),-fuzz,$(if $(INSTRUMENT),-$(INSTRUMENT)))
JOBS ?= $(shell nproc)
# Integration tests at a time: they wait for the simulator now and then, and it for them.
CHECK_JOBS ?= $(shell echo $$(($(JOBS) < 4 ? $(JOBS) + 1 : 4)))
export CHECK_JOBS
SWEEP_PATIENCE ?= 4h
VM_PATIENCE ?= 1800
DESTDIR ?=
prefix ?= /usr/local

# ---- where things go -----------------------------------------------------------------------------
# systemd, sysusers, tmpfiles and the bus's service files are read under /usr/local as well. Bus
# policies are not, so outside /usr they go to /etc. polkit reads its actions in one folder only,
# /usr/share/polkit-1/actions, whatever the prefix; its rules may also be in /etc.
bindir      ?= $(prefix)/bin
libexecdir  ?= $(prefix)/libexec
datadir     ?= $(prefix)/share
sysconfdir  ?= /etc
unitdir     ?= $(prefix)/lib/systemd/system
sysusersdir ?= $(prefix)/lib/sysusers.d
tmpfilesdir ?= $(prefix)/lib/tmpfiles.d
busdir      ?= $(datadir)/dbus-1
ifeq ($(prefix),/usr)
buspolicydir   ?= /usr/share/dbus-1/system.d
polkitrulesdir ?= /usr/share/polkit-1/rules.d
else
buspolicydir   ?= $(sysconfdir)/dbus-1/system.d
polkitrulesdir ?= $(sysconfdir)/polkit-1/rules.d
endif
polkitactiondir ?= /usr/share/polkit-1/actions

# ---- flags ---------------------------------------------------------------------------------------
# Asked once, and only when a recipe needs it: `clean` and `packages` work without the libraries.
once = $(eval $(1) := $$(shell $(2)))$($(1))
flag_if_known = $(CC) -Werror $(1) -x c -c -o /dev/null /dev/null 2>/dev/null && echo '$(1)'

DAEMON_PACKAGES = tss2-esys tss2-sys tss2-mu tss2-tctildr tss2-rc libcrypto libsystemd sqlite3 \
                  jansson inih audit $(PICTURE_PACKAGES)
CLIENT_PACKAGES = libcrypto libcurl libsystemd jansson smartcols tss2-mu tss2-rc $(PICTURE_PACKAGES)
PICTURE_PACKAGES = libpng libjpeg libxml-2.0
TEST_PACKAGES   = cmocka

PKG_CFLAGS   = $(call once,PKG_CFLAGS,pkg-config --cflags $(sort $(DAEMON_PACKAGES) $(CLIENT_PACKAGES)))
DAEMON_LIBS  = $(call once,DAEMON_LIBS,pkg-config --libs $(DAEMON_PACKAGES))
CLIENT_LIBS  = $(call once,CLIENT_LIBS,pkg-config --libs $(CLIENT_PACKAGES))
TEST_LIBS    = $(call once,TEST_LIBS,pkg-config --libs $(TEST_PACKAGES))
AUTO_INIT    = $(call once,AUTO_INIT,$(call flag_if_known,-ftrivial-auto-var-init=zero))
CF_PROTECT   = $(call once,CF_PROTECT,$(call flag_if_known,-fcf-protection))

WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wvla -Werror
HARDENING = -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection \
            $(CF_PROTECT) $(AUTO_INIT) -fPIE
# What an instrument adds when compiling and linking; it stands in for the hardening, since valgrind
# does not see the use of a value that the compiler has set to zero, nor a sanitizer what fortified
# functions do. The worker's thread counts too, hence atomic counters.
asan     = -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
tsan     = -O1 -fno-omit-frame-pointer -fsanitize=thread
memcheck = -O1 -fno-omit-frame-pointer
cover    = -O0 --coverage -fprofile-update=atomic
INSTRUMENTS = asan tsan memcheck cover
ifneq ($(INSTRUMENT),)
ifeq ($(filter $(INSTRUMENTS),$(INSTRUMENT)),)
$(error INSTRUMENT is one of: $(INSTRUMENTS))
endif
HARDENING = $($(INSTRUMENT)) -fPIE
endif
ifneq ($(FUZZ),)
HARDENING += -fsanitize=fuzzer-no-link
endif
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -I. -g $(WARNINGS) $(HARDENING) $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -pthread -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed \
              $(if $(INSTRUMENT),$($(INSTRUMENT))) $(LDFLAGS)

# ---- what is built -------------------------------------------------------------------------------
LAYERS  = base policy tpm format sealsd client
objects = $(patsubst %.c,$(B)/obj/%.o,$(wildcard $(1)/*.c))
HEADERS = $(wildcard $(addsuffix /*.h,$(LAYERS) tests/unit tests/tools tests/fixture tests/attack \
                      tests/inject tests/fuzz))

# Archives in an order that resolves the references among them.
CLIENT_ARCHIVES = $(addprefix $(B)/lib,format.a policy.a base.a)
DAEMON_ARCHIVES = $(addprefix $(B)/lib,sealsd.a tpm.a format.a policy.a base.a)
# What several test programs share.
TEST_ARCHIVES = $(B)/libfixture.a $(DAEMON_ARCHIVES)
FUZZ_ARCHIVES = $(B)/libfuzz.a $(B)/libclient.a $(DAEMON_ARCHIVES)
UNIT_TESTS = $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test-*.c))
# Objects with their main: libFuzzer's own in place of ours.
FUZZ_MAIN = $(if $(FUZZ),,$(B)/obj/tests/fuzz/replay.o)
FUZZ_PROGRAMS = $(addprefix $(B)/fuzz/fuzz-,$(FUZZ_TARGETS))
TEST_TOOLS = $(patsubst tests/tools/%.c,$(B)/tools/%,$(wildcard tests/tools/*.c))
# What tests/sandbox itself needs.
SANDBOX_TOOLS = $(B)/tools/notify-wait $(B)/tools/bus-wait
# Faults for the daemon: what is loaded before its libraries, and what stands before its chip.
INJECT = $(B)/inject/libinject.so $(B)/inject/libtcti-tap.so
HEADER_CHECKS = $(patsubst %.h,$(B)/headers/%.ok,$(HEADERS))

.PHONY: all programs tests headers packages demo check sweep check-system check-vm sweep-bus endurance fuzz \
        fuzz-programs sandbox bench bench-register lint format install uninstall clean help $(INSTRUMENTS)
.DELETE_ON_ERROR:
.SECONDARY:

all: ## Build sealsd and sealctl (the default); CC=clang, INSTRUMENT=asan and B=FOLDER are heeded
	@tests/install-packages build
	@$(MAKE) --no-print-directory -j$(JOBS) programs

programs: $(B)/sealsd $(B)/sealctl $(SANDBOX_TOOLS)
tests: programs $(UNIT_TESTS) $(TEST_TOOLS) $(INJECT) fuzz-programs
fuzz-programs: $(FUZZ_PROGRAMS)
headers: $(HEADER_CHECKS)

$(B)/sealsd: $(call objects,sealsd) $(DAEMON_ARCHIVES)
	$(CC) $(ALL_LDFLAGS) -o $@ $(B)/obj/sealsd/main.o $(DAEMON_ARCHIVES) $(DAEMON_LIBS)

$(B)/sealctl: $(call objects,client) $(CLIENT_ARCHIVES)
	$(CC) $(ALL_LDFLAGS) -o $@ $(call objects,client) $(CLIENT_ARCHIVES) $(CLIENT_LIBS)

$(B)/libsealsd.a: $(filter-out %/main.o,$(call objects,sealsd))
$(B)/libtpm.a: $(call objects,tpm)
$(B)/libformat.a: $(call objects,format)
$(B)/libpolicy.a: $(call objects,policy)
$(B)/libbase.a: $(call objects,base)
$(B)/libclient.a: $(filter-out %/main.o,$(call objects,client))
$(B)/libfixture.a: $(call objects,tests/fixture)
$(B)/libfuzz.a: $(filter-out %/replay.o $(B)/obj/tests/fuzz/fuzz-%.o,$(call objects,tests/fuzz))
# Made anew, so that the object of a removed source does not live on in it.
$(B)/lib%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcsD $@ $^

$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/%: $(B)/obj/tests/unit/%.o $(TEST_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(TEST_ARCHIVES) $(DAEMON_LIBS) $(TEST_LIBS)

# What the client's sources need of one another.
$(B)/tests/test-client-%: $(B)/obj/tests/unit/test-client-%.o $(B)/libclient.a $(TEST_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(B)/libclient.a $(TEST_ARCHIVES) \
		$(sort $(DAEMON_LIBS) $(CLIENT_LIBS)) $(TEST_LIBS)

# Measured on the fixtures of the tests.
$(B)/bench/%: $(B)/obj/bench/%.o $(TEST_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(TEST_ARCHIVES) $(DAEMON_LIBS) $(TEST_LIBS)

$(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(FUZZ_MAIN) $(FUZZ_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $(if $(FUZZ),-fsanitize=fuzzer) -o $@ $< $(FUZZ_MAIN) $(FUZZ_ARCHIVES) \
		$(sort $(DAEMON_LIBS) $(CLIENT_LIBS))

# What waits for the daemon uses none of its code, and so is there while that does not build.
$(SANDBOX_TOOLS): $(B)/tools/%: $(B)/obj/tests/tools/%.o
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(DAEMON_LIBS)

$(B)/libattack.a: $(call objects,tests/attack)
$(B)/tools/attacker: $(B)/obj/tests/tools/attacker.o $(B)/libattack.a $(DAEMON_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(B)/libattack.a $(DAEMON_ARCHIVES) $(DAEMON_LIBS)

# Without the test library, since the demonstration uses one of them.
$(B)/tools/%: $(B)/obj/tests/tools/%.o $(DAEMON_ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $< $(DAEMON_ARCHIVES) $(DAEMON_LIBS)

# Loaded also into programs without an instrument: these have none. A sanitizer has a malloc of its own.
INJECT_CFLAGS = $(filter-out -fPIE $(filter-out -O%,$($(INSTRUMENT))),$(ALL_CFLAGS)) -fPIC -fvisibility=hidden
INJECT_LDFLAGS = -shared -pthread -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--no-undefined $(LDFLAGS)

$(B)/obj/tests/inject/%.o: tests/inject/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(INJECT_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/inject/libinject.so: $(patsubst %,$(B)/obj/tests/inject/%.o,control step $(if $(filter asan tsan,$(INSTRUMENT)),,allocation))
	@mkdir -p $(@D)
	$(CC) $(INJECT_LDFLAGS) -o $@ $^ -lsqlite3

$(B)/inject/libtcti-tap.so: $(B)/obj/tests/inject/control.o $(B)/obj/tests/inject/tcti-tap.o
	@mkdir -p $(@D)
	$(CC) $(INJECT_LDFLAGS) -o $@ $^ -ltss2-tctildr

# A header that needs another must include it itself.
$(B)/headers/%.ok: %.h Makefile
	@mkdir -p $(@D)
	@echo '#include "$<"' | $(CC) $(ALL_CFLAGS) -MMD -MP -MF $(@:.ok=.d) -MT $@ \
		-x c -c -o /dev/null - || { echo '$<: does not compile alone' >&2; exit 1; }
	@touch $@

-include $(wildcard $(B)/obj/*/*.d $(B)/obj/tests/*/*.d $(B)/headers/*/*.d $(B)/headers/tests/*/*.d)

# One file of the integration tests; what it prints is of interest.
integration = SEALSD_BUILD=$(abspath $(B)) $(if $(SEED),SEED=$(SEED)) $(if $(COUNT),COUNT=$(COUNT)) \
	/usr/bin/python3 -m pytest -p no:cacheprovider --quiet --tb=short -rP tests/integration/test_$(1).py

# ---- what people ask for -------------------------------------------------------------------------
packages: ## Install every Debian package that building, running and testing need
	@tests/install-packages build run test system

demo: ## Show the whole road, from an empty TPM to a refused signature
	@tests/install-packages build run
	@$(MAKE) --no-print-directory --silent -j$(JOBS) programs $(B)/tools/attacker
	@SEALSD_BUILD=$(B) tests/demo

check: packages ## Run all tests: layers, headers, units, the real daemon, a container with systemd (CHECK_JOBS=NUMBER)
	@$(MAKE) --no-print-directory -j$(JOBS) tests
	@SEALSD_BUILD=$(B) INSTRUMENT=$(INSTRUMENT) MAKE='$(MAKE)' tests/run-check

sweep-bus: packages ## Call every member with what nobody should send (SEED=NUMBER COUNT=NUMBER)
	@$(MAKE) --no-print-directory -j$(JOBS) tests
	@$(call integration,bus_sweep)

endurance: packages ## Make signatures and show that nothing is lost (COUNT=20000)
	@$(MAKE) --no-print-directory -j$(JOBS) tests
	@$(call integration,endurance)

sweep: ## Let every nth allocation, register step and TPM command fail (hours; SWEEP_PATIENCE=4h ends it)
	@tests/install-packages build run test
	@$(MAKE) --no-print-directory -j$(JOBS) tests
	@SEALSD_SWEEP=full timeout $(SWEEP_PATIENCE) env $(call integration,fault_sweep)

check-system: ## Install into a container with a real systemd and use the service there
	@tests/install-packages build run system
	@$(MAKE) --no-print-directory -j$(JOBS) programs
	@SEALSD_BUILD=$(B) tests/check-system

check-vm: ## Boot a machine with a kernel's TPM four times and use sealsd there (VM_PATIENCE=1800 seconds)
	@tests/install-packages build vm
	@$(MAKE) --no-print-directory -j$(JOBS) programs $(B)/tools/attacker
	@SEALSD_BUILD=$(B) VM_PATIENCE=$(VM_PATIENCE) tests/check-vm

fuzz: ## Look for inputs that break a promise (FUZZ_SECONDS=60 in all, FUZZ_TARGETS='key pcr')
	@tests/install-packages build fuzz
	@$(MAKE) --no-print-directory -j$(JOBS) CC=clang SANITIZE=1 FUZZ=1 B=build-fuzz \
		FUZZ_TARGETS='$(FUZZ_TARGETS)' fuzz-programs
	@SEALSD_BUILD=build-fuzz tests/run-fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

asan: ## Run all tests under AddressSanitizer and UndefinedBehaviorSanitizer (also: check SANITIZE=1)
	@$(MAKE) --no-print-directory check INSTRUMENT=asan

tsan: ## Run what uses both threads of the daemon under ThreadSanitizer
	@tests/install-packages build run test
	@$(MAKE) --no-print-directory -j$(JOBS) tests INSTRUMENT=tsan B=build-tsan
	@SEALSD_BUILD=build-tsan tests/run-tsan

memcheck: ## Run the unit tests, and the daemon through its main job, under valgrind
	@tests/install-packages build run test memcheck
	@$(MAKE) --no-print-directory -j$(JOBS) tests INSTRUMENT=memcheck B=build-memcheck
	@SEALSD_BUILD=build-memcheck tests/run-memcheck

cover: ## Run all tests but the container's and tell which lines they reach; pages in build-cover/cover
	@tests/install-packages build run test cover
	@$(MAKE) --no-print-directory -j$(JOBS) tests INSTRUMENT=cover B=build-cover
	@SEALSD_BUILD=build-cover MAKE='$(MAKE)' tests/run-cover

sandbox: ## Open a shell with a simulated TPM, a private bus and sealsd (ARGS=--ready: with a seal)
	@tests/install-packages build run
	@$(MAKE) --no-print-directory --silent -j$(JOBS) programs
	@SEALSD_BUILD=$(B) tests/sandbox $(ARGS)

bench: ## Time per signature, beside a bare SAPI loop (COUNT=2000), and of verifying a ledger
	@tests/install-packages build run test
	@$(MAKE) --no-print-directory --silent -j$(JOBS) programs $(B)/bench/sign $(B)/bench/ledger \
		$(B)/tools/sign-loop
	@SEALSD_BUILD=$(B) bench/run $(COUNT)

bench-register: ## Time to start, list, get, inspect and verify with up to 100,000 seals (SEALS='10 1000')
	@tests/install-packages build run test
	@$(MAKE) --no-print-directory --silent -j$(JOBS) programs $(B)/tools/make-register
	@SEALSD_BUILD=$(B) bench/run-register $(SEALS)

lint: ## Layout, static analysis, shell scripts
	@tests/install-packages build test lint
	@tests/lint

format: ## Lay the C sources out as .clang-format says
	@clang-format -i $(wildcard $(addsuffix /*.[ch],$(LAYERS) tests/unit tests/tools tests/fixture tests/inject tests/fuzz bench))

# DATA_FILES are MODE:SOURCE:TARGET, installed and removed by the same list.
DATA_FILES = \
	755:$(B)/sealsd:$(libexecdir)/sealsd \
	755:$(B)/sealctl:$(bindir)/sealctl \
	$(foreach n,5 7 8,$(foreach x,$(wildcard docs/*.$n),644:$(x):$(datadir)/man/man$n/$(notdir $(x)))) \
	644:client/sealctl.bash-completion:$(datadir)/bash-completion/completions/sealctl \
	644:units/org.sealsd1.service:$(busdir)/system-services/org.sealsd1.service \
	644:units/org.sealsd1.conf:$(buspolicydir)/org.sealsd1.conf \
	644:units/org.sealsd1.policy:$(polkitactiondir)/org.sealsd1.policy \
	644:units/50-org.sealsd1.rules:$(polkitrulesdir)/50-org.sealsd1.rules \
	644:$(B)/sealsd.service:$(unitdir)/sealsd.service \
	644:units/sealsd.sysusers:$(sysusersdir)/sealsd.conf \
	644:units/sealsd.tmpfiles:$(tmpfilesdir)/sealsd.conf \
	$(foreach x,$(wildcard units/org.sealsd1*.xml),644:$(x):$(busdir)/interfaces/$(notdir $(x)))

install: all ## Install under DESTDIR and prefix (default /usr/local)
	@sed 's|@libexecdir@|$(libexecdir)|g' units/sealsd.service.in >$(B)/sealsd.service
	@set -e; for entry in $(DATA_FILES); do \
		paths=$${entry#*:}; \
		install -D -m "$${entry%%:*}" "$${paths%%:*}" "$(DESTDIR)$${paths#*:}"; \
	done
	@# What the administrator wrote stays.
	@test -e "$(DESTDIR)$(sysconfdir)/sealsd/sealsd.conf" || \
		install -D -m 644 units/sealsd.conf "$(DESTDIR)$(sysconfdir)/sealsd/sealsd.conf"
	@test -n "$(DESTDIR)" || echo 'Installed. Now: systemd-sysusers && systemd-tmpfiles --create' \
		'&& systemctl daemon-reload && systemctl reload dbus'

uninstall: ## Remove what install put there; configuration and register stay
	@rm -f $(foreach x,$(DATA_FILES),"$(DESTDIR)$(lastword $(subst :, ,$(x)))")

clean: ## Remove everything that was built
	rm -rf build build-fuzz $(addprefix build-,$(INSTRUMENTS)) $(B)

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS="$$(printf '\t')" read -r target text; do \
			printf '  %-14s %s\n' "$$target" "$$text"; \
		done
