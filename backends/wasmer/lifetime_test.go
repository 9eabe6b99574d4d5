//go:build cgo && (linux || darwin)

package wasmermem_test

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"
	"weak"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/wasmerio/wasmer-go/wasmer"

	wasmermem "github.com/linmem/linmem/backends/wasmer"
)

// closeOnce is for wasmer-go's Instance.Close, which frees the instance again when it is called again.
func closeOnce(inst guest.Instance, stop func(), err error) (guest.Instance, func(), error) {
	if err != nil {
		return nil, nil, err
	}
	return inst, sync.OnceFunc(stop), nil
}

func TestLifetimes(t *testing.T) {
	linmemtest.RunLifetimes(t, func(wasm []byte) (guest.Instance, func(), error) { return closeOnce(open(wasm)) })
}

// TestLifetimesAlone is that with an engine and a store for each instance, which nobody keeps either.
func TestLifetimesAlone(t *testing.T) {
	linmemtest.RunLifetimes(t, func(wasm []byte) (guest.Instance, func(), error) {
		module, err := wasmer.NewModule(wasmer.NewStore(wasmer.NewEngine()), wasm)
		if err != nil {
			return nil, nil, err
		}
		instance, err := wasmer.NewInstance(module, wasmer.NewImportObject())
		if err != nil {
			return nil, nil, err
		}
		inst, err := wasmermem.NewUninitialized(instance, "memory")
		return closeOnce(inst, instance.Close, err)
	})
}

// TestUnderTheCollector runs what uses memories in a process of its own, whose collector runs all the time, so that the
// finalizers of wasmer-go do.
func TestUnderTheCollector(t *testing.T) {
	const tests = "^(TestLifetimes.*|TestConformance.*|TestInstance|TestAllocator.*|TestStays|TestDiscard.*)$"
	if os.Getenv("GOGC") == "1" {
		t.Skip("this is that process")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", tests, "-test.v")
	cmd.Env = append(os.Environ(), "GOGC=1")
	output, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(output, []byte("--- PASS: TestLifetimes/heap-kept")) {
		t.Errorf("%v, with GOGC=1:\n%s", err, output)
	}
}

// TestInstanceIsCollected holds that nothing here keeps an instance whose Memory and Instance nobody uses any more.
func TestInstanceIsCollected(t *testing.T) {
	instance := func() weak.Pointer[wasmer.Instance] {
		instance, err := instantiate(linmemtest.Module(1, 4))
		if err != nil {
			t.Fatal(err)
		}
		inst, err := wasmermem.NewInstance(instance, "")
		if err != nil {
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
		return weak.Make(instance)
	}()
	for range 100 {
		if runtime.GC(); instance.Value() == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("the instance is still there")
}

// TestClosed follows an instance that is closed, through all that was made of it before.
func TestClosed(t *testing.T) {
	instance, err := instantiate(linmemtest.Module(1, 4))
	if err != nil {
		t.Fatal(err)
	}
	before, err := wasmermem.New(instance, "")
	if err != nil {
		t.Fatal(err)
	}
	inst, err := wasmermem.NewInstance(instance, "")
	if err != nil {
		t.Fatal(err)
	}
	memories := map[string]*wasmermem.Memory{"a Memory": before, "that of an Instance": inst.Memory().(*wasmermem.Memory)}
	for what, m := range memories {
		if m.Closed() {
			t.Errorf("%s is closed before its instance", what)
		}
	}
	instance.Close()
	for what, m := range memories {
		if !m.Closed() {
			t.Errorf("%s is not closed with its instance", what)
		}
	}
}
