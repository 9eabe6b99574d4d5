package linmem_test

import (
	"fmt"
	"log"
	"sync"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
)

// Goroutines put data for the next call into a guest, while the guest runs: what they need is reserved, and the memory
// pinned, so that nothing of it touches the runtime.
func ExamplePinned() {
	mem := linmem.NewPinned(linmemtest.NewMemory(1, 100)) // in place of a guest's
	heap, err := linmem.NewHeap(mem)
	if err != nil {
		log.Fatal(err)
	}
	if err := heap.Reserve(8 * linmem.PageSize); err != nil {
		log.Fatal(err)
	}
	if err := mem.Pin(); err != nil {
		log.Fatal(err)
	}

	shared := linmem.NewShared(heap)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			local := shared.Local()
			defer func() { _ = local.Close() }()
			for range 100 {
				if _, err := local.Put([]byte("for the next call")); err != nil {
					log.Fatal(err)
				}
			}
		})
	}
	// Here the guest runs.
	wg.Wait()

	if err := mem.Unpin(); err != nil { // all is where it was
		log.Fatal(err)
	}
	fmt.Println("blocks:", heap.Stats().Allocs)
	// Output:
	// blocks: 400
}
