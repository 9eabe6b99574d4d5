package linmemtest_test

import (
	"errors"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
)

// TestFailAfter refuses the growth at each point of a run of operations. The refused call changes nothing, the
// allocator goes on with what it has, and a run that is long enough never meets the fault.
func TestFailAfter(t *testing.T) {
	const runs = 20
	for n := range runs + 2 {
		mem := linmemtest.FailAfter(n, linmemtest.NewMemory(1, 1000))
		pages, err := linmem.NewPages(mem)
		if err != nil {
			t.Fatal(err)
		}
		var got int
		for i := range uint64(runs) {
			before, size := slices.Collect(pages.Allocated()), mem.NumPages()
			_, err := pages.Alloc(i%4 + 1)
			if err == nil {
				got++
			} else if !errors.Is(err, linmem.ErrOutOfMemory) ||
				!slices.Equal(slices.Collect(pages.Allocated()), before) || mem.NumPages() != size {
				t.Fatalf("after %d growths, Alloc: %v, runs %v, were %v", n, err, slices.Collect(pages.Allocated()), before)
			}
			if err := pages.Check(); err != nil {
				t.Fatalf("after %d growths: %v", n, err)
			}
		}
		if want := min(n, runs); got != want {
			t.Errorf("with %d growths %d runs were had, want %d", n, got, want)
		}
		if prev, err := mem.Grow(0); err != nil || prev != mem.NumPages() {
			t.Errorf("Grow(0) = %d, %v, and is no growth to be refused", prev, err)
		}
	}
}

// TestGuestGrows has the guest come in between, and sees that its pages are left alone.
func TestGuestGrows(t *testing.T) {
	guest := uint64(0)
	mem := linmemtest.GuestGrows(func() uint64 { return guest }, linmemtest.NewMemory(1, 1000))
	pages, err := linmem.NewPages(mem)
	if err != nil {
		t.Fatal(err)
	}
	for guest = range uint64(5) {
		r, err := pages.Alloc(3)
		if err != nil {
			t.Fatal(err)
		}
		if end := linmem.Page(mem.NumPages()); r.End() != end {
			t.Errorf("the run %v does not end with the memory, at %d", r, end)
		}
		if err := pages.Check(); err != nil {
			t.Fatal(err)
		}
	}
	if got := pages.Stats(); got.Foreign != 1+0+1+2+3+4 || got.Allocated != 5*3 {
		t.Errorf("%+v, want 11 foreign pages and 15 allocated", got)
	}
}

// TestFaultsOfAGrower holds that a fault around a memory shows its bytes, and one around a mere Grower says that it has none.
func TestFaultsOfAGrower(t *testing.T) {
	m := linmemtest.NewMemory(1, 2)
	if b, err := linmemtest.FailAfter(0, m).View(0, 1); err != nil || len(b) != 1 {
		t.Errorf("View of a memory = %v, %v", b, err)
	}
	var g struct{ linmem.Grower }
	g.Grower = m
	if _, err := linmemtest.FailAfter(0, g).View(0, 1); !errors.Is(err, linmem.ErrUnsupported) {
		t.Errorf("View of a Grower: %v, want ErrUnsupported", err)
	}
}
