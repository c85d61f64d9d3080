# Thin names over commands; `make help` lists them.

PROFILE ?= dev
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
BINARIES := $(TARGET_DIR)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))

# Tracked files and new ones, so that a script is checked before it is committed.
SCRIPTS = $(shell git ls-files -co --exclude-standard -- '*.sh' .ci/run)

.DEFAULT_GOAL := help
.PHONY: help run test test-crash test-ledger lint fmt bench bench-gateway bench-gateway-faults services services-down clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## the whole platform in one process; PROFILE=release for a release build
	cargo build -p hms --profile $(PROFILE)
	exec $(BINARIES)/hms up

test: ## every test, on SQLite and on PostgreSQL + RabbitMQ
	tests/run.sh

test-crash: ## kill everything under load; nothing acknowledged may be lost or doubled (settings: tests/crash.sh)
	tests/crash.sh

test-ledger: ## 100000 random money events, on SQLite and on PostgreSQL; the books must be right
	HMS_TEST_LEDGER_EVENTS=$${HMS_TEST_LEDGER_EVENTS:-100000} cargo test -p hms-billing --test billing random

lint: shellcheck ## formatting, clippy, shellcheck; any warning fails
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	shellcheck $(SCRIPTS)

fmt: ## format the Rust code
	cargo fmt --all

bench: ## the load tests, against peers started beside us
	tests/bench.sh

bench-gateway-faults: ## what failing services cost the others behind the gateway (settings: gateway/benches/faults.rs)
	cargo bench -p hms-gateway --bench faults

bench-gateway: ## the gateway beside nginx and HAProxy (settings: tests/bench-gateway.sh)
	tests/bench-gateway.sh

services: ## start a private PostgreSQL and RabbitMQ for development (see deploy/dev/services.sh)
	deploy/dev/services.sh up

services-down: ## stop them; their data stays
	deploy/dev/services.sh down

clean: ## stop the services, delete their data and what cargo built
	deploy/dev/services.sh destroy
	cargo clean

# The one tool that no toolchain brings along.
.PHONY: shellcheck
shellcheck:
	@command -v shellcheck >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { \
	    echo "shellcheck not found; install with: sudo apt-get install -y shellcheck" >&2; exit 1; }; \
	  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends shellcheck; } \
	    >/dev/null; }
