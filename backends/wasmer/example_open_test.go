//go:build cgo && (linux || darwin)

package wasmermem_test

import (
	"context"
	"fmt"
	"log"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/wasmerio/wasmer-go/wasmer"

	wasmermem "github.com/linmem/linmem/backends/wasmer"
)

// A host finds out where it may put bytes in a guest, and puts them there. This guest, a test module of linmemtest, imports
// malloc from the host, also while it is initialized: so it allocates from the same heap.
func Example_open() {
	wasm := linmemtest.AllocatorModule(guest.CImports())
	report, err := guest.Inspect(wasm) // toolchain, allocators, what it does with memory.grow
	if err != nil {
		log.Fatal(err)
	}

	store := wasmer.NewStore(wasmer.NewEngine())
	allocator, err := wasmermem.NewAllocator(store) // what this guest imports to allocate with
	if err != nil {
		log.Fatal(err)
	}
	object := wasmer.NewImportObject()
	if err := allocator.Register(object); err != nil {
		log.Fatal(err)
	}
	module, err := wasmer.NewModule(store, wasm)
	if err != nil {
		log.Fatal(err)
	}
	instance, err := wasmer.NewInstance(module, object)
	if err != nil {
		log.Fatal(err)
	}
	defer instance.Close()
	inst, err := wasmermem.NewUninitialized(instance, "", wasmermem.WithAllocator(allocator)) // Open initializes it
	if err != nil {
		log.Fatal(err)
	}
	defer allocator.Unbind()

	bind := guest.WithBind(func(h *linmem.Heap) error { return allocator.Bind(h) })
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
