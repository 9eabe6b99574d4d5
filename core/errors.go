package linmem

import (
	"errors"
	"math"
	"strconv"
)

// The package's errors. They come wrapped in an [*Error]; test for them with errors.Is.
var (
	// ErrOutOfMemory says that the memory, the budget or the place does not hold what was asked for.
	ErrOutOfMemory = errors.New("out of memory")
	// ErrNotAllocated says that a range or address is not exactly a live allocation: freed already, part of a run,
	// or not the allocator's at all.
	ErrNotAllocated = errors.New("not a live allocation; pass what the allocator returned, whole and once")
	// ErrInvalid says that an argument can never be right.
	ErrInvalid = errors.New("invalid argument")
	// ErrCorrupt says that state from outside contradicts itself: a snapshot, or a memory that shrank.
	ErrCorrupt = errors.New("corrupt")
	// ErrOutOfBounds says that a range of bytes is not all inside the memory.
	ErrOutOfBounds = errors.New("outside the memory; compare with its size, NumPages")
	// ErrClosed says that the memory's owner (module, instance, store) was closed.
	ErrClosed = errors.New("the memory's owner is closed")
	// ErrUnsupported says that this backend cannot do it.
	ErrUnsupported = errors.New("not supported by this memory")
)

// Each reason wraps its sentinel and says what to do. They are made once, so that a refusal allocates nothing.
var (
	errRefused        = because(ErrOutOfMemory, "the memory refused to grow: free something, or raise its maximum")
	errBudget         = because(ErrOutOfMemory, "the budget is spent: free something, or raise WithMaxPages")
	errFrozen         = because(ErrOutOfMemory, "growth is frozen: Reserve before freezing, or call Freeze(false)")
	errSource         = because(ErrOutOfMemory, "the source of pages had none: free something, or see what it told the Observer")
	errNoSpace        = because(ErrOutOfMemory, "the address space ends there: ask for less")
	errNoRoom         = because(ErrOutOfMemory, "the pages behind the run are taken, or not to be had by growth: allocate a new run and copy")
	errDisplaced      = because(ErrOutOfMemory, "the guest grew its memory behind the run: allocate a new run and copy")
	errZeroPages      = because(ErrInvalid, "0 pages: ask for 1 at least")
	errAlignment      = because(ErrInvalid, "the alignment must be a power of two, in pages, and 2^48 at most")
	errSlotFull       = because(ErrOutOfMemory, "more than the allocation's place holds: use Realloc, or allocate anew and copy")
	errNotNewest      = because(ErrOutOfMemory, "not the arena's newest block, or its chunk has no room: allocate a new block and copy")
	errResetMeanwhile = because(ErrNotAllocated, "the heap was reset meanwhile")
	errLocalClosed    = because(ErrClosed, "the Local was closed: take a new one from its Shared")
	errManySpans      = because(ErrOutOfMemory, "there are too many Locals, or spans of one: Close some")
	errOverrun        = &reason{ErrOutOfBounds, "past the end of the allocation; compare with SizeOf"}
	errByteAlignment  = because(ErrInvalid, "the alignment must be a power of two, in bytes")
	errTooLarge       = because(ErrInvalid, "more than the 2^48 pages of a 64-bit address space")
	errOwned          = because(ErrInvalid, "some of these pages are the allocator's already: adopt foreign pages only")
	errPageZero       = because(ErrInvalid, "page 0 holds the guest's null address: leave it out, or pass WithPageZero")
	errZeroOwned      = because(ErrInvalid, "page 0 is owned in the snapshot: pass WithPageZero")
	errBadSource      = because(ErrInvalid, "the source returned too few pages, page 0, or pages that are not the guest's to give")
	errNoSnapshot     = because(ErrCorrupt, "this is no snapshot of a page allocator: pass what MarshalBinary returned")
	errNoHeapSnapshot = because(ErrCorrupt, "this is no snapshot of a heap: pass what Heap.MarshalBinary returned")
	errWithPages      = because(ErrInvalid, "WithPages is for NewHeap: a snapshot of a heap brings its Pages along")
	errVersion        = because(ErrCorrupt, "the snapshot is of a version that this package does not know")
	errChecksum       = because(ErrCorrupt, "the snapshot's checksum is wrong: it was changed or cut")
	errSnapshot       = because(ErrCorrupt, "the snapshot contradicts itself")
	errSmaller        = because(ErrCorrupt, "the snapshot is of a larger memory: grow this one, or restore its contents, first")
	errNilGrower      = because(ErrInvalid, "the memory is nil")
	errWentBack       = because(ErrCorrupt, "the memory is smaller than it was: linear memories never shrink")
	errGrewTooFar     = because(ErrCorrupt, "the memory claims more than 2^48 pages")
	errPinnedTwice    = because(ErrInvalid, "the memory is pinned already: Unpin it first")
	errNotPinned      = because(ErrInvalid, "the memory is not pinned")
	errGrowsPinned    = because(ErrOutOfMemory, "the memory is pinned: Reserve before Pin, or Unpin it first")
	errDiscardsPinned = because(ErrUnsupported, "the memory is pinned: Unpin it first")
	errMoved          = because(ErrCorrupt, "the memory moved while it was pinned, and writes since are lost: let nobody grow it meanwhile")
)

// reason is a sentinel in a situation.
type reason struct {
	sentinel error
	text     string
}

func because(sentinel error, text string) *reason {
	return &reason{sentinel, sentinel.Error() + ": " + text}
}

func (r *reason) Error() string { return r.text }

func (r *reason) Unwrap() error { return r.sentinel }

// Error is the type of every error that this package returns. It says which call failed, and on what.
type Error struct {
	Op   string // the call, like "Pages.Alloc"; of a Shared or a Local, it may be that of the Heap below
	Addr uint64 // the address that it was about, in bytes; 0 if about none
	Size uint64 // the size that it was about, in bytes, also where the call counts pages
	Err  error  // why; wraps one of the package's sentinels
}

// Error returns the call, its size, its address and the reason as one line.
func (e *Error) Error() string {
	b := append([]byte("linmem: "), e.Op...)
	switch {
	case e.Size == math.MaxUint64:
		b = append(b, " of 2^64 bytes or more"...)
	case e.Size == PageSize:
		b = append(b, " of 65536 bytes (1 page)"...)
	case e.Size != 0:
		b = append(b, " of "...)
		b = strconv.AppendUint(b, e.Size, 10)
		b = append(b, " bytes"...)
		if e.Size%PageSize == 0 {
			b = append(b, " ("...)
			b = strconv.AppendUint(b, e.Size>>pageShift, 10)
			b = append(b, " pages)"...)
		}
	}
	if e.Addr != 0 {
		b = append(b, " at 0x"...)
		b = strconv.AppendUint(b, e.Addr, 16)
	}
	if e.Err == nil {
		return string(append(b, " failed"...))
	}
	b = append(b, ": "...)
	return string(append(b, e.Err.Error()...))
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// ErrorPool makes the errors of one allocator or one memory; the zero value is ready. It is exported for those who
// implement [Memory].
//
// An error must carry its call and size; it must never change once it was returned, since the caller may keep it or
// print it on another goroutine; and it should not feed the collector just when memory is short. So errors are cut from
// blocks made beforehand, one Go allocation of 3 KiB for 64 of them, and a failure like one of the last four is the same
// error again and costs nothing.
//
// A pool is for one goroutine at a time.
type ErrorPool struct {
	recent [4]*Error
	next   uint8 // place in recent of the next new error
	block  []Error
}

const errorBlock = 64

// Get returns an [*Error] with these fields; addr and size are bytes.
func (p *ErrorPool) Get(op string, addr, size uint64, err error) error {
	for _, e := range p.recent {
		if e != nil && e.Addr == addr && e.Size == size && e.Op == op && same(e.Err, err) {
			return e
		}
	}
	if len(p.block) == 0 {
		p.block = make([]Error, errorBlock)
	}
	e := &p.block[0]
	p.block = p.block[1:]
	*e = Error{Op: op, Addr: addr, Size: size, Err: err}
	p.recent[p.next%uint8(len(p.recent))] = e
	p.next++
	return e
}

// refusal is GetPages for a reason of this package, at no address. It is quick where the newest error is wanted again.
func (p *ErrorPool) refusal(op string, n uint64, why *reason) error {
	e := p.recent[(p.next-1)%uint8(len(p.recent))]
	if e != nil && e.Addr == 0 && e.Size == pagesToBytes(n) && e.Op == op {
		if r, ok := e.Err.(*reason); ok && r == why { //nolint:errorlint // the very same error is meant
			return e
		}
	}
	return p.GetPages(op, 0, n, why)
}

// same reports whether two errors are one. Errors of a type that == panics on never are.
func same(a, b error) (ok bool) {
	defer func() { _ = recover() }()
	return a == b //nolint:errorlint // the very same error is meant
}

// GetPages is Get for a size of n pages. One that does not fit in 64 bits of bytes is reported as the largest that does.
func (p *ErrorPool) GetPages(op string, addr, n uint64, err error) error {
	return p.Get(op, addr, pagesToBytes(n), err)
}
