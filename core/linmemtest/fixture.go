package linmemtest

import (
	"bytes"
	"errors"
	"fmt"

	linmem "github.com/linmem/linmem/core"
)

// fixture is the memory that a case works on.
type fixture struct {
	linmem.Memory
	max  uint64
	stop func()
}

// guestGrow grows the memory behind the back of whoever uses it: through the guest if there is one.
func (f *fixture) guestGrow(delta uint64) (prev uint64, err error) {
	if g, ok := f.Memory.(Guest); ok {
		return g.GuestGrow(delta)
	}
	return f.Grow(delta)
}

// grow grows by delta pages and holds the answer and the size to what they must be.
func (f *fixture) grow(delta uint64) error {
	before := f.NumPages()
	prev, err := f.Grow(delta)
	if err != nil {
		return fmt.Errorf("Grow(%d) at %d of %d pages: %w", delta, before, f.max, err)
	}
	if prev != before {
		return fmt.Errorf("Grow(%d) = %d, want the size before, %d", delta, prev, before)
	}
	return f.hasPages(before + delta)
}

func (f *fixture) hasPages(want uint64) error {
	if got := f.NumPages(); got != want {
		return fmt.Errorf("NumPages() = %d, want %d", got, want)
	}
	return nil
}

// refuses grows by a delta that must be refused, and looks for traces of it.
func (f *fixture) refuses(delta uint64) error {
	before := f.NumPages()
	if prev, err := f.Grow(delta); err == nil {
		return fmt.Errorf("Grow(%#x) at %d of %d pages = %d, want an error", delta, before, f.max, prev)
	}
	if err := f.hasPages(before); err != nil {
		return fmt.Errorf("after the refused Grow(%#x): %w", delta, err)
	}
	if prev, err := f.Grow(0); err != nil || prev != before {
		return fmt.Errorf("after the refused Grow(%#x): Grow(0) = %d, %s, want %d", delta, prev, told(err), before)
	}
	return nil
}

// toMax grows the memory to its maximum.
func (f *fixture) toMax() error { return f.grow(f.max - f.NumPages()) }

// view is View where an error is a violation.
func (f *fixture) view(addr, n uint64) ([]byte, error) {
	b, err := f.View(addr, n)
	switch {
	case err != nil:
		return nil, fmt.Errorf("View(%#x, %d) of %d pages: %w", addr, n, f.NumPages(), err)
	case uint64(len(b)) != n:
		return nil, fmt.Errorf("View(%#x, %d) has %d bytes", addr, n, len(b))
	case uint64(cap(b)) != n:
		return nil, fmt.Errorf("View(%#x, %d) has capacity %d: an append would overwrite what follows", addr, n, cap(b))
	case b == nil:
		return nil, fmt.Errorf("View(%#x, %d) is nil", addr, n)
	}
	return b, nil
}

// outOfBounds views a range that must be refused.
func (f *fixture) outOfBounds(addr, n uint64) error {
	if b, err := f.View(addr, n); !errors.Is(err, linmem.ErrOutOfBounds) {
		return fmt.Errorf("View(%#x, %#x) of %d pages = %d bytes, %s, want ErrOutOfBounds",
			addr, n, f.NumPages(), len(b), told(err))
	}
	return nil
}

// fill writes a pattern over the page that differs from page to page and from byte to byte.
func (f *fixture) fill(page uint64) error {
	b, err := f.view(page*linmem.PageSize, linmem.PageSize)
	if err != nil {
		return err
	}
	copy(b, pattern(page))
	return nil
}

// holds reports whether the page still holds what fill wrote.
func (f *fixture) holds(page uint64) error {
	return f.reads(page, pattern(page), "the bytes written there")
}

// isZero reports whether the page reads as zero.
func (f *fixture) isZero(page uint64) error {
	return f.reads(page, make([]byte, linmem.PageSize), "zero")
}

func (f *fixture) reads(page uint64, want []byte, what string) error {
	b, err := f.view(page*linmem.PageSize, linmem.PageSize)
	if err != nil {
		return err
	}
	if !bytes.Equal(b, want) {
		return fmt.Errorf("page %d does not read as %s", page, what)
	}
	return nil
}

func pattern(page uint64) []byte {
	b := make([]byte, linmem.PageSize)
	for i := range b {
		b[i] = byte(uint64(i)*7 + page*31 + 1)
	}
	return b
}

// firstError runs the steps of a case up to the first that fails.
func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// told is an error that may be nil, in words.
func told(err error) string {
	if err == nil {
		return "no error"
	}
	return "error " + err.Error()
}
