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
	g, ok := f.Memory.(Guest)
	if !ok {
		return nil
	}
	if got, err := g.GuestLoad(addr + 3); err != nil || got != 0x55 {
		return fmt.Errorf("the guest reads %#x, %w where the host wrote 0x55", got, err)
	}
	if err := g.GuestStore(addr, 0x66); err != nil {
		return fmt.Errorf("the guest's store: %w", err)
	}
	if a[0] != 0x66 {
		return fmt.Errorf("the host reads %#x where the guest wrote 0x66", a[0])
	}
	return nil
}

func viewLife(f *fixture) error {
	if err := f.grow(1); err != nil {
		return err
	}
	first := f.NumPages() - 1
	grows := []func() error{
		func() error { return f.grow(1) },
		func() error { _, err := f.guestGrow(1); return err },
		func() error { return f.grow(2) },
	}
	for i, grow := range grows {
		if err := f.fill(first); err != nil {
			return err
		}
		if err := grow(); err != nil {
			return err
		}
		if err := f.holds(first); err != nil {
			return fmt.Errorf("after growth %d, in a fresh view: %w", i, err)
		}
		b, err := f.view(first*linmem.PageSize, linmem.PageSize)
		if err != nil {
			return err
		}
		b[0] = byte(0xa0 + i)
		if again, err := f.view(first*linmem.PageSize, 1); err != nil || again[0] != b[0] {
			return fmt.Errorf("after growth %d, a fresh view is not the memory: %w", i, err)
		}
	}
	return nil
}
