package wazeromem_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"testing"
	"time"
	"unsafe"

	linmem "github.com/linmem/linmem/core"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// unbounded is (module (memory (export "memory") 1)).
var unbounded = []byte("\x00asm\x01\x00\x00\x00" + "\x05\x03\x01\x00\x01" + "\x07\x0a\x01\x06memory\x02\x00")

// growing is a guest that grows its memory in a loop:
//
//	(module
//	  (memory (export "memory") 1 65536)
//	  (func (export "grow-by-page") (param $times i32)
//	    (loop
//	      (drop (memory.grow (i32.const 1)))
//	      (br_if 0 (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))))
var growing = []byte("\x00asm\x01\x00\x00\x00" + "\x01\x05\x01\x60\x01\x7f\x00" + "\x03\x02\x01\x00" +
	"\x05\x06\x01\x01\x01\x80\x80\x04" +
	"\x07\x19\x02\x06memory\x02\x00\x0cgrow-by-page\x00\x00" + "\x0a\x15\x01\x13\x00" + growByPage)

// growByPage is the body of the function in growing.
const growByPage = "\x03\x40\x41\x01\x40\x00\x1a\x20\x00\x41\x01\x6b\x22\x00\x0d\x00\x0b\x0b"

// importing is linmemtest.Module on the memory of another:
//
//	(module
//	  (import "owner" "memory" (memory 0))
//	  (func (export "grow") (param $delta i32) (result i32) (memory.grow (local.get $delta)))
//	  (func (export "load") (param $addr i32) (result i32) (i32.load8_u (local.get $addr)))
//	  (func (export "store") (param $addr i32) (param $byte i32) (i32.store8 (local.get $addr) (local.get $byte)))
//	  (export "memory" (memory 0)))
var importing = []byte("\x00asm\x01\x00\x00\x00" + "\x01\x0b\x02\x60\x01\x7f\x01\x7f\x60\x02\x7f\x7f\x00" +
	"\x02\x11\x01\x05owner\x06memory\x02\x00\x00" + "\x03\x04\x03\x00\x00\x01" +
	"\x07\x20\x04\x04grow\x00\x00\x04load\x00\x01\x05store\x00\x02\x06memory\x02\x00" +
	"\x0a\x1a\x03" + "\x06\x00\x20\x00\x40\x00\x0b" + "\x07\x00\x20\x00\x2d\x00\x00\x0b" +
	"\x09\x00\x20\x00\x20\x01\x3a\x00\x00\x0b")

// add instantiates a module under a name, with a stable memory unless stable is nil.
func add(t testing.TB, r wazero.Runtime, stable *wazeromem.StableMemories, name string, wasm []byte) api.Module {
	t.Helper()
	ctx := context.Background()
	if stable != nil {
		ctx = stable.Context(ctx)
	}
	mod, err := r.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithName(name))
	if err != nil {
		t.Fatal(err)
	}
	return mod
}

func mustNew(t testing.TB, mod api.Module) *wazeromem.Memory {
	t.Helper()
	m, err := wazeromem.New(mod, "")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mustView(t testing.TB, m linmem.Memory, addr, n uint64) []byte {
	t.Helper()
	b, err := m.View(addr, n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustGrow(t testing.TB, m linmem.Memory, delta uint64) (prev uint64) {
	t.Helper()
	prev, err := m.Grow(delta)
	if err != nil {
		t.Fatal(err)
	}
	return prev
}

func mustClose(t testing.TB, mod api.Closer) {
	t.Helper()
	if err := mod.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// call calls a function of the guest that has one result at most.
func call(t testing.TB, mod api.Module, name string, args ...uint64) (result uint64) {
	t.Helper()
	results, err := mod.ExportedFunction(name).Call(context.Background(), args...)
	if err != nil {
		t.Fatalf("%s%d: %v", name, args, err)
	}
	if len(results) == 1 {
		return results[0]
	}
	return 0
}

// growth is a way to grow a memory.
type growth func(t testing.TB, mod api.Module, delta uint64) error

// growths are by whom a memory is grown.
var growths = map[string]growth{
	"host": func(t testing.TB, mod api.Module, delta uint64) error {
		t.Helper()
		_, err := mustNew(t, mod).Grow(delta)
		return err
	},
	"guest": func(t testing.TB, mod api.Module, delta uint64) error {
		t.Helper()
		if call(t, mod, "grow", delta) == math.MaxUint32 { // -1
			return linmem.ErrOutOfMemory
		}
		return nil
	},
}

// agree holds that host and guest see the same byte, whoever writes it.
func agree(t testing.TB, mod api.Module, view []byte, addr uint64) {
	t.Helper()
	before := view[0]
	if got := call(t, mod, "load", addr); got != uint64(before) {
		t.Errorf("the guest reads %d at %#x, the host %d", got, addr, before)
	}
	call(t, mod, "store", addr, uint64(before+1))
	if got := view[0]; got != before+1 {
		t.Errorf("the host reads %d at %#x, where the guest wrote %d", got, addr, before+1)
	}
	view[0] = before + 2
	if got := call(t, mod, "load", addr); got != uint64(before+2) {
		t.Errorf("the guest reads %d at %#x, where the host wrote %d", got, addr, before+2)
	}
	view[0] = before
}

func wantError(t testing.TB, what string, err, sentinel error) {
	t.Helper()
	var e *linmem.Error
	if !errors.Is(err, sentinel) || !errors.As(err, &e) {
		t.Errorf("%s: error %v, want a *linmem.Error that is %q", what, err, sentinel)
	}
}

func addressOf(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// settles runs the collector until what is to be given back is.
func settles(t testing.TB, what string, done func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		runtime.GC()
		wazeromem.LeaveUnknown()
		if err = done(); err == nil {
			return
		}
	}
	t.Errorf("%s: %v", what, err)
}
