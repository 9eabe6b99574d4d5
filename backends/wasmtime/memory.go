//go:build cgo

package wasmtimemem

import (
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v44"
	nativemem "github.com/linmem/linmem/backends/native"
	linmem "github.com/linmem/linmem/core"
)

var (
	_ linmem.Memory    = (*Memory)(nil)
	_ linmem.Discarder = (*Memory)(nil)
	_ linmem.Lifetime  = (*Memory)(nil)
)

// The reason of a refusal. wasmtime's own error says no more than that it failed.
var errRefused = fmt.Errorf("%w: wasmtime refused; the memory's maximum or the store's Limiter is reached: raise it",
	linmem.ErrOutOfMemory)

// Memory implements [linmem.Memory], [linmem.Discarder] and [linmem.Lifetime] on a memory of wasmtime. The package doc says
// how long a view is good and what may run at the same time.
type Memory struct {
	store   *wasmtime.Store // keeps the memory alive
	context wasmtime.Storelike
	mem     *wasmtime.Memory
	place   *nativemem.Foreign // as of the last look
	errs    linmem.ErrorPool
}

// MemoryOption configures [New], [Wrap], [NewInstance] and [NewUninitialized].
type MemoryOption interface {
	apply(*Memory) error
}

type memoryOptionFunc func(*Memory) error

func (f memoryOptionFunc) apply(m *Memory) error { return f(m) }

// WithFencedViews is for tests, to find views that are used when they are stale. When a call of the Memory notices that the
// memory has moved, or that the store is closed, the place where it was cannot be accessed from then on: to read or write
// through a stale view is a fault, which [runtime/debug.SetPanicOnFault] makes a panic. With [MoveOnGrowth] every growth
// moves the memory; [FenceOnGrowth] does without this option, and notices by itself. Each place takes as much address space
// as the memory had, until the process ends.
//
// If others have mapped something there first, views from before see that, and it is left alone: the next View or Grow
// is a [linmem.ErrCorrupt] that says so, once, and has done nothing else; after close, the [linmem.ErrClosed] says so too.
// With MoveOnGrowth, that is most often the memory itself, when the guest has grown it several times in one call; with
// [FenceOnGrowth] it cannot happen.
//
// It is [linmem.ErrUnsupported] on every system but Linux.
func WithFencedViews() MemoryOption {
	return memoryOptionFunc(func(m *Memory) (err error) {
		m.place, err = nativemem.NewFencedForeign()
		return err
	})
}

// New returns the memory that inst exports under that name; "" is the only memory that it exports. A memory that is not
// exported is out of reach. The instance must be of that store: wasmtime ends the process otherwise.
//
// It fails with [linmem.ErrInvalid] if there is none, or if "" leaves a choice of several, and with [linmem.ErrClosed]
// if the store is closed. Once the store is closed every call of the Memory reports that too.
func New(store *wasmtime.Store, inst *wasmtime.Instance, name string, opts ...MemoryOption) (m *Memory, err error) {
	const op = "wasmtimemem.New"
	if store == nil || inst == nil {
		return nil, &linmem.Error{Op: op, Err: fmt.Errorf("%w: the store or the instance is nil", linmem.ErrInvalid)}
	}
	defer catchClosed(op, &err)
	mem, err := find(store, inst, name)
	if err != nil {
		return nil, &linmem.Error{Op: op, Err: err}
	}
	return newMemory(op, store, mem, opts)
}

// Wrap returns a memory that the host made with [wasmtime.NewMemory], or took from an instance by itself. mem must be
// of that store.
func Wrap(store *wasmtime.Store, mem *wasmtime.Memory, opts ...MemoryOption) (m *Memory, err error) {
	const op = "wasmtimemem.Wrap"
	if store == nil || mem == nil {
		return nil, &linmem.Error{Op: op, Err: fmt.Errorf("%w: the store or the memory is nil", linmem.ErrInvalid)}
	}
	defer catchClosed(op, &err)
	return newMemory(op, store, mem, opts)
}

func newMemory(op string, store *wasmtime.Store, mem *wasmtime.Memory, opts []MemoryOption) (*Memory, error) {
	m := &Memory{store: store, context: contextFor(store), mem: mem, place: new(nativemem.Foreign)}
	for _, opt := range opts {
		if err := opt.apply(m); err != nil {
			return nil, &linmem.Error{Op: op, Err: err}
		}
	}
	m.look()
	return m, nil
}

func find(store *wasmtime.Store, inst *wasmtime.Instance, name string) (*wasmtime.Memory, error) {
	if name != "" {
		if export := inst.GetExport(store, name); export != nil {
			if mem := export.Memory(); mem != nil {
				return mem, nil
			}
		}
		return nil, fmt.Errorf("%w: the instance exports no memory %q", linmem.ErrInvalid, name)
	}
	var only *wasmtime.Memory
	for _, export := range inst.Exports(store) {
		mem := export.Memory()
		if mem != nil && only != nil && !same(store, only, mem) {
			return nil, fmt.Errorf("%w: the instance exports several memories: name one", linmem.ErrInvalid)
		}
		if mem != nil {
			only = mem
		}
	}
	if only == nil {
		return nil, fmt.Errorf("%w: the instance exports no memory", linmem.ErrInvalid)
	}
	return only, nil
}

// same reports whether two exports are one memory under two names. Empty memories may share an address without being the
// same, so they never are.
func same(store *wasmtime.Store, a, b *wasmtime.Memory) bool {
	return a.DataSize(store) > 0 && b.DataSize(store) > 0 && a.Data(store) == b.Data(store)
}

// Closed implements [linmem.Lifetime]. It makes no call into wasmtime.
func (m *Memory) Closed() bool { return isClosed(m.store) }

// NumPages implements [linmem.Grower], by a call through cgo.
func (m *Memory) NumPages() uint64 {
	if m.Closed() {
		_ = m.place.Gone() // which the calls that return an error tell
		return 0
	}
	pages := m.mem.Size(m.context)
	if m.place.Fences() && pages != m.seenPages() {
		m.look()
	}
	return pages
}

// Grow implements [linmem.Grower], by a call through cgo.
func (m *Memory) Grow(delta uint64) (prev uint64, err error) {
	const op = "wasmtimemem.Grow"
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
	prev, err = m.mem.Grow(m.context, delta)
	if err != nil {
		return 0, m.errs.GetPages(op, 0, delta, errRefused)
	}
	return prev, nil
}

// View implements [linmem.Memory], by a call through cgo, and three after a growth, with a Go allocation then.
func (m *Memory) View(addr, n uint64) (view []byte, err error) {
	const op = "wasmtimemem.View"
	if m.Closed() {
		return nil, &linmem.Error{Op: op, Addr: addr, Size: n, Err: m.place.Gone()}
	}
	// Only a growth by a page or more moves a memory, so one that has the size that it had is where it was.
	if m.mem.Size(m.context) != m.seenPages() {
		m.look()
		if err := m.place.Lost(); err != nil {
			return nil, &linmem.Error{Op: op, Addr: addr, Size: n, Err: err}
		}
	}
	return linmem.Subslice(op, m.place.Bytes(), addr, n)
}

// Moves returns how often the memory was found at another place than before, since the Memory was made; views from before
// the last time are stale. It looks for itself, by two calls through cgo. So do View and, with [WithFencedViews], the
// others, whenever the size has changed: several growths in between are one look. A memory that is closed does not move.
func (m *Memory) Moves() uint64 {
	if m.Closed() {
		_ = m.place.Gone()
	} else {
		m.look()
	}
	return m.place.Moves()
}

// Discard implements [linmem.Discarder], on Linux; elsewhere it is [linmem.ErrUnsupported]. So it is for pages which
// wasmtime has mapped from the data segments of the module, unless its Config was told SetMemoryInitCOWSet(false), or the
// memory has moved; and for locked memory. It costs two calls through cgo and a system call; the first one after each growth
// also reads /proc/self/maps. Nobody may touch the range meanwhile.
func (m *Memory) Discard(addr, n uint64) error {
	const op = "wasmtimemem.Discard"
	if m.Closed() {
		return &linmem.Error{Op: op, Addr: addr, Size: n, Err: m.place.Gone()}
	}
	m.look()
	return m.place.Discard(op, addr, n)
}

// look finds out where the memory is.
func (m *Memory) look() { m.place.See(m.mem.UnsafeData(m.context)) }

func (m *Memory) seenPages() uint64 { return uint64(len(m.place.Bytes())) / linmem.PageSize }

// catchClosed, deferred, turns the panic of wasmtime-go on a closed store into an error.
func catchClosed(op string, err *error) {
	switch r := recover(); r {
	case nil:
	case "object has been closed already":
		*err = &linmem.Error{Op: op, Err: linmem.ErrClosed}
	default:
		panic(r)
	}
}
