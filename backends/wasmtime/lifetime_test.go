//go:build cgo

package wasmtimemem_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"

	wasmtimemem "github.com/linmem/linmem/backends/wasmtime"
)

func TestLifetimes(t *testing.T) { linmemtest.RunLifetimes(t, open) }

// TestLifetimesAlone is that with an engine for each instance, which nobody keeps either.
func TestLifetimesAlone(t *testing.T) {
	linmemtest.RunLifetimes(t, func(wasm []byte) (guest.Instance, func(), error) {
		alone := wasmtime.NewEngine()
		module, err := wasmtime.NewModule(alone, wasm)
		if err != nil {
			return nil, nil, err
		}
		store := wasmtime.NewStore(alone)
		instance, err := wasmtime.NewInstance(store, module, nil)
		if err != nil {
			return nil, nil, err
		}
		inst, err := wasmtimemem.NewUninitialized(store, instance, "memory")
		return inst, store.Close, err
	})
}

// TestUnderTheCollector runs what uses memories in a process of its own, whose collector runs all the time, so that the
// finalizers of wasmtime-go do.
func TestUnderTheCollector(t *testing.T) {
	const tests = "^(TestLifetimes.*|TestConformance.*|TestInstance|TestAllocator.*|TestMemory64|TestMoves|TestDiscard.*)$"
	if os.Getenv("GOGC") == "1" {
		t.Skip("this is that process")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", tests, "-test.skip", "TestAllocatorPast4GiB", "-test.v")
	cmd.Env = append(os.Environ(), "GOGC=1")
	output, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(output, []byte("--- PASS: TestLifetimes/heap-kept")) {
		t.Errorf("%v, with GOGC=1:\n%s", err, output)
	}
}

// TestStoreIsCollected holds that nothing here keeps a store whose Memory and Instance nobody uses any more.
func TestStoreIsCollected(t *testing.T) {
	store := func() weak.Pointer[wasmtime.Store] {
		module, err := wasmtime.NewModule(engine, linmemtest.Module(1, 4))
		if err != nil {
			t.Fatal(err)
		}
		store := wasmtime.NewStore(engine)
		instance, err := wasmtime.NewInstance(store, module, nil)
		if err != nil {
			t.Fatal(err)
		}
		inst, err := wasmtimemem.NewInstance(store, instance, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := inst.LimitPages(3); err != nil {
			t.Fatal(err)
		}
		heap, err := linmem.NewHeap(inst.Memory())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := heap.Put([]byte("data")); err != nil {
			t.Fatal(err)
		}
		if _, err := inst.Call(t.Context(), "grow", 1); err != nil {
			t.Fatal(err)
		}
		return weak.Make(store)
	}()
	for range 100 {
		if runtime.GC(); store.Value() == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("the store is still there")
}

// TestClosed follows a store that is closed, through all that was made of it before.
func TestClosed(t *testing.T) {
	store, inst := instantiate(t, oneMemory)
	before, err := wasmtimemem.New(store, inst, "")
	if err != nil {
		t.Fatal(err)
	}
	guest, err := wasmtimemem.NewInstance(store, inst, "")
	if err != nil {
		t.Fatal(err)
	}
	memories := map[string]*wasmtimemem.Memory{
		"a Memory": before, "that of an Instance": guest.Memory().(*wasmtimemem.Memory),
	}
	for what, m := range memories {
		if m.Closed() {
			t.Errorf("%s is closed before its store", what)
		}
	}
	store.Close()
	for what, m := range memories {
		if !m.Closed() {
			t.Errorf("%s is not closed with its store", what)
		}
	}
	store.Close()
	if _, err := wasmtimemem.NewInstance(store, inst, ""); !errors.Is(err, linmem.ErrClosed) {
		t.Errorf("NewInstance in a closed store: %v, want ErrClosed", err)
	}
	if err := guest.LimitPages(1); !errors.Is(err, linmem.ErrClosed) {
		t.Errorf("LimitPages in a closed store: %v, want ErrClosed", err)
	}
}
