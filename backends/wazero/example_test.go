package wazeromem_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/tetratelabs/wazero"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// A host puts bytes into a guest's memory, without a call into the guest, and the guest reads them. The guest here is the
// test module of linmemtest: a memory, and a function that loads a byte from it.
func Example() {
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer func() { _ = r.Close(ctx) }()
	mod, err := r.Instantiate(ctx, linmemtest.Module(1, 100))
	if err != nil {
		log.Fatal(err)
	}

	mem, err := wazeromem.New(mod, "") // the guest's memory
	if err != nil {
		log.Fatal(err)
	}
	heap, err := linmem.NewHeap(mem) // owns nothing yet
	if err != nil {
		log.Fatal(err)
	}
	addr, err := heap.Put([]byte("hello, guest")) // without a call into the guest
	if err != nil {
		log.Fatal(err)
	}
	first, err := mod.ExportedFunction("load").Call(ctx, addr) // hand the guest the address
	if err != nil {
		log.Fatal(err)
	}
	if err := heap.Free(addr); err != nil {
		log.Fatal(err)
	}

	fmt.Printf("the guest reads %c at %#x\n", first[0], addr)
	fmt.Println("freed twice:", errors.Is(heap.Free(addr), linmem.ErrNotAllocated))
	// Output:
	// the guest reads h at 0x10000
	// freed twice: true
}
