package linmemtest

import (
	"errors"
	"fmt"
	"math"

	linmem "github.com/linmem/linmem/core"
)

func growByZero(f *fixture) error {
	for {
		if err := f.grow(0); err != nil || f.NumPages() == f.max {
			return err
		}
		if err := f.grow(1); err != nil {
			return err
		}
	}
}

func growFromZeroPages(f *fixture) error {
	if n := f.NumPages(); n != 0 {
		return skipped(fmt.Sprintf("New begins with %d pages", n))
	}
	return firstError(
		func() error { return f.refuses(f.max + 1) },
		func() error { return f.grow(3) },
		func() error { return f.isZero(0) },
	)
}

func pagesNotBytes(f *fixture) error {
	start := f.NumPages()
	if f.max-start < 2 {
		return fmt.Errorf("New(%d) begins with %d pages, and cannot grow by 2", f.max, start)
	}
	if err := f.grow(2); err != nil {
		return err
	}
	size := (start + 2) * linmem.PageSize
	_, err := f.view(size-2*linmem.PageSize, 2*linmem.PageSize)
	return errors.Join(err, f.outOfBounds(size, 1))
}

func refusedGrowth(f *fixture) error {
	if err := f.grow(1); err != nil {
		return err
	}
	last := f.NumPages() - 1
	return firstError(
		func() error { return f.fill(last) },
		func() error { return f.refuses(f.max - last) },
		func() error { return f.refuses(f.max * linmem.PageSize) },
		func() error { return f.holds(last) },
		func() error { return f.grow(1) },
		func() error { return f.toMax() },
		func() error { return f.refuses(1) },
		func() error { return f.holds(last) },
	)
}

func exactMaximum(f *fixture) error {
	return firstError(f.toMax, f.edges)
}

// allPages is exactMaximum where the runtime may have a limit of its own, since memory.grow is free to fail: wasmer stops
// a page short of what the specification allows.
func allPages(f *fixture) error {
	if _, err := f.Grow(f.max - f.NumPages()); err == nil {
		return firstError(func() error { return f.hasPages(f.max) }, f.edges)
	}
	err := firstError(
		func() error { return f.refuses(f.max - f.NumPages()) },
		func() error { return f.grow(f.max - 1 - f.NumPages()) },
		f.edges,
	)
	if err == nil {
		err = skipped(fmt.Sprintf("the runtime stops at %d pages", f.NumPages()))
	}
	return err
}

// edges looks at the ends of a memory that cannot grow any further.
func (f *fixture) edges() error {
	last := f.NumPages() - 1
	size := f.NumPages() * linmem.PageSize
	return firstError(
		func() error { return f.grow(0) },
		func() error { return f.refuses(1) },
		func() error { return f.fill(last) },
		func() error { return f.holds(last) },
		func() error { _, err := f.view(size-1, 1); return err },
		func() error { _, err := f.view(size, 0); return err },
		func() error { _, err := f.view(0, size); return err },
		func() error { _, err := f.view(1, size-1); return err },
		func() error { return f.outOfBounds(size, 1) },
		func() error { return f.outOfBounds(size-1, 2) },
		func() error { return f.outOfBounds(0, size+1) },
		func() error { return f.outOfBounds(size+1, 0) },
	)
}

func deltaOverflows32(f *fixture) error {
	if err := f.grow(1); err != nil {
		return err
	}
	size := f.NumPages()
	for _, delta := range []uint64{
		1<<31 - 1, 1 << 31, 1<<32 - size, 1<<32 - 1, 1 << 32, 1<<32 + 1, 1<<33 + 1,
	} {
		if err := f.refuses(delta); err != nil {
			return err
		}
	}
	return f.grow(1)
}

func deltaOverflows64(f *fixture) error {
	if err := f.grow(2); err != nil {
		return err
	}
	size := f.NumPages()
	for _, delta := range []uint64{
		1 << 47, 1 << 48, 1<<48 + 1, 1 << 63, 1<<63 + 1, math.MaxUint64 - size, -size, -size + 1, math.MaxUint64,
	} {
		if err := f.refuses(delta); err != nil {
			return err
		}
	}
	return f.grow(1)
}

func guestGrowth(f *fixture) error {
	if _, ok := f.Memory.(Guest); !ok {
		return skipped("the memory has no linmemtest.Guest that could grow it")
	}
	if err := f.grow(1); err != nil {
		return err
	}
	before := f.NumPages()
	prev, err := f.guestGrow(2)
	if err != nil {
		return fmt.Errorf("the guest's growth by 2 at %d of %d pages: %w", before, f.max, err)
	}
	if prev != before {
		return fmt.Errorf("the guest's growth told %d pages, the host %d", prev, before)
	}
	return firstError(
		func() error { return f.hasPages(before + 2) },
		func() error { return f.grow(0) },
		func() error { return f.grow(1) },
		func() error { return f.fill(before + 1) },
	)
}

func newPagesAreZero(f *fixture) error {
	for f.NumPages() < f.max {
		if err := f.grow(1); err != nil {
			return err
		}
		page := f.NumPages() - 1
		if err := f.isZero(page); err != nil {
			return err
		}
		if err := f.fill(page); err != nil {
			return err
		}
	}
	return nil
}

func contentsAreKept(f *fixture) error {
	start := f.NumPages()
	for f.NumPages() < f.max {
		if err := f.grow(1); err != nil {
			return err
		}
		if err := f.fill(f.NumPages() - 1); err != nil {
			return err
		}
		for page := start; page < f.NumPages(); page++ {
			if err := f.holds(page); err != nil {
				return fmt.Errorf("at %d pages: %w", f.NumPages(), err)
			}
		}
	}
	return nil
}
