//go:build cgo && (linux || darwin)

package wasmermem

import (
	"fmt"
	"math"
	"runtime"

	nativemem "github.com/linmem/linmem/backends/native"
	linmem "github.com/linmem/linmem/core"
	"github.com/wasmerio/wasmer-go/wasmer"
)

var (
	_ linmem.Memory    = (*Memory)(nil)
	_ linmem.Discarder = (*Memory)(nil)
	_ linmem.Lifetime  = (*Memory)(nil)
)

// The reason of a refusal. wasmer-go says no more than that it failed.
var errRefused = fmt.Errorf("%w: wasmer refused; the memory's maximum is reached: raise it", linmem.ErrOutOfMemory)

// Memory implements [linmem.Memory], [linmem.Discarder] and [linmem.Lifetime] on a memory that a wasmer instance exports.
// The package doc says how long a view is good and what may run at the same time.
type Memory struct {
	inst    *wasmer.Instance // owns mem, and is kept alive for it
	exports exports          // of inst
	mem     *wasmer.Memory
	place   *nativemem.Foreign // as of the last look
	errs    linmem.ErrorPool   // of Grow
}

// MemoryOption configures [New], and as an [InstanceOption] also [NewInstance] and [NewUninitialized].
type MemoryOption interface {
	InstanceOption
	applyToMemory(*Memory) error
}

type memoryOptionFunc func(*Memory) error

func (f memoryOptionFunc) applyToMemory(m *Memory) error { return f(m) }

func (f memoryOptionFunc) apply(i *Instance) error { return f(i.mem) }

// WithFencedViews is for tests, to find views that are used when they are stale. When a call of the Memory notices that the
// instance is closed, or that the memory has moved, the place where it was cannot be accessed from then on: to read or write
// through a stale view is a fault, which [runtime/debug.SetPanicOnFault] makes a panic. Each place takes as much address
// space as the memory had, until the process ends.
//
// If others have mapped something there first, views from before see that, and it is left alone: the [linmem.ErrClosed] of a
// closed instance says so, and after a move the next View or Grow is a [linmem.ErrCorrupt], once, and has done nothing else.
//
// It is [linmem.ErrUnsupported] on every system but Linux.
func WithFencedViews() MemoryOption {
	return memoryOptionFunc(func(m *Memory) (err error) {
		m.place, err = nativemem.NewFencedForeign()
		return err
	})
}

// New returns the memory that inst exports under that name; "" is the only memory that it exports. A memory that is not
// exported is out of reach.
//
// It fails with [linmem.ErrInvalid] if there is none, and with [linmem.ErrClosed] if the instance is closed, or exports
// nothing at all, which wasmer-go does not tell apart. Once it is closed every call of the Memory reports that too.
func New(inst *wasmer.Instance, name string, opts ...MemoryOption) (*Memory, error) {
	m, err := find(inst, name)
	for _, opt := range opts {
		if err == nil {
			err = opt.applyToMemory(m)
		}
	}
	if err != nil {
		return nil, &linmem.Error{Op: "wasmermem.New", Err: err}
	}
	m.look()
	return m, nil
}

// find returns a memory that has not been looked at yet.
func find(inst *wasmer.Instance, name string) (*Memory, error) {
	if inst == nil {
		return nil, fmt.Errorf("%w: the instance is nil", linmem.ErrInvalid)
	}
	exports := exportsOf(inst)
	names := exports.names()
	if len(names) == 0 {
		return nil, linmem.ErrClosed
	}
	if name != "" {
		names = []string{name}
	}
	for _, name := range names {
		mem, err := inst.Exports.GetMemory(name)
		if err == nil && mem != nil {
			return &Memory{inst: inst, exports: exports, mem: mem, place: new(nativemem.Foreign)}, nil
		}
	}
	if name == "" {
		return nil, fmt.Errorf("%w: the instance exports no memory", linmem.ErrInvalid)
	}
	return nil, fmt.Errorf("%w: the instance exports no memory %q", linmem.ErrInvalid, name)
}

// Closed implements [linmem.Lifetime]. It makes no call into wasmer.
func (m *Memory) Closed() bool { return m.exports.gone() }

// NumPages implements [linmem.Grower], by a call through cgo.
func (m *Memory) NumPages() uint64 {
	if m.Closed() {
		_ = m.place.Gone() // which the calls that return an error tell
		return 0
	}
	pages := m.numPages()
	if m.place.Fences() && pages != m.seenPages() {
		m.look()
	}
	return pages
}

// Grow implements [linmem.Grower], by two calls through cgo.
func (m *Memory) Grow(delta uint64) (prev uint64, err error) {
	const op = "wasmermem.Grow"
	if m.Closed() {
		return 0, m.errs.GetPages(op, 0, delta, m.place.Gone())
	}
	if m.place.Fences() {
		m.look()
		if err := m.place.Lost(); err != nil {
			return 0, m.errs.GetPages(op, 0, delta, err)
		}
		defer m.look()
	}
	prev = m.numPages()
	if delta == 0 {
		return prev, nil
	}
	if delta > math.MaxUint32 || !m.mem.Grow(wasmer.Pages(delta)) {
		return 0, m.errs.GetPages(op, 0, delta, errRefused)
	}
	runtime.KeepAlive(m)
	return prev, nil
}

// View implements [linmem.Memory], by a call through cgo, and three after a growth, with a Go allocation then.
func (m *Memory) View(addr, n uint64) ([]byte, error) {
	const op = "wasmermem.View"
	if m.Closed() {
		return nil, &linmem.Error{Op: op, Addr: addr, Size: n, Err: m.place.Gone()}
	}
	// Only a growth by a page or more can move a memory, so one that has the size that it had is where it was.
	if m.numPages() != m.seenPages() {
		m.look()
		if err := m.place.Lost(); err != nil {
			return nil, &linmem.Error{Op: op, Addr: addr, Size: n, Err: err}
		}
	}
	return linmem.Subslice(op, m.place.Bytes(), addr, n)
}

// Moves returns how often the memory was found at another place than before, since the Memory was made; views from before
// the last time are stale. With wasmer-go 1.0.4 that is never. It looks for itself, by two calls through cgo. A memory that
// is closed does not move.
func (m *Memory) Moves() uint64 {
	if m.Closed() {
		_ = m.place.Gone()
	} else {
		m.look()
	}
	return m.place.Moves()
}

// Discard implements [linmem.Discarder], on Linux; elsewhere, and for locked memory, it is [linmem.ErrUnsupported]. It costs
// two calls through cgo and a system call; the first one after each growth also reads /proc/self/maps. Nobody may touch the
// range meanwhile.
func (m *Memory) Discard(addr, n uint64) error {
	const op = "wasmermem.Discard"
	if m.Closed() {
		return &linmem.Error{Op: op, Addr: addr, Size: n, Err: m.place.Gone()}
	}
	m.look()
	return m.place.Discard(op, addr, n)
}

// look finds out where the memory is.
func (m *Memory) look() {
	m.place.See(m.mem.Data())
	runtime.KeepAlive(m)
}

func (m *Memory) seenPages() uint64 { return uint64(len(m.place.Bytes())) / linmem.PageSize }

func (m *Memory) numPages() uint64 {
	pages := m.mem.Size()
	runtime.KeepAlive(m)
	return uint64(pages)
}
