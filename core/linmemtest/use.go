package linmemtest

import (
	"errors"
	"fmt"

	linmem "github.com/linmem/linmem/core"
)

func discard(f *fixture) error {
	d, ok := f.Memory.(linmem.Discarder)
	if !ok {
		return skipped("the memory is no linmem.Discarder")
	}
	if err := f.toMax(); err != nil {
		return err
	}
	last := f.max - 1
	for page := last - 3; page <= last; page++ {
		if err := f.fill(page); err != nil {
			return err
		}
	}
	addr := (last - 2) * linmem.PageSize
	err := d.Discard(addr, 2*linmem.PageSize)
	if errors.Is(err, linmem.ErrUnsupported) {
		return skipped("the memory's Discard is not supported")
	}
	if err != nil {
		return fmt.Errorf("Discard(%#x, 2 pages): %w", addr, err)
	}
	for _, bad := range []struct {
		addr, n uint64
		want    error
	}{
		{addr + 1, linmem.PageSize, linmem.ErrInvalid},
		{addr, 1, linmem.ErrInvalid},
		{f.max * linmem.PageSize, linmem.PageSize, linmem.ErrOutOfBounds},
		{addr, -addr, linmem.ErrOutOfBounds},
	} {
		if err := d.Discard(bad.addr, bad.n); !errors.Is(err, bad.want) {
			return fmt.Errorf("Discard(%#x, %#x): %s, want %w", bad.addr, bad.n, told(err), bad.want)
		}
	}
	return firstError(
		func() error { return d.Discard(f.max*linmem.PageSize, 0) },
		func() error { return f.holds(last - 3) },
		func() error { return f.isZero(last - 2) },
		func() error { return f.isZero(last - 1) },
		func() error { return f.holds(last) },
		func() error { return f.fill(last - 2) },
		func() error { return f.holds(last - 2) },
	)
}

// pagesOnIt fills what an allocator hands out, while the guest grows in between, and looks for pages that were handed
// out twice: their second owner's pattern would be in the first one's place.
func pagesOnIt(f *fixture) error {
	p, err := linmem.NewPages(f.Memory)
	if err != nil {
		return err
	}
	var runs []linmem.Range
	alloc := func(n, align uint64) error {
		r, err := p.AllocAligned(n, align)
		if err != nil {
			return err
		}
		runs = append(runs, r)
		for page := r.Start; page < r.End(); page++ {
			if err := f.fill(uint64(page)); err != nil {
				return err
			}
		}
		return p.Check()
	}
	guest := linmem.Range{}
	err = firstError(
		func() error { return alloc(3, 1) },
		func() error {
			prev, err := f.guestGrow(2)
			guest = linmem.Range{Start: linmem.Page(prev), Len: 2}
			return errors.Join(err, f.fill(prev), f.fill(prev+1))
		},
		func() error { return alloc(2, 8) },
		func() error { return alloc(5, 1) },
		func() error { return p.Free(runs[0]) },
		func() error { runs = runs[1:]; return alloc(2, 1) },
		func() error { return alloc(4, 4) },
	)
	if err != nil {
		return err
	}
	for _, r := range append(runs, guest) {
		for page := r.Start; page < r.End(); page++ {
			if err := f.holds(uint64(page)); err != nil {
				return fmt.Errorf("of %v: %w", r, err)
			}
		}
	}
	if _, err := p.Alloc(f.max + 1); !errors.Is(err, linmem.ErrOutOfMemory) {
		return fmt.Errorf("an Alloc of more than the maximum: %s, want ErrOutOfMemory", told(err))
	}
	return p.Check()
}

func useAfterStop(f *fixture) error {
	if err := f.grow(1); err != nil {
		return err
	}
	f.stop()
	n := f.NumPages()
	_, errGrow := f.Grow(1)
	_, errZero := f.Grow(0)
	_, errView := f.View(0, 1)
	if n > 0 && errGrow == nil && errZero == nil && errView == nil {
		return skipped("the memory works on after stop: it has no owner that is closed")
	}
	if n != 0 {
		return fmt.Errorf("NumPages() = %d after stop, want 0", n)
	}
	for call, err := range map[string]error{"Grow(1)": errGrow, "Grow(0)": errZero, "View": errView} {
		if !errors.Is(err, linmem.ErrClosed) {
			return fmt.Errorf("%s after stop: %s, want ErrClosed", call, told(err))
		}
	}
	return nil
}
