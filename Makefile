# Thin names over commands; `make help` lists them.

PROFILE ?= dev
ENGINE ?= docker
VERSION ?= 0.1.0
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
BINARIES := $(TARGET_DIR)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))

# Tracked files and new ones, so that a script is checked before it is committed.
SCRIPTS = $(shell git ls-files -co --exclude-standard -- '*.sh' .ci/run)

.DEFAULT_GOAL := help
.PHONY: help run test test-crash test-ledger test-webhooks lint fmt bench bench-peers bench-gateway profile-gateway bench-gateway-faults bench-gateway-idle bench-instructions bench-images image image-root k8s-validate test-namespaces services services-down clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## the whole platform in one process; PROFILE=release for a release build
	cargo build -p hms --profile $(PROFILE)
	exec $(BINARIES)/hms up

test: ## every test, on SQLite and on PostgreSQL + RabbitMQ
	tests/run.sh

test-crash: ## kill everything under load; nothing acknowledged may be lost or doubled (settings: tests/crash.sh)
	tests/crash.sh

test-namespaces: ## all services in network namespaces, as the policies have it: the story, and a rolling update under load (root)
	tests/namespaces.sh

test-ledger: ## 100000 random money events, on SQLite and on PostgreSQL; the books must be right
	HMS_TEST_LEDGER_EVENTS=$${HMS_TEST_LEDGER_EVENTS:-100000} cargo test -p hms-billing --test billing random -- --nocapture

test-webhooks: ## 10000 webhooks to a receiver that fails in every way, with the table; and a replica that is killed meanwhile
	HMS_TEST_WEBHOOKS=$${HMS_TEST_WEBHOOKS:-10000} cargo test -p hms-notification --test notification -- load:: killed:: --nocapture --test-threads 1

lint: shellcheck ## formatting, clippy, shellcheck; any warning fails
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	shellcheck $(SCRIPTS)

fmt: ## format the Rust code
	cargo fmt --all

bench: ## the load tests, against peers started beside us
	tests/bench.sh

bench-peers: ## every budget beside what others use: a Python stack, pgbench, nginx, HAProxy (settings: tests/bench-peers.sh)
	tests/bench-peers.sh

bench-gateway-faults: ## what failing services cost the others behind the gateway (settings: gateway/benches/faults.rs)
	cargo bench -p hms-gateway --bench faults

bench-gateway-idle: ## 10000 idle clients of the gateway: none is lost, and what each costs (settings: tests/bench-gateway-idle.py)
	cargo build -p hms-gateway --profile release
	PROFILE=release tests/bench-gateway-idle.py

bench-instructions: ## the instructions of the hot paths, counted by valgrind, against their budgets; PROFILE=release for a release build
	cargo build --workspace --bins --examples --profile $(PROFILE)
	tests/instructions/judged.py
	PROFILE=$(PROFILE) tests/instructions/run.py

profile-gateway: ## counts anew which ways through the gateway are the busy ones, for its image
	deploy/image/profile.sh

bench-gateway: ## the gateway beside nginx and HAProxy (settings: tests/bench-gateway.sh)
	tests/bench-gateway.sh

bench-images: ## size, start and memory of each image (settings: tests/bench-images.sh)
	tests/bench-images.sh

image: ## the image of one program: SERVICE=auth (IMAGE_FLAGS for the engine, ENGINE=docker)
	@[ -n "$(SERVICE)" ] || { echo "make image SERVICE=auth (or another service, or gateway)" >&2; exit 1; }
	$(ENGINE) build -f deploy/image/Dockerfile --build-arg SERVICE=$(SERVICE) $(IMAGE_FLAGS) -t hms-$(SERVICE):$(VERSION) .

image-root: ## the same without an engine, as an OCI archive in target/image/SERVICE: SERVICE=auth
	@[ -n "$(SERVICE)" ] || { echo "make image-root SERVICE=auth (or another service, or gateway)" >&2; exit 1; }
	VERSION=$(VERSION) deploy/image/build-root.sh $(SERVICE) $(TARGET_DIR)/image/$(SERVICE)

k8s-validate: ## manifests against the schemas of Kubernetes and our own rules; what is made is up to date
	deploy/generate.py --check
	tests/deploy/check.sh k8s
	tests/deploy/check.sh refused
	tests/deploy/check.sh compose

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
