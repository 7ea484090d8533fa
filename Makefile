# SPDX-License-Identifier: BSD-3-Clause
# The front door: thin names for what meson, ninja and the scripts do.

BUILD ?= build

.DEFAULT_GOAL := help
.PHONY: help build install check pre-push unit conformance e2e guest-tests docs-test install-test demo bench module dkms packages gates
.PHONY: format lint clauses clean sim models prove fuzz fuzz-replay hostile coverage wall trust

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

build: $(BUILD)/build.ninja ## library, daemon, command line tool, tests
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD)

install: build ## into PREFIX (/usr/local), under DESTDIR
	$(if $(PREFIX),meson configure $(BUILD) -Dprefix=$(PREFIX) && ninja -C $(BUILD))
	meson install -C $(BUILD) --no-rebuild

check: ## everything that must hold; see ./check --help
	./check

pre-push: ## what is run on every change that is pushed
	.ci/run

unit: build ## unit tests
	meson test -C $(BUILD) --no-rebuild

conformance: build ## does vballoond keep the specification, with every pair of features
	$(BUILD)/src/conformance/vballoon-conformance --pairwise -- \
		$(BUILD)/src/daemon/vballoond --no-config --socket-path %s
	$(BUILD)/src/conformance/vballoon-conformance --device 5 --pairwise -- \
		$(BUILD)/src/daemon/vballoond --no-config --device traditional --socket-path %s

e2e: ## a real guest under QEMU
	tests/e2e/run

guest-tests: ## the same, longer, on each kernel and on one that finds mistakes
	./check --full --stage module --stage kernels

install-test: ## build, install and purge the Debian packages in clean roots
	tests/install/run

prove: ## what the rest builds on, for every value of its numbers, tests/proofs
	tests/proofs/run

hostile: build ## front ends, drivers, devices and clients that break every rule
	tests/hostile/run --build $(BUILD)

coverage: ## how much of core and protocol the tests run; COVERAGE=--missing names the rest
	tests/coverage/run $(COVERAGE)

wall: ## what cppcheck, clang-tidy, gcc's analyzer, valgrind and two sanitizers find
	tests/wall/run

trust: ## the figures of the last ./check --full, into docs/trust.md and docs/worker-deaths.md
	scripts/check-trust.py . build-check/logs
	scripts/take-deaths.py docs/worker-deaths.md build-check/logs/kernels.log

fuzz: ## a minute for everything that a peer can send; FUZZ="--seconds 600 --keep device"
	tests/fuzz/run $(FUZZ)

fuzz-replay: build ## the inputs that are kept in tests/fuzz/corpus, and what is planted for them to find
	tests/fuzz/replay $(BUILD)

SCHEDULES ?= 100000

sim: build ## device and driver, with faults, from seed on seed; which seeds find what is planted; SCHEDULES=1000000 SEED=7
	tests/sim/run --build $(BUILD) --schedules $(SCHEDULES) $(if $(SEED),--seed $(SEED))

models: ## search the models of queues, record and reports for an order that is wrong, tests/models
	tests/models/run

docs-test: ## what the documents say can be done is done
	tests/docs/run

demo: ## the main job on a real guest, as it happens
	./demo

bench: ## how fast, beside its peers and the host's own limit; wants a quiet machine
	bench/run

KDIR ?= /lib/modules/$(shell uname -r)/build

module: ## virtio_memory_balloon.ko in build/module, for the running kernel or KDIR
	scripts/kernel-build.sh $(KDIR) $(BUILD)/module

dkms: ## the module's sources for DKMS, in build
	mkdir -p $(BUILD)
	scripts/dkms-stage.sh $(BUILD)/vballoon-dkms.tar.gz

packages: ## Debian packages in build/packages, for this release of Debian
	scripts/debian-packages.sh $(BUILD)/packages

gates: ## that every check can fail
	tests/gates/run.py

format: ## format the C files
	find include src kernel tests examples bench -name '*.[ch]' ! -name '*.mod.c' -exec clang-format-14 -i {} +

lint: ## layers, headers, format, text, clauses, scripts
	./check --stage static

clauses: ## the table of what keeps and what proves each clause; says where it is
	@python3 scripts/clauses --table=$(BUILD)/clauses.md

clean: ## remove what was built
	rm -rf $(BUILD) build-check
