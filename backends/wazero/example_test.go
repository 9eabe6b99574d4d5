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

// A host puts bytes into a guest's memory, in pages of its own, and the guest reads them. The guest here is the test
// module of linmemtest: a memory, and a function that loads a byte from it.
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
	pages, err := linmem.NewPages(mem) // owns no page yet
	if err != nil {
		log.Fatal(err)
	}
	run, err := pages.Alloc(2) // the memory grows by two pages
	if err != nil {
		log.Fatal(err)
	}
	view, err := mem.View(run.Addr(), run.Bytes()) // good until the memory next grows
	if err != nil {
		log.Fatal(err)
	}
	n := copy(view, "hello, guest")

	first, err := mod.ExportedFunction("load").Call(ctx, run.Addr())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes at %#x, the first of which the guest reads as %c\n", n, run.Addr(), first[0])
	fmt.Println("freed:", pages.Free(run) == nil)
	// Output:
	// 12 bytes at 0x10000, the first of which the guest reads as h
	// freed: true
}
