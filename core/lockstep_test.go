package linmem_test

import (
	"bytes"
	"errors"
	"fmt"
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

	// These have values of their own, so that a byte of an older input means what it meant.
	opRestore opKind = 0xF0 // the allocator is saved, forgotten and restored
	opOffer   opKind = 0xF1 // the guest's allocator will return a certain range
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
	case opRestore:
		return "(the allocator is restored from a snapshot)"
	case opOffer:
		return fmt.Sprintf("(the guest will give Range{%d, %d})", o.r.Start, o.r.Len)
	}
	return "?"
}

// config is what a stream starts from.
type config struct {
	start, max, budget uint64
	pageZero           bool
	growth             policy
	best               bool // fit, not first fit
	gap                uint64
	source             bool // pages come from the guest's allocator
	rarely             bool // the sides are compared as a whole now and then only, since they are large
}

// policy is a growth policy: the zero value is GrowExact.
type policy struct {
	double bool
	by     uint64
}

// wish is how many pages a growth asks for if nothing forbids it.
func (p policy) wish(need, owned uint64) uint64 {
	n := need
	if p.double {
		n = max(need, owned)
	}
	for p.by > 0 && n%p.by != 0 {
		n++
	}
	return n
}

// options are those of the allocator, which gets its pages from mem.
func (c config) options(mem *guestMemory) []linmem.Option {
	opts := []linmem.Option{linmem.WithMaxPages(c.budget), linmem.WithGap(c.gap)}
	if c.pageZero {
		opts = append(opts, linmem.WithPageZero())
	}
	switch {
	case c.growth.double:
		opts = append(opts, linmem.WithGrowth(linmem.GrowDouble))
	case c.growth.by > 0:
		opts = append(opts, linmem.WithGrowth(linmem.GrowBy(c.growth.by)))
	}
	if c.best {
		opts = append(opts, linmem.WithPlacement(linmem.BestFit))
	}
	if c.source {
		opts = append(opts, linmem.WithSource(mem.arena))
	}
	return opts
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
	l := &lockstep{config: c, mem: &guestMemory{size: c.start, max: c.max}, seen: map[outcome]int{}}
	l.model = newOracle(c)
	var err error
	if l.pages, err = linmem.NewPages(l.mem, c.options(l.mem)...); err != nil {
		return l, err
	}
	return l, l.compare()
}

// do takes one step on both sides, and returns how they differ afterwards.
func (l *lockstep) do(o op) error {
	l.log = append(l.log, o)
	for _, mem := range []*guestMemory{l.mem, l.model.mem} {
		mem.asked, mem.sourced = nil, nil
	}
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
	case opRestore:
		err = l.restore()
		l.model.restore()
	case opAmbush, opRefuse, opOffer:
		g := growth{guest: o.n, refuse: o.kind == opRefuse}
		if o.kind == opOffer {
			g.give = &o.r
		}
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
	if l.config.source && wantErr == linmem.ErrInvalid {
		// What the guest has added is noted now or later, as one likes. Have both sides note it.
		unseen := linmem.Range{Start: linmem.Page(l.mem.size), Len: 1}
		_, _ = l.pages.Adopt(unseen), l.model.adopt(unseen)
	}
	return l.compare()
}

// restore has the allocator replaced by one that is made from its snapshot.
func (l *lockstep) restore() error {
	snapshot, err := l.pages.MarshalBinary()
	if err != nil {
		return err
	}
	seen := l.pages.Stats().Size
	if l.pages, err = linmem.RestorePages(l.mem, snapshot, l.config.options(l.mem)...); err != nil {
		return err
	}
	if again, err := l.pages.MarshalBinary(); err != nil || seen == l.mem.size && !bytes.Equal(again, snapshot) {
		return fmt.Errorf("the snapshot %x became %x, %v", snapshot, again, err)
	}
	return nil
}

// compare returns the first difference between the two sides, or what Check finds.
func (l *lockstep) compare() error {
	if !slices.Equal(l.mem.asked, l.model.mem.asked) {
		return fmt.Errorf("grew by %v, want %v", l.mem.asked, l.model.mem.asked)
	}
	if !slices.Equal(l.mem.sourced, l.model.mem.sourced) {
		return fmt.Errorf("asked the source for %v, want %v", l.mem.sourced, l.model.mem.sourced)
	}
	if l.config.rarely && len(l.log)%64 != 0 {
		return nil
	}
	if err := l.pages.Check(); err != nil {
		return err
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

// finish compares the sides as a whole.
func (l *lockstep) finish() error {
	l.config.rarely = false
	return l.compare()
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
