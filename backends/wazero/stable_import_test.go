package wazeromem_test

import (
	"fmt"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/tetratelabs/wazero/api"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// TestStableImported has two modules use one memory, and closes one of them, at which wazero frees it: the other has its
// contents, and can grow it. Once both are closed nothing is left.
func TestStableImported(t *testing.T) {
	for _, engine := range []string{"compiler", "interpreter"} {
		for _, fenced := range []bool{false, true} {
			for _, tt := range []struct {
				name                 string
				newOwner, newImp     bool // what New is called for: at least the one that stays open
				importerIsClosedLast bool
			}{
				{"New of both, importer closed first", true, true, false},
				{"New of both, owner closed first", true, true, true},
				{"New of the owner, importer closed first", true, false, false},
				{"New of the importer, owner closed first", false, true, true},
			} {
				name := engine + ", " + tt.name
				if fenced {
					name += ", fenced"
				}
				t.Run(name, func(t *testing.T) {
					stable := &wazeromem.StableMemories{FenceViews: fenced}
					located, waiting := wazeromem.Located(), wazeromem.Waiting()
					r := newRuntime(t, engines[engine])
					owner := add(t, r, stable, "owner", linmemtest.Module(2, 100))
					importer := add(t, r, stable, "importer", importing)
					if tt.newOwner {
						mustNew(t, owner)
					}
					if tt.newImp {
						mustNew(t, importer)
					}
					first, last := importer, owner
					if tt.importerIsClosedLast {
						first, last = owner, importer
					}
					holdsImported(t, first, last, fenced)
					mustClose(t, last)
					settles(t, "both closed", nothingLeft(located, waiting))
				})
			}
		}
	}
}

// holdsImported closes first, and uses the memory in last before and after.
func holdsImported(t *testing.T, first, last api.Module, fenced bool) {
	t.Helper()
	call(t, first, "store", 5, 50)
	for _, mod := range []api.Module{first, last, first, last} { // each sees what the other grows
		call(t, mod, "grow", 1)
	}
	call(t, first, "store", 6*linmem.PageSize-1, 60)
	m := mustNew(t, last)
	view := mustView(t, m, 0, 6*linmem.PageSize)
	if m.NumPages() != 6 || m.Stable() == fenced || view[5] != 50 || view[6*linmem.PageSize-1] != 60 {
		t.Fatalf("before: %d pages, Stable() = %t, contents %d and %d", m.NumPages(), m.Stable(), view[5], view[len(view)-1])
	}
	mustClose(t, first)

	if m.Closed() || m.NumPages() != 6 {
		t.Fatalf("closing the other closes this one: %t, or changes its %d pages", m.Closed(), m.NumPages())
	}
	agree(t, last, mustView(t, m, 5, 1), 5)
	agree(t, last, view[5:], 5) // it has not moved yet
	if m.Stable() {
		t.Error("wazero will move the memory, but Stable() = true")
	}
	wantError(t, "Discard of a memory that wazero has let go of", m.Discard(0, linmem.PageSize), linmem.ErrUnsupported)
	for i, by := range []string{"host", "guest", "host", "guest"} {
		if err := growths[by](t, last, 3); err != nil {
			t.Fatalf("growth by the %s: %v", by, err)
		}
		size := uint64(6 + 3*(i+1))
		for _, mem := range []*wazeromem.Memory{m, mustNew(t, last)} {
			b := mustView(t, mem, 0, size*linmem.PageSize)
			if mem.NumPages() != size || b[5] != 50 || b[6*linmem.PageSize-1] != 60 || b[len(b)-1] != 0 {
				t.Fatalf("%d pages after growth by the %s, contents %d, %d and %d", mem.NumPages(), by, b[5],
					b[6*linmem.PageSize-1], b[len(b)-1])
			}
			agree(t, last, b[size*linmem.PageSize-1:], size*linmem.PageSize-1)
			agree(t, last, b[5:], 5)
		}
	}
	_, err := m.Grow(100)
	wantError(t, "Grow past the maximum", err, linmem.ErrOutOfMemory)
}

// TestStableImportedByMany has the memory's users come and go while it stays.
func TestStableImportedByMany(t *testing.T) {
	stable := new(wazeromem.StableMemories)
	located, waiting := wazeromem.Located(), wazeromem.Waiting()
	r := newRuntime(t, engines["compiler"])
	owner := add(t, r, stable, "owner", linmemtest.Module(2, 100))
	m := mustNew(t, owner)
	mustView(t, m, 9, 1)[0] = 99
	for i := range uint64(10) {
		importer := add(t, r, stable, "", importing)
		mustNew(t, importer)
		if got := call(t, importer, "load", 9); got != 99 {
			t.Errorf("importer %d reads %d, want 99", i, got)
		}
		mustClose(t, importer)
		agree(t, owner, mustView(t, m, 9, 1), 9)
		mustGrow(t, m, 1)
	}
	if got := m.NumPages(); got != 12 {
		t.Errorf("%d pages, want 12", got)
	}
	if got := wazeromem.Located() - located; got != 1 {
		t.Errorf("%d memories can be found of one that is open", got)
	}
	mustClose(t, r)
	settles(t, "all closed", nothingLeft(located, waiting))
}

// nothingLeft returns a function that fails if more memories are left than that.
func nothingLeft(located, waiting int) func() error {
	return func() error {
		if l, w := wazeromem.Located()-located, wazeromem.Waiting()-waiting; l > 0 || w > 0 {
			return fmt.Errorf("%d memories can be found, and %d wait", l, w)
		}
		return nil
	}
}
