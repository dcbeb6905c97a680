# SPDX-License-Identifier: GPL-2.0
#
#   make                    drbd.ko for one kernel, and the tools
#   make demo               installs what is missing, boots two nodes, does the main job
#   make check              installs what is missing, passes all tests
#   make help               everything else

SHELL := /bin/bash
TOP := $(CURDIR)

# The kernel to build for: KDIR=, else the running one's headers, else the newest installed.
KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) \
	$(shell ls -1d /lib/modules/*/build /usr/src/linux-headers-*-amd64 2>/dev/null | sort -V | tail -n 1))
KVER = $(call kernel-version,$(KDIR))
kernel-version = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(1)/include/generated/utsrelease.h 2>/dev/null)

PREFIX ?= /usr
SBINDIR ?= /sbin
DESTDIR ?=

all: modules tools

help:
	@sed -n 's/^## //p' $(firstword $(MAKEFILE_LIST))

## make modules [KDIR=dir] [C=2]   build drbd.ko here
modules:
	@test -n "$(KDIR)" -a -n "$(KVER)" || { \
		echo "No kernel headers found (looked at KDIR='$(KDIR)'): install linux-headers for your kernel, or pass KDIR=" >&2; exit 1; }
	@scripts/kernel-probes $(KDIR) $(TOP)/build/kcompat/$(KVER)
	$(MAKE) -C $(KDIR) M=$(TOP) DRBD_KCOMPAT=$(TOP)/build/kcompat/$(KVER) modules

## make modules_install            install drbd.ko below /lib/modules (updates/)
modules_install: modules
	$(MAKE) -C $(KDIR) M=$(TOP) INSTALL_MOD_DIR=updates modules_install

## make vm-modules                 drbd.ko for every kernel that the test nodes boot: build/modules/<version>/
VM_KDIRS ?= $(wildcard /usr/src/linux-headers-*-cloud-amd64)
vm-modules:
	@set -e; for k in $(VM_KDIRS); do \
		v=$$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $$k/include/generated/utsrelease.h); d=build/modules/$$v; \
		mkdir -p $$d; cp -rup Kbuild drbd-kmod $$d/; \
		(cd $$d && find drbd-kmod -name '*.[ch]' | while read f; do [ -e $(TOP)/$$f ] || rm -f $$f $${f%.c}.o; done); \
		scripts/kernel-probes $$k $(TOP)/build/kcompat/$$v; \
		$(MAKE) -s -C $$k M=$(TOP)/$$d DRBD_KCOMPAT=$(TOP)/build/kcompat/$$v modules; \
		echo "$$d/drbd.ko"; \
	done

## make tools                      build drbdadm, drbdsetup, drbdmeta
tools:
	$(MAKE) -C drbd-utils

## make dkms-install [DKMS_KERNEL=version]   have DKMS build and install the module, for every future kernel too
DKMS_VERSION = $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
dkms-install:
	@command -v dkms >/dev/null || { echo "dkms is missing: apt-get install dkms (or dnf install dkms)" >&2; exit 1; }
	rm -rf /usr/src/drbd-$(DKMS_VERSION)
	mkdir -p /usr/src/drbd-$(DKMS_VERSION)
	cp -r Makefile Kbuild dkms.conf scripts drbd-kmod COPYING /usr/src/drbd-$(DKMS_VERSION)/
	dkms install --force $(if $(DKMS_KERNEL),-k $(DKMS_KERNEL)) drbd/$(DKMS_VERSION)

## make install DESTDIR=           install the tools, configuration, agents
install: tools
	$(MAKE) -C drbd-utils install DESTDIR=$(DESTDIR) SBINDIR=$(SBINDIR)

## make check-fast                 build, unit tests, lint: the inner loop, under two minutes
check-fast: modules tools
	scripts/check fast

## make check                      all tests that belong to every change
check:
	scripts/check all

## make sim SEEDS=n [SEED=x] [FAMILY=net+dual|all] [TRACE=1]   two whole nodes in virtual time, faults from a seed
sim:
	$(MAKE) -C tests/sim sim $(if $(SEEDS),SEEDS=$(SEEDS)) $(if $(SEED),SEED=$(SEED)) $(if $(TRACE),TRACE=$(TRACE)) $(if $(FAMILY),FAMILY=$(FAMILY))

## make mutants [ARGS="--seeds 0 log"]   plants faults in the core and looks whether the tests notice
mutants:
	tests/mutants/run.py $(ARGS)

## make fuzz [SECONDS=n] [SEED=n] [ONLY="packets config"]   libFuzzer on everything that strangers feed us
fuzz:
	$(MAKE) -C tests/fuzz run $(if $(SECONDS),SECONDS=$(SECONDS)) $(if $(SEED),SEED=$(SEED)) $(if $(ONLY),ONLY="$(ONLY)")

## make model                      search the handshake's model completely, and its mutants
model:
	$(MAKE) -C tests/model check

## make check-long                 what takes too long for every change
check-long:
	scripts/check long

## make check-kernels [SUITES="bullseye sid"]   builds with other Debian releases' compilers and kernels, boots them
check-kernels:
	scripts/install-deps
	$(MAKE) tools
	/usr/bin/python3 tests/vm/suites.py $(SUITES)

## make check-debug [WORDS="--pairing og -k rounds"]   the VM tests on a kernel with KASAN, lockdep, kmemleak, fault injection
check-debug:
	scripts/install-deps
	$(MAKE) tools
	/usr/bin/python3 tests/vm/debug_kernel.py $(WORDS)

## make demo [KEEP=1]              two virtual nodes do the main job before your eyes
demo:
	scripts/install-deps
	$(MAKE) tools vm-modules
	scripts/demo

## make clean
clean:
	-@[ -z "$(KDIR)" ] || $(MAKE) -s -C $(KDIR) M=$(TOP) clean 2>/dev/null
	@[ ! -d drbd-utils ] || $(MAKE) -s -C drbd-utils clean	# DKMS has the module alone
	rm -rf build/kcompat build/modules build/unit build/utils build/sim build/fuzz build/model build/mutants

.PHONY: all help modules modules_install vm-modules dkms-install tools install check-fast check sim fuzz model mutants check-long check-kernels check-debug demo clean
