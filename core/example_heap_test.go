package linmem_test

import (
	"errors"
	"fmt"
	"sync"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
)

// The memory of these examples has one page of the guest's, and can grow to 100. A real one comes from a backend.
func ExampleNewHeap() {
	heap, err := linmem.NewHeap(linmemtest.NewMemory(1, 100))
	if err != nil {
		fmt.Println(err)
		return
	}
	addr, err := heap.Put([]byte("a message for the guest"))
	if err != nil {
		fmt.Println(err)
		return
	}
	usable, _ := heap.SizeOf(addr)
	fmt.Printf("at %#x, which has room for %d bytes\n", addr, usable)

	_, err = heap.View(addr, 33) // more than the allocation has
	fmt.Println(err)
	fmt.Println(heap.Free(addr + 8)) // inside of it
	fmt.Println(heap.Free(addr))
	// Output:
	// at 0x10000, which has room for 32 bytes
	// linmem: Heap.View of 33 bytes at 0x10000: past the end of the allocation; compare with SizeOf
	// linmem: Heap.Free at 0x10008: not a live allocation; pass what the allocator returned, whole and once
	// <nil>
}

// A budget keeps a heap from taking more of the guest's address space than it should.
func ExampleHeap_Alloc_budget() {
	heap, err := linmem.NewHeap(linmemtest.NewMemory(1, 100), linmem.WithMaxPages(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = heap.Alloc(200_000)
	fmt.Println(errors.Is(err, linmem.ErrOutOfMemory), heap.Pages().Stats().Owned)
	// Output: true 0
}

// An arena holds what one request needs, and gives it up at once.
func ExampleHeap_NewArena() {
	heap, err := linmem.NewHeap(linmemtest.NewMemory(1, 100))
	if err != nil {
		fmt.Println(err)
		return
	}
	arena := heap.NewArena()
	for range 1000 {
		if _, err := arena.Put([]byte("a header of the request")); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(heap.Stats().Chunks, "chunks for 1,000 blocks")
	if err := arena.Free(); err != nil {
		fmt.Println(err)
	}
	fmt.Println(heap.Stats().Live, "bytes live")
	// Output:
	// 4 chunks for 1,000 blocks
	// 0 bytes live
}

// Goroutines share a heap, each with a Local that allocates without a lock.
func ExampleShared() {
	heap, err := linmem.NewHeap(linmemtest.NewMemory(1, 100))
	if err != nil {
		fmt.Println(err)
		return
	}
	shared := linmem.NewShared(heap)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			local := shared.Local()
			defer func() { _ = local.Close() }()
			for range 1000 {
				addr, err := local.Alloc(100)
				if err != nil {
					fmt.Println(err)
					return
				}
				if err := local.Free(addr); err != nil {
					fmt.Println(err)
				}
			}
		})
	}
	all.Wait()
	stats := shared.Stats()
	fmt.Println(stats.Allocs, "allocations,", stats.Cached, "bytes cached")
	// Output: 0 allocations, 0 bytes cached
}

// A heap is saved with its memory's contents, and goes on elsewhere at the same addresses.
func ExampleRestoreHeap() {
	mem := linmemtest.NewMemory(1, 100)
	heap, err := linmem.NewHeap(mem)
	if err != nil {
		fmt.Println(err)
		return
	}
	addr, err := heap.Put([]byte("kept"))
	if err != nil {
		fmt.Println(err)
		return
	}
	snapshot, err := heap.MarshalBinary()
	if err != nil {
		fmt.Println(err)
		return
	}
	image, err := mem.View(0, mem.NumPages()*linmem.PageSize)
	if err != nil {
		fmt.Println(err)
		return
	}

	elsewhere := linmemtest.NewMemory(mem.NumPages(), 100) // on another runtime, say
	view, err := elsewhere.View(0, uint64(len(image)))
	if err != nil {
		fmt.Println(err)
		return
	}
	copy(view, image)
	restored, err := linmem.RestoreHeap(elsewhere, snapshot)
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := restored.View(addr, 4)
	fmt.Printf("%s %v\n", data, err)
	// Output: kept <nil>
}
