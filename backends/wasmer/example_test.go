//go:build cgo && (linux || darwin)

package wasmermem_test

import (
	"fmt"
	"log"

	linmem "github.com/linmem/linmem/core"
	"github.com/wasmerio/wasmer-go/wasmer"

	wasmermem "github.com/linmem/linmem/backends/wasmer"
)

// A host puts bytes into a guest's memory, in pages of its own, and the guest reads them.
func Example() {
	store := wasmer.NewStore(wasmer.NewEngine())
	module, err := wasmer.NewModule(store, []byte(`(module
		(memory (export "memory") 1)
		(func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`))
	if err != nil {
		log.Fatal(err)
	}
	inst, err := wasmer.NewInstance(module, wasmer.NewImportObject())
	if err != nil {
		log.Fatal(err)
	}
	defer inst.Close()

	mem, err := wasmermem.New(inst, "") // the guest's memory
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

	load, err := inst.Exports.GetFunction("load")
	if err != nil {
		log.Fatal(err)
	}
	first, err := load(int32(run.Addr()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes at %#x, the first of which the guest reads as %c\n", n, run.Addr(), first)
	fmt.Println("freed:", pages.Free(run) == nil)
	// Output:
	// 12 bytes at 0x10000, the first of which the guest reads as h
	// freed: true
}
