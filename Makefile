# Every target loops over the modules; `go test work` at the root does the same for the tests.
MODULES := core backends/native backends/wazero backends/wasmtime backends/wasmer integration

# The modules that are pure Go, and the platforms that they must build for besides the one at hand.
PURE  := core backends/native backends/wazero
CROSS := windows/amd64 darwin/arm64 linux/arm64

# The fuzz targets, as folder:name. Without -fuzzminimizetime go spends most of the time on making inputs smaller.
FUZZ := core:FuzzPages core:FuzzRestore core:FuzzHeap core:FuzzRestoreHeap core/internal/pagemap:FuzzMap core/zigref:FuzzGuestWrites \
	integration/zigoracle:FuzzPageAllocator integration/zigoracle:FuzzAllocator integration/traces:FuzzParse core/guest:FuzzInspect

# each COMMAND: the command in every module's folder, ending at the first failure.
each = @set -euo pipefail; for m in $(MODULES); do echo "== $$m: $(1)"; (cd $$m && $(1)); done

FUZZTIME  ?= 1m
BENCH     ?= .
BENCHTIME ?= 0.2s
COUNT     ?= 1

SHELL := bash
TOOLS := $(CURDIR)/.ci/bin

.PHONY: help check build test race pure cross standalone vet lint fmt fuzz bench readme guests tools

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

check: build vet lint test race pure cross standalone ## everything that CI runs

build: ## compile every package
	$(call each,go build ./...)

test: ## run every test
	$(call each,go test ./...)

race: ## run the tests under the race detector; -short leaves out the file of 300 MB, and has guests do less
	$(call each,go test -race -short ./...)

pure: ## build, vet and test without cgo, and name what that leaves out
	$(call each,CGO_ENABLED=0 go build ./... && CGO_ENABLED=0 go vet ./... && CGO_ENABLED=0 go test -short ./...)
	@set -euo pipefail; cd integration; out=$$(CGO_ENABLED=0 go test -v -run '^TestMatrix$$/^wasm(time|er)$$' ./matrix/...); \
	for e in wasmtime wasmer; do grep "$$e is left out of this build" <<<"$$out"; done

cross: ## compile the pure modules, their tests, and the command linmem for other platforms
	@set -euo pipefail; export CGO_ENABLED=0; for p in $(CROSS); do export GOOS=$${p%/*} GOARCH=$${p#*/}; \
	for m in $(PURE) integration; do echo "== $$m: $$p"; (cd $$m && go build ./... && go vet ./...); done; done

standalone: ## build every module by itself, as its users do
	$(call each,GOWORK=off go build ./... && GOWORK=off go vet ./... && GOWORK=off go mod tidy -diff)

vet: ## run go vet
	$(call each,go vet ./...)

lint: tools ## gofumpt and golangci-lint
	$(call each,$(TOOLS)/golangci-lint fmt --diff ./... && $(TOOLS)/golangci-lint run ./...)

fmt: tools ## format
	$(call each,$(TOOLS)/golangci-lint fmt ./...)

fuzz: ## fuzz each target for FUZZTIME
	@set -euo pipefail; for t in $(FUZZ); do echo "== $$t"; \
	go test -run '^$$' -fuzz "^$${t#*:}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./$${t%:*}; done

bench: ## run the benchmarks that match BENCH, COUNT times; without BENCH, compare page and byte allocators as well
	$(call each,go test -run '^$$' -bench '$(BENCH)' -benchmem -benchtime $(BENCHTIME) -count $(COUNT) ./...)
	$(if $(filter .,$(BENCH)),go run ./integration/cmd/linmem-comparepages && go run ./integration/cmd/linmem-compareheaps)

readme: ## find out anew what guests tolerate, and write the table into the README
	go test ./integration/matrix/wazero -run '^TestMatrix$$/^wazero-compiler$$/^guests$$' -update
	go test ./integration -run '^TestReadmeGuests' -update

guests: ## rebuild the wasm guests; needs what CONTRIBUTING.md lists
	integration/guests/build.sh

# The linter runs at the version that .ci/tools/go.mod says. That module is not in go.work: its dependencies are many.
tools: $(TOOLS)/golangci-lint

$(TOOLS)/golangci-lint: .ci/tools/go.mod
	GOWORK=off go -C .ci/tools build -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
