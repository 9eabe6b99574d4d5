package wazeromem_test

import (
	"context"
	"fmt"
	"log"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/tetratelabs/wazero"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// A module whose memory never moves: a view is good whoever grows the memory, growth has a limit of its own, and pages that
// are free go back to the operating system.
func ExampleStableMemories() {
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer func() { _ = r.Close(ctx) }()

	stable := new(wazeromem.StableMemories)
	mod, err := r.Instantiate(stable.Context(ctx), linmemtest.Module(1, 65536))
	if err != nil {
		log.Fatal(err)
	}
	mem, err := wazeromem.New(mod, "")
	if err != nil {
		log.Fatal(err)
	}
	heap, err := linmem.NewHeap(mem)
	if err != nil {
		log.Fatal(err)
	}
	addr, err := heap.Put([]byte("hello"))
	if err != nil {
		log.Fatal(err)
	}
	view, err := heap.View(addr, 5)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := mod.ExportedFunction("grow").Call(ctx, 20_000); err != nil { // the guest takes more than a gigabyte
		log.Fatal(err)
	}
	if _, err := mod.ExportedFunction("store").Call(ctx, addr, 'j'); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("the view of before shows %q, of %d pages\n", view, mem.NumPages())

	if err := mem.LimitPages(0); err != nil { // as it is
		log.Fatal(err)
	}
	refused, err := mod.ExportedFunction("grow").Call(ctx, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("frozen, the guest's memory.grow returns", int32(refused[0]))

	if err := heap.Reset(); err != nil {
		log.Fatal(err)
	}
	trimmed, err := heap.Pages().Trim()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("pages given back:", trimmed)
	// Output:
	// the view of before shows "jello", of 20002 pages
	// frozen, the guest's memory.grow returns -1
	// pages given back: 1
}
