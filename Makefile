# Every target loops over the modules; `go test work` at the root does the same for the tests.
MODULES := core backends/native backends/wazero backends/wasmtime backends/wasmer integration

# The modules that are pure Go, and the platforms that they must build for besides the one at hand; integration, too, for CROSS.
PURE      := core backends/native backends/wazero
CROSS     := linux/arm64 darwin/arm64 windows/amd64
CROSSPURE := darwin/amd64 windows/arm64 freebsd/amd64

# What of core is tested under qemu: all that puts numbers into bytes. The models of 46 s each are left out; the seeds of the
# fuzz targets take the same steps beside the same oracles.
BIGENDIAN     := . ./guest ./internal/wasm ./linmemtest ./zigref
BIGENDIANSKIP := ^Test(Heap)?Model$$

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

.PHONY: help check build test race pure cross platforms standalone rehearse vet lint fmt fuzz bench readme guests tools

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

check: build vet lint test race pure cross platforms standalone rehearse ## everything that CI runs

build: ## compile every package
	$(call each,go build ./...)

test: ## run every test
	$(call each,go test ./...)

# The packages in which anything runs at the same time as anything else. The models do not; they are core's longest tests.
race: ## run what is concurrent under the race detector; -short leaves out the file of 300 MB, and real guests
	@echo "== core"; cd core && go test -race -short -skip '^Test(Heap)?Model$$' . ./linmemtest
	@set -euo pipefail; for m in $(filter backends/%,$(MODULES)); do echo "== $$m"; (cd $$m && go test -race -short ./...); done
	@echo "== integration"; cd integration && go test -race -short ./matrix/... ./bench/heaps/... ./hosts/... ./internal/cli ./zaplog

# What runs without cgo runs the same with it, so only what a build without it lacks is tested: the command's siblings, the engines.
pure: ## build and vet without cgo, test what that leaves out, and name it
	$(call each,CGO_ENABLED=0 go build ./... && CGO_ENABLED=0 go vet ./...)
	@set -euo pipefail; cd integration; export CGO_ENABLED=0; echo "== integration: CGO_ENABLED=0"; go test -short ./cmd/linmem ./internal/cli; \
	out=$$(go test -v -run '^TestMatrix$$/^wasm(time|er)' ./matrix/...); \
	for e in wasmtime wasmer; do grep "$$e is left out of this build" <<<"$$out"; done

cross: ## compile the pure modules, the command linmem, and their tests for other platforms
	@set -euo pipefail; export CGO_ENABLED=0; for p in $(CROSS); do export GOOS=$${p%/*} GOARCH=$${p#*/}; \
	for m in $(PURE) integration; do echo "== $$m: $$p"; (cd $$m && go build ./... && go vet ./...); done; done
	@set -euo pipefail; export CGO_ENABLED=0; for p in $(CROSSPURE); do export GOOS=$${p%/*} GOARCH=$${p#*/}; \
	for m in $(PURE); do echo "== $$m: $$p"; (cd $$m && go vet ./...); done; done

# On Linux and amd64, whose kernel runs 386 too. What an int cannot hold is skipped there, and says so.
platforms: ## test core where an int has 32 bits (386), and where numbers begin with their high byte (s390x, by qemu-user)
	@command -v qemu-s390x >/dev/null || { echo 'qemu-s390x is missing: apt-get install qemu-user' >&2; exit 1; }
	@set -euo pipefail; export CGO_ENABLED=0 GOOS=linux GOARCH=386; \
	for m in core backends/native; do echo "== $$m: $$GOARCH"; (cd $$m && go vet ./... && go test -short ./...); done
	@set -euo pipefail; export CGO_ENABLED=0 GOOS=linux GOARCH=s390x; cd core; echo "== core: $$GOARCH"; \
	go vet ./... && go test -short -exec qemu-s390x -skip '$(BIGENDIANSKIP)' $(BIGENDIAN)

standalone: ## build every module by itself, as its users do
	$(call each,GOWORK=off go build ./... && GOWORK=off go vet ./... && GOWORK=off go mod tidy -diff)

rehearse: ## release HEAD to a proxy in a folder, and use the modules by version; all must be committed
	@set -euo pipefail; cd .ci/rehearse; echo "== .ci/rehearse"; GOWORK=off go test ./... && GOWORK=off go run . -root ../..

vet: ## run go vet
	$(call each,go vet ./...)

lint: tools ## gofumpt and golangci-lint
	$(call each,$(TOOLS)/golangci-lint fmt --diff ./... && $(TOOLS)/golangci-lint run ./...)
	@set -euo pipefail; export GOWORK=off; cd .ci/rehearse; echo "== .ci/rehearse"; \
	$(TOOLS)/golangci-lint fmt --diff ./... && $(TOOLS)/golangci-lint run ./...

fmt: tools ## format
	$(call each,$(TOOLS)/golangci-lint fmt ./...)
	@cd .ci/rehearse && GOWORK=off $(TOOLS)/golangci-lint fmt ./...

fuzz: ## fuzz each target for FUZZTIME
	@set -euo pipefail; for t in $(FUZZ); do echo "== $$t"; \
	go test -run '^$$' -fuzz "^$${t#*:}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x ./$${t%:*}; done

bench: ## run the benchmarks that match BENCH, COUNT times; without BENCH, compare page and byte allocators as well
	$(call each,go test -run '^$$' -bench '$(BENCH)' -benchmem -benchtime $(BENCHTIME) -count $(COUNT) ./...)
	$(if $(filter .,$(BENCH)),go run ./integration/cmd/linmem-comparepages && go run ./integration/cmd/linmem-compareheaps)

readme: ## find out anew what guests tolerate and what each backend can do, and write the tables into the README
	go test ./integration/matrix/wazero -run '^TestMatrix$$/^wazero-compiler$$/^guests$$' -update
	for e in native wazero wasmtime wasmer; do go test ./integration/matrix/$$e -run '^TestMatrix$$/.*/^features$$' -update || exit; done
	go test ./integration -run '^TestReadmeTables' -update

guests: ## rebuild the wasm guests; needs what CONTRIBUTING.md lists
	integration/guests/build.sh
	integration/hosts/build.sh
	go test ./integration/matrix/wasmtime -run '^TestTextGuests$$' -update

# The linter runs at the version that .ci/tools/go.mod says. That module is not in go.work: its dependencies are many. Nor is
# .ci/rehearse, which needs a later Go than the rest.
tools: $(TOOLS)/golangci-lint

$(TOOLS)/golangci-lint: .ci/tools/go.mod
	GOWORK=off go -C .ci/tools build -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
