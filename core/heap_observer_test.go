package linmem_test

import (
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// An Observer is told of all pages that the heap has, and of all that it gives back.
func TestHeapObserverOfPages(t *testing.T) {
	held, gained, returned := map[linmem.Page]bool{}, 0, 0
	h, _ := heapIn(t, 100, linmem.WithObserver(&linmem.Observer{
		HeapGained: func(r linmem.Range) {
			gained++
			for page := r.Start; page < r.End(); page++ {
				if held[page] {
					t.Errorf("page %d is gained twice", page)
				}
				held[page] = true
			}
		},
		HeapReturned: func(r linmem.Range) {
			returned++
			for page := r.Start; page < r.End(); page++ {
				if !held[page] {
					t.Errorf("page %d is returned, and was not gained", page)
				}
				delete(held, page)
			}
		},
	}))
	r := rand.New(rand.NewPCG(14, 14))
	var live []uint64
	for i := range 3000 {
		switch n := len(live); {
		case n > 0 && r.IntN(5) < 2:
			must(t, h.Free(live[n-1]))
			live = live[:n-1]
		case i%997 == 996:
			must(t, h.Reset())
			live = nil
		default:
			if addr, err := h.Alloc(r.Uint64N(1 << (1 + r.IntN(19)))); err == nil {
				live = append(live, addr)
			}
		}
		if n := h.Stats().Committed / linmem.PageSize; n != uint64(len(held)) {
			t.Fatalf("the heap has %d pages, and %d were gained and not returned", n, len(held))
		}
	}
	if gained == 0 || returned == 0 {
		t.Errorf("told of %d gains and %d returns", gained, returned)
	}
}

// An Observer is told of each call that names what is not allocated, with the error that the caller gets.
func TestHeapObserverOfMisuse(t *testing.T) {
	var told error
	h, _ := heapIn(t, 10, linmem.WithObserver(&linmem.Observer{Misuse: func(err error) { told = err }}))
	s := linmem.NewShared(h)
	l := s.Local()
	addr := taken(t, h, 100)
	tests := map[string]func() error{
		"Free":          func() error { return h.Free(addr + 1) },
		"FreeNull":      func() error { return h.Free(0) },
		"Resize":        func() error { return h.Resize(addr+1, 1) },
		"Realloc":       func() error { _, err := h.Realloc(addr+1, 1); return err },
		"SizeOf":        func() error { _, err := h.SizeOf(addr + 1); return err },
		"View":          func() error { _, err := h.View(1, 1); return err },
		"ViewPast":      func() error { _, err := h.View(addr, 1000); return err },
		"SharedFree":    func() error { return s.Free(addr + 1) },
		"LocalFree":     func() error { return l.Free(addr + 1) },
		"LocalFreeNull": func() error { return l.Free(0) },
	}
	for name, call := range tests {
		told = nil
		if err := call(); err == nil || told != err {
			t.Errorf("%s: returned %v, and told the observer of %v", name, err, told)
		}
	}
	told = nil
	if _, err := h.Alloc(1 << 40); err == nil {
		t.Error("did not fail")
	}
	must(t, h.Free(addr))
	if told != nil {
		t.Errorf("told of %v", told)
	}
}
