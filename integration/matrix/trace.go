package matrix

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	linmem "github.com/linmem/linmem/core"
)

// The trace is a stream of random page operations from a fixed seed. What it does next depends on the addresses that it
// got so far, so two engines that disagree once disagree from there on. Each line of the golden file is an operation and
// its outcome.

// steps reach the memory's maximum of 256 pages, with every operation on either side of it.
const steps = 2000

func replaysTrace(f *fixture) {
	t := trace{fixture: f, rng: rand.New(rand.NewPCG(2026, 11))}
	for range steps {
		t.step()
		if err := f.pages.Check(); err != nil {
			f.Fatalf("after %q: %v", t.log[len(t.log)-1], err)
		}
	}
	for _, a := range t.live {
		t.inspect(a)
	}
	matchesGolden(f, "trace.golden", t.log)
}

// trace is one replay.
type trace struct {
	*fixture
	rng   *rand.Rand
	live  []allocation
	guest []linmem.Range // grown by the guest, not adopted
	next  uint64         // stamp of the next allocation
	log   []string
}

// allocation is stamped at both ends, so that another that overlaps it is found out.
type allocation struct {
	linmem.Range
	stamp uint64
}

func (t *trace) logf(format string, args ...any) { t.log = append(t.log, fmt.Sprintf(format, args...)) }

func (t *trace) step() {
	switch op := t.rng.IntN(100); {
	case op < 30:
		n := t.length()
		r, err := t.pages.Alloc(n)
		t.logf("alloc %d -> %s", n, outcome(r, err))
		t.keep(r, err)
	case op < 42:
		n, align := t.length(), uint64(1)<<t.rng.IntN(5)
		r, err := t.pages.AllocAligned(n, align)
		t.logf("alloc %d align %d -> %s", n, align, outcome(r, err))
		t.keep(r, err)
	case op < 72:
		if i, ok := t.pick(); ok {
			a := t.live[i]
			t.inspect(a)
			err := t.pages.Free(a.Range)
			t.logf("free %v -> %s", a.Range, outcome(a.Range, err))
			t.live = slices.Delete(t.live, i, i+1)
		}
	case op < 88:
		if i, ok := t.pick(); ok {
			a := t.live[i]
			n := t.length()
			t.inspect(a)
			r, err := t.pages.Resize(a.Range, n)
			t.logf("resize %v to %d -> %s", a.Range, n, outcome(r, err))
			t.live[i].Range = r
			t.stamp(t.live[i])
		}
	case op < 91:
		n := t.length()
		err := t.pages.Reserve(n)
		t.logf("reserve %d -> %s, %d pages", n, outcome(linmem.Range{}, err), t.mem.NumPages())
	case op < 94:
		on := t.rng.IntN(3) == 0
		t.pages.Freeze(on)
		t.logf("freeze %t", on)
	case op < 97:
		n := 1 + t.rng.Uint64N(3)
		r, ok := t.guestGrow(n)
		t.logf("guest grows %d -> %v %t", n, r, ok)
		if ok {
			t.guest = append(t.guest, r)
		}
	default:
		if len(t.guest) > 0 && t.rng.IntN(2) == 0 {
			i := t.rng.IntN(len(t.guest))
			r := t.guest[i]
			err := t.pages.Adopt(r)
			t.logf("adopt %v -> %s", r, outcome(r, err))
			t.guest = slices.Delete(t.guest, i, i+1)
		}
	}
}

// length favors short runs, as programs do.
func (t *trace) length() uint64 {
	switch t.rng.IntN(10) {
	case 0:
		return 1 + t.rng.Uint64N(40)
	case 1, 2, 3:
		return 1 + t.rng.Uint64N(8)
	}
	return 1 + t.rng.Uint64N(3)
}

func (t *trace) pick() (i int, ok bool) {
	if len(t.live) == 0 {
		return 0, false
	}
	return t.rng.IntN(len(t.live)), true
}

func (t *trace) keep(r linmem.Range, err error) {
	if err != nil {
		return
	}
	t.next++
	a := allocation{r, t.next}
	t.live = append(t.live, a)
	t.stamp(a)
}

func (t *trace) stamp(a allocation) {
	b := t.view(a.Addr(), a.Bytes())
	binary.LittleEndian.PutUint64(b, a.stamp)
	binary.LittleEndian.PutUint64(b[len(b)-8:], a.stamp)
}

func (t *trace) inspect(a allocation) {
	b := t.view(a.Addr(), a.Bytes())
	first, last := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[len(b)-8:])
	if first != a.stamp || last != a.stamp {
		t.Fatalf("%v holds the stamps %d and %d, want %d", a.Range, first, last, a.stamp)
	}
}

// outcome writes errors as their kind, since their texts may improve.
func outcome(r linmem.Range, err error) string {
	switch {
	case err == nil:
		return fmt.Sprintf("%#x", r.Addr())
	case errors.Is(err, linmem.ErrOutOfMemory):
		return "out of memory"
	}
	return "error " + err.Error()
}
