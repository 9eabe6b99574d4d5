// Package bench runs page allocators on the same work in one process. It has the allocators, the workloads and the
// latencies; its benchmarks and the command linmem-comparepages are two ways to see them.
//
// # Allocators
//
// linmem is [linmem.Pages], zigref is Zig's WasmPageAllocator ported to the host, flat is a scan of a flat bitmap
// (package flatscan), and radix is after the idea of the page allocator of Go's runtime (package radix). All are called
// through the interface [Allocator], so each call bears the same: one call through an interface, and the adaptor's own
// call. [Scene.Harness] runs the same work on an allocator that does nothing, which tells what that and the workload's
// own doing take.
//
// linmem and zigref stand on a memory whose size is a Go counter, so asking it for its size, or for a growth that it
// refuses, costs next to nothing; see [Memory]. Page 0 is nobody's in all of them. linmem, flat and radix are told how many
// pages there are at most. Where nothing fits, linmem returns an error with the call, the size and the reason; zigref asks
// the memory to grow, which is at its maximum, and builds an error. That is in their times.
//
// linmem and zigref check what they are asked to free. flat and radix believe it, and report no reason for a failure.
//
// # Workloads
//
// See [Cases]. A memory is brought into its state by allocations in the order of addresses, some of which are then freed;
// so each allocator starts from the same pages. zigref differs by one: it steals the last page of the first range past
// page 2,048 that is freed, to keep its bitmap there.
//
//	go test -run '^$' -bench . -count 6 ./integration/bench | tee new.txt
//	benchstat -col /allocator new.txt
//	go run ./integration/cmd/linmem-comparepages
package bench
