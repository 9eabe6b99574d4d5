package linmem

import (
	"math/bits"
	"sync/atomic"
)

const (
	// maxLocal is the largest size that a Local has slots of its own for.
	maxLocal = 2 << 10

	// maxOpen is how many spans with free slots a Local keeps in each class, besides the one that it takes slots from.
	maxOpen = 8
)

// Local is a handle on a [Shared] for one goroutine at a time, which has spans of its own: it takes slots of up to 2 KiB
// there, and frees them, without a lock. Everything else goes to the Shared.
//
// Any goroutine may free or view what a Local has allocated, through a Local of its own or the Shared. Blocks outlive the
// Local. Mistakes are noticed as by [Heap]: the state of a slot is in one place, whoever asks.
//
// The free slots that a Local has for itself are bounded: in each size class those of nine spans, mostly of 16 KiB or less.
// [HeapStats] counts them as cached. To take a span costs the lock and a Go allocation of 64 bytes. A goroutine that ends
// must Close its Local.
type Local struct {
	shared *Shared
	number uint64 // its index in the heap's list

	units   []unit // those of the heap, as they were when it last had the lock
	near    window
	classes [maxClasses]localClass
	closed  bool
	errs    ErrorPool

	// spans has those that are lent to it, by index. The owner changes it under the lock, so that it reads it without and
	// others read it under the lock. A vacant index may still have a span of before.
	spans []*lent

	// Guarded by the lock: a loan may be ended by another goroutine.
	vacant []uint64
	slots  [maxClasses]uint64 // in all of its spans
}

// localClass is a size class of a Local.
type localClass struct {
	cur    *lent // slots are taken from it; nil if there is none
	open   []*lent
	allocs uint64 // not yet told to the heap
	asked  uint64 // bytes that these were asked for
}

var _ Allocator = (*Local)(nil)

// Alloc is [Heap.Alloc].
func (l *Local) Alloc(size uint64) (addr uint64, err error) {
	if size > maxLocal {
		return l.allocShared("Local.Alloc", size, 1)
	}
	id := classFor(size)
	c := &l.classes[id%maxClasses]
	if addr, ok := c.take(size); ok {
		return addr, nil
	}
	return l.refill("Local.Alloc", id, size, 1)
}

// AllocAligned is [Heap.AllocAligned].
func (l *Local) AllocAligned(size, align uint64) (addr uint64, err error) {
	const op = "Local.AllocAligned"
	if size > maxLocal || align > maxLocal || align == 0 || align&(align-1) != 0 {
		return l.allocShared(op, size, align)
	}
	id := alignedClassFor(size, align)
	if tables.sizes[id] > maxLocal || id == classRun {
		return l.allocShared(op, size, align)
	}
	if addr, ok := l.classes[id].take(size); ok {
		return addr, nil
	}
	return l.refill(op, id, size, align)
}

// take takes a slot from the current span, with ok = false if it has none.
func (c *localClass) take(size uint64) (addr uint64, ok bool) {
	s := c.cur
	if s == nil {
		return 0, false
	}
	free := s.full &^ s.live.Load()
	if free == 0 {
		return 0, false
	}
	s.live.Or(free & -free)
	if s.state.Load() == loanRevoked {
		return 0, false // just now: the slot may be another's already
	}
	c.allocs++
	c.asked += size
	return s.base + uint64(bits.TrailingZeros64(free))*s.size, true
}

// refill allocates a slot where the current span has none: from another one of its own, or from one that the heap lends.
func (l *Local) refill(op string, id classID, size, align uint64) (addr uint64, err error) {
	c := &l.classes[id]
	for {
		if s := c.cur; s != nil {
			idle := s.state.CompareAndSwap(loanActive, loanIdle)
			if idle && s.live.Load() != s.full && s.state.CompareAndSwap(loanIdle, loanActive) {
				// Somebody has freed a slot, and left it to the owner, just before the span was idle.
				if addr, ok := c.take(size); ok {
					return addr, nil
				}
				continue
			}
			c.cur = nil
		}
		n := len(c.open)
		if n == 0 {
			break
		}
		c.cur, c.open = c.open[n-1], c.open[:n-1]
		if addr, ok := c.take(size); ok {
			return addr, nil
		}
	}
	h, err := l.lock(op)
	if err != nil {
		return 0, err
	}
	defer l.unlock()
	l.report(id)
	s, err := h.lend(l, &h.classes[id])
	if err != nil {
		// Fall back on what is not lent.
		return h.alloc(op, size, align)
	}
	c.cur = s
	addr, _ = c.take(size)
	return addr, nil
}

// allocShared allocates from the heap.
func (l *Local) allocShared(op string, size, align uint64) (addr uint64, err error) {
	h, err := l.lock(op)
	if err != nil {
		return 0, err
	}
	defer l.unlock()
	return h.alloc(op, size, align)
}

// Free is [Heap.Free], of what was allocated from any Local of the same Shared, or from that.
func (l *Local) Free(addr uint64) error {
	if n := addr>>unitShift - l.near.first; n < l.near.n {
		x := head(atomic.LoadUint64((*uint64)(&l.units[l.near.pos+n].head)))
		if x&headLent != 0 && x.owner() == l.number {
			// The heads are the heap's, or older: what they say is right, or the slot's bit is not set.
			if s := l.spans[x.index()]; s.free(addr) {
				switch state := s.state.Load(); {
				case state == loanRevoked:
					return l.freeShared(addr)
				case state != loanActive || s.live.Load() == 0:
					l.freed(s)
				}
				return nil
			}
		}
	}
	return l.freeShared(addr)
}

// free frees a slot, and reports whether addr was one in use.
func (s *lent) free(addr uint64) bool {
	offset := addr - s.base
	if offset >= maxSpan<<unitShift {
		return false
	}
	slot := offset * s.magic >> 32
	bit := uint64(1) << (slot & (maxSlots - 1))
	return slot*s.size == offset && slot < maxSlots && s.live.And(^bit)&bit != 0
}

// freed sees to a span of which a slot was freed and which was idle, or is empty now.
func (l *Local) freed(s *lent) {
	c := &l.classes[s.id]
	if s.state.CompareAndSwap(loanIdle, loanActive) {
		c.open = append(c.open, s)
	}
	if s.state.Load() != loanActive || s == c.cur || len(c.open) <= maxOpen && s.live.Load() != 0 {
		return
	}
	l.forget(s)
	l.shared.mu.Lock()
	if s.state.Load() == loanActive { // and not revoked meanwhile
		l.shared.h.endLoan(l, s)
	}
	l.unlock()
}

// freeShared is Free of what is not a slot in use of a span of its own, or not known to be one.
func (l *Local) freeShared(addr uint64) error {
	const op = "Local.Free"
	h, err := l.lock(op)
	if err != nil {
		return err
	}
	defer l.unlock()
	b, ok := h.allocated(addr)
	if !ok {
		return h.notAllocated(op, addr)
	}
	x := h.units[b.pos].head
	if x&headLent == 0 || x.owner() != l.number {
		return h.Free(addr)
	}
	// The window was elsewhere.
	l.near = h.windowAt(addr)
	s := l.spans[x.index()]
	if !s.free(addr) {
		return h.notAllocated(op, addr)
	}
	if s.state.CompareAndSwap(loanIdle, loanEnded) || s.live.Load() == 0 && l.forget(s) {
		h.endLoan(l, s)
	}
	return nil
}

// forget takes a span off the list of those with free slots, and reports whether it was there.
func (l *Local) forget(s *lent) bool {
	open := &l.classes[s.id].open
	for i := range *open {
		if (*open)[i] == s {
			*open = append((*open)[:i], (*open)[i+1:]...)
			return true
		}
	}
	return false
}

// lock locks the heap for the Local. It fails with ErrClosed once the Local is closed; then nothing is locked.
func (l *Local) lock(op string) (*Heap, error) {
	if l.closed {
		return nil, l.errs.Get(op, 0, 0, errLocalClosed)
	}
	l.shared.mu.Lock()
	return l.shared.h, nil
}

// unlock gives the heap free, after taking note of where its units are.
func (l *Local) unlock() {
	h := l.shared.h
	if len(h.units) != len(l.units) || &h.units[0] != &l.units[0] {
		l.units, l.near = h.units, window{}
	}
	l.shared.mu.Unlock()
}

// vacancy returns an index for a span, with ok = false if there are too many.
func (l *Local) vacancy() (index uint64, ok bool) {
	if n := len(l.vacant); n > 0 {
		return l.vacant[n-1], true
	}
	return uint64(len(l.spans)), len(l.spans) < 1<<indexBits
}

// keep puts a span at the index that vacancy returned.
func (l *Local) keep(s *lent) {
	if n := len(l.vacant); n > 0 {
		l.vacant = l.vacant[:n-1]
		l.spans[s.index] = s
		return
	}
	l.spans = append(l.spans, s)
}

// vacate makes an index free for another span.
func (l *Local) vacate(index uint64) { l.vacant = append(l.vacant, index) }

// report tells the heap what a class was asked for.
func (l *Local) report(id classID) {
	c, total := &l.classes[id], &l.shared.h.classes[id]
	total.allocs += c.allocs
	total.frees += c.allocs // what is in use is counted in the spans
	total.asked += c.asked
	c.allocs, c.asked = 0, 0
}

// Resize is [Heap.Resize].
func (l *Local) Resize(addr, size uint64) error {
	h, err := l.lock("Local.Resize")
	if err != nil {
		return err
	}
	defer l.unlock()
	return h.Resize(addr, size)
}

// Realloc is [Heap.Realloc].
func (l *Local) Realloc(addr, size uint64) (newAddr uint64, err error) {
	h, err := l.lock("Local.Realloc")
	if err != nil {
		return addr, err
	}
	defer l.unlock()
	return h.Realloc(addr, size)
}

// SizeOf is [Heap.SizeOf].
func (l *Local) SizeOf(addr uint64) (usable uint64, err error) {
	h, err := l.lock("Local.SizeOf")
	if err != nil {
		return 0, err
	}
	defer l.unlock()
	return h.SizeOf(addr)
}

// Put is [Heap.Put]. It copies under the lock, so that no other goroutine has the memory move meanwhile.
func (l *Local) Put(data []byte) (addr uint64, err error) {
	const op = "Local.Put"
	if addr, err = l.Alloc(uint64(len(data))); err != nil {
		return 0, err
	}
	h, err := l.lock(op)
	if err != nil {
		return 0, err
	}
	defer l.unlock()
	if _, ok := h.allocated(addr); !ok {
		return 0, h.errs.Get(op, addr, uint64(len(data)), errResetMeanwhile)
	}
	if err := h.write(addr, data); err != nil {
		_ = h.Free(addr)
		return 0, h.errs.Get(op, addr, uint64(len(data)), err)
	}
	return addr, nil
}

// View is [Heap.View]. The slice is stale once any goroutine has made the memory grow.
func (l *Local) View(addr, n uint64) ([]byte, error) {
	h, err := l.lock("Local.View")
	if err != nil {
		return nil, err
	}
	defer l.unlock()
	return h.View(addr, n)
}

// Close gives the Local's spans back to the heap. What is allocated there stays so. All later calls of the Local fail with
// [ErrClosed], as does a second Close.
func (l *Local) Close() error {
	h, err := l.lock("Local.Close")
	if err != nil {
		return err
	}
	defer l.shared.mu.Unlock()
	for id := range l.classes {
		l.report(classID(id))
		l.classes[id] = localClass{}
	}
	for _, s := range l.spans {
		if s.lentOut() {
			h.endLoan(l, s)
		}
	}
	h.locals[l.number] = nil
	l.closed, l.spans, l.units, l.near = true, nil, nil, window{}
	return nil
}
