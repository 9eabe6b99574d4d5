// Package substratehost runs runtimes of Substrate, the state machines of Polkadot and other chains, with a heap of
// linmem's for their allocator. They are the guests that have their host allocate: each imports
// ext_allocator_malloc_version_1 and ext_allocator_free_version_1, and exports __heap_base. An entry point takes address
// and length of its SCALE-encoded arguments, and returns those of the result in one i64.
//
// # How hosts do it
//
// Substrate's executor and gossamer (lib/runtime/wazero, on wazero) have an allocator of powers of two, up to 32 MiB,
// with a header of eight bytes before each block, in the guest's memory. A runtime that overruns a block overwrites the
// header of the next; the host finds out when it needs the header, if that is one that cannot be, and the allocator is
// poisoned from then on. After each call the host forgets all blocks.
//
// # How linmem gets in
//
// wazeromem.Allocator serves the two imports from the heap that guest.Open makes, which begins at __heap_base. The host
// allocates the arguments from the same heap, and reads and frees the result. A runtime whose memory is imported has to
// be rewritten to export it first, as Substrate's executor does (RuntimeBlob::convert_memory_import_into_export):
// wazero's host modules cannot export one.
//
// # What to copy
//
// executor.go. A whole host has a hundred other functions in the module env, which the builder in New gets as well. Live
// tells if a runtime forgets blocks, and Reset forgets all of them.
//
// # What it gains
//
// A runtime can do nothing to the allocator (TestUnderrun). Double frees, and results that are not in a block, are errors
// (TestExecErrors). Arguments may be larger than 32 MiB (TestLargeArguments). And blocks are not rounded up to powers of
// two: calls with 100,000 transfers leave a memory of 95 pages instead of 145 (TestMemory).
//
// No calls and no copies are saved, as the host allocated before. The time of a call, beside an allocator of powers of
// two (bump_test.go), with
//
//	go test -run '^$' -bench Exec ./integration/hosts/substratehost
//
// in µs, medians of six runs on two cores of a shared x86-64 server with Go 1.26; what differs is within the noise:
//
//	transfers  powers of two  linmem
//	1                    4.1     3.9
//	100                  7.1     7.6
//	4,000                144     151
package substratehost
