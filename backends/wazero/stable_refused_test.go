package wazeromem_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	nativemem "github.com/linmem/linmem/backends/native"
	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// TestStableRefused has the system refuse address space, more and more of it: a memory gets half as much each time, down to
// its first size, and that from the Go heap at worst. It can be used, and grows as far as it got.
func TestStableRefused(t *testing.T) {
	for _, tt := range []struct {
		name           string
		size, max      uint64
		refused        uint64 // pages: that many and more
		asked          []uint64
		most           uint64
		heap, isFenced bool
	}{
		{name: "nothing", size: 1, max: 1000, refused: 1001, asked: []uint64{1000}, most: 1000},
		{name: "the maximum", size: 1, max: 1000, refused: 1000, asked: []uint64{1000, 500}, most: 500},
		{name: "much", size: 5, max: 1000, refused: 100, asked: []uint64{1000, 500, 250, 125, 62}, most: 62},
		{name: "all but the first size", size: 40, max: 100, refused: 41, asked: []uint64{100, 50, 40}, most: 40},
		{name: "all", size: 3, max: 100, refused: 0, asked: []uint64{100, 50, 25, 12, 6, 3}, most: 3, heap: true},
		{name: "all, with a page", size: 1, max: 4, refused: 0, asked: []uint64{4, 2, 1}, most: 1, heap: true},
		{name: "all, and it is empty", size: 0, max: 4, refused: 0, asked: []uint64{4, 2, 1}, most: 0, heap: true},
		{name: "all but a page, and it is empty", size: 0, max: 4, refused: 2, asked: []uint64{4, 2, 1}, most: 1},
		{name: "more than the first size, fenced", size: 3, max: 100, refused: 4, asked: []uint64{3}, most: 3, isFenced: true},
		{name: "all, fenced", size: 3, max: 100, refused: 0, asked: []uint64{3}, most: 3, heap: true, isFenced: true},
	} {
		for by, grow := range growths {
			t.Run(tt.name+", "+by, func(t *testing.T) {
				var asked []uint64
				defer wazeromem.ReplaceNewSpace(func(initial, max uint64) (*nativemem.Memory, error) {
					asked = append(asked, max)
					if max >= tt.refused {
						return nil, &linmem.Error{Op: "test", Err: linmem.ErrOutOfMemory}
					}
					return nativemem.New(initial, max)
				})()
				stable := &wazeromem.StableMemories{FenceViews: tt.isFenced}
				mod := add(t, newRuntime(t, engines["compiler"]), stable, "", linmemtest.Module(tt.size, tt.max))
				if !slices.Equal(asked, tt.asked) {
					t.Errorf("asked for %d pages, want %d", asked, tt.asked)
				}
				m := mustNew(t, mod)
				if want := !tt.heap && !tt.isFenced; m.NumPages() != tt.size || m.Stable() != want {
					t.Errorf("%d pages, Stable() = %t, want %d and %t", m.NumPages(), m.Stable(), tt.size, want)
				}
				for m.NumPages() < tt.most {
					if err := grow(t, mod, 1); err != nil {
						t.Fatalf("growth from %d pages: %v", m.NumPages(), err)
					}
				}
				for _, delta := range []uint64{1, 2, tt.max - tt.most, tt.max} {
					if delta == 0 {
						continue // got all
					}
					if err := grow(t, mod, delta); err == nil {
						t.Errorf("the memory grows from %d pages by %d, though it got %d", tt.most, delta, tt.most)
					}
				}
				if err := grow(t, mod, 0); err != nil {
					t.Errorf("growth by nothing: %v", err)
				}
				if got := m.NumPages(); got != tt.most {
					t.Fatalf("%d pages, want %d", got, tt.most)
				}
				for page := range tt.most {
					agree(t, mod, mustView(t, m, page*linmem.PageSize, 1), page*linmem.PageSize)
				}
				mustClose(t, mod)
			})
		}
	}
}

// TestStableRefusedBeside has some memories refused and others not, in one runtime.
func TestStableRefusedBeside(t *testing.T) {
	r, stable := newRuntime(t, engines["compiler"]), new(wazeromem.StableMemories)
	refuse := false
	defer wazeromem.ReplaceNewSpace(func(initial, max uint64) (*nativemem.Memory, error) {
		if refuse {
			return nil, fmt.Errorf("%w: the test refuses", linmem.ErrOutOfMemory)
		}
		return nativemem.New(initial, max)
	})()
	var all []*wazeromem.Memory
	for i := range 6 {
		refuse = i%2 == 1
		m := mustNew(t, add(t, r, stable, "", linmemtest.Module(uint64(i/2), 10)))
		if m.Stable() == refuse {
			t.Errorf("memory %d: Stable() = %t", i, m.Stable())
		}
		all = append(all, m)
	}
	for i, m := range all {
		if _, err := m.Grow(1); (err != nil) != (i%2 == 1) {
			t.Errorf("memory %d: growth is %v", i, err)
		}
		for page := range m.NumPages() {
			mustView(t, m, page*linmem.PageSize, 1)[0] = byte(i + 1)
		}
	}
	for i, m := range all {
		for page := range m.NumPages() {
			if got := mustView(t, m, page*linmem.PageSize, 1)[0]; got != byte(i+1) {
				t.Errorf("memory %d holds %d", i, got)
			}
		}
	}
}

// TestLimitOfHeapMemory limits a memory for which the system refused all address space: the error must not say that the
// module has to be instantiated in the Context of StableMemories, for it was.
func TestLimitOfHeapMemory(t *testing.T) {
	defer wazeromem.ReplaceNewSpace(func(_, _ uint64) (*nativemem.Memory, error) { return nil, linmem.ErrOutOfMemory })()
	m := mustNew(t, add(t, newRuntime(t, engines["compiler"]), new(wazeromem.StableMemories), "", linmemtest.Module(1, 10)))
	if err := m.LimitPages(1); err != nil && strings.Contains(err.Error(), "instantiate the module in the Context") {
		t.Errorf("misleading: %v", err)
	}
}
