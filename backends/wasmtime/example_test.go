//go:build cgo

package wasmtimemem_test

import (
	"fmt"
	"log"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"

	wasmtimemem "github.com/linmem/linmem/backends/wasmtime"
)

// A host puts bytes into a guest's memory, in pages of its own, and the guest reads them.
func Example() {
	wasm, err := wasmtime.Wat2Wasm(`(module
		(memory (export "memory") 1)
		(func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`)
	if err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(wasmtime.NewEngine())
	defer store.Close()
	module, err := wasmtime.NewModule(store.Engine, wasm)
	if err != nil {
		log.Fatal(err)
	}
	inst, err := wasmtime.NewInstance(store, module, nil)
	if err != nil {
		log.Fatal(err)
	}

	mem, err := wasmtimemem.New(store, inst, "") // the guest's memory
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

	first, err := inst.GetFunc(store, "load").Call(store, int32(run.Addr()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes at %#x, the first of which the guest reads as %c\n", n, run.Addr(), first)
	fmt.Println("freed:", pages.Free(run) == nil)
	// Output:
	// 12 bytes at 0x10000, the first of which the guest reads as h
	// freed: true
}
