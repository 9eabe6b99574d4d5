package linmem_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	linmem "github.com/linmem/linmem/core"
)

// sentinels are the classes of the errors that an allocator returns.
var sentinels = []error{
	linmem.ErrOutOfMemory, linmem.ErrNotAllocated, linmem.ErrInvalid, linmem.ErrCorrupt,
	linmem.ErrOutOfBounds, linmem.ErrClosed, linmem.ErrUnsupported,
}

// class returns the one sentinel that err wraps, nil for nil. An error of no class, or two, is returned as it is, so
// that it equals no sentinel.
func class(err error) error {
	var found []error
	for _, s := range sentinels {
		if errors.Is(err, s) {
			found = append(found, s)
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return err
}

type opKind byte

const (
	opAlloc opKind = iota
	opAllocAligned
	opFree
	opResize
	opAdopt
	opReserve
	opFreeze
	opGuestGrow // the guest grows its memory between two calls
	opAmbush    // the guest will grow its memory just before the host does
	opRefuse    // the memory will refuse a growth
	numOpKinds
)

// op is one step of a stream, with its arguments.
type op struct {
	kind     opKind
	r        linmem.Range
	n, align uint64
}

// String returns the step as one would write it in a test.
func (o op) String() string {
	switch o.kind {
	case opAlloc:
		return fmt.Sprintf("Alloc(%d)", o.n)
	case opAllocAligned:
		return fmt.Sprintf("AllocAligned(%d, %d)", o.n, o.align)
	case opFree:
		return fmt.Sprintf("Free(Range{%d, %d})", o.r.Start, o.r.Len)
	case opResize:
		return fmt.Sprintf("Resize(Range{%d, %d}, %d)", o.r.Start, o.r.Len, o.n)
	case opAdopt:
		return fmt.Sprintf("Adopt(Range{%d, %d})", o.r.Start, o.r.Len)
	case opReserve:
		return fmt.Sprintf("Reserve(%d)", o.n)
	case opFreeze:
		return fmt.Sprintf("Freeze(%v)", o.n == 1)
	case opGuestGrow:
		return fmt.Sprintf("(the guest grows by %d)", o.n)
	case opAmbush:
		return fmt.Sprintf("(the guest will grow by %d before the host does)", o.n)
	case opRefuse:
		return "(a growth will be refused)"
	}
	return "?"
}

// config is what a stream starts from.
type config struct {
	start, max, budget uint64
	pageZero           bool
}

// lockstep drives an allocator and the oracle, each on a memory of its own, with the same operations.
type lockstep struct {
	config config
	mem    *guestMemory
	pages  *linmem.Pages
	model  *oracle
	log    []op
	seen   map[outcome]int
}

// outcome is how a call ended.
type outcome struct {
	kind opKind
	err  error // its class
}

func newLockstep(c config) (*lockstep, error) {
	opts := []linmem.Option{linmem.WithMaxPages(c.budget)}
	if c.pageZero {
		opts = append(opts, linmem.WithPageZero())
	}
	l := &lockstep{config: c, mem: &guestMemory{size: c.start, max: c.max}, seen: map[outcome]int{}}
	l.model = newOracle(&guestMemory{size: c.start, max: c.max}, c.budget, c.pageZero)
	var err error
	if l.pages, err = linmem.NewPages(l.mem, opts...); err != nil {
		return l, err
	}
	return l, l.compare()
}

// do takes one step on both sides, and returns how they differ afterwards.
func (l *lockstep) do(o op) error {
	l.log = append(l.log, o)
	l.mem.asked, l.model.mem.asked = nil, nil
	var got, want linmem.Range
	var err, wantErr error
	switch o.kind {
	case opAlloc:
		got, err = l.pages.Alloc(o.n)
		want, wantErr = l.model.alloc(o.n, 1)
	case opAllocAligned:
		got, err = l.pages.AllocAligned(o.n, o.align)
		want, wantErr = l.model.alloc(o.n, o.align)
	case opFree:
		err = l.pages.Free(o.r)
		wantErr = l.model.free(o.r)
	case opResize:
		got, err = l.pages.Resize(o.r, o.n)
		want, wantErr = l.model.resize(o.r, o.n)
	case opAdopt:
		err = l.pages.Adopt(o.r)
		wantErr = l.model.adopt(o.r)
	case opReserve:
		err = l.pages.Reserve(o.n)
		wantErr = l.model.reserve(o.n)
	case opFreeze:
		l.pages.Freeze(o.n == 1)
		l.model.frozen = o.n == 1
	case opGuestGrow:
		l.mem.guestGrow(o.n)
		l.model.mem.guestGrow(o.n)
	case opAmbush, opRefuse:
		g := growth{guest: o.n, refuse: o.kind == opRefuse}
		l.mem.script = append(l.mem.script, g)
		l.model.mem.script = append(l.model.mem.script, g)
	}
	if class(err) != wantErr {
		return fmt.Errorf("returned the error %v, want %v", err, wantErr)
	}
	if e := (*linmem.Error)(nil); err != nil && !errors.As(err, &e) {
		return fmt.Errorf("returned %T, which is no *Error", err)
	}
	if got != want {
		return fmt.Errorf("returned %v, want %v", got, want)
	}
	l.seen[outcome{o.kind, wantErr}]++
	return l.compare()
}

// compare returns the first difference between the two sides, or what Check finds.
func (l *lockstep) compare() error {
	if err := l.pages.Check(); err != nil {
		return err
	}
	if !slices.Equal(l.mem.asked, l.model.mem.asked) {
		return fmt.Errorf("grew by %v, want %v", l.mem.asked, l.model.mem.asked)
	}
	if l.mem.size != l.model.mem.size {
		return fmt.Errorf("the memory has %d pages, want %d", l.mem.size, l.model.mem.size)
	}
	if got, want := slices.Collect(l.pages.FreeRanges()), l.model.freeRanges(); !slices.Equal(got, want) {
		return fmt.Errorf("free are %v, want %v", got, want)
	}
	if got, want := slices.Collect(l.pages.Allocated()), l.model.allocated(); !slices.Equal(got, want) {
		return fmt.Errorf("allocated are %v, want %v", got, want)
	}
	if got, want := l.pages.Stats(), l.model.stats(); got != want {
		return fmt.Errorf("the stats are %+v, want %+v", got, want)
	}
	return nil
}

// story returns the stream so far, one step a line.
func (l *lockstep) story() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%+v\n", l.config)
	for _, o := range l.log {
		fmt.Fprintln(&b, o)
	}
	return b.String()
}

// Lengths and alignments that a test of arithmetic wants.
var (
	oddLens   = []uint64{0, spacePages - 1, spacePages, spacePages + 1, 1 << 63, math.MaxUint64}
	oddAligns = []uint64{0, 3, 6, 24, 1 << 47, spacePages, spacePages << 1, 1 << 63, math.MaxUint64}
)

// decode makes a step out of three bytes, whatever they are. Most of them make sense in the present state.
func (l *lockstep) decode(kind opKind, x, y byte) op {
	o := op{kind: kind % numOpKinds}
	switch o.kind {
	case opAlloc, opReserve:
		o.n = length(x, y)
	case opAllocAligned:
		o.n, o.align = length(x, 0), 1<<(y%8)
		if y >= 235 {
			o.align = oddAligns[int(y-235)%len(oddAligns)]
		}
	case opFree:
		o.r = l.pick(x, y)
	case opResize:
		o.r = l.pick(x, 0)
		switch {
		case y < 160:
			o.n = 1 + uint64(y%12)
		case y < 240:
			o.n = o.r.Len + uint64(y-160)
		case y < 250:
			o.n = oddLens[int(y)%len(oddLens)]
		default:
			o.r, o.n = l.pick(x, 255-y%8), 3
		}
	case opAdopt:
		o.r = l.pickForeign(x, y)
	case opFreeze:
		o.n = uint64(x & y & 1) // a frozen allocator is dull: thaw it more often
	case opGuestGrow, opAmbush:
		o.n = 1 + uint64(x%5)
		if y == 255 {
			o.n = l.config.max
		}
		if o.kind == opAmbush && len(l.mem.script) >= 3 {
			o.kind = opGuestGrow
		}
	}
	return o
}

// length is mostly small.
func length(x, y byte) uint64 {
	switch {
	case y >= 250:
		return oddLens[int(x)%len(oddLens)]
	case y >= 220:
		return uint64(x)
	}
	return 1 + uint64(x%8)
}

// pick returns a live run, or something that resembles one if y is high.
func (l *lockstep) pick(x, y byte) linmem.Range {
	i := int(x)
	live := l.model.allocated()
	size := linmem.Page(l.model.mem.size)
	r := linmem.Range{Start: linmem.Page(x) % (size + 2), Len: 1 + uint64(y%4)}
	if len(live) > 0 {
		r = live[i%len(live)]
	}
	if y < 200 {
		return r
	}
	switch y % 8 {
	case 0:
		return linmem.Range{Start: r.Start + 1, Len: r.Len - 1}
	case 1:
		return linmem.Range{Start: r.Start, Len: r.Len - 1}
	case 2:
		return linmem.Range{Start: r.Start, Len: r.Len + 1}
	case 3:
		if len(live) > 1 {
			next := live[(i+1)%len(live)]
			return linmem.Range{Start: r.Start, Len: r.Len + next.Len}
		}
	case 4:
		if free := l.model.freeRanges(); len(free) > 0 {
			return free[i%len(free)]
		}
	case 5:
		if foreign := l.model.foreign(); len(foreign) > 0 {
			return foreign[i%len(foreign)]
		}
	case 6:
		return linmem.Range{Start: r.Start, Len: -uint64(r.Start) + uint64(y%3)} // overflows, mostly
	}
	return linmem.Range{Start: size - linmem.Page(x)%(size+1), Len: 1 + uint64(x%4)}
}

// pickForeign returns part of a foreign range, or something that resembles it if y is high.
func (l *lockstep) pickForeign(x, y byte) linmem.Range {
	size := l.model.mem.size
	switch {
	case y == 255:
		return linmem.Range{Start: linmem.Page(size - min(size, uint64(x%4))), Len: 1 + uint64(x%7)}
	case y == 254:
		return linmem.Range{Start: linmem.Page(x), Len: oddLens[int(x)%len(oddLens)]}
	case y >= 240:
		return l.pick(x, y)
	}
	foreign := l.model.foreign()
	if len(foreign) == 0 || size > uint64(len(l.model.pages)) && y%16 == 15 {
		return linmem.Range{Start: linmem.Page(len(l.model.pages)), Len: 1} // grown by the guest and not seen yet
	}
	r := foreign[int(x)%len(foreign)]
	skip := uint64(y/8) % r.Len
	return linmem.Range{Start: r.Start + linmem.Page(skip), Len: 1 + uint64(y)%8%(r.Len-skip+1)}
}
