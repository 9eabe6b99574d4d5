package wazeromem

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"sync"
	"unsafe"

	nativemem "github.com/linmem/linmem/backends/native"
	linmem "github.com/linmem/linmem/core"
	"github.com/tetratelabs/wazero/api"
)

var (
	_ linmem.Memory    = (*Memory)(nil)
	_ linmem.Discarder = (*Memory)(nil)
	_ linmem.Lifetime  = (*Memory)(nil)
)

var (
	errRefused = fmt.Errorf("%w: wazero refused; the module's maximum, WithMemoryLimitPages or LimitPages is reached: raise it; or "+
		"the system has no more", linmem.ErrOutOfMemory)
	errNotStable = fmt.Errorf("%w: the memory is not one of StableMemories, since the module was not instantiated in their Context, "+
		"or the system had no address space for it", linmem.ErrUnsupported)
	errDetached = fmt.Errorf("%w: another module that used the memory was closed, and wazero has let go of it then: close them "+
		"together", linmem.ErrUnsupported)
)

// Memory implements [linmem.Memory] on the memory of a wazero module, and [linmem.Discarder] if it is one of
// [StableMemories]. The package doc says how long a view is good and what may run at the same time.
type Memory struct {
	mod    api.Module
	mem    api.Memory
	stable *stableMemory // nil if it is not stable

	mu   sync.Mutex       // held to use errs: shared memories may be refused on several goroutines
	errs linmem.ErrorPool // of Grow

	// What Moves has seen.
	at    uintptr
	moves uint64
}

// New returns the memory that mod exports under that name; "" is its only memory, exported or not.
//
// It fails with [linmem.ErrInvalid] if there is none, and with [linmem.ErrClosed] if mod is closed. Once mod is closed
// every call of the Memory reports that too. About a module that imports its memory, see the package doc.
func New(mod api.Module, name string) (*Memory, error) {
	fail := func(err error) (*Memory, error) {
		return nil, &linmem.Error{Op: "wazeromem.New", Err: err}
	}
	if mod == nil {
		return fail(fmt.Errorf("%w: the module is nil", linmem.ErrInvalid))
	}
	if mod.IsClosed() {
		return fail(linmem.ErrClosed)
	}
	mem := mod.Memory()
	if name != "" {
		mem = mod.ExportedMemory(name)
	}
	if mem == nil || reflect.ValueOf(mem).IsNil() {
		if name == "" {
			return fail(fmt.Errorf("%w: the module has no memory", linmem.ErrInvalid))
		}
		return fail(fmt.Errorf("%w: the module exports no memory %q", linmem.ErrInvalid, name))
	}
	m := &Memory{mod: mod, mem: mem, stable: findStable(mod, mem)}
	m.at = m.base()
	return m, nil
}

// space returns where a stable memory is, and nil for another, or one that wazero has let go of.
func (m *Memory) space() *nativemem.Memory {
	if m.stable == nil || m.stable.detached.Load() {
		return nil
	}
	return m.stable.space.Load()
}

// notStable returns why there is no space.
func (m *Memory) notStable() error {
	if m.stable != nil {
		return errDetached
	}
	return errNotStable
}

// Closed implements [linmem.Lifetime].
func (m *Memory) Closed() bool { return m.mod.IsClosed() }

// Stable reports whether the memory never moves, since it comes from [StableMemories].
func (m *Memory) Stable() bool {
	return !m.mod.IsClosed() && m.space() != nil && !m.stable.fenced
}

// NumPages implements [linmem.Grower]. It takes a few nanoseconds.
func (m *Memory) NumPages() uint64 {
	if m.mod.IsClosed() {
		return 0
	}
	if space := m.space(); space != nil {
		return space.NumPages()
	}
	pages, _ := m.mem.Grow(0)
	return uint64(pages)
}

// Grow implements [linmem.Grower]. One of [StableMemories] takes a system call; another one is copied where it grows beyond
// its capacity.
func (m *Memory) Grow(delta uint64) (prev uint64, err error) {
	const op = "wazeromem.Grow"
	if m.mod.IsClosed() {
		return 0, &linmem.Error{Op: op, Size: delta * linmem.PageSize, Err: linmem.ErrClosed}
	}
	if delta <= math.MaxUint32 {
		if pages, ok := m.mem.Grow(uint32(delta)); ok {
			return uint64(pages), nil
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return 0, m.errs.GetPages(op, 0, delta, errRefused)
}

// View implements [linmem.Memory]. It takes a few nanoseconds and allocates nothing.
func (m *Memory) View(addr, n uint64) ([]byte, error) {
	const op = "wazeromem.View"
	if m.mod.IsClosed() {
		return nil, &linmem.Error{Op: op, Addr: addr, Size: n, Err: linmem.ErrClosed}
	}
	if space := m.space(); space != nil {
		return linmem.Subslice(op, space.Bytes(), addr, n)
	}
	if n != 0 && addr <= math.MaxUint32 && n <= math.MaxUint32-addr {
		if b, ok := m.mem.Read(uint32(addr), uint32(n)); ok {
			return b, nil
		}
	}
	return linmem.Subslice(op, m.data(), addr, n)
}

// data returns the whole memory, for the ranges that wazero's 32-bit arguments do not reach.
func (m *Memory) data() []byte {
	size := m.NumPages() * linmem.PageSize
	if size == 0 {
		return nil
	}
	// The first byte is the first of the Go slice that holds the memory, whose length is the size.
	first, _ := m.mem.Read(0, 1)
	return unsafe.Slice(unsafe.SliceData(first), size)
}

// Discard implements [linmem.Discarder] for a memory of [StableMemories]; for another it is [linmem.ErrUnsupported]. The
// guest must not use the range meanwhile. The cost is that of [nativemem.Memory.Discard].
func (m *Memory) Discard(addr, n uint64) error {
	fail := func(err error) error { return &linmem.Error{Op: "wazeromem.Discard", Addr: addr, Size: n, Err: err} }
	if m.mod.IsClosed() {
		return fail(linmem.ErrClosed)
	}
	space := m.space()
	if space == nil {
		return fail(m.notStable())
	}
	err := space.Discard(addr, n)
	var why *linmem.Error
	if errors.As(err, &why) {
		return fail(why.Err)
	}
	return err
}

// LimitPages has every growth refused, the host's and the guest's, that would make the memory larger than max pages; pages
// that exist stay. So 0 freezes it, and no limit is above the 65,535 pages that a guest can use. The limit may be changed
// at any time, on any goroutine. It is for memories of [StableMemories]: for another it fails with
// [linmem.ErrUnsupported], and once the module is closed with [linmem.ErrClosed].
func (m *Memory) LimitPages(max uint64) error {
	const op = "wazeromem.LimitPages"
	switch {
	case m.mod.IsClosed():
		return &linmem.Error{Op: op, Err: linmem.ErrClosed}
	case m.space() == nil:
		return &linmem.Error{Op: op, Err: m.notStable()}
	}
	m.stable.limit.Store(min(max, usablePages))
	return nil
}

// Moves returns how often the memory was found at another place than before, by calls of Moves: a view from before the last
// time is stale. It takes a few nanoseconds. A memory of [StableMemories] does not move.
func (m *Memory) Moves() uint64 {
	if at := m.base(); at != m.at {
		m.at = at
		m.moves++
	}
	return m.moves
}

// base returns the address of the first byte, and that of the last place once the module is closed.
func (m *Memory) base() uintptr {
	if m.mod.IsClosed() {
		return m.at
	}
	first, _ := m.mem.Read(0, 0)
	return addressOf(first)
}
