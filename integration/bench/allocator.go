package bench

import (
	"fmt"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/zigref"
	"github.com/linmem/linmem/integration/bench/flatscan"
	"github.com/linmem/linmem/integration/bench/radix"
)

// Allocator is what the workloads need of a page allocator. A run is named by the page at which it starts, and its
// length.
type Allocator interface {
	// Alloc returns the start of n free pages, a multiple of 1<<log2Align. It fails with [linmem.ErrOutOfMemory] if there is
	// no room.
	Alloc(n uint64, log2Align uint8) (start uint64, err error)

	// Free gives back a run exactly as Alloc returned it.
	Free(start, n uint64) error
}

// Kind is a page allocator that can be opened on a memory of its own.
type Kind struct {
	Name     string
	MaxPages uint64 // of the largest memory

	grows bool
	open  func(m *Memory, pages uint64) (Allocator, error)
}

// The kinds.
var (
	Linmem = Kind{Name: "linmem", MaxPages: 1 << 48, grows: true, open: openLinmem}
	Zigref = Kind{Name: "zigref", MaxPages: MaxPages32, grows: true, open: openZigref}
	Flat   = Kind{Name: "flat", MaxPages: 1 << 48, open: openFlat}
	Radix  = Kind{Name: "radix", MaxPages: 1 << 48, open: openRadix}
)

// Kinds returns all of them.
func Kinds() []Kind { return []Kind{Linmem, Zigref, Flat, Radix} }

// Opened is an allocator and its memory, which is nil for flat and radix: these own all pages from the start.
type Opened struct {
	Allocator
	Memory *Memory
}

// Open returns an allocator on a new memory of up to so many pages. Page 0 is not to be had.
func (k Kind) Open(pages uint64) (o Opened, err error) {
	if pages > k.MaxPages {
		return Opened{}, fmt.Errorf("%s: %d pages, of %d at most", k.Name, pages, k.MaxPages)
	}
	if k.grows {
		if o.Memory, err = NewMemory(pages); err != nil {
			return Opened{}, err
		}
	}
	if o.Allocator, err = k.open(o.Memory, pages); err != nil {
		_ = o.Close()
		return Opened{}, fmt.Errorf("%s: %w", k.Name, err)
	}
	return o, nil
}

// Close unmaps the memory.
func (o Opened) Close() error {
	if o.Memory == nil {
		return nil
	}
	return o.Memory.Close()
}

type linmemPages struct{ p *linmem.Pages }

// openLinmem tells Pages how many pages there are at most, as flat and radix are told.
func openLinmem(m *Memory, pages uint64) (Allocator, error) {
	p, err := linmem.NewPages(m, linmem.WithMaxPages(pages-m.NumPages()))
	return linmemPages{p}, err
}

func (a linmemPages) Alloc(n uint64, log2Align uint8) (uint64, error) {
	if log2Align == 0 {
		r, err := a.p.Alloc(n)
		return uint64(r.Start), err
	}
	r, err := a.p.AllocAligned(n, 1<<log2Align)
	return uint64(r.Start), err
}

func (a linmemPages) Free(start, n uint64) error {
	return a.p.Free(linmem.Range{Start: linmem.Page(start), Len: n})
}

type zigrefPages struct{ p *zigref.PageAllocator }

func openZigref(m *Memory, _ uint64) (Allocator, error) {
	return zigrefPages{zigref.NewPageAllocator(m)}, nil
}

func (a zigrefPages) Alloc(n uint64, log2Align uint8) (uint64, error) {
	const log2PageSize = 16
	addr, err := a.p.Alloc(n*linmem.PageSize, log2PageSize+log2Align)
	return addr / linmem.PageSize, err
}

func (a zigrefPages) Free(start, n uint64) error {
	return a.p.Free(start*linmem.PageSize, n*linmem.PageSize)
}

// errNoRoom is what flat and radix mean by false.
var errNoRoom = fmt.Errorf("%w: no run of free pages is long enough", linmem.ErrOutOfMemory)

type flatPages struct{ p *flatscan.Pages }

func openFlat(_ *Memory, pages uint64) (Allocator, error) {
	p := flatscan.New(pages)
	p.Alloc(1)
	return flatPages{p}, nil
}

func (a flatPages) Alloc(n uint64, log2Align uint8) (start uint64, err error) {
	var ok bool
	if log2Align == 0 {
		start, ok = a.p.Alloc(n)
	} else {
		start, ok = a.p.AllocAligned(n, log2Align)
	}
	if !ok {
		return 0, errNoRoom
	}
	return start, nil
}

func (a flatPages) Free(start, n uint64) error {
	a.p.Free(start, n)
	return nil
}

type radixPages struct{ p *radix.Pages }

func openRadix(_ *Memory, pages uint64) (Allocator, error) {
	p := radix.New(pages)
	p.Alloc(1)
	return radixPages{p}, nil
}

func (a radixPages) Alloc(n uint64, log2Align uint8) (start uint64, err error) {
	var ok bool
	if log2Align == 0 {
		start, ok = a.p.Alloc(n)
	} else {
		start, ok = a.p.AllocAligned(n, log2Align)
	}
	if !ok {
		return 0, errNoRoom
	}
	return start, nil
}

func (a radixPages) Free(start, n uint64) error {
	a.p.Free(start, n)
	return nil
}
