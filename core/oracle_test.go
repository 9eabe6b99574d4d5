package linmem_test

import (
	"errors"
	"fmt"
	"math/bits"

	linmem "github.com/linmem/linmem/core"
)

// spacePages is the size of a 64-bit address space.
const spacePages = 1 << 48

// errRefusedByGuest is what a guestMemory answers to a growth that it refuses.
var errRefusedByGuest = errors.New("memory.grow returned -1")

// guestMemory simulates the size of a linear memory that the host and the guest both grow.
type guestMemory struct {
	size, max uint64
	closed    bool
	script    []growth // what happens at the next growths by the host
	asked     []uint64 // by how much the host asked to grow, refusals included
}

// growth is what meets the host as it grows a memory.
type growth struct {
	guest  uint64 // pages that the guest adds just before, as far as the maximum allows
	refuse bool
}

func (m *guestMemory) NumPages() uint64 {
	if m.closed {
		return 0
	}
	return m.size
}

func (m *guestMemory) Grow(delta uint64) (prev uint64, err error) {
	m.asked = append(m.asked, delta)
	if m.closed {
		return 0, fmt.Errorf("simulated: %w", linmem.ErrClosed)
	}
	var now growth
	if len(m.script) > 0 {
		now, m.script = m.script[0], m.script[1:]
	}
	m.guestGrow(now.guest)
	if now.refuse || delta > m.max-m.size {
		return 0, errRefusedByGuest
	}
	prev = m.size
	m.size += delta
	return prev, nil
}

// guestGrow grows the memory from inside, behind the allocator's back.
func (m *guestMemory) guestGrow(n uint64) {
	m.size += min(n, m.max-m.size)
}

// oracle is the page allocator that is obviously right and slow: it keeps one owner per page, in a slice, and scans it
// for every answer. It is written from the contract, and drives a memory of its own.
type oracle struct {
	mem              *guestMemory
	pages            []owner // as far as the oracle knows the memory
	lastRun          owner
	budget           uint64
	pageZero, frozen bool
	grows, refused   uint64
}

// owner is who has a page: nobody, the guest, or a run by its number.
type owner int

const (
	ownerNone  owner = 0
	ownerGuest owner = -1
)

func newOracle(mem *guestMemory, budget uint64, pageZero bool) *oracle {
	o := &oracle{mem: mem, budget: budget, pageZero: pageZero}
	o.extend(mem.size, ownerGuest)
	return o
}

// extend appends pages of one owner up to size.
func (o *oracle) extend(size uint64, who owner) {
	for uint64(len(o.pages)) < size {
		o.pages = append(o.pages, who)
	}
}

func (o *oracle) set(r linmem.Range, who owner) {
	for i := r.Start; i < r.End(); i++ {
		o.pages[i] = who
	}
}

func (o *oracle) count(is func(owner) bool) (n uint64) {
	for _, who := range o.pages {
		if is(who) {
			n++
		}
	}
	return n
}

func (o *oracle) owned() uint64 { return o.count(func(who owner) bool { return who != ownerGuest }) }

// available reports whether page i is free, or would be if the memory were larger.
func (o *oracle) available(i uint64) bool {
	if i == 0 && !o.pageZero {
		return false
	}
	return i >= uint64(len(o.pages)) || o.pages[i] == ownerNone
}

// firstFit returns the lowest aligned start of n available pages, in a memory that never ends.
func (o *oracle) firstFit(n, align uint64) uint64 {
	for start := uint64(0); ; start += align {
		i := start
		for i < start+n && i <= uint64(len(o.pages)) && o.available(i) {
			i++
		}
		if i == start+n || i > uint64(len(o.pages)) {
			return start
		}
	}
}

// room returns the start of n free pages, after the growths that it takes.
func (o *oracle) room(n, align uint64) (start uint64, err error) {
	if n == 0 || n > spacePages || bits.OnesCount64(align) != 1 || align > spacePages {
		return 0, linmem.ErrInvalid
	}
	for turn := 1; ; turn++ {
		start = o.firstFit(n, align)
		if start > spacePages-n {
			return 0, linmem.ErrOutOfMemory
		}
		missing := start + n - min(start+n, uint64(len(o.pages)))
		if missing == 0 {
			return start, nil
		}
		if turn == 3 {
			// The guest came in between twice. Ask for enough to be had wherever it lands.
			missing = n + align - 1
		}
		if err := o.grow(missing); err != nil {
			return 0, err
		}
	}
}

// grow grows the memory; the pages are free, wherever they land.
func (o *oracle) grow(delta uint64) error {
	cost := delta
	if len(o.pages) == 0 && !o.pageZero {
		cost-- // page 0 is nobody's, so it is free of charge
	}
	if o.frozen || o.owned()+cost > o.budget {
		o.refused++
		return linmem.ErrOutOfMemory
	}
	prev, err := o.mem.Grow(delta)
	if err != nil {
		o.refused++
		if errors.Is(err, linmem.ErrClosed) {
			return linmem.ErrClosed
		}
		return linmem.ErrOutOfMemory
	}
	o.grows++
	o.extend(prev, ownerGuest)
	o.extend(prev+delta, ownerNone)
	if !o.pageZero {
		o.pages[0] = ownerGuest
	}
	// Page 0 was free of charge, but the guest took it first: the budget holds all the same.
	for i := prev; o.owned() > o.budget; i++ {
		o.pages[i] = ownerGuest
	}
	return nil
}

func (o *oracle) alloc(n, align uint64) (linmem.Range, error) {
	start, err := o.room(n, align)
	if err != nil {
		return linmem.Range{}, err
	}
	r := linmem.Range{Start: linmem.Page(start), Len: n}
	o.lastRun++
	o.set(r, o.lastRun)
	return r, nil
}

func (o *oracle) reserve(n uint64) error {
	_, err := o.room(n, 1)
	return err
}

// isRun reports whether r is a live allocation, whole.
func (o *oracle) isRun(r linmem.Range) bool {
	for _, live := range o.allocated() {
		if r == live {
			return true
		}
	}
	return false
}

func (o *oracle) free(r linmem.Range) error {
	if !o.isRun(r) {
		return linmem.ErrNotAllocated
	}
	o.set(r, ownerNone)
	return nil
}

func (o *oracle) resize(r linmem.Range, n uint64) (linmem.Range, error) {
	if !o.isRun(r) {
		return r, linmem.ErrNotAllocated
	}
	if n == 0 || n > spacePages {
		return r, linmem.ErrInvalid
	}
	who := o.pages[r.Start]
	resized := linmem.Range{Start: r.Start, Len: n}
	if n <= r.Len {
		o.set(r, ownerNone)
		o.set(resized, who)
		return resized, nil
	}
	if uint64(resized.End()) > spacePages {
		return r, linmem.ErrOutOfMemory
	}
	size := linmem.Page(len(o.pages))
	for i := r.End(); i < min(resized.End(), size); i++ {
		if o.pages[i] != ownerNone {
			return r, linmem.ErrOutOfMemory
		}
	}
	if resized.End() > size {
		if err := o.grow(uint64(resized.End() - size)); err != nil {
			return r, err
		}
		if o.pages[size] != ownerNone {
			return r, linmem.ErrOutOfMemory // the guest has come in between
		}
	}
	o.set(resized, who)
	return resized, nil
}

func (o *oracle) adopt(r linmem.Range) error {
	switch {
	case r.Len == 0, r.Len > spacePages, uint64(r.Start) > spacePages-r.Len, r.Start == 0 && !o.pageZero:
		return linmem.ErrInvalid
	}
	o.extend(o.mem.size, ownerGuest)
	if uint64(r.End()) > o.mem.size {
		return linmem.ErrOutOfBounds
	}
	for i := r.Start; i < r.End(); i++ {
		if o.pages[i] != ownerGuest {
			return linmem.ErrInvalid
		}
	}
	if o.owned()+r.Len > o.budget {
		return linmem.ErrOutOfMemory
	}
	o.set(r, ownerNone)
	return nil
}

// runs returns the maximal ranges of pages that have the same owner, if that is one to be listed.
func (o *oracle) runs(listed func(owner) bool) []linmem.Range {
	var runs []linmem.Range
	for i, who := range o.pages {
		switch {
		case !listed(who):
		case i > 0 && o.pages[i-1] == who:
			runs[len(runs)-1].Len++
		default:
			runs = append(runs, linmem.Range{Start: linmem.Page(i), Len: 1})
		}
	}
	return runs
}

func (o *oracle) freeRanges() []linmem.Range {
	return o.runs(func(who owner) bool { return who == ownerNone })
}

func (o *oracle) allocated() []linmem.Range {
	return o.runs(func(who owner) bool { return who > 0 })
}

func (o *oracle) foreign() []linmem.Range {
	return o.runs(func(who owner) bool { return who == ownerGuest })
}

func (o *oracle) largestFree() (n uint64) {
	for _, r := range o.freeRanges() {
		n = max(n, r.Len)
	}
	return n
}

func (o *oracle) stats() linmem.PageStats {
	return linmem.PageStats{
		Size:        uint64(len(o.pages)),
		Owned:       o.owned(),
		Free:        o.count(func(who owner) bool { return who == ownerNone }),
		Allocated:   o.count(func(who owner) bool { return who > 0 }),
		Foreign:     o.count(func(who owner) bool { return who == ownerGuest }),
		LargestFree: o.largestFree(),
		FreeRuns:    uint64(len(o.freeRanges())),
		Runs:        uint64(len(o.allocated())),
		Grows:       o.grows,
		Refused:     o.refused,
	}
}
