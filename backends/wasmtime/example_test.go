//go:build cgo

package wasmtimemem_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"

	wasmtimemem "github.com/linmem/linmem/backends/wasmtime"
)

// A host puts bytes into a guest's memory, without a call into the guest, and the guest reads them.
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
	heap, err := linmem.NewHeap(mem) // owns nothing yet
	if err != nil {
		log.Fatal(err)
	}
	addr, err := heap.Put([]byte("hello, guest")) // without a call into the guest
	if err != nil {
		log.Fatal(err)
	}
	first, err := inst.GetFunc(store, "load").Call(store, int32(addr)) // hand the guest the address
	if err != nil {
		log.Fatal(err)
	}
	if err := heap.Free(addr); err != nil {
		log.Fatal(err)
	}

	fmt.Printf("the guest reads %c at %#x\n", first, addr)
	fmt.Println("freed twice:", errors.Is(heap.Free(addr), linmem.ErrNotAllocated))
	// Output:
	// the guest reads h at 0x10000
	// freed twice: true
}
