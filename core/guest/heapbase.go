package guest

import (
	"errors"
	"fmt"

	linmem "github.com/linmem/linmem/core"
)

// refusesHeapBase returns why the memory from __heap_base on is not the host's.
func (o *opening) refusesHeapBase() string {
	r := o.report
	switch {
	case r.HeapBase == nil:
		return "the guest exports no __heap_base"
	case !r.importsAllocator():
		return "the guest does not import from the host what it allocates with, so it has another use for that memory"
	case o.ready == nil:
		return "the guest's allocator is not served from this heap: pass WithBind"
	case r.Grows.N+r.Sizes.N > 0:
		return fmt.Sprintf("the guest has %d memory.grow and %d memory.size, so it may have an allocator beside the host's",
			r.Grows.N, r.Sizes.N)
	case o.sharesMemory():
		return "the guest's memory is imported or shared, so others may use it"
	}
	return ""
}

// sharesMemory reports whether somebody else than guest and host may use the memory.
func (o *opening) sharesMemory() bool {
	for _, m := range o.report.Memories {
		if m.Imported || m.Shared {
			return true
		}
	}
	return false
}

func (o *opening) openHeapBase() (*Guest, error) {
	if o.report.HeapBase == nil {
		return nil, fmt.Errorf("%w: the guest exports no __heap_base", linmem.ErrInvalid)
	}
	base := *o.report.HeapBase
	size := o.mem.NumPages()
	if base > size*linmem.PageSize {
		return nil, fmt.Errorf("%w: __heap_base is %#x, and the memory ends at %#x", linmem.ErrInvalid, base, size*linmem.PageSize)
	}
	start := (base + minCanary + linmem.PageSize - 1) / linmem.PageSize
	if start > size {
		if _, err := o.mem.Grow(start - size); err != nil {
			return nil, err
		}
	}
	g := o.newGuest()
	if err := g.canaries.add(byteRange{base, start * linmem.PageSize}); err != nil {
		return nil, err
	}
	pages, err := linmem.NewPages(o.mem, o.options()...)
	if err != nil {
		return nil, err
	}
	if start < size {
		if err := adopt(pages, linmem.Range{Start: linmem.Page(start), Len: size - start}); err != nil {
			return nil, err
		}
	}
	o.plan.Reason = "the guest imports its allocator, so it leaves all behind __heap_base to the host"
	o.plan.did("took all from %#x on, with canaries before it", start*linmem.PageSize)
	if g, err = o.withPages(g, pages); err != nil {
		return nil, err
	}
	return o.initializeLast(g)
}

// initializeLast has the guest initialized that allocates from the heap which it has got.
func (o *opening) initializeLast(g *Guest) (*Guest, error) {
	if err := o.initialize(); err != nil {
		return nil, o.giveUp(g, err)
	}
	g.Plan = o.plan
	return g, nil
}

// adopt gives pages to an allocator, the lowest first, as many as its budget allows.
func adopt(pages *linmem.Pages, r linmem.Range) error {
	for n := r.Len; n > 0; n = min(n, r.Len) {
		switch err := pages.Adopt(linmem.Range{Start: r.Start, Len: n}); {
		case errors.Is(err, linmem.ErrOutOfMemory):
			n /= 2
		case err != nil:
			return err
		default:
			r.Start += linmem.Page(n)
			r.Len -= n
		}
	}
	return nil
}
