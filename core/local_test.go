package linmem_test

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// Blocks outlive their Local, which has no use after its Close.
func TestLocalClose(t *testing.T) {
	h, _ := heapIn(t, 100)
	s := linmem.NewShared(h)
	l := s.Local()
	var live []uint64
	for _, size := range resizeSizes {
		addr, err := l.Alloc(size)
		must(t, err)
		live = append(live, addr)
	}
	put, err := l.Put(patterned(300))
	must(t, err)
	must(t, l.Free(live[2]))
	must(t, l.Close())
	if n := s.Stats().Cached; n != 0 {
		t.Errorf("a closed Local has %d bytes", n)
	}
	calls := map[string]func() error{
		"Alloc":        func() error { _, err := l.Alloc(1); return err },
		"AllocAligned": func() error { _, err := l.AllocAligned(1, 64); return err },
		"AllocInvalid": func() error { _, err := l.AllocAligned(1, 3); return err },
		"Free":         func() error { return l.Free(live[1]) },
		"FreeNull":     func() error { return l.Free(0) },
		"Resize":       func() error { return l.Resize(live[1], 1) },
		"Realloc":      func() error { _, err := l.Realloc(live[1], 1); return err },
		"SizeOf":       func() error { _, err := l.SizeOf(live[1]); return err },
		"Put":          func() error { _, err := l.Put([]byte("data")); return err },
		"View":         func() error { _, err := l.View(live[1], 1); return err },
		"Close":        l.Close,
	}
	for name, call := range calls {
		if err := call(); class(err) != linmem.ErrClosed {
			t.Errorf("%s returned %v", name, err)
		}
	}
	if view, err := s.View(put, 300); err != nil || !filled(view, 300) {
		t.Errorf("what the Local put is gone: %v", err)
	}
	other := s.Local()
	for i, addr := range append(live, put) {
		if i == 2 {
			continue // freed above
		}
		free := s.Free
		if i%2 == 0 {
			free = other.Free
		}
		must(t, free(addr))
		if err := free(addr); class(err) != linmem.ErrNotAllocated {
			t.Errorf("freed %#x twice: %v", addr, err)
		}
	}
	must(t, other.Close())
	must(t, s.Check())
	if stats := s.Stats(); stats.Live != 0 || stats.Allocs != 0 || stats.Cached != 0 {
		t.Errorf("in the end the stats are %+v", stats)
	}
}

// What a Local has in hand is counted, and is nobody's allocation.
func TestLocalCache(t *testing.T) {
	h, _ := heapIn(t, 100)
	s := linmem.NewShared(h)
	l := s.Local()
	a, err := l.Alloc(64)
	must(t, err)
	stats := s.Stats()
	if stats.Live != 64 || stats.Allocs != 1 || stats.Cached == 0 {
		t.Errorf("one allocation of 64 bytes has the stats %+v", stats)
	}
	for addr, size := range s.All() {
		if addr != a || size != 64 {
			t.Errorf("All has %d bytes at %#x", size, addr)
		}
	}
	must(t, l.Free(a))
	if stats := s.Stats(); stats.Live != 0 || stats.Allocs != 0 {
		t.Errorf("when it is freed the stats are %+v", stats)
	}
	if err := s.Free(a); class(err) != linmem.ErrNotAllocated {
		t.Errorf("it was freed twice: %v", err)
	}
	must(t, s.Reset())
	b, err := l.Alloc(64)
	must(t, err)
	if usable, err := s.SizeOf(b); err != nil || usable != 64 {
		t.Errorf("after a reset, the Local's address is not known: %d bytes, %v", usable, err)
	}
	must(t, s.Check())
	must(t, s.Reset())
	must(t, l.Close())
	if stats := s.Stats(); stats.Live != 0 || stats.Cached != 0 || stats.Committed > 2*linmem.PageSize {
		t.Errorf("in the end the stats are %+v", stats)
	}
	must(t, s.Check())
}

// Blocks that one Local allocates and another one frees, on and on, take no more memory than those that are live at once.
func TestLocalsThatHandOver(t *testing.T) {
	for _, size := range []uint64{16, 64, 1000, 3000, 100_000} {
		h, mem := heapIn(t, 200)
		s := linmem.NewShared(h)
		from, to := s.Local(), s.Local()
		const window = 30
		var live [window]uint64
		for i := range 10_000 {
			at := i % window
			if i >= window {
				must(t, to.Free(live[at]))
			}
			var err error
			if live[at], err = from.Alloc(size); err != nil {
				t.Fatal(err)
			}
		}
		if limit := 4 + 2*size*window/linmem.PageSize; mem.size > limit {
			t.Errorf("%d blocks of %d bytes take %d pages, want %d at most", window, size, mem.size, limit)
		}
		must(t, s.Check())
		must(t, from.Close())
		for _, addr := range live {
			must(t, to.Free(addr))
		}
		must(t, to.Close())
		if stats := s.Stats(); stats.Allocs != 0 || stats.Cached != 0 || stats.Committed > 2*linmem.PageSize {
			t.Errorf("in the end the stats are %+v", stats)
		}
		must(t, s.Check())
	}
}

// What a Local keeps of what was freed is bounded, and the rest is anybody's.
func TestLocalGivesBack(t *testing.T) {
	h, _ := heapIn(t, 200)
	s := linmem.NewShared(h)
	l := s.Local()
	for _, size := range []uint64{16, 64, 500, 2000} {
		var live []uint64
		for range 4 << 20 / max(size, 100) {
			addr, err := l.Alloc(size)
			must(t, err)
			live = append(live, addr)
		}
		for _, addr := range live {
			must(t, l.Free(addr))
		}
		if stats := s.Stats(); stats.Live != 0 || stats.Cached > 256<<10 || stats.Committed > 1<<20 {
			t.Errorf("with all of %d bytes freed the stats are %+v", size, stats)
		}
	}
	must(t, s.Check())
	must(t, l.Close())
	if stats := s.Stats(); stats.Cached != 0 || stats.Committed > 2*linmem.PageSize {
		t.Errorf("in the end the stats are %+v", stats)
	}
}

// A snapshot has the allocations of Locals, and what these have in hand is free in the copy.
func TestSnapshotWhileLocalsAreOpen(t *testing.T) {
	h, mem := heapIn(t, 100)
	s := linmem.NewShared(h)
	locals := []*linmem.Local{s.Local(), s.Local()}
	for i, size := range resizeSizes {
		_, err := locals[i%2].Alloc(size)
		must(t, err)
		_, err = s.Alloc(size)
		must(t, err)
	}
	snapshot, err := s.MarshalBinary()
	must(t, err)
	copied, err := linmem.RestoreHeap(mem.clone(), snapshot)
	if err != nil {
		t.Fatal(err)
	}
	sound(t, copied)
	if got, want := maps.Collect(copied.All()), maps.Collect(s.All()); !maps.Equal(got, want) {
		t.Errorf("live are %v, want %v", got, want)
	}
	if got, want := copied.Stats(), s.Stats(); got.Live != want.Live || got.Cached != 0 || got.Committed != want.Committed {
		t.Errorf("the stats are %+v, want %+v", got, want)
	}
	if again := saveHeap(t, copied); !bytes.Equal(again, snapshot) {
		t.Errorf("the snapshot of %d bytes became another, of %d", len(snapshot), len(again))
	}
	for _, addr := range slices.Collect(keys(copied)) {
		must(t, copied.Free(addr))
	}
	sound(t, copied)
	must(t, s.Check())
}

// A Local takes and gives back without a Go allocation.
func TestLocalNoGoAllocations(t *testing.T) {
	h, _ := heapIn(t, 100)
	s := linmem.NewShared(h)
	l := s.Local()
	for name, size := range map[string]uint64{"Small": 64, "Slot": 1500, "Large": 30_000, "Pages": 100_000} {
		t.Run(name, func(t *testing.T) {
			noGoAllocations(t, func() {
				addr, err := l.Alloc(size)
				must(t, err)
				must(t, l.Free(addr))
			})
			noGoAllocations(t, func() {
				addr, err := s.Alloc(size)
				must(t, err)
				must(t, l.Free(addr))
			})
		})
	}
	noGoAllocations(t, func() {
		if l.Free(1) == nil || s.Free(1) == nil {
			t.Fatal("did not fail")
		}
	})
}

// A Local that can have no span of its own takes a slot of the heap's, if there is one that will do.
func TestLocalInAFullMemory(t *testing.T) {
	h, _ := heapIn(t, 2)
	s := linmem.NewShared(h)
	l := s.Local()
	var live []uint64
	for {
		addr, err := s.Alloc(100)
		if err != nil {
			break
		}
		live = append(live, addr)
	}
	for _, addr := range live[1:20] {
		must(t, s.Free(addr))
		for align := uint64(4096); align > 0; align /= 2 {
			got, err := l.AllocAligned(100, align)
			if err != nil {
				if class(err) != linmem.ErrOutOfMemory || align <= 16 {
					t.Errorf("%#x was freed, and 100 bytes aligned to %d cannot be had: %v", addr, align, err)
				}
				continue
			}
			if got%align != 0 {
				t.Errorf("100 bytes aligned to %d are at %#x", align, got)
			}
			must(t, l.Free(got))
		}
		must(t, s.Check())
		if _, err := l.Alloc(100); err != nil {
			t.Fatalf("what a Local freed cannot be had: %v", err)
		}
	}
	must(t, l.Close())
	must(t, s.Check())
}

// What a Local could not put takes no memory.
func TestLocalPutWithoutView(t *testing.T) {
	mem := &blindMemory{newBytesMemory(1, 10, nil), linmem.ErrUnsupported}
	h, err := linmem.NewHeap(mem)
	must(t, err)
	l := linmem.NewShared(h).Local()
	for _, n := range []int{10, 5000, 100_000} {
		if addr, err := l.Put(make([]byte, n)); class(err) != linmem.ErrUnsupported || addr != 0 {
			t.Errorf("%d bytes: returned %#x, %v", n, addr, err)
		}
	}
	must(t, l.Close())
	if stats := h.Stats(); stats.Allocs != 0 {
		t.Errorf("in the end the stats are %+v", stats)
	}
	sound(t, h)
}
