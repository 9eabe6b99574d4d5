package wazeromem_test

import (
	"errors"
	"runtime"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/tetratelabs/wazero"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// TestLimiterOfMany holds that the memories of one Limiter have limits of their own, also when they have moved.
func TestLimiterOfMany(t *testing.T) {
	l := new(wazeromem.Limiter)
	var all []guest.Instance
	for range 3 {
		inst, stop, err := openLimited(wazero.NewRuntimeConfig(), l, linmemtest.Module(1, 100))
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		all = append(all, inst)
	}
	for i, inst := range all {
		if err := inst.(guest.Limiter).LimitPages(uint64(10 + i)); err != nil {
			t.Fatal(err)
		}
	}
	for i, inst := range all {
		for inst.Memory().NumPages() < 100 {
			if _, err := inst.Memory().Grow(1); err != nil {
				break
			}
		}
		if got, want := inst.Memory().NumPages(), uint64(10+i); got != want {
			t.Errorf("memory %d grows to %d pages, want %d", i, got, want)
		}
	}
}

// TestLimiterOfAnother holds that a memory which a Limiter does not provide is refused, and not left without a limit.
func TestLimiterOfAnother(t *testing.T) {
	inst, stop, err := open(wazero.NewRuntimeConfig(), linmemtest.Module(1, 10))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if err := inst.(guest.Limiter).LimitPages(1); !errors.Is(err, linmem.ErrUnsupported) {
		t.Errorf("LimitPages without a Limiter: %v, want ErrUnsupported", err)
	}
	for _, tt := range []struct {
		name string
		l    *wazeromem.Limiter
		wasm []byte
		want error
	}{
		{"of another", new(wazeromem.Limiter), linmemtest.Module(1, 10), linmem.ErrInvalid},
		{"without a page", new(wazeromem.Limiter), linmemtest.Module(0, 10), linmem.ErrUnsupported},
	} {
		if _, err := wazeromem.NewInstance(instantiate(t, tt.wasm), "", wazeromem.WithLimiter(tt.l)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// TestLimiterForgets holds that the memory of a module that could not be instantiated is collected: wazero does not free it.
func TestLimiterForgets(t *testing.T) {
	// (module (memory 1) (data (i32.const 65536) "x"))
	const outOfBounds = "\x00asm\x01\x00\x00\x00" + "\x05\x03\x01\x00\x01" + "\x0b\x09\x01\x00\x41\x80\x80\x04\x0b\x01x"
	l := new(wazeromem.Limiter)
	for range 10 {
		if _, _, err := openLimited(wazero.NewRuntimeConfig(), l, []byte(outOfBounds)); err == nil {
			t.Fatal("a module with data past its memory can be instantiated")
		}
	}
	runtime.GC()
	_, stop, err := openLimited(wazero.NewRuntimeConfig(), l, linmemtest.Module(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if n := l.Len(); n != 1 {
		t.Errorf("the Limiter keeps %d memories, want 1", n)
	}
}
