# kwatt: `make help` lists the targets.
SHELL := /bin/sh
GO ?= go
SIM := bin/sim
REPLAY := bin/replay
LINT := $(GO) tool -modfile=tools/go.mod golangci-lint
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# go-nvml is compiled with cgo, and its header marks what it still offers as deprecated.
export CGO_CFLAGS = -O2 -g -Wno-deprecated-declarations
LDFLAGS := -s -w -X github.com/kwatt-sim/kwatt/internal/cli.version=$(VERSION)
# Kubernetes is told its version when it is linked.
KUBE = $(shell $(GO) list -m -f '{{.Version}}' k8s.io/kubernetes)
KUBE_LDFLAGS = $(foreach p,k8s.io/component-base/version k8s.io/client-go/pkg/version,-X $(p).gitVersion=$(KUBE) -X $(p).gitMajor=1 \
	-X $(p).gitMinor=$(word 2,$(subst ., ,$(KUBE))) -X $(p).gitTreeState=clean -X $(p).gitCommit=unknown)

.PHONY: help build replay demo demo-case-study test gate baseline test-long test-prometheus test-browser fuzz bench lint verify generate assets calibrate-binary simulator test-simulator clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: assets ## build bin/sim
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(SIM) ./cmd/sim

replay: ## build bin/replay, a control plane in one file (minutes, all of Kubernetes is compiled)
	$(GO) build -trimpath -ldflags '$(LDFLAGS) $(KUBE_LDFLAGS)' -o $(REPLAY) ./cmd/replay

simulator: ## build kube-scheduler-simulator's scheduler and snapshot service, a module of their own
	cd tools/scheduler-simulator && $(GO) build -trimpath -ldflags '-s -w' -o ../../bin/scheduler-simulator . && \
		$(GO) build -trimpath -ldflags '-s -w' -o ../../bin/scheduler-simulator-snapshot ./snapshot

test-simulator: build replay simulator ## try them: schedule and explain pods, load what sim exports
	KWATT_BIN=$(CURDIR)/bin $(GO) test ./internal/cli/replay -run TestSchedulerSimulator -count=1 -v

demo: build ## a real e-commerce day under four policies: table and HTML report
	$(SIM) run scenarios/ecommerce-recsys.yaml --series nodes --out results

demo-case-study: build ## the article's claims held against a real day: writes docs/case-study.md (minutes)
	$(SIM) study scenarios/case-study/study.yaml --page docs/case-study.md -o none

test: ## vet and all tests (a few minutes, most of it the first compile)
	$(GO) vet ./...
	$(GO) test -timeout 30m ./...

GATE := scenarios/gates/flash-sale.gate.yaml
gate: ## kwatt's own gate: the golden scenario against its baseline
	$(GO) run ./cmd/sim gate $(GATE)

baseline: ## write the golden gate's baseline again, for a change that is meant
	$(GO) run ./cmd/sim gate $(GATE) --update-baseline

# These run control planes; with the race detector in them they do not keep their times.
REAL = $(addprefix github.com/kwatt-sim/kwatt/,internal/kube/replay internal/kube/controlplane/component internal/cli/replay)
test-long: ## the tests with the race detector, and each fuzz target for a minute
	$(GO) test -race -timeout 60m $(filter-out $(REAL),$(shell $(GO) list ./...))
	$(GO) test ./internal/kube/scheduler -run 'Same|Free' -long -timeout 60m
	$(GO) test ./internal/kube/hpa -run TestDecidesAsUpstream -hpa.decisions=1000000 -hpa.seed=1001 -timeout 60m
	$(GO) test ./internal/kube/controlplane/component -controlplane.long -timeout 30m
	$(GO) test ./internal/kube/replay -replay.long -timeout 30m
	$(MAKE) fuzz FUZZTIME=60s

test-prometheus: ## the export in a real Prometheus (Debian's package prometheus): every expression of the dashboard has figures
	@command -v promtool >/dev/null && command -v prometheus >/dev/null || { echo 'want promtool and prometheus: apt-get install prometheus'; exit 1; }
	$(GO) test -tags prometheus ./internal/openmetrics -run Prometheus -count 1 -v -timeout 5m

test-browser: assets ## the HTML report in a real Chromium (Debian's package chromium): charts drawn, no request, no console error
	@command -v chromium >/dev/null || { echo 'want chromium: apt-get install chromium'; exit 1; }
	$(GO) test -tags browser ./internal/report -run Browser -count 1 -v -timeout 5m

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
