package wazeromem

import (
	"fmt"
	"math"
	"reflect"
	"unsafe"

	linmem "github.com/linmem/linmem/core"
	"github.com/tetratelabs/wazero/api"
)

var _ linmem.Memory = (*Memory)(nil)

var errRefused = fmt.Errorf("%w: wazero refused; the module's maximum or WithMemoryLimitPages is reached: raise it",
	linmem.ErrOutOfMemory)

// Memory implements [linmem.Memory] on the memory of a wazero module. The package doc says how long a view is good and
// what may run at the same time.
type Memory struct {
	mod  api.Module
	mem  api.Memory
	errs linmem.ErrorPool // of Grow
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
	return &Memory{mod: mod, mem: mem}, nil
}

// NumPages implements [linmem.Grower]. It takes a few nanoseconds.
func (m *Memory) NumPages() uint64 {
	if m.mod.IsClosed() {
		return 0
	}
	pages, _ := m.mem.Grow(0)
	return uint64(pages)
}

// Grow implements [linmem.Grower]. Beyond the memory's capacity it copies the whole memory.
func (m *Memory) Grow(delta uint64) (prev uint64, err error) {
	const op = "wazeromem.Grow"
	if m.mod.IsClosed() {
		return 0, m.errs.GetPages(op, 0, delta, linmem.ErrClosed)
	}
	if delta <= math.MaxUint32 {
		if pages, ok := m.mem.Grow(uint32(delta)); ok {
			return uint64(pages), nil
		}
	}
	return 0, m.errs.GetPages(op, 0, delta, errRefused)
}

// View implements [linmem.Memory]. It takes a few nanoseconds and allocates nothing.
func (m *Memory) View(addr, n uint64) ([]byte, error) {
	const op = "wazeromem.View"
	if m.mod.IsClosed() {
		return nil, &linmem.Error{Op: op, Addr: addr, Size: n, Err: linmem.ErrClosed}
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
