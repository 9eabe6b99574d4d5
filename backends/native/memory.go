package nativemem

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	linmem "github.com/linmem/linmem/core"
)

// The rest of the package is one file per platform, with five functions over the bytes of one reservation:
//
//	reserve(n int) ([]byte, error)  // n > 0 bytes of address space; not to be touched before commit
//	commit(b []byte) error          // b may be read and written, and reads as zero; on error it is as before
//	discard(b []byte) error         // committed b reads as zero; an error wraps errHole if b may be gone
//	release(b []byte) error         // exactly what reserve returned
//	revoke(b []byte) error          // the same, but the addresses stay taken, and to access them is a fault
//
// They see whole, non-empty runs of WebAssembly pages, which every platform's own page size divides.

var (
	errInitial  = fmt.Errorf("%w: the initial size is above the maximum", linmem.ErrInvalid)
	errTooLarge = fmt.Errorf("%w: the maximum must be at most %d pages on this platform", linmem.ErrInvalid, uint64(limit))
	errAlign    = fmt.Errorf("%w: the range must begin and end at a multiple of the page size", linmem.ErrInvalid)
	errHole     = fmt.Errorf("%w: a Discard lost part of the memory: Close it, and start over", linmem.ErrCorrupt)
)

// limit is the size in pages of the largest slice that Go can express.
const limit = math.MaxInt / linmem.PageSize

var (
	_ linmem.Memory    = (*Memory)(nil)
	_ linmem.Discarder = (*Memory)(nil)
	_ linmem.Lifetime  = (*Memory)(nil)
)

// Memory is a linear memory that never moves. Make it with [New], and release it with [Memory.Close]; the package's
// documentation says what may run concurrently.
type Memory struct {
	data []byte        // the reservation; only its first size bytes may be touched
	size atomic.Uint64 // bytes committed; stored after the commit, so that a size once seen can be viewed

	mu   sync.Mutex // held to grow, discard and close
	dead error      // why the memory is of no use any more, while size is 0: ErrClosed or errHole

	errs  linmem.ErrorPool // of Grow
	atMax error            // the reason of refusals at the maximum; nil until there is one
}

// New returns a memory of initial pages that can grow to max pages. A max of 0 is a memory that is always empty.
//
// It fails with [linmem.ErrInvalid] if initial is above max, or max above what a slice can hold, and with
// [linmem.ErrOutOfMemory] if the operating system refuses the address space for max pages or the memory for initial
// pages. The cost is two system calls, whatever the sizes, except on platforms without virtual memory.
func New(initial, max uint64) (*Memory, error) {
	const op = "nativemem.New"
	m := new(Memory)
	switch {
	case initial > max:
		return nil, m.errs.GetPages(op, 0, initial, errInitial)
	case max > limit:
		return nil, m.errs.GetPages(op, 0, max, errTooLarge)
	}
	if max == 0 {
		return m, nil
	}
	data, err := reserve(int(max * linmem.PageSize))
	if err != nil {
		err = fmt.Errorf("%w: the system refused the address space: lower the maximum: %w", linmem.ErrOutOfMemory, err)
		return nil, m.errs.GetPages(op, 0, max, err)
	}
	m.data = data
	if initial > 0 {
		n := initial * linmem.PageSize
		if err := commit(data[:n]); err != nil {
			return nil, &linmem.Error{Op: op, Size: n, Err: errors.Join(refusal(err), release(data))}
		}
		m.size.Store(n)
	}
	return m, nil
}

// NumPages implements [linmem.Grower]. It is 0 once the memory is closed.
func (m *Memory) NumPages() uint64 { return m.size.Load() / linmem.PageSize }

// Grow implements [linmem.Grower]. Beyond the maximum, and where the operating system refuses the memory, it fails with
// [linmem.ErrOutOfMemory]; views stay valid in any case. The cost is a mutex and one system call.
func (m *Memory) Grow(delta uint64) (prev uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fail := func(why error) (uint64, error) {
		return 0, m.errs.GetPages("nativemem.Grow", 0, delta, why)
	}
	if m.dead != nil {
		return fail(m.dead)
	}
	size := m.size.Load()
	if delta > (uint64(len(m.data))-size)/linmem.PageSize {
		if m.atMax == nil {
			m.atMax = fmt.Errorf("%w: the maximum is %d pages: free something, or make the memory with a higher one",
				linmem.ErrOutOfMemory, len(m.data)/linmem.PageSize)
		}
		return fail(m.atMax)
	}
	if delta > 0 {
		end := size + delta*linmem.PageSize
		if err := commit(m.data[size:end]); err != nil {
			return fail(refusal(err))
		}
		m.size.Store(end)
	}
	return size / linmem.PageSize, nil
}

func refusal(cause error) error {
	return fmt.Errorf("%w: the system refused to commit the pages: %w", linmem.ErrOutOfMemory, cause)
}

// View implements [linmem.Memory], and promises more: the view stays valid when the memory grows, until Close.
func (m *Memory) View(addr, n uint64) ([]byte, error) {
	const op = "nativemem.View"
	size := m.size.Load()
	if size == 0 {
		m.mu.Lock()
		dead := m.dead
		m.mu.Unlock()
		if dead != nil {
			return nil, &linmem.Error{Op: op, Addr: addr, Size: n, Err: dead}
		}
	}
	return linmem.Subslice(op, m.data[:size], addr, n)
}

// Bytes returns all of the memory as one slice, like View. That of an empty memory begins where the memory will, whatever
// its size: so the first byte's address, as of [unsafe.SliceData], tells one memory from another.
func (m *Memory) Bytes() []byte {
	size := m.size.Load()
	return m.data[:size:size]
}

// Reservation returns all of the address space, of which only what Bytes returns may be touched: for those who cut the
// memory off by length, and want growth to show in the capacity.
func (m *Memory) Reservation() []byte { return m.data }

// Discard implements [linmem.Discarder]. Views of the range stay valid, but nobody may touch its bytes meanwhile.
//
// Where the operating system refuses, the error wraps [linmem.ErrUnsupported] and the range keeps its contents; a part of
// it may read as zero already, as of memory that is locked in part. Outside Linux a refusal can come when the old pages
// are gone already; that is [linmem.ErrCorrupt]. The memory then has a hole, so it hands out no more views: NumPages is 0,
// and every call but Close reports ErrCorrupt. Views that exist still work outside the range.
func (m *Memory) Discard(addr, n uint64) error {
	const op = "nativemem.Discard"
	fail := func(err error) error { return &linmem.Error{Op: op, Addr: addr, Size: n, Err: err} }
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead != nil {
		return fail(m.dead)
	}
	if addr%linmem.PageSize != 0 || n%linmem.PageSize != 0 {
		return fail(errAlign)
	}
	b, err := linmem.Subslice(op, m.data[:m.size.Load()], addr, n)
	if err != nil || n == 0 {
		return err
	}
	switch err := discard(b); {
	case err == nil:
		return nil
	case errors.Is(err, errHole):
		m.abandon(errHole)
		return fail(err)
	default:
		return fail(fmt.Errorf("%w: the system refused to discard the pages: %w", linmem.ErrUnsupported, err))
	}
}

// Closed implements [linmem.Lifetime].
func (m *Memory) Closed() bool {
	if m.size.Load() > 0 {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return errors.Is(m.dead, linmem.ErrClosed)
}

// Close releases the memory and its address space: no view may be touched any more. NumPages is 0 afterwards, and every
// other call, a second Close too, reports [linmem.ErrClosed].
func (m *Memory) Close() error { return m.end("nativemem.Close", release) }

// Revoke is Close, but the address space stays reserved until the process ends, and nobody can access it. So a view that is
// used too late faults, whenever that is, where after Close it may be a window on something else. It is for finding such
// uses in tests, where [runtime/debug.SetPanicOnFault] makes them a panic.
//
// It fails with [linmem.ErrUnsupported] on platforms without virtual memory; the memory is closed then.
func (m *Memory) Revoke() error { return m.end("nativemem.Revoke", revoke) }

func (m *Memory) end(op string, dispose func([]byte) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if errors.Is(m.dead, linmem.ErrClosed) {
		return &linmem.Error{Op: op, Err: m.dead}
	}
	m.abandon(linmem.ErrClosed)
	data := m.data
	m.data = nil
	if len(data) == 0 {
		return nil
	}
	err := dispose(data)
	if err == nil {
		return nil
	}
	if !errors.Is(err, linmem.ErrUnsupported) {
		err = fmt.Errorf("%w: the system refused to release the memory: %w", linmem.ErrCorrupt, err)
	}
	return &linmem.Error{Op: op, Size: uint64(len(data)), Err: err}
}

// abandon makes every later call fail with why.
func (m *Memory) abandon(why error) {
	m.dead = why
	m.size.Store(0)
}
