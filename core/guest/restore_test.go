package guest_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// TestRestore has a guest serve requests that leave things behind, each from where the first one began, by every strategy
// with which the guest does not allocate from the heap.
func TestRestore(t *testing.T) {
	for _, strategy := range []guest.Strategy{guest.Arena, guest.Grow, guest.Donate, guest.Gap} {
		t.Run(string(strategy), func(t *testing.T) {
			name := "rust"
			if strategy == guest.Donate || strategy == guest.Gap {
				name = "go"
			}
			var s *scene
			if strategy == guest.Arena {
				f, _ := allocatingAt(60, 16*linmem.PageSize, 40*linmem.PageSize)
				s = openScene(t, f, everything, guest.WithStrategy(strategy))
			} else {
				tc := toolchainOf(name)
				s = openScene(t, newFake(tc), everything, optionsFor(tc, strategy)...)
			}
			kept, err := s.g.Heap.Put([]byte("what all requests need"))
			if err != nil {
				t.Fatal(err)
			}
			snapshot, err := s.g.Heap.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			var first []uint64
			var size uint64
			for i := range 4 {
				var addrs []uint64
				for j := range 20 {
					addr, err := s.g.Heap.Put(bytes.Repeat([]byte{byte(i)}, 1+j*3000))
					if err != nil {
						t.Fatal(err)
					}
					addrs = append(addrs, addr)
				}
				if i == 0 {
					first, size = addrs, s.memory.NumPages()
				}
				if err := s.g.Restore(snapshot); err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(s.g.Heap.Check(), s.g.Verify()); err != nil {
					t.Fatal(err)
				}
				if i > 0 && !slices.Equal(addrs, first) {
					t.Errorf("request %d found %#x, the first one %#x", i, addrs, first)
				}
				if got := s.memory.NumPages(); got != size {
					t.Errorf("the memory has %d pages after request %d, and %d after the first", got, i, size)
				}
				if view, err := s.g.Heap.View(kept, 4); err != nil || string(view) != "what" {
					t.Errorf("what was kept is %q, %v", view, err)
				}
				if n := s.g.Heap.Stats().Allocs; n != 1 {
					t.Errorf("%d blocks are in the heap, want 1", n)
				}
			}
		})
	}
}

func TestRestoreRefuses(t *testing.T) {
	open := func(pages uint64) *guest.Guest {
		s := openScene(t, newFake(toolchainOf("rust")), everything, optionsFor(toolchainOf("rust"), guest.Grow)...)
		if err := s.g.Heap.Reserve(pages * linmem.PageSize); err != nil {
			t.Fatal(err)
		}
		return s.g
	}
	small, large := open(4), open(90)
	snapshot, err := large.Heap.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	before := small.Heap
	if err := small.Restore(snapshot); err == nil {
		t.Error("a snapshot of a larger heap is taken")
	}
	if err := large.Restore(snapshot[:len(snapshot)-1]); !errors.Is(err, linmem.ErrCorrupt) {
		t.Errorf("Restore of a part: %v, want ErrCorrupt", err)
	}
	if small.Heap != before || small.Heap.Check() != nil {
		t.Error("a Restore that fails has changed the heap")
	}

	imports := openScene(t, newFake(importsAllocator), everything, optionsFor(importsAllocator, guest.HeapBase)...)
	if snapshot, err = imports.g.Heap.MarshalBinary(); err != nil {
		t.Fatal(err)
	}
	if err := imports.g.Restore(snapshot); !errors.Is(err, linmem.ErrUnsupported) {
		t.Errorf("Restore of a heap that the guest allocates from: %v, want ErrUnsupported", err)
	}
}
