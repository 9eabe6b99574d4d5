//go:build cgo

package wasmtimemem_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
)

func TestDiscard(t *testing.T) {
	for name, engine := range map[string]*wasmtime.Engine{"default": engine, "moving": newMovingEngine(t)} {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t, engine, linmemtest.Module(1, 1024))
			mustGrow(t, g.mem, 255)
			fill(mustView(t, g.mem, 0, 256*page), 0x77)
			all := mustView(t, g.mem, 0, 256*page)
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
		})
	}
}

func TestDiscardRefuses(t *testing.T) {
	g := newGuest(t, engine, linmemtest.Module(2, 4))
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
	g.store.Close()
	if err := g.mem.Discard(0, page); !errors.Is(err, linmem.ErrClosed) {
		t.Errorf("Discard in a closed store: %v, want ErrClosed", err)
	}
}

// TestDiscardOfSegment holds that the pages of a data segment, which wasmtime maps from a file, are left as they are, so
// that what the guest wrote over it does not become the segment's bytes again. Mapped from nothing, they can be discarded.
func TestDiscardOfSegment(t *testing.T) {
	wasm, err := wasmtime.Wat2Wasm(fmt.Sprintf(`(module
		(memory (export "memory") 4)
		(data (i32.const 65536) "%s")
		(func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
		(func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`, strings.Repeat("A", page)))
	if err != nil {
		t.Fatal(err)
	}
	copied := wasmtime.NewConfig()
	copied.SetMemoryInitCOWSet(false)
	for _, tt := range []struct {
		name    string
		engine  *wasmtime.Engine
		grow    uint64
		segment error
	}{
		{"mapped", engine, 0, linmem.ErrUnsupported},
		{"mapped, then grown", engine, 1, linmem.ErrUnsupported},
		{"copied", wasmtime.NewEngineWithConfig(copied), 0, nil},
		{"mapped, then moved", newMovingEngine(t), 1, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuest(t, tt.engine, wasm)
			g.wantBytes(t, page, page, 'A')
			mustGrow(t, g.mem, tt.grow)
			mustView(t, g.mem, page, page)[0] = 'B'
			mustView(t, g.mem, 3*page, page)[0] = 'C'
			for range 2 {
				err := g.mem.Discard(page, page)
				if !errors.Is(err, tt.segment) {
					t.Fatalf("Discard of a data segment: %v, want %v", err, tt.segment)
				}
			}
			if first := byte(g.call(t, "load", page)); tt.segment == nil && first != 0 || tt.segment != nil && first != 'B' {
				t.Errorf("the segment's first byte is %q", first)
			}
			if tt.segment != nil {
				g.wantBytes(t, page+1, page-1, 'A')
			}
			if err := g.mem.Discard(0, 4*page); !errors.Is(err, tt.segment) {
				t.Errorf("Discard of all: %v, want %v", err, tt.segment)
			}
			if err := g.mem.Discard(2*page, 2*page); err != nil {
				t.Errorf("Discard of what is behind the segment: %v", err)
			}
			g.wantBytes(t, 2*page, 2*page, 0)
		})
	}
}

// TestTrim gives back what an allocator does not use, of a memory with a data segment: a thousand ranges.
func TestTrim(t *testing.T) {
	wasm, err := wasmtime.Wat2Wasm(fmt.Sprintf(`(module
		(memory (export "memory") 2)
		(data (i32.const 65536) "%s")
		(func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`, strings.Repeat("A", page)))
	if err != nil {
		t.Fatal(err)
	}
	g := newGuest(t, engine, wasm)
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
	g.wantBytes(t, page, page, 'A')
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
	g := newGuest(b, engine, linmemtest.Module(2, 4))
	var m linmem.Discarder = g.mem
	for b.Loop() {
		if err := m.Discard(page, page); err != nil {
			b.Fatal(err)
		}
	}
}
