//go:build cgo

package wasmtimemem_test

import (
	"context"
	"fmt"
	"log"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"

	wasmtimemem "github.com/linmem/linmem/backends/wasmtime"
)

// A host finds out where it may put bytes in a guest, and puts them there. This guest, a test module of linmemtest, imports
// malloc from the host, also while it is initialized: so it allocates from the same heap.
func Example_open() {
	wasm := linmemtest.AllocatorModule(guest.CImports())
	report, err := guest.Inspect(wasm) // toolchain, allocators, what it does with memory.grow
	if err != nil {
		log.Fatal(err)
	}

	store := wasmtime.NewStore(wasmtime.NewEngine())
	defer store.Close()
	linker := wasmtime.NewLinker(store.Engine)
	allocator, err := wasmtimemem.NewAllocator(linker) // what guests import to allocate with
	if err != nil {
		log.Fatal(err)
	}
	module, err := wasmtime.NewModule(store.Engine, wasm)
	if err != nil {
		log.Fatal(err)
	}
	instance, err := linker.Instantiate(store, module)
	if err != nil {
		log.Fatal(err)
	}
	inst, err := wasmtimemem.NewUninitialized(store, instance, "") // Open initializes it
	if err != nil {
		log.Fatal(err)
	}

	bind := guest.WithBind(func(h *linmem.Heap) error { return allocator.Bind(store, h) })
	g, err := guest.Open(context.Background(), inst, report, bind) // a *guest.UnsafeError if no place is known to be safe
	if err != nil {
		log.Fatal(err)
	}
	addr, err := g.Heap.Put([]byte("hello, guest"))
	if err != nil {
		log.Fatal(err)
	}
	err = g.Verify() // nobody has written to the canaries around the host's bytes

	first, _ := inst.Global("first")
	fmt.Println("placed by", g.Plan.Strategy)
	fmt.Printf("the host's block is at %#x, the guest's at %#x; verified: %v\n", addr, first, err)
	// Output:
	// placed by heap-base
	// the host's block is at 0x10400, the guest's at 0x10000; verified: <nil>
}
