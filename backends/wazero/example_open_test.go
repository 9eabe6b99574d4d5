package wazeromem_test

import (
	"context"
	"fmt"
	"log"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/tetratelabs/wazero"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// A host finds out where it may put bytes in a guest, and puts them there. This guest, a test module of linmemtest, imports
// malloc from the host, also while it is initialized: so it allocates from the same heap.
func Example_open() {
	ctx := context.Background()
	wasm := linmemtest.AllocatorModule(guest.CImports())
	report, err := guest.Inspect(wasm) // toolchain, allocators, what it does with memory.grow
	if err != nil {
		log.Fatal(err)
	}

	r := wazero.NewRuntime(ctx)
	defer func() { _ = r.Close(ctx) }()
	allocator, err := wazeromem.NewAllocator(ctx, r) // what guests import to allocate with
	if err != nil {
		log.Fatal(err)
	}
	stable := new(wazeromem.StableMemories) // some guests are safe only if their memory can be limited
	config := wazero.NewModuleConfig().WithStartFunctions()
	mod, err := r.InstantiateWithConfig(stable.Context(ctx), wasm, config)
	if err != nil {
		log.Fatal(err)
	}
	inst, err := wazeromem.NewUninitialized(mod, "") // Open initializes it
	if err != nil {
		log.Fatal(err)
	}

	bind := guest.WithBind(func(h *linmem.Heap) error { return allocator.Bind(mod, h) })
	g, err := guest.Open(ctx, inst, report, bind) // a *guest.UnsafeError if no place is known to be safe
	if err != nil {
		log.Fatal(err)
	}
	addr, err := g.Heap.Put([]byte("hello, guest")) // the Heap from above
	if err != nil {
		log.Fatal(err)
	}
	err = g.Verify() // nobody has written to the canaries around the host's bytes

	fmt.Println("placed by", g.Plan.Strategy)
	fmt.Printf("the host's block is at %#x, the guest's at %#x; verified: %v\n", addr, mod.ExportedGlobal("first").Get(), err)
	// Output:
	// placed by heap-base
	// the host's block is at 0x10400, the guest's at 0x10000; verified: <nil>
}
