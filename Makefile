# The commands of the house. `make help` lists them.

GO ?= go
TOOL := $(GO) tool -modfile=tools.mod
# Go wants to note the commit; where git refuses (the clone of another user), go without.
VCS := -buildvcs=$(shell git status --porcelain >/dev/null 2>&1 && echo auto || echo false)
ENGINE_SOURCES := $(shell find engine -name '*.go' -not -name '*_test.go') engine/go.mod engine/go.sum

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help build dev run test check replay races chaos torn ledger model bench gen deps
.PHONY: need-go check-format check-vet check-gen check-workflows check-lint FORCE

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: bin/aidflow bin/aidflow-engine ## make bin/aidflow and bin/aidflow-engine

dev: build deps ## run the whole stack on this machine; Ctrl-C stops it, data stays
	@bin/aidflow dev

run: build deps ## the same with a demonstration: seven kinds of aid from request to closed door
	@bin/aidflow dev --demo

test: build deps ## every test; needs PostgreSQL, makes its own databases
	$(GO) test -timeout 25m ./...
	cd engine && $(GO) test ./...

check: check-format check-vet check-gen check-workflows check-lint test ## everything that CI runs

replay: ## replay recorded histories: may this version be deployed over running cases?
	$(GO) test -count=1 -run Replay ./workflows/...

# WALKS=2000 make model: about two seconds a walk on a quiet machine.
model: deps ## take cases through random matrices by random acts, beside a simple model
	$(GO) test ./worker -run 'TestModel$$' -count=1 -timeout 0 -v -rapid.checks $(or $(WALKS),500)

races: deps ## 10,000 races of approvers on one task (AIDFLOW_RACES, AIDFLOW_RACES_SEED)
	@CI=true AIDFLOW_RACES=$${AIDFLOW_RACES:-10000} $(GO) test ./api -count=1 -timeout 3h -run RacesOfApprovers -v

ledger: ## 1,000,000 random operations of a fund beside a model (AIDFLOW_LEDGER_OPS, AIDFLOW_LEDGER_SEED)
	@AIDFLOW_LEDGER_OPS=$${AIDFLOW_LEDGER_OPS:-1000000} $(GO) test ./aid/ledger -count=1 -run RandomLife -v

# CASES=200 KILLS=20 CRASHES=3 OTHERS=5 make chaos: a smaller one.
chaos: build deps ## pay 2,000 cases through a hostile bank while everything is killed (CASES, KILLS, CRASHES, OTHERS, SEED)
	$(GO) test ./e2e -count=1 -timeout 0 -run Chaos -v -chaos.cases $(or $(CASES),2000) -chaos.kills $(or $(KILLS),200) \
	  -chaos.crashes $(or $(CRASHES),25) -chaos.others $(or $(OTHERS),50) -chaos.seed $(or $(SEED),0)

torn: deps ## run every activity with its connection to PostgreSQL torn before every message, by FIN and by RST (TORN)
	AIDFLOW_TORN=$(or $(TORN),422) $(GO) test ./activities -count=1 -timeout 0 -run OneEffect -v

bench: build deps ## measure speed and cost beside controls of the same run
	$(GO) run ./bench

gen: ## generate code again (api/openapi.yaml is the source)
	$(GO) generate ./...

# Always asked: the go command knows best what changed.
bin/aidflow: need-go FORCE
	@$(GO) build $(VCS) -o $@ ./cmd/aidflow

# Four minutes from nothing, so only when its own files changed.
bin/aidflow-engine: $(ENGINE_SOURCES) | need-go
	@echo "building the engine (a Temporal server; some minutes the first time)"
	@cd engine && $(GO) build $(VCS) -trimpath -ldflags='-s -w' -o ../$@ .

need-go:
	@command -v $(GO) >/dev/null || { echo "Go 1.26 or newer is missing: https://go.dev/dl/" >&2; exit 1; }
	@v=$$($(GO) env GOVERSION | sed -n 's/^go1\.\([0-9]*\).*/\1/p'); \
	if [ "$${v:-99}" -lt 26 ]; then \
	  echo "Go 1.26 or newer is needed, this is $$($(GO) env GOVERSION): https://go.dev/dl/" >&2; exit 1; fi

# Installs PostgreSQL where that needs no question: on Debian, as root, when
# there is none. Elsewhere `aidflow dev` says what to install. The package's own
# cluster is not wanted: ours is private.
deps:
	@if [ -z "$$DATABASE_URL" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  ! command -v postgres >/dev/null && ! ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then \
	  echo "installing PostgreSQL"; export DEBIAN_FRONTEND=noninteractive; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql-common >/dev/null && \
	  sed -i 's/^#* *create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf && \
	  apt-get install -y -qq --no-install-recommends postgresql >/dev/null; fi

check-format:
	@bad=$$(gofmt -l .); [ -z "$$bad" ] || { echo "not formatted (gofmt -w .):"; echo "$$bad"; exit 1; }

check-vet:
	$(GO) vet ./...
	cd engine && $(GO) vet ./...

# What is generated is committed; this makes sure that it still follows.
check-gen:
	@sums() { find . -name '*.gen.go' -not -path '*/node_modules/*' | sort | xargs cksum; }; \
	before=$$(sums); $(GO) generate ./... && [ "$$before" = "$$(sums)" ] || \
	  { echo "generated code was not up to date; it is now: commit it"; exit 1; }

# Finds what is not deterministic in workflows.
check-workflows:
	$(TOOL) workflowcheck ./workflows/...

check-lint:
	$(TOOL) golangci-lint run ./...
	cd engine && $(GO) tool -modfile=../tools.mod golangci-lint run ./...

FORCE:
