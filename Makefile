# kwatt: `make help` lists the targets.
SHELL := /bin/sh
GO ?= go
SIM := bin/sim
LINT := $(GO) tool -modfile=tools/go.mod golangci-lint
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# go-nvml is compiled with cgo, and its header marks what it still offers as deprecated.
export CGO_CFLAGS = -O2 -g -Wno-deprecated-declarations
LDFLAGS := -s -w -X github.com/kwatt-sim/kwatt/internal/cli.version=$(VERSION)

.PHONY: help build demo test gate baseline test-long test-prometheus fuzz bench lint verify generate assets calibrate-binary clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: assets ## build bin/sim
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(SIM) ./cmd/sim

demo: build ## a real e-commerce day under four policies: table and HTML report
	$(SIM) run scenarios/ecommerce-recsys.yaml --out results

test: ## vet and all tests (a few minutes, most of it the first compile)
	$(GO) vet ./...
	$(GO) test -timeout 30m ./...

GATE := scenarios/gates/flash-sale.gate.yaml
gate: ## kwatt's own gate: the golden scenario against its baseline
	$(GO) run ./cmd/sim gate $(GATE)

baseline: ## write the golden gate's baseline again, for a change that is meant
	$(GO) run ./cmd/sim gate $(GATE) --update-baseline

test-long: ## the tests with the race detector, and each fuzz target for a minute
	$(GO) test -race -timeout 60m ./...
	$(GO) test ./internal/kube/scheduler -run 'Same|Free' -long -timeout 60m
	$(GO) test ./internal/kube/hpa -run TestDecidesAsUpstream -hpa.decisions=1000000 -hpa.seed=1001 -timeout 60m
	$(MAKE) fuzz FUZZTIME=60s

test-prometheus: ## the export in a real Prometheus (Debian's package prometheus): every expression of the dashboard has figures
	@command -v promtool >/dev/null && command -v prometheus >/dev/null || { echo 'want promtool and prometheus: apt-get install prometheus'; exit 1; }
	$(GO) test -tags prometheus ./internal/openmetrics -run Prometheus -count 1 -v -timeout 5m

FUZZTIME ?= 20s
fuzz: ## fuzz the scenario and the trace reader (FUZZTIME=20s each)
	$(GO) test ./internal/workload -run '^$$' -fuzz FuzzReadCSV -fuzzminimizetime 1x -fuzztime $(FUZZTIME)
	$(GO) test ./internal/scenario -run '^$$' -fuzz FuzzParse -fuzzminimizetime 1x -fuzztime $(FUZZTIME)

bench: ## benchmarks of the data plane, and a day at 100,000 req/s
	$(GO) test ./internal/serving ./internal/rng -run '^$$' -bench . -benchtime 2s
	$(GO) test ./internal/kube/scheduler -run '^$$' -bench Schedule
	$(GO) test ./internal/experiment -run '^$$' -bench FullDay -benchtime 1x -timeout 30m

lint: ## golangci-lint, the version pinned in tools/go.mod
	$(LINT) run ./...

generate: ## rewrite generated files (field docs, JSON Schema, reference pages)
	$(GO) generate ./...
	$(GO) test ./internal/powermodel ./internal/profiles ./internal/metrics ./internal/kube/hpa -run Docs -update

verify: generate ## generated files are up to date, go.mod is tidy, the code is formatted
	$(GO) mod tidy -diff
	@test -z "$$(gofmt -l cmd internal)" || { gofmt -l cmd internal; exit 1; }
	git diff --exit-code

assets: ## fetch ECharts from the npm registry, pinned and checksummed (without npm: static charts)
	@sh internal/report/assets/fetch.sh --optional

calibrate-binary: ## bin/sim-linux-amd64, to carry to a GPU host for sim calibrate (needs gcc)
	CGO_ENABLED=1 GOOS=linux GOARCH=amd64 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/sim-linux-amd64 ./cmd/sim

clean: ## remove what was built
	rm -rf bin
