package linmem_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// steadyMemory is a memory that many goroutines may use, and that never moves.
type steadyMemory struct {
	mu         sync.Mutex
	pages, max uint64
	data       []byte
}

func newSteadyMemory(pages, limit uint64) *steadyMemory {
	return &steadyMemory{pages: pages, max: limit, data: make([]byte, limit*linmem.PageSize)}
}

func (m *steadyMemory) NumPages() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pages
}

func (m *steadyMemory) Grow(delta uint64) (prev uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if delta > m.max-m.pages {
		return 0, errRefusedByGuest
	}
	m.pages += delta
	return m.pages - delta, nil
}

func (m *steadyMemory) View(addr, n uint64) ([]byte, error) {
	return linmem.Subslice("View", m.data[:m.NumPages()*linmem.PageSize], addr, n)
}

// parcel is a block on its way from one goroutine to another.
type parcel struct{ addr, size, mark uint64 }

// maxParcels is how many blocks a goroutine has at once.
const maxParcels = 150

// hammer allocates, checks, frees and hands on.
type hammer struct {
	calls blockCalls
	mem   *steadyMemory
	rand  *rand.Rand
	mine  []parcel
	mail  chan parcel
	sizes int // log2 of the largest
	fails int
}

func (m *hammer) holds(p parcel) bool { return filled(m.mem.data[p.addr:][:p.size], p.mark) }

func (m *hammer) step(t *testing.T) {
	size := m.rand.Uint64N(1 << (1 + m.rand.IntN(m.sizes)))
	n := len(m.mine)
	switch kind := m.rand.IntN(20); {
	case n == 0 || kind < 8 && n < maxParcels:
		m.alloc(t, size)
	case kind < 10: // to another goroutine
		p := m.drop()
		select {
		case m.mail <- p:
		default:
			m.free(t, p)
		}
	case kind < 12: // from another
		select {
		case p := <-m.mail:
			m.mine = append(m.mine, p)
		default:
		}
	case kind == 12:
		m.realloc(t, m.drop(), size)
	case kind == 13:
		m.misuse(t)
	case kind == 14:
		p := m.mine[m.rand.IntN(n)]
		usable, err := m.calls.SizeOf(p.addr)
		if err != nil || usable < p.size {
			t.Errorf("SizeOf(%#x) returned %d, %v, want %d at least", p.addr, usable, err, p.size)
		}
		if view, err := m.calls.View(p.addr, p.size); err != nil || !filled(view, p.mark) {
			t.Errorf("View(%#x, %d) returned %v", p.addr, p.size, err)
		}
		if err := m.calls.Resize(p.addr, p.size); err != nil {
			t.Errorf("Resize(%#x, %d) returned %v", p.addr, p.size, err)
		}
	default:
		m.free(t, m.drop())
	}
}

// drop takes a parcel out.
func (m *hammer) drop() parcel {
	i, last := m.rand.IntN(len(m.mine)), len(m.mine)-1
	p := m.mine[i]
	m.mine[i] = m.mine[last]
	m.mine = m.mine[:last]
	return p
}

func (m *hammer) alloc(t *testing.T, size uint64) {
	var addr uint64
	var err error
	p := parcel{size: size, mark: m.rand.Uint64()}
	switch size % 4 {
	case 0:
		addr, err = m.calls.AllocAligned(size, 64)
	case 1:
		addr, err = m.calls.Put(patterned(size))
	default:
		addr, err = m.calls.Alloc(size)
	}
	if err != nil {
		if m.fails++; class(err) != linmem.ErrOutOfMemory {
			t.Errorf("allocating %d bytes: %v", size, err)
		}
		return
	}
	p.addr = addr
	fill(m.mem.data[addr:][:size], p.mark)
	m.mine = append(m.mine, p)
}

func (m *hammer) realloc(t *testing.T, p parcel, size uint64) {
	addr, err := m.calls.Realloc(p.addr, size)
	if err != nil {
		if m.fails++; class(err) != linmem.ErrOutOfMemory {
			t.Errorf("Realloc(%#x, %d): %v", p.addr, size, err)
		}
		m.mine = append(m.mine, p)
		return
	}
	p.addr, p.size = addr, min(p.size, size)
	if !m.holds(p) {
		t.Errorf("Realloc to %d bytes at %#x changed the contents", size, addr)
	}
	p.size = size
	fill(m.mem.data[addr:][:size], p.mark)
	m.mine = append(m.mine, p)
}

func (m *hammer) free(t *testing.T, p parcel) {
	if !m.holds(p) {
		t.Errorf("the %d bytes at %#x have changed", p.size, p.addr)
	}
	if err := m.calls.Free(p.addr); err != nil {
		t.Errorf("Free(%#x) returned %v", p.addr, err)
	}
}

// misuse frees what can be nobody's.
func (m *hammer) misuse(t *testing.T) {
	inside := m.mine[m.rand.IntN(len(m.mine))].addr
	for _, addr := range []uint64{0, 1, inside + 1, inside + 8, 1 << 40, m.rand.Uint64() | 1} {
		if err := m.calls.Free(addr); class(err) != linmem.ErrNotAllocated {
			t.Errorf("Free(%#x) returned %v", addr, err)
		}
	}
}

// Goroutines allocate and free at once, what others allocated too, and nothing gets lost or mixed up.
func TestSharedHammer(t *testing.T) {
	tests := []struct {
		name   string
		sizes  int
		pages  uint64
		steps  int
		locals bool
		fails  bool
	}{
		{"Shared", 13, 300, 6000, false, false},
		{"Tiny", 6, 200, 20_000, true, false},
		{"Small", 11, 300, 20_000, true, false},
		{"Large", 17, 400, 5000, true, false},
		{"LittleMemory", 13, 8, 10_000, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mem := newSteadyMemory(1, tt.pages)
			h, err := linmem.NewHeap(mem)
			must(t, err)
			s := linmem.NewShared(h)
			mail := make(chan parcel, 64)
			hammers := make([]*hammer, 6)
			steps := tt.steps
			if testing.Short() {
				steps /= 4
			}
			var wg sync.WaitGroup
			for i := range hammers {
				m := &hammer{calls: s, mem: mem, rand: rand.New(rand.NewPCG(uint64(i), 11)), mail: mail, sizes: tt.sizes}
				hammers[i] = m
				wg.Go(func() {
					local := s.Local()
					for step := range steps {
						if m.calls = s; tt.locals && (i > 0 || step%2 == 0) {
							m.calls = local
						}
						m.step(t)
						if step%1000 == 999 {
							if err := local.Close(); err != nil {
								t.Error(err)
							}
							local = s.Local()
						}
					}
					if err := local.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			close(mail)
			finishHammers(t, s, hammers, mail)
			fails := 0
			for _, m := range hammers {
				fails += m.fails
			}
			if fails > 0 != tt.fails {
				t.Errorf("%d allocations failed", fails)
			}
		})
	}
}

// finishHammers looks at what is live, and frees it.
func finishHammers(t *testing.T, s *linmem.Shared, hammers []*hammer, mail <-chan parcel) {
	t.Helper()
	must(t, s.Check())
	live := slices.Collect(chanOf(mail))
	for _, m := range hammers {
		live = append(live, m.mine...)
	}
	if n := s.Stats(); n.Allocs != uint64(len(live)) || n.Cached != 0 {
		t.Errorf("the stats are %+v, and %d blocks are live", n, len(live))
	}
	all := maps.Collect(s.All())
	for _, p := range live {
		if usable, ok := all[p.addr]; !ok || usable < p.size {
			t.Errorf("All has %d bytes at %#x, want %d", usable, p.addr, p.size)
		}
		if !hammers[0].holds(p) {
			t.Errorf("the %d bytes at %#x have changed", p.size, p.addr)
		}
		must(t, s.Free(p.addr))
	}
	must(t, s.Check())
	stats := s.Stats()
	if stats.Live != 0 || stats.Allocs != 0 || stats.Cached != 0 || stats.Committed > 2*linmem.PageSize {
		t.Errorf("in the end the stats are %+v", stats)
	}
}

// chanOf yields what is in a closed channel.
func chanOf(c <-chan parcel) func(func(parcel) bool) {
	return func(yield func(parcel) bool) {
		for p := range c {
			if !yield(p) {
				return
			}
		}
	}
}

// Arenas of several goroutines take their chunks from one heap, and keep out of each other's.
func TestSharedArenas(t *testing.T) {
	mem := newSteadyMemory(1, 200)
	h, err := linmem.NewHeap(mem)
	must(t, err)
	s := linmem.NewShared(h)
	var wg sync.WaitGroup
	for i := range uint64(5) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(i, 12))
			a := s.NewArena()
			for round := range uint64(30) {
				var blocks []parcel
				for range 50 {
					p := parcel{size: r.Uint64N(1 << (1 + r.IntN(13))), mark: r.Uint64()}
					var err error
					if p.addr, err = a.Alloc(p.size); err != nil {
						t.Error(err)
						return
					}
					fill(mem.data[p.addr:][:p.size], p.mark)
					blocks = append(blocks, p)
				}
				for _, p := range blocks {
					if !filled(mem.data[p.addr:][:p.size], p.mark) {
						t.Errorf("the %d bytes of an arena at %#x have changed", p.size, p.addr)
					}
				}
				end := a.Reset
				if round%3 == 0 || round == 29 {
					end = a.Free
				}
				if err := end(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	must(t, s.Check())
	if stats := s.Stats(); stats.Live != 0 || stats.Allocs != 0 || stats.Committed > 2*linmem.PageSize {
		t.Errorf("in the end the stats are %+v", stats)
	}
}

// Do has the heap for several calls at a time.
func TestSharedDo(t *testing.T) {
	h, _ := heapIn(t, 100)
	s := linmem.NewShared(h)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				s.Do(func(inside *linmem.Heap) {
					before := inside.Stats().Allocs
					addr, err := inside.Alloc(64)
					if n := inside.Stats().Allocs; err != nil || n != before+1 || inside != h {
						t.Errorf("%d allocations became %d, %v", before, n, err)
					}
					if err := inside.Free(addr); err != nil {
						t.Error(err)
					}
				})
				addr, err := s.Alloc(100)
				if err == nil {
					err = s.Free(addr)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	must(t, s.Check())
}

// One that looks for something in a Shared stops when it is found, and may change the heap meanwhile.
func TestSharedAll(t *testing.T) {
	h, _ := heapIn(t, 100)
	s := linmem.NewShared(h)
	for range 100 {
		_, err := s.Alloc(40)
		must(t, err)
	}
	n := 0
	for addr := range s.All() {
		must(t, s.Free(addr))
		if n++; n == 30 {
			break
		}
	}
	if got := s.Stats().Allocs; got != 70 {
		t.Errorf("%d allocations are left, want 70", got)
	}
}

// A Reset frees what Locals have allocated while they go on. What they free then may be nobody's, and is said to be.
func TestSharedResetHammer(t *testing.T) {
	mem := newSteadyMemory(1, 100)
	h, err := linmem.NewHeap(mem)
	must(t, err)
	s := linmem.NewShared(h)
	steps := 10_000
	if testing.Short() {
		steps /= 4
	}
	var wg sync.WaitGroup
	for i := range uint64(4) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(i, 13))
			l := s.Local()
			var mine []uint64
			for range steps {
				if n := len(mine); n > 0 && r.IntN(2) == 0 || n > 100 {
					if err := l.Free(mine[n-1]); err != nil && class(err) != linmem.ErrNotAllocated {
						t.Errorf("Free returned %v", err)
					}
					mine = mine[:n-1]
					continue
				}
				addr, err := l.Alloc(r.Uint64N(1 << (1 + r.IntN(12))))
				if err != nil {
					t.Errorf("Alloc returned %v", err)
					continue
				}
				mine = append(mine, addr)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Go(func() {
		for range steps / 50 {
			if err := s.Reset(); err != nil {
				t.Errorf("Reset returned %v", err)
			}
			if err := s.Check(); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	must(t, s.Check())
	must(t, s.Reset())
	must(t, s.Check())
	if stats := s.Stats(); stats.Live != 0 || stats.Cached != 0 || stats.Committed > 2*linmem.PageSize {
		t.Errorf("in the end the stats are %+v", stats)
	}
}
