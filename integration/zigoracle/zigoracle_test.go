package zigoracle

import (
	"context"
	"encoding/binary"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines/wazeroengine"
)

// faulty is a port that does one thing wrong once in a while.
type faulty struct {
	port
	mem   linmem.Memory
	wrong string
	calls int
}

// slips reports whether it is time to do this kind of thing wrong.
func (f *faulty) slips(kind string) bool {
	if f.wrong != kind {
		return false
	}
	f.calls++
	return f.calls%10 == 0
}

func (f *faulty) Alloc(n uint64, log2Align uint8) (addr uint64, err error) {
	if f.slips("grows too much") {
		_, _ = f.mem.Grow(1)
	}
	addr, err = f.port.Alloc(n, log2Align)
	switch {
	case err != nil && f.wrong == "finds memory where there is none":
		return linmem.PageSize, nil
	case err == nil && f.slips("refuses"):
		return 0, linmem.ErrOutOfMemory
	case err == nil && f.slips("is off by a page"):
		return addr + linmem.PageSize, nil
	}
	return addr, err
}

func (f *faulty) Resize(addr, n uint64, log2Align uint8, newN uint64) bool {
	return f.port.Resize(addr, n, log2Align, newN) != f.slips("answers resizes wrongly")
}

func (f *faulty) Free(addr, n uint64, log2Align uint8) error {
	if f.slips("forgets to free") {
		return nil
	}
	if f.slips("does not let go") {
		return linmem.ErrNotAllocated
	}
	err := f.port.Free(addr, n, log2Align)
	if f.wrong == "writes where it should not" {
		const addr = linmem.PageSize * 3 / 2 // in the middle of the first page that is not the guest's
		if view, err := f.mem.View(addr, 1); err == nil {
			view[0]++
		}
	}
	return err
}

// TestCheckNotices holds that Check can fail, and so that a port which passes does what the original does.
func TestCheckNotices(t *testing.T) {
	for _, wrong := range []string{
		"grows too much", "finds memory where there is none", "refuses", "is off by a page", "answers resizes wrongly",
		"forgets to free", "does not let go", "writes where it should not",
	} {
		for _, a := range Allocators {
			t.Run(a.Name+" "+wrong, func(t *testing.T) {
				newPort := a.port
				a.port = func(m linmem.Memory) port { return &faulty{port: newPort(m), mem: m, wrong: wrong} }
				_, err := Check(context.Background(), wazeroengine.Compiler().Open, a, Shape{1, 64}, 1, streamSteps)
				if err == nil {
					t.Fatal("not noticed")
				}
				where := "seed 1, step "
				if wrong == "writes where it should not" {
					where = "seed 1, after 2500 steps: the byte at 0x18000 "
				}
				if !strings.HasPrefix(err.Error(), where) {
					t.Errorf("the error does not say where: %v", err)
				}
			})
		}
	}
}

// TestCheckComparesBytes holds that a byte which differs is found, wherever it is.
func TestCheckComparesBytes(t *testing.T) {
	p, stop, err := openPair(t.Context(), wazeroengine.Compiler().Open, Allocators[0], Shape{2, 40})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if err := p.growMemory(38); err != nil {
		t.Fatal(err)
	}
	for _, addr := range []uint64{2 * linmem.PageSize, 17*linmem.PageSize + 5, 40*linmem.PageSize - 1} {
		view, err := p.portedMemory.View(addr, 1)
		if err != nil {
			t.Fatal(err)
		}
		view[0] = 1
		if err := p.sameBytes(); err == nil || !strings.Contains(err.Error(), "is 0x0 in the original's memory, 0x1 in the port's") {
			t.Errorf("a byte at %#x that differs: %v", addr, err)
		}
		view[0] = 0
		if err := p.sameBytes(); err != nil {
			t.Error(err)
		}
	}
}

// TestCheckLargeNotices holds that CheckLarge fails where there are no large memories, though the two agree on that.
func TestCheckLargeNotices(t *testing.T) {
	small := func(ctx context.Context, wasm []byte) (guest.Instance, func(), error) {
		wasm, err := withLimits(wasm, Shape{1, 16})
		if err != nil {
			return nil, nil, err
		}
		return wazeroengine.Compiler().Open(ctx, wasm)
	}
	for _, a := range Allocators {
		if err := CheckLarge(t.Context(), small, a); err == nil || !strings.Contains(err.Error(), "both say 0, want 65536") {
			t.Errorf("%s in a memory of 16 pages: %v", a.Name, err)
		}
	}
}

func TestWithLimits(t *testing.T) {
	for _, s := range []Shape{{1, 1}, {130, 70000 >> 1}, {1, 1 << 16}} {
		wasm, err := withLimits(Allocators[0].wasm, s)
		if err != nil {
			t.Fatal(err)
		}
		inst, stop, err := wazeroengine.Compiler().Open(t.Context(), wasm)
		if err != nil {
			t.Fatal(err)
		}
		if got := inst.Memory().NumPages(); got != s.Pages {
			t.Errorf("the memory begins with %d pages, want %d", got, s.Pages)
		}
		if _, err := inst.Memory().Grow(s.MaxPages - s.Pages + 1); err == nil {
			t.Errorf("the memory grows past %d pages", s.MaxPages)
		}
		stop()
	}
	broken := binary.AppendUvarint([]byte("\x00asm\x01\x00\x00\x00\x01"), 100)
	for _, wasm := range [][]byte{nil, broken[:8], broken} {
		if _, err := withLimits(wasm, Shape{1, 1}); err == nil {
			t.Errorf("a module of %d bytes has a memory", len(wasm))
		}
	}
}

func TestMissing(t *testing.T) {
	if got := (Counts{}).Missing(5000); len(got) != 10 {
		t.Errorf("of no steps, %d counts are missing, want all 10: %q", len(got), got)
	}
	c := Counts{}
	for range 3 {
		c.Add(Counts{
			steps: 5000, refused: 1, grown: 1, reused: 1, reusedPast: 1, large: 1, resized: 1, notResized: 1, freed: 1,
			grownOutside: 1,
		})
	}
	if got := c.Missing(5000); got != nil {
		t.Errorf("missing: %q", got)
	}
	c[large]--
	if got := c.Missing(5000); len(got) != 1 || got[0] != "2 allocations of more than 1,000 pages, want 3" {
		t.Errorf("missing: %q", got)
	}
}
