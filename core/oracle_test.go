package linmem_test

import (
	"errors"
	"math/bits"

	linmem "github.com/linmem/linmem/core"
)

// oracle is the page allocator that is obviously right and slow: it keeps one owner per page, in a slice, and scans it
// for every answer. It is written from the contract, and drives a memory of its own.
type oracle struct {
	config
	mem            *guestMemory
	pages          []owner // as far as the oracle knows the memory
	lastRun        owner
	frozen         bool
	grows, refused uint64
	noticed        map[event]int
}

// owner is who has a page: nobody, the guest, or a run by its number.
type owner int

const (
	ownerNone  owner = 0
	ownerGuest owner = -1
)

func newOracle(c config) *oracle {
	o := &oracle{config: c, mem: &guestMemory{size: c.start, max: c.max}, noticed: map[event]int{}}
	o.extend(c.start, ownerGuest)
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

// left is what the budget leaves.
func (o *oracle) left() uint64 { return o.budget - o.owned() }

// owed is the number of pages that the next growth leaves to the guest.
func (o *oracle) owed() uint64 {
	if o.grows > 0 {
		return 0
	}
	return o.gap
}

// available reports whether page i is free, or would be if the memory were larger.
func (o *oracle) available(i uint64) bool {
	if i == 0 && !o.pageZero {
		return false
	}
	size := uint64(len(o.pages))
	if i < size {
		return o.pages[i] == ownerNone
	}
	return i >= size+o.owed()
}

// firstFit returns the lowest aligned start of n available pages, in a memory that never ends.
func (o *oracle) firstFit(n, align uint64) uint64 {
	end := uint64(len(o.pages)) + o.owed()
	for start := uint64(0); ; start += align {
		i := start
		for i < start+n && i <= end && o.available(i) {
			i++
		}
		if i == start+n || i > end {
			return start
		}
	}
}

// bestFit returns the lowest aligned start in the smallest free run that has one, the lowest of these, if there is one.
func (o *oracle) bestFit(n, align uint64) (start uint64, ok bool) {
	smallest := uint64(0)
	for _, r := range o.freeRanges() {
		at := (uint64(r.Start) + align - 1) / align * align
		if at+n <= uint64(r.End()) && (!ok || r.Len < smallest) {
			start, smallest, ok = at, r.Len, true
		}
	}
	return start, ok
}

// fit returns where n pages are placed that are free already, if they are.
func (o *oracle) fit(n, align uint64) (start uint64, ok bool) {
	first := o.firstFit(n, align)
	if start, ok = first, first+n <= uint64(len(o.pages)); !o.best {
		return start, ok
	}
	if start, ok = o.bestFit(n, align); ok && start != first {
		o.notice(eventBestIsNotFirst)
	}
	return start, ok
}

// room returns the start of n free pages, after the growths that it takes.
func (o *oracle) room(n, align uint64) (start uint64, err error) {
	if n == 0 || n > spacePages || bits.OnesCount64(align) != 1 || align > spacePages {
		return 0, linmem.ErrInvalid
	}
	if start, ok := o.fit(n, align); ok {
		return start, nil
	}
	if o.source {
		err = o.askSource(n + align - 1)
		start, _ = o.fit(n, align)
		return start, err
	}
	for turn := 1; ; turn++ {
		start = o.firstFit(n, align)
		if start > spacePages-n {
			return 0, linmem.ErrOutOfMemory
		}
		size := uint64(len(o.pages))
		if start+n <= size {
			return start, nil
		}
		missing := start + n - (size + o.owed())
		if turn == 3 {
			// The guest came in between twice. Ask for enough to be had wherever it lands.
			missing = n + align - 1
		}
		if err := o.grow(missing); err != nil {
			return 0, err
		}
	}
}

// grow grows the memory by what is needed, or more; the pages are free, wherever they land.
func (o *oracle) grow(need uint64) error {
	gap, forNothing := o.owed(), uint64(0)
	if len(o.pages) == 0 && gap == 0 && !o.pageZero {
		forNothing = 1 // page 0 is nobody's, so it is free of charge
	}
	if o.frozen || need-forNothing > o.left() {
		return o.refuse(nil)
	}
	n := o.ask(need, min(o.left()+forNothing, spacePages-uint64(len(o.pages))-gap))
	prev, err := o.mem.Grow(gap + n)
	if err != nil && n > need && !errors.Is(err, linmem.ErrClosed) {
		n = need
		if prev, err = o.mem.Grow(gap + n); err == nil {
			o.notice(eventFellBack)
		}
	}
	if err != nil {
		if gap > 0 {
			o.notice(eventGapRefused)
		}
		return o.refuse(err)
	}
	o.grows++
	if gap > 0 {
		o.notice(eventGap)
	}
	o.extend(prev+gap, ownerGuest)
	o.extend(prev+gap+n, ownerNone)
	if !o.pageZero {
		o.pages[0] = ownerGuest
	}
	// Page 0 was free of charge, but the guest took it first: the budget holds all the same.
	for i := prev + gap; o.owned() > o.budget; i++ {
		o.pages[i] = ownerGuest
		o.notice(eventPageZeroTaken)
	}
	return nil
}

// ask returns how many pages to ask for where some are needed, of room at most.
func (o *oracle) ask(need, room uint64) uint64 {
	wish := o.growth.wish(need, o.owned())
	n := max(need, min(wish, room))
	switch {
	case n == need && wish > need:
		o.notice(eventNoRoomForMore)
	case n < wish:
		o.notice(eventCut)
	case n > need:
		o.notice(eventMore)
	}
	return n
}

// refuse counts a growth that was not had, for a reason of the memory's or, if that is nil, of the allocator's.
func (o *oracle) refuse(cause error) error {
	o.refused++
	if errors.Is(cause, linmem.ErrClosed) {
		return linmem.ErrClosed
	}
	return linmem.ErrOutOfMemory
}

// askSource has the guest give what is needed, or more; the pages are free.
func (o *oracle) askSource(need uint64) error {
	switch {
	case need > spacePages:
		return linmem.ErrOutOfMemory
	case o.frozen || need > o.left():
		return o.refuse(nil)
	}
	n := o.ask(need, o.left())
	r, err := o.mem.arena(n)
	if err != nil && n > need && !errors.Is(err, linmem.ErrClosed) {
		n = need
		if r, err = o.mem.arena(n); err == nil {
			o.notice(eventFellBack)
		}
	}
	switch {
	case err != nil:
		o.notice(eventSourceRefused)
		return o.refuse(err)
	case r.Len < n || o.adoptable(r) != nil:
		o.notice(eventBadSource)
		return linmem.ErrInvalid
	}
	if r.Len > o.left() {
		r.Len = o.left()
		o.notice(eventSourceOverBudget)
	}
	if r.Len > n {
		o.notice(eventSourceGaveMore)
	}
	o.grows++
	o.notice(eventSource)
	o.set(r, ownerNone)
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
		if o.source || o.owed() > 0 {
			return r, linmem.ErrOutOfMemory // what a growth brings would not lie behind the run
		}
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

// adoptable returns why a range cannot become the allocator's, budget aside.
func (o *oracle) adoptable(r linmem.Range) error {
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
	return nil
}

func (o *oracle) adopt(r linmem.Range) error {
	if err := o.adoptable(r); err != nil {
		return err
	}
	if r.Len > o.left() {
		return linmem.ErrOutOfMemory
	}
	o.set(r, ownerNone)
	return nil
}

// restore is what a snapshot and its restoration change: the guest's new pages are seen, and growth is allowed again.
func (o *oracle) restore() {
	if o.mem.size > uint64(len(o.pages)) {
		o.notice(eventSurplus)
	}
	o.extend(o.mem.size, ownerGuest)
	o.frozen = false
}
