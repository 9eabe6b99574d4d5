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
	case len(r.AllocatorImports) == 0:
		return "the guest imports no allocator from the host, so it has another use for that memory"
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
	g := o.newGuest()
	pages, err := linmem.NewPages(o.mem, o.options()...)
	if err != nil {
		return nil, err
	}
	start := (base + minCanary + linmem.PageSize - 1) / linmem.PageSize
	o.plan.Reason = "the guest imports its allocator, so it leaves all behind __heap_base to the host"
	if start < size {
		if err := g.canaries.add(byteRange{base, start * linmem.PageSize}); err != nil {
			return nil, err
		}
		if err := adopt(pages, linmem.Range{Start: linmem.Page(start), Len: size - start}); err != nil {
			return nil, err
		}
		o.plan.did("took %d pages from %#x on, canaries before them", pages.Stats().Free, start*linmem.PageSize)
	}
	if g, err = o.withPages(g, pages); err != nil {
		return nil, err
	}
	if err := o.initialize(); err != nil {
		return nil, errors.Join(err, g.Close(o.ctx))
	}
	g.Plan = o.plan
	return g, nil
}

// adopt gives pages to an allocator, as many as its budget allows.
func adopt(pages *linmem.Pages, r linmem.Range) error {
	for r.Len > 0 {
		err := pages.Adopt(r)
		if !errors.Is(err, linmem.ErrOutOfMemory) {
			return err
		}
		r.Len /= 2
	}
	return nil
}
