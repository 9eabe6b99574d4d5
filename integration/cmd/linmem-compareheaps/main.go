// Command linmem-compareheaps runs byte allocators on the same work and prints how they compare as Markdown: linmem's heap,
// Zig's allocator ported to the host, modernc.org/memory, Go's make, and the allocators of guests in wazero, wasmtime and
// wasmer, which the host calls; the times, the allocations on the Go heap, the memory, and the goals that the heap has. See
// package heaps of integration/bench for the allocators and the workloads. mimalloc, in C and in a process of its own, is
// beside them on the traces if gcc and libmimalloc-dev are there.
//
// wasmtime-go and wasmer-go cannot share a process: it starts linmem-compareheaps-wasmtime and linmem-compareheaps-wasmer
// through go run, one after the other, each of which has a heap of its own beside the guests. So it works in a checkout.
//
// Each allocator is measured once a round, in a different order each round, after a garbage collection; the median of the
// rounds counts. A goal that is missed is no failure. The exit code is 1 if an allocator fails, or a program that it starts,
// and 2 for bad flags.
package main

import (
	"github.com/linmem/linmem/integration/bench/heaps/wazerocalls"
	"github.com/linmem/linmem/integration/engines/wazeroengine"
	"github.com/linmem/linmem/integration/internal/compareheaps"
)

func main() {
	compareheaps.Program{
		Name: "linmem-compareheaps", Runtime: wazerocalls.Runtime(), Engine: wazeroengine.Default(), Native: true, Siblings: []string{"wasmtime", "wasmer"},
	}.Main()
}
