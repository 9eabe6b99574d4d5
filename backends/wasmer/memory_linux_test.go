//go:build cgo

package wasmermem_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"

	wasmermem "github.com/linmem/linmem/backends/wasmer"
)

// TestStays holds what the package doc says of where a memory is, whoever grows it, and with and without a maximum.
func TestStays(t *testing.T) {
	for name, wasm := range map[string][]byte{
		"with a maximum": linmemtest.Module(1, 65535),
		"without": []byte(`(module (memory (export "memory") 1)
			(func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`),
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t, wasm)
			before := unsafe.SliceData(mustView(t, g.mem, 0, 1))
			for range 15 {
				mustGrow(t, g.mem, 2000)
				g.call(t, "grow", 2000)
				mustGrow(t, g.mem, 0)
				if got, at := g.mem.Moves(), unsafe.SliceData(mustView(t, g.mem, 0, 1)); got != 0 || at != before {
					t.Fatalf("%d moves at %d pages, from %p to %p", got, g.mem.NumPages(), before, at)
				}
			}
			g.inst.Close()
			if got := g.mem.Moves(); got != 0 {
				t.Errorf("%d moves once the instance is closed", got)
			}
		})
	}
}

// TestViewAfterGrowth holds that views reach all that is there, though the size alone is asked for.
func TestViewAfterGrowth(t *testing.T) {
	g := newGuest(t, linmemtest.Module(0, 100))
	other, err := wasmermem.New(g.inst, "")
	if err != nil {
		t.Fatal(err)
	}
	if view := mustView(t, g.mem, 0, 0); view == nil {
		t.Error("a view of an empty memory is nil")
	}
	for i, grow := range []func(){
		func() { mustGrow(t, g.mem, 1) },
		func() { g.call(t, "grow", 1) },
		func() { mustGrow(t, other, 1) },
		func() { mustGrow(t, g.mem, 2) },
		func() { g.call(t, "grow", 2); mustGrow(t, other, 1) },
	} {
		grow()
		for _, m := range []linmem.Memory{g.mem, other, g.mem} {
			last := m.NumPages()*page - 1
			mustView(t, m, last, 1)[0] = byte(0x10 + i)
			if got := g.call(t, "load", last); got != uint64(0x10+i) {
				t.Errorf("growth %d: the guest reads %#x at %#x, want %#x", i, got, last, 0x10+i)
			}
			if _, err := m.View(last, 2); !errors.Is(err, linmem.ErrOutOfBounds) {
				t.Errorf("growth %d: a view past the end: %v, want ErrOutOfBounds", i, err)
			}
		}
	}
}

func TestDiscard(t *testing.T) {
	g := newGuest(t, linmemtest.Module(1, 1024))
	mustGrow(t, g.mem, 255)
	all := mustView(t, g.mem, 0, 256*page)
	fill(all, 0x77)
	if got := residentBytes(t, all); got < len(all) {
		t.Fatalf("%d of %d bytes that were written are resident", got, len(all))
	}
	if err := g.mem.Discard(8*page, 240*page); err != nil {
		t.Fatal(err)
	}
	if got := residentBytes(t, all); got > 20*page {
		t.Errorf("%d bytes are resident, want those of 16 pages", got)
	}
	g.wantBytes(t, 8*page, 240*page, 0)
	g.wantBytes(t, 0, 8*page, 0x77)
	g.wantBytes(t, 248*page, 8*page, 0x77)

	g.call(t, "grow", 1) // after which nothing is known any more
	if err := g.mem.Discard(255*page, 2*page); err != nil {
		t.Fatal(err)
	}
	g.wantBytes(t, 254*page, page, 0x77)
	g.wantBytes(t, 255*page, 2*page, 0)
}

// TestDiscardOfSegment holds that a data segment, which wasmer copies, is no different.
func TestDiscardOfSegment(t *testing.T) {
	g := newGuest(t, []byte(fmt.Sprintf(`(module
		(memory (export "memory") 3)
		(data (i32.const 65536) "%s")
		(func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`, strings.Repeat("A", page))))
	g.wantBytes(t, page, page, 'A')
	if err := g.mem.Discard(page, page); err != nil {
		t.Fatal(err)
	}
	g.wantBytes(t, page, page, 0)
}

func TestDiscardRefuses(t *testing.T) {
	g := newGuest(t, linmemtest.Module(2, 4))
	for _, tt := range []struct {
		addr, n uint64
		want    error
	}{
		{1, page, linmem.ErrInvalid},
		{0, 1, linmem.ErrInvalid},
		{2 * page, page, linmem.ErrOutOfBounds},
		{page, 1<<64 - page, linmem.ErrOutOfBounds},
		{2 * page, 0, nil},
	} {
		if err := g.mem.Discard(tt.addr, tt.n); !errors.Is(err, tt.want) {
			t.Errorf("Discard(%#x, %#x): %v, want %v", tt.addr, tt.n, err, tt.want)
		}
	}
	g.inst.Close()
	if err := g.mem.Discard(0, page); !errors.Is(err, linmem.ErrClosed) {
		t.Errorf("Discard in a closed instance: %v, want ErrClosed", err)
	}
}

// TestTrim gives back what an allocator does not use: a thousand ranges.
func TestTrim(t *testing.T) {
	g := newGuest(t, linmemtest.Module(1, 4000))
	pages, err := linmem.NewPages(g.mem)
	if err != nil {
		t.Fatal(err)
	}
	const n = 2000
	runs := make([]linmem.Range, n)
	for i := range runs {
		if runs[i], err = pages.Alloc(1); err != nil {
			t.Fatal(err)
		}
		fill(mustView(t, g.mem, runs[i].Addr(), page), 0x77)
	}
	for i := 0; i < n; i += 2 {
		if err := pages.Free(runs[i]); err != nil {
			t.Fatal(err)
		}
	}
	all := mustView(t, g.mem, runs[0].Addr(), n*page)
	if got, err := pages.Trim(); got != n/2 || err != nil {
		t.Fatalf("Trim() = %d, %v, want %d", got, err, n/2)
	}
	if got := residentBytes(t, all); got < n/2*page || got > n/2*page+64*page {
		t.Errorf("%d bytes are resident, want %d", got, n/2*page)
	}
	for _, i := range []int{0, 1, n / 2, n/2 + 1, n - 1} {
		g.wantBytes(t, runs[i].Addr(), page, byte(i%2*0x77))
	}
}

// residentBytes is [linmemtest.Resident].
func residentBytes(t *testing.T, b []byte) int {
	t.Helper()
	n, err := linmemtest.Resident(b)
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// BenchmarkDiscard is of a page that is not resident, in a memory that is known.
func BenchmarkDiscard(b *testing.B) {
	g := newGuest(b, linmemtest.Module(2, 4))
	for b.Loop() {
		if err := g.mem.Discard(page, page); err != nil {
			b.Fatal(err)
		}
	}
}
