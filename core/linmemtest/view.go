package linmemtest

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	linmem "github.com/linmem/linmem/core"
)

func viewEdges(f *fixture) error {
	if err := f.grow(2); err != nil {
		return err
	}
	size := f.NumPages() * linmem.PageSize
	for _, r := range [][2]uint64{
		{0, 0},
		{0, 1},
		{0, size},
		{1, size - 1},
		{1, 0},
		{size - 1, 1},
		{size - 1, 0},
		{size, 0},
		{size/2 - 1, 2},
	} {
		if _, err := f.view(r[0], r[1]); err != nil {
			return err
		}
	}
	return nil
}

func viewPastTheEnd(f *fixture) error {
	if err := f.grow(2); err != nil {
		return err
	}
	size := f.NumPages() * linmem.PageSize
	for _, r := range [][2]uint64{
		{size, 1},
		{size + 1, 0},
		{size - 1, 2},
		{0, size + 1},
		{1, size},
		{0, 1 << 32},
		{0, 1<<32 + 1},
		{1 << 32, 0},
		{1 << 32, 1},
		{1<<32 - 1, 2},
		{0, math.MaxUint64},
		{1, math.MaxUint64},
		{size, math.MaxUint64},
		{size, -size},
		{size - 1, -size + 2},
		{math.MaxUint64, 0},
		{math.MaxUint64, 1},
		{math.MaxUint64, math.MaxUint64},
		{1 << 63, 1 << 63},
	} {
		if err := f.outOfBounds(r[0], r[1]); err != nil {
			return err
		}
	}
	return nil
}

func viewOfZeroPages(f *fixture) error {
	if n := f.NumPages(); n != 0 {
		return skipped(fmt.Sprintf("New begins with %d pages", n))
	}
	return firstError(
		func() error { _, err := f.view(0, 0); return err },
		func() error { return f.outOfBounds(0, 1) },
		func() error { return f.outOfBounds(1, 0) },
		func() error { return f.outOfBounds(linmem.PageSize, 0) },
	)
}

func viewAliases(f *fixture) error {
	if err := f.grow(2); err != nil {
		return err
	}
	addr := f.NumPages()*linmem.PageSize - linmem.PageSize - 2 // across a page's border
	a, errA := f.view(addr, 4)
	b, errB := f.view(addr+1, 3)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	copy(a, "\x11\x22\x33\x44")
	if !bytes.Equal(b, []byte("\x22\x33\x44")) {
		return fmt.Errorf("a second view of the bytes reads % x", b)
	}
	if b[2] = 0x55; a[3] != 0x55 {
		return errors.New("what one view writes the other does not read")
	}
	return f.guestAgrees(addr)
}

// guestAgrees holds the guest and the host to the same bytes at addr: each reads what the other writes. Without a guest
// there is nobody to disagree.
func (f *fixture) guestAgrees(addr uint64) error {
	g, ok := f.Memory.(Guest)
	if !ok {
		return nil
	}
	b, err := f.view(addr, 1)
	if err != nil {
		return err
	}
	b[0] = 0x55
	if got, err := g.GuestLoad(addr); err != nil || got != 0x55 {
		return fmt.Errorf("at %d pages, the guest reads %#x, %s at %#x where the host wrote 0x55", f.NumPages(), got, told(err), addr)
	}
	if err := g.GuestStore(addr, 0x66); err != nil {
		return fmt.Errorf("the guest's store: %w", err)
	}
	if b[0] != 0x66 {
		return fmt.Errorf("at %d pages, the host reads %#x at %#x where the guest wrote 0x66", f.NumPages(), b[0], addr)
	}
	return nil
}

func viewAfterGrowth(f *fixture) error {
	if err := f.grow(1); err != nil {
		return err
	}
	first := f.NumPages() - 1
	for i, grow := range []func() error{
		func() error { return f.grow(1) },
		func() error { _, err := f.guestGrow(1); return err },
		func() error { return f.grow(2) },
		func() error { _, err := f.guestGrow(2); return err },
	} {
		err := firstError(
			func() error { return f.fill(first) },
			grow,
			func() error { return f.holds(first) },
			func() error { return f.guestAgrees(first*linmem.PageSize + 7) },
			func() error { return f.guestAgrees(f.NumPages()*linmem.PageSize - 1) },
		)
		if err != nil {
			return fmt.Errorf("at growth %d: %w", i, err)
		}
	}
	return nil
}

func viewLife(f *fixture) error {
	if err := f.grow(2); err != nil {
		return err
	}
	addr := f.NumPages()*linmem.PageSize - 1
	old, err := f.view(addr, 1)
	if err != nil {
		return err
	}
	for i, look := range []struct {
		what string
		f    func() error
	}{
		{"NumPages", func() error { f.NumPages(); return nil }},
		{"Grow(0)", func() error { return f.grow(0) }},
		{"a refused growth", func() error { return f.refuses(f.max) }},
		{"a view of something else", func() error { _, err := f.view(0, addr); return err }},
		{"a view past the end", func() error { return f.outOfBounds(addr, 2) }},
	} {
		if err := look.f(); err != nil {
			return err
		}
		fresh, err := f.view(addr, 1)
		if err != nil {
			return err
		}
		old[0] = byte(0xa0 + i)
		if fresh[0] != old[0] {
			return fmt.Errorf("after %s, a view of before is no longer the memory", look.what)
		}
		if err := f.guestAgrees(addr); err != nil {
			return fmt.Errorf("after %s: %w", look.what, err)
		}
	}
	return nil
}
