package pagemap_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/linmem/linmem/core/internal/pagemap"
)

type state byte

const (
	foreign state = iota
	free
	used
)

// model is the map that is obviously right.
type model struct {
	base  uint64
	state []state
	first []bool
}

func (m *model) fits(page, n uint64) bool {
	if page+n > uint64(len(m.state)) {
		return false
	}
	for i := page; i < page+n; i++ {
		if m.state[i] != free {
			return false
		}
	}
	return true
}

func (m *model) find(n, align uint64) (uint64, bool) {
	for p := uint64(0); p < uint64(len(m.state)); p++ {
		if (p+m.base)%align == 0 && m.fits(p, n) {
			return p, true
		}
	}
	return 0, false
}

func TestQuick(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		size := 1 + r.Uint64N([]uint64{100, 700, 3000}[r.IntN(3)])
		mod := &model{base: r.Uint64N(3) * 77, state: make([]state, size), first: make([]bool, size)}
		var m pagemap.Map
		m.Cover(mod.base, size)
		m.Add(mod.base, size)
		m.Mark(mod.base + size)
		for i := range mod.state {
			mod.state[i] = free
		}
		type run struct{ p, n uint64 }
		var live []run
		maxRun := []uint64{3, 8, 64, 200, 1000}[r.IntN(5)]
		for step := range 400 {
			err := func() error {
				if len(live) > 0 && r.IntN(2) == 0 {
					i := r.IntN(len(live))
					l := live[i]
					live[i] = live[len(live)-1]
					live = live[:len(live)-1]
					if l.n > 1 && m.Free(l.p+mod.base, l.n-1) {
						return fmt.Errorf("freed part")
					}
					if m.Free(l.p+mod.base, l.n+1) {
						return fmt.Errorf("freed more")
					}
					if l.n > 1 && m.Free(l.p+1+mod.base, l.n-1) {
						return fmt.Errorf("freed interior")
					}
					if got := m.RunLen(l.p + mod.base); got != l.n {
						return fmt.Errorf("run len %d want %d", got, l.n)
					}
					if !m.Free(l.p+mod.base, l.n) {
						return fmt.Errorf("free %v", l)
					}
					if m.Free(l.p+mod.base, l.n) {
						return fmt.Errorf("double free")
					}
					for j := l.p; j < l.p+l.n; j++ {
						mod.state[j] = free
					}
					return nil
				}
				n := 1 + r.Uint64N(maxRun)
				align := uint64(1)
				if r.IntN(3) == 0 {
					align = 1 << r.IntN(11)
				}
				want, wok := mod.find(n, align)
				var got uint64
				var ok bool
				if align == 1 {
					if p, ok2 := m.Find(n); ok2 != wok || ok2 && p != want+mod.base {
						return fmt.Errorf("find %d: %d %v want %d %v", n, p, ok2, want+mod.base, wok)
					}
					got, ok = m.Alloc(n)
				} else {
					got, ok = m.FindAligned(n, align)
					if ok {
						m.Remove(got, n)
						m.Mark(got)
					}
				}
				if ok != wok || ok && got != want+mod.base {
					return fmt.Errorf("alloc %d %d: %d %v want %d %v", n, align, got, ok, want+mod.base, wok)
				}
				if ok {
					live = append(live, run{want, n})
					for j := want; j < want+n; j++ {
						mod.state[j] = used
					}
				}
				return nil
			}()
			if err == nil {
				err = m.Check()
			}
			if err != nil {
				t.Fatalf("seed %d step %d size %d base %d: %v", seed, step, size, mod.base, err)
			}
		}
	}
}
