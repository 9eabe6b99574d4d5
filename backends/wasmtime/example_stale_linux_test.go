//go:build cgo

package wasmtimemem_test

import (
	"fmt"
	"log"
	"runtime/debug"

	"github.com/bytecodealliance/wasmtime-go/v44"
	"github.com/linmem/linmem/core/linmemtest"

	wasmtimemem "github.com/linmem/linmem/backends/wasmtime"
)

// A test finds a view that is used after the guest has grown its memory: in production that would seldom do harm, and then
// much.
func ExampleFenceOnGrowth() {
	cfg := wasmtime.NewConfig()
	if err := wasmtimemem.FenceOnGrowth(cfg); err != nil {
		log.Fatal(err)
	}
	engine := wasmtime.NewEngineWithConfig(cfg)
	module, err := wasmtime.NewModule(engine, linmemtest.Module(1, 2))
	if err != nil {
		log.Fatal(err)
	}
	store := wasmtime.NewStore(engine)
	defer store.Close()
	inst, err := wasmtime.NewInstance(store, module, nil)
	if err != nil {
		log.Fatal(err)
	}
	mem, err := wasmtimemem.New(store, inst, "")
	if err != nil {
		log.Fatal(err)
	}

	view, err := mem.View(16, 4)
	if err != nil {
		log.Fatal(err)
	}
	copy(view, "data")
	if _, err := inst.GetFunc(store, "grow").Call(store, 1); err != nil {
		log.Fatal(err)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	func() {
		defer func() { fmt.Println("the old view:", recover()) }()
		fmt.Println(string(view))
	}()
	if view, err = mem.View(16, 4); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("a new view: %s\n", view)
	// Output:
	// the old view: runtime error: invalid memory address or nil pointer dereference
	// a new view: data
}
