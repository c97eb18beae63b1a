# Thin aliases: each is a command or two that you can run by hand. `make help` lists them.
PRESET ?= dev
BUILD := build/$(PRESET)
JOBS ?= $(shell nproc)
PROGRAMS := hotplugger-agent hotplugger-controller hotplugger-writer hotplugctl

.DEFAULT_GOAL := help

help: ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

packages: ## Install the Debian packages that are missing
	@scripts/install-packages scripts/packages.txt

configure: packages
	@cmake --preset $(PRESET) --log-level=WARNING

build: configure ## Build everything
	cmake --build --preset $(PRESET) -j $(JOBS)

programs: configure ## Build the four programs alone
	cmake --build --preset $(PRESET) -j $(JOBS) --target $(PROGRAMS)

demo: programs ## Three real kernels under one controller (KEEP=1 leaves them up)
	@python3 tests/lab/demo.py --build-dir $(BUILD) $(if $(KEEP),--keep)

demo-stop: ## End what `make demo KEEP=1` left up
	@python3 tests/lab/demo.py --build-dir $(BUILD) --stop

test: build ## All tests: unit, contract, integration, and the lab on real kernels
	scripts/with-read-only-sys ctest --preset $(PRESET) -j $(JOBS)

test-fast: build ## All tests but the lab
	scripts/with-read-only-sys ctest --preset $(PRESET) -j $(JOBS) -LE lab

conformance: programs ## What takes more than Debian's packages: schemas, real tools, images; CHECKS="kubernetes": these alone
	scripts/with-read-only-sys scripts/conformance --build-dir $(BUILD) $(CHECKS)

bench-command-line: programs ## How long a person waits for hotplugctl
	python3 tests/bench/command_line.py --build-dir $(BUILD)

bench-lab: programs ## What the agent costs: a CPU pair in a guest, and idling
	cmake --build --preset $(PRESET) -j $(JOBS) --target host_pair_bench modelled_writer
	python3 tests/bench/idle_agent.py --build-dir $(BUILD)
	python3 tests/bench/host_pair_bench.py --build-dir $(BUILD)

bench-scrape: configure ## What a scrape of 10,000 nodes costs, against prometheus-cpp's serializer alone
	cmake --build --preset $(PRESET) -j $(JOBS) --target scrape_bench
	$(BUILD)/bench/scrape_bench

asan: packages ## Unit and integration tests under the address and undefined sanitizers; TESTS="A B": these programs alone
	$(call sanitized,asan)

tsan: packages ## Tests of the gRPC-free parts under the thread sanitizer; TESTS as above
	$(call sanitized,tsan)

# Builds and runs all tests of a preset, or the programs that TESTS names.
define sanitized
	cmake --preset $(1) --log-level=WARNING
	cmake --build --preset $(1) -j $(JOBS) $(if $(TESTS),--target $(TESTS))
	$(if $(TESTS),set -e; for test in $(TESTS); do scripts/with-read-only-sys build/$(1)/tests/$$test; done,\
	  scripts/with-read-only-sys ctest --preset $(1) -j $(JOBS))
endef

bench: configure ## How long an inventory takes, against lscpu and lsmem (docs/performance.md)
	cmake --build --preset $(PRESET) -j $(JOBS) --target inventory_bench
	$(BUILD)/bench/inventory_bench

format: ## Format all sources
	@scripts/sources | xargs clang-format-14 -i

format-check: ## Fail if a source is not formatted
	@scripts/sources | xargs clang-format-14 --dry-run -Werror

dashboards: packages ## Render Grafana's dashboards from deploy/grafana/src
	@scripts/render-dashboards

tidy: packages ## clang-tidy and clang's thread-safety analysis
	@scripts/install-packages scripts/ci-packages.txt
	cmake --preset tidy --log-level=WARNING
	cmake --build --preset tidy -j $(JOBS)

clean: ## Remove the build folder
	rm -rf build

.PHONY: help packages configure build programs demo demo-stop test test-fast conformance bench bench-command-line bench-lab bench-scrape asan tsan \
	dashboards format format-check tidy clean
