package linmem

import (
	"sync/atomic"
	"unsafe"
)

// Lifetime is optional: a [Memory] that can tell that its owner was closed, without a call into its runtime.
type Lifetime interface {
	// Closed reports whether the memory's owner was closed. It may run on any goroutine, also while the guest runs; but the
	// close itself is to be ordered before or after it, as before or after any other use.
	Closed() bool
}

var (
	_ Memory    = (*Pinned)(nil)
	_ Discarder = (*Pinned)(nil)
	_ Lifetime  = (*Pinned)(nil)
)

// Pinned is a [Memory] around another that can be pinned: for a while its views are cut from one view of all of it, so
// that they need no call into the runtime. Some runtimes take 100 ns for a view; and some allow no call at all while the
// guest runs, which is just when a host wants to fill buffers for the next call:
//
//	mem := linmem.NewPinned(wasmtimeMemory)
//	heap, err := linmem.NewHeap(mem)
//	err = heap.Reserve(1 << 20)       // while nothing else runs
//	err = mem.Pin()                   // from here on the heap does not touch the runtime
//	shared := linmem.NewShared(heap)  // so goroutines may put data while the guest runs
//	…
//	err = mem.Unpin()                 // when they are done; looks whether all is where it was
//
// # While it is pinned
//
//   - View, NumPages and Closed may run on any goroutine at any time, a call into the guest included.
//   - Grow of more than nothing is [ErrOutOfMemory], and Discard [ErrUnsupported].
//   - The guest must not grow the memory if that can move it; the backend says when it can, and how growth is limited
//     (guest.Limiter). Unpin finds out whether it did.
//   - The owner must not be closed while views are used. With a memory that has a [Lifetime], as those of all backends,
//     a view that is asked for after that is [ErrClosed].
//
// While it is not pinned, every call is one of the memory's own, and its rules apply. Pin and Unpin are such calls too.
type Pinned struct {
	m    Memory
	life Lifetime // m, or nil
	all  atomic.Pointer[[]byte]
	errs ErrorPool // of Grow
}

// NewPinned returns m, not pinned yet. Whoever allocates in m must do so through the result.
func NewPinned(m Memory) *Pinned {
	life, _ := m.(Lifetime)
	return &Pinned{m: m, life: life}
}

// Pin takes a view of all of the memory, from which views are cut until [Pinned.Unpin]. It costs a Grow by 0 and a View of
// the memory, and fails as these do; if it is pinned already, with [ErrInvalid].
func (p *Pinned) Pin() error {
	const op = "Pinned.Pin"
	if p.all.Load() != nil {
		return &Error{Op: op, Err: errPinnedTwice}
	}
	prev, err := p.m.Grow(0) // which says ErrClosed where NumPages is 0
	if err != nil {
		return &Error{Op: op, Err: err}
	}
	all, err := p.m.View(0, prev*PageSize)
	if err != nil {
		return &Error{Op: op, Size: prev * PageSize, Err: err}
	}
	p.all.Store(&all)
	return nil
}

// Unpin ends that, in any case. No View may be running. It fails with [ErrCorrupt] if the memory has moved meanwhile: what
// was written since then is lost, or worse; with [ErrClosed] if the owner is closed, and with [ErrInvalid] if the memory is
// not pinned.
func (p *Pinned) Unpin() error {
	const op = "Pinned.Unpin"
	before := p.all.Swap(nil)
	if before == nil {
		return &Error{Op: op, Err: errNotPinned}
	}
	size := uint64(len(*before))
	now, err := p.m.View(0, size)
	switch {
	case err != nil:
		return &Error{Op: op, Size: size, Err: err}
	case size > 0 && unsafe.SliceData(now) != unsafe.SliceData(*before):
		return &Error{Op: op, Size: size, Err: errMoved}
	}
	return nil
}

// IsPinned reports whether the memory is pinned. It may run on any goroutine.
func (p *Pinned) IsPinned() bool { return p.all.Load() != nil }

// Closed implements [Lifetime]. It is false for a memory that cannot tell.
func (p *Pinned) Closed() bool { return p.life != nil && p.life.Closed() }

// NumPages implements [Grower]. While the memory is pinned that is the size that it had when it was.
func (p *Pinned) NumPages() uint64 {
	all := p.all.Load()
	switch {
	case all == nil:
		return p.m.NumPages()
	case p.Closed():
		return 0
	}
	return uint64(len(*all)) / PageSize
}

// Grow implements [Grower].
func (p *Pinned) Grow(delta uint64) (prev uint64, err error) {
	const op = "Pinned.Grow"
	all := p.all.Load()
	switch {
	case all == nil:
		return p.m.Grow(delta)
	case p.Closed():
		return 0, p.errs.GetPages(op, 0, delta, ErrClosed)
	case delta > 0:
		return 0, p.errs.GetPages(op, 0, delta, errGrowsPinned)
	}
	return uint64(len(*all)) / PageSize, nil
}

// View implements [Memory]. While the memory is pinned it takes a few nanoseconds (BenchmarkPinned).
func (p *Pinned) View(addr, n uint64) ([]byte, error) {
	const op = "Pinned.View"
	all := p.all.Load()
	switch {
	case all == nil:
		return p.m.View(addr, n)
	case p.Closed():
		return nil, &Error{Op: op, Addr: addr, Size: n, Err: ErrClosed}
	}
	return Subslice(op, *all, addr, n)
}

// Discard implements [Discarder]. It is [ErrUnsupported] where the memory is none.
func (p *Pinned) Discard(addr, n uint64) error {
	const op = "Pinned.Discard"
	d, ok := p.m.(Discarder)
	switch {
	case !ok:
		return &Error{Op: op, Addr: addr, Size: n, Err: ErrUnsupported}
	case p.all.Load() != nil:
		return &Error{Op: op, Addr: addr, Size: n, Err: errDiscardsPinned}
	}
	return d.Discard(addr, n)
}
