//go:build cgo && (linux || darwin)

package wasmermem_test

import (
	"errors"
	"fmt"
	"log"

	linmem "github.com/linmem/linmem/core"
	"github.com/wasmerio/wasmer-go/wasmer"

	wasmermem "github.com/linmem/linmem/backends/wasmer"
)

// A host puts bytes into a guest's memory, without a call into the guest, and the guest reads them.
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
	heap, err := linmem.NewHeap(mem) // owns nothing yet
	if err != nil {
		log.Fatal(err)
	}
	addr, err := heap.Put([]byte("hello, guest")) // without a call into the guest
	if err != nil {
		log.Fatal(err)
	}
	load, err := inst.Exports.GetFunction("load")
	if err != nil {
		log.Fatal(err)
	}
	first, err := load(int32(addr)) // hand the guest the address
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
