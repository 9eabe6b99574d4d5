package nativemem

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	linmem "github.com/linmem/linmem/core"
)

// The platform's part is two functions over whole pages of the operating system, and one that looks them up:
//
//	discardAnonymous(b []byte) error      // b is private anonymous memory, and reads as zero; on error it is as before
//	fence(b []byte) error                 // all of b that nobody has mapped is mapped without access
//	anonymousIn(b []byte) (spans, error)  // what of b is private anonymous memory that can be read and written

// Foreign is memory of this process that somebody else maps, as a runtime does for its guest. It is for those who implement
// [linmem.Memory] over a runtime: they tell it where the memory is, and it tells how often that has changed, discards pages,
// and keeps views from before a change from being used. The zero value knows of no memory yet, and fences nothing.
//
// Its methods may run beside each other, but none beside a growth or the end of the memory.
type Foreign struct {
	bytes  atomic.Pointer[[]byte] // nil as long as there is something in lost
	moves  atomic.Uint64
	fences bool

	mu    sync.Mutex
	place []byte // where the memory was last
	lost  error  // see Lost
	gone  error  // once the owner is closed

	// What of place is known to be private anonymous memory. That stays so as long as the memory has one place and one
	// size: a runtime maps its memory when it makes it, and at a growth; in between, the guest and the host only
	// read and write it. So every change of either empties this.
	anonymous spans
}

var (
	errNotAnonymous = fmt.Errorf("%w: these pages, or some, have contents that would come back, as those of a data segment, or are "+
		"shared: leave them out", linmem.ErrUnsupported)
	errUnalignedOS = fmt.Errorf("%w: the range must begin and end at a multiple of the operating system's page size",
		linmem.ErrInvalid)
)

// NewFencedForeign returns a Foreign that fences every place which the memory leaves, by [Fence]. It fails with
// [linmem.ErrUnsupported] where Fence does.
func NewFencedForeign() (*Foreign, error) {
	if err := Fence(nil); err != nil {
		return nil, err
	}
	return &Foreign{fences: true}, nil
}

// Fences reports whether places are fenced.
func (f *Foreign) Fences() bool { return f.fences }

// Bytes returns what [Foreign.See] was told last; nothing if [Foreign.Lost] has something to tell.
func (f *Foreign) Bytes() []byte {
	if b := f.bytes.Load(); b != nil {
		return *b
	}
	return nil
}

// See tells where the memory is, and how large. If it was elsewhere before, that place is fenced or left alone.
func (f *Foreign) See(data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	moved := len(f.place) > 0 && unsafe.SliceData(f.place) != unsafe.SliceData(data)
	if moved {
		f.moves.Add(1)
		if f.fences {
			f.lost = errors.Join(f.lost, fence(f.place))
		}
	}
	if moved || len(f.place) != len(data) || f.bytes.Load() == nil {
		f.anonymous = nil
		f.place = data
		f.publish()
	}
}

// publish has Bytes return the place, once nothing is lost. Without it, those who compare the size come here again.
func (f *Foreign) publish() {
	if f.lost != nil {
		f.bytes.Store(nil)
		return
	}
	place := f.place
	f.bytes.Store(&place)
}

// Lost returns, once, why a place that the memory has left could not be fenced: a [linmem.ErrCorrupt] if somebody else has
// mapped it meanwhile, so that views from before see what is there now.
func (f *Foreign) Lost() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.lost
	f.lost = nil
	f.publish()
	return err
}

// Moves returns how often See was told of another place than before. Views from before the last time are stale. What had
// 0 pages was nowhere.
func (f *Foreign) Moves() uint64 { return f.moves.Load() }

// Gone tells that the owner of the memory is closed, and returns why its calls fail from now on: [linmem.ErrClosed], and
// with it [linmem.ErrCorrupt] if the place could not be fenced, as for Lost.
func (f *Foreign) Gone() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone != nil {
		return f.gone
	}
	f.gone = linmem.ErrClosed
	if f.fences {
		if err := fence(f.place); err != nil {
			f.gone = fmt.Errorf("%w; and %w", linmem.ErrClosed, err)
		}
	}
	f.place, f.anonymous, f.lost = nil, nil, nil
	f.publish()
	return f.gone
}

// Discard is [linmem.Discarder.Discard] in the name of op, as [DiscardForeign] does it, for the memory that See was told of.
// The operating system is asked once for each place and size what is mapped there, and for each range that is refused; so
// a discard otherwise costs one system call.
func (f *Foreign) Discard(op string, addr, n uint64) error {
	fail := func(err error) error { return &linmem.Error{Op: op, Addr: addr, Size: n, Err: err} }
	if addr%linmem.PageSize != 0 || n%linmem.PageSize != 0 {
		return fail(errAlign)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	b, err := linmem.Subslice(op, f.place, addr, n)
	if err != nil || n == 0 {
		return err
	}
	if !f.anonymous.hold(b) {
		if f.anonymous, err = anonymousIn(f.place); err != nil {
			return fail(err)
		}
		if !f.anonymous.hold(b) {
			return fail(errNotAnonymous)
		}
	}
	if err := discardAnonymous(b); err != nil {
		return fail(err)
	}
	return nil
}

// DiscardForeign hands the physical pages behind b back to the operating system, if all of b is private anonymous memory of
// this process that can be read and written: then it reads as zero, at once. So it is safe on memory that others have
// mapped. A mapping of a file, which may be what a runtime makes of a data segment, would read as the file again, and a
// shared one as before: that is [linmem.ErrUnsupported], as is a refusal by the system, as of locked memory, and any
// platform but Linux. Nothing has changed then. If it refuses what is in the middle of b alone, that is set to zero, and
// kept.
//
// Both ends of b must be multiples of the operating system's page size ([linmem.ErrInvalid]). Nobody may touch b meanwhile.
// The cost is to read /proc/self/maps, and a system call.
func DiscardForeign(b []byte) error {
	fail := func(err error) error {
		return &linmem.Error{Op: "nativemem.DiscardForeign", Addr: uint64(addressOf(b)), Size: uint64(len(b)), Err: err}
	}
	if !wholePages(b) {
		return fail(errUnalignedOS)
	}
	anonymous, err := anonymousIn(b)
	switch {
	case err != nil:
		return fail(err)
	case len(b) == 0:
		return nil
	case !anonymous.hold(b):
		return fail(errNotAnonymous)
	}
	if err := discardAnonymous(b); err != nil {
		return fail(err)
	}
	return nil
}

// Fence maps the addresses of b, which somebody has unmapped, so that nobody can access them: to use a slice that
// still points there is a fault, and never somebody else's memory that was mapped there later. It is for tests, where
// [runtime/debug.SetPanicOnFault] makes that a panic. The addresses stay taken until the process ends.
//
// It fails with [linmem.ErrCorrupt] if something was mapped there meanwhile, which stays as it is, and fences the rest; with
// [linmem.ErrInvalid] if an end of b is not a multiple of the operating system's page size; and with [linmem.ErrUnsupported]
// on every platform but Linux since 4.17. What is mapped without access is as good as fenced, as long as it is left so.
func Fence(b []byte) error {
	fail := func(err error) error {
		return &linmem.Error{Op: "nativemem.Fence", Addr: uint64(addressOf(b)), Size: uint64(len(b)), Err: err}
	}
	if !wholePages(b) {
		return fail(errUnalignedOS)
	}
	if err := fence(b); err != nil {
		return fail(err)
	}
	return nil
}

// span is a range of addresses, [start, end).
type span struct{ start, end uintptr }

func spanOf(b []byte) span {
	start := addressOf(b)
	return span{start, start + uintptr(len(b))}
}

func (s span) String() string { return fmt.Sprintf("%#x..%#x", s.start, s.end) }

// in returns the part of s that is inside o, which may be empty.
func (s span) in(o span) span {
	return span{max(s.start, o.start), min(s.end, o.end)}
}

func (s span) empty() bool { return s.start >= s.end }

// spans are ascending, and neither touch nor overlap.
type spans []span

// add adds what begins at or behind the end of all, or overlaps it.
func (ss spans) add(s span) spans {
	if s.empty() {
		return ss
	}
	if n := len(ss); n > 0 && s.start <= ss[n-1].end {
		ss[n-1].end = max(ss[n-1].end, s.end)
		return ss
	}
	return append(ss, s)
}

// hold reports whether all of b is in one of them.
func (ss spans) hold(b []byte) bool {
	want := spanOf(b)
	for _, s := range ss {
		if s.start <= want.start && want.end <= s.end {
			return true
		}
	}
	return false
}

func addressOf(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

func wholePages(b []byte) bool {
	size := uintptr(osPageSize())
	return len(b) == 0 || addressOf(b)%size == 0 && uintptr(len(b))%size == 0
}
