package wazeromem_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// TestStableDiscard holds that discarded pages read as zero for host and guest, that those beside them do not change, and
// that they can be used again.
func TestStableDiscard(t *testing.T) {
	const page, size = linmem.PageSize, 6
	for _, engine := range []string{"compiler", "interpreter"} {
		t.Run(engine, func(t *testing.T) {
			mod := add(t, newRuntime(t, engines[engine]), new(wazeromem.StableMemories), "", linmemtest.Module(0, 20))
			m := mustNew(t, mod)
			mustGrow(t, m, size)
			all := mustView(t, m, 0, size*page)
			for _, tt := range []struct{ from, n uint64 }{{0, 1}, {2, 3}, {5, 1}, {3, 0}, {6, 0}, {0, 6}} { // pages
				for i := range all {
					all[i] = 0xaa
				}
				if err := m.Discard(tt.from*page, tt.n*page); err != nil {
					t.Fatalf("Discard of %d pages at page %d: %v", tt.n, tt.from, err)
				}
				for p := range uint64(size) {
					want := byte(0xaa)
					if tt.from <= p && p < tt.from+tt.n {
						want = 0
					}
					if b := all[p*page : (p+1)*page]; bytes.Count(b, []byte{want}) != page {
						t.Errorf("Discard of %d pages at page %d: page %d is not all %#x", tt.n, tt.from, p, want)
					}
					for _, at := range []uint64{p * page, (p+1)*page - 1} {
						if got := call(t, mod, "load", at); got != uint64(want) {
							t.Errorf("Discard of %d pages at page %d: the guest reads %#x at %#x", tt.n, tt.from, got, at)
						}
						agree(t, mod, all[at:], at)
					}
				}
			}
			if m.NumPages() != size || addressOf(mustView(t, m, 0, 1)) != addressOf(all) {
				t.Error("Discard changed size or place")
			}
		})
	}
}

// TestStableDiscardRefuses holds that a range that is no part of the memory is refused, with nothing discarded.
func TestStableDiscardRefuses(t *testing.T) {
	const page = linmem.PageSize
	stable := mustNew(t, add(t, newRuntime(t, engines["compiler"]), new(wazeromem.StableMemories), "", linmemtest.Module(3, 20)))
	own := mustNew(t, add(t, newRuntime(t, engines["compiler"]), nil, "", linmemtest.Module(3, 20)))
	for _, tt := range []struct {
		name     string
		m        *wazeromem.Memory
		addr, n  uint64
		sentinel error
		hint     string
	}{
		{"misaligned address", stable, 1, page, linmem.ErrInvalid, "multiple of the page size"},
		{"misaligned size", stable, 0, page + 1, linmem.ErrInvalid, "multiple of the page size"},
		{"past the end", stable, 2 * page, 2 * page, linmem.ErrOutOfBounds, ""},
		{"reserved, not there yet", stable, 3 * page, page, linmem.ErrOutOfBounds, ""},
		{"beyond what is reserved", stable, 20 * page, page, linmem.ErrOutOfBounds, ""},
		{"wraps around", stable, page, math.MaxUint64 - page + 1, linmem.ErrOutOfBounds, ""},
		{"not stable", own, 0, page, linmem.ErrUnsupported, "StableMemories"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := mustView(t, tt.m, 0, 3*page)
			for i := range all {
				all[i] = 1
			}
			err := tt.m.Discard(tt.addr, tt.n)
			wantError(t, "Discard", err, tt.sentinel)
			if err == nil || !strings.Contains(err.Error(), "wazeromem.Discard") || !strings.Contains(err.Error(), tt.hint) {
				t.Errorf("error %q does not say which call, and %q", err, tt.hint)
			}
			if bytes.Count(all, []byte{1}) != len(all) {
				t.Error("the refused Discard changed bytes")
			}
		})
	}
}

// TestStableTrim holds that linmem.Pages.Trim takes what is free and nothing else, and says so where it cannot.
func TestStableTrim(t *testing.T) {
	const page = linmem.PageSize
	for name, v := range variants() {
		t.Run(name, func(t *testing.T) {
			inst := v.mustOpen(t, linmemtest.Module(0, 40))
			pages, err := linmem.NewPages(inst.Memory())
			if err != nil {
				t.Fatal(err)
			}
			var runs [3]linmem.Range
			for i := range runs {
				if runs[i], err = pages.Alloc(4); err != nil {
					t.Fatal(err)
				}
			}
			for i, run := range runs {
				b := mustView(t, inst.Memory(), run.Addr(), run.Bytes())
				for at := range b {
					b[at] = byte(i + 1)
				}
			}
			if err := pages.Free(runs[1]); err != nil {
				t.Fatal(err)
			}
			free := pages.Stats().Free
			trimmed, err := pages.Trim()
			middle := byte(0)
			if v.stable == nil {
				wantError(t, "Trim without StableMemories", err, linmem.ErrUnsupported)
				free, middle = 0, 2
			} else if err != nil {
				t.Error(err)
			}
			if trimmed != free {
				t.Errorf("Trim tells %d pages, want %d", trimmed, free)
			}
			for i, want := range []byte{1, middle, 3} {
				b := mustView(t, inst.Memory(), runs[i].Addr(), runs[i].Bytes())
				if bytes.Count(b, []byte{want}) != 4*page {
					t.Errorf("run %d is not all %d after Trim", i, want)
				}
			}
		})
	}
}
