# `make` tells what there is to make.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.DEFAULT_GOAL := help

GO ?= go
export GO

# How long each fuzz target runs in `make fuzz`.
FUZZTIME ?= 60s
# How often each benchmark runs in `make bench`.
COUNT ?= 1
# Which packages these are of.
BENCHED ?= ./...
# A Caddy with caddy-jwt or caddy-security in it, for `make bench-peers`.
PEERS ?=
# How long `make soak` lasts, its kills included.
SOAK ?= 30m
# The TCP port of the demo; `make demo PORT=9443`.
PORT ?=

.PHONY: help
help: ## Tells what there is to make
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: build
build: ## Builds bin/caddy: Caddy with our modules
	$(GO) build -o bin/caddy ./cmd/caddy

.PHONY: bin/demo
bin/demo: build
	@$(GO) build -o bin/demo ./cmd/demo

.PHONY: demo
demo: need-curl bin/demo ## Shows everything working on this machine, until Ctrl-C (PORT=8443)
	@exec bin/demo $(if $(PORT),-port $(PORT))

.PHONY: demo-check
demo-check: need-curl bin/demo ## Runs the demo's lines and compares what they say
	@exec bin/demo -check $(if $(PORT),-port $(PORT))

.PHONY: test
test: need ## Runs all that the CI runs
	$(MAKE) lint
	$(GO) mod tidy -diff
	cd tools && $(GO) mod tidy -diff
	$(GO) test $$($(GO) list ./... | grep -v '/fire$$')
	$(MAKE) fire
	$(MAKE) race-free
	$(MAKE) fuzz FUZZTIME=10s
	$(MAKE) demo-check
	$(MAKE) xcaddy
	@echo "All tests passed."

# Apart from the other tests, for its figures: go test keeps those of what passes
# to itself. It is run in its folder, since only there go test passes on at once what
# a test says.
FIRE := internal/integration/fire
# Longer than it takes by far; make soak has no limit, since SOAK may be anything.
FIRE_LIMIT ?= 2h

.PHONY: fire
fire: need ## Kills, floods and breaks servers and their stores, and prints figures of it
	@mkdir -p bin
	@rm -f bin/figures.txt
	SALLYPORT_FIGURES=$(CURDIR)/bin/figures.txt $(GO) test -C $(FIRE) -count=1 -timeout $(FIRE_LIMIT)
	@cat bin/figures.txt

.PHONY: soak
soak: ## As fire, with 1,000 kills (5 minutes), then a steady mix until SOAK=30m are over
	SALLYPORT_ROUNDS=1000 SALLYPORT_SOAK='$(SOAK)' $(MAKE) fire FIRE_LIMIT=0

.PHONY: lint
lint: bin/golangci-lint ## Checks format, style and what go vet and staticcheck find
	@bin/golangci-lint fmt --diff
	$(GO) vet ./...
	bin/golangci-lint run

.PHONY: fmt
fmt: bin/golangci-lint ## Formats the Go files as lint wants them
	bin/golangci-lint fmt

.PHONY: bin/golangci-lint
bin/golangci-lint:
	cd tools/lint && $(GO) build -o ../../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: race
race: need ## Tests with the race detector (builds Caddy for it: minutes)
	CGO_ENABLED=1 SALLYPORT_ROUNDS=20 $(GO) test -race ./...

.PHONY: race-free
race-free: need ## Does so with the packages without Caddy, which build for it in seconds
	packages=$$(tools/caddyfree.sh); CGO_ENABLED=1 $(GO) test -race $$packages

.PHONY: fuzz
fuzz: ## Runs each fuzz target for a minute (FUZZTIME=60s)
	tools/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: need-bench build ## Measures functions (COUNT=1, BASE=bench.txt of before), then whole servers
	$(GO) test -run '^$$' -bench . -benchmem -count $(COUNT) $(BENCHED) | tee bin/bench.txt
ifdef BASE
	cd tools && $(GO) build -o ../bin/benchstat golang.org/x/perf/cmd/benchstat
	bin/benchstat $(BASE) bin/bench.txt
endif
	$(GO) run ./bench

.PHONY: bench-peers
bench-peers: need-bench ## Measures the gate beside others (PEERS=a Caddy with caddy-jwt or caddy-security)
	$(GO) run ./bench -only peers $(if $(PEERS),-peer-caddy '$(PEERS)')

.PHONY: xcaddy
xcaddy: need ## Builds Caddy with our modules by xcaddy, and checks what is in it
	cd tools && $(GO) build -o ../bin/xcaddy github.com/caddyserver/xcaddy/cmd/xcaddy
	tools/xcaddy.sh

.PHONY: clean
clean: ## Removes bin and .demo
	rm -rf bin .demo

# Go fetches modules over TLS. The race detector needs a C compiler, and the
# documents' systemd units somebody who checks them. openssl writes files for
# tests, and a client of the CCE endpoint is in PHP, which may lack its curl. ip makes
# the addresses of the network that one test has to itself. Behind sudo processes end
# in their own way, and visudo comes with it; that and checkmodule read what
# docs/intelmq has for sudo and SELinux. A page is tried in Chromium. What comes to
# the disk before what, strace tells.
.PHONY: need
need: need-curl
	@tools/need.sh gcc=gcc,libc6-dev systemd-analyze=systemd openssl=openssl ip=iproute2 sudo=sudo checkmodule=checkpolicy chromium=chromium strace=strace
	@php -n -d extension=curl -r 'curl_version();' >/dev/null 2>&1 || tools/need.sh php-with-curl=php-cli,php-curl

.PHONY: need-bench
need-bench: need-curl
	@tools/need.sh wrk=wrk

.PHONY: need-curl
need-curl:
	@tools/need.sh curl=curl,ca-certificates
