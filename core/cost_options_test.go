package linmem_test

import (
	"errors"
	"fmt"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// holes returns an allocator of size pages, of which page 1 is free, 2 is not, 3 and 4 are free, 5 is not, and so on up to
// free runs of 40 pages, and again; and a function that ends the test if there is an error.
func holes(t *testing.T, size uint64, opts ...linmem.Option) (p *linmem.Pages, must func(error)) {
	t.Helper()
	must = func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	p, err := linmem.NewPages(&toyMemory{size: 1, max: size}, opts...)
	must(err)
	must(p.Reserve(size - 1))
	var free []linmem.Range
	for n := uint64(1); ; n = n%40 + 1 {
		hole, err := p.Alloc(n)
		if err != nil {
			break
		}
		free = append(free, hole)
		if _, err := p.Alloc(1); err != nil {
			break
		}
	}
	for _, r := range free {
		must(p.Free(r))
	}
	return p, must
}

// An index for an alignment is made at the first call with it.
func TestNoGoAllocationsAligned(t *testing.T) {
	for _, placement := range []linmem.Placement{linmem.FirstFit, linmem.BestFit} {
		for _, align := range []uint64{1, 2, 16, 64, 128, 512, 4096} {
			t.Run(fmt.Sprintf("%d/%d", placement, align), func(t *testing.T) {
				p, must := holes(t, 30000, linmem.WithPlacement(placement))
				noGoAllocations(t, func() {
					r, err := p.AllocAligned(1, align)
					must(err)
					if uint64(r.Start)%align != 0 {
						t.Fatalf("got %v", r)
					}
					must(p.Free(r))
				})
				noGoAllocations(t, func() {
					if _, err := p.AllocAligned(60, align); !errors.Is(err, linmem.ErrOutOfMemory) {
						t.Fatalf("returned %v", err)
					}
				})
				must(p.Check())
			})
		}
	}
}

func TestNoGoAllocationsWithOptions(t *testing.T) {
	fails := func(err, want error) {
		if !errors.Is(err, want) {
			t.Fatalf("returned %v, want %v", err, want)
		}
	}
	t.Run("BestFit", func(t *testing.T) {
		p, must := holes(t, 30000, linmem.WithPlacement(linmem.BestFit))
		noGoAllocations(t, func() {
			for _, n := range []uint64{1, 7, 40} {
				r, err := p.Alloc(n)
				must(err)
				must(p.Free(r))
			}
		})
		noGoAllocations(t, func() {
			_, err := p.Alloc(60)
			fails(err, linmem.ErrOutOfMemory)
		})
	})
	t.Run("ResizeIntoFree", func(t *testing.T) {
		p, must := holes(t, 30000)
		// The runs of one page at 2 and 5 have 2 and 3 free pages behind them.
		noGoAllocations(t, func() {
			for _, last := range []linmem.Range{{Start: 2, Len: 3}, {Start: 5, Len: 4}} {
				first := linmem.Range{Start: last.Start, Len: 1}
				r, err := p.Resize(first, last.Len)
				must(err)
				if r != last {
					t.Fatalf("got %v, want %v", r, last)
				}
				_, err = p.Resize(r, first.Len)
				must(err)
				_, err = p.Resize(first, last.Len+1)
				fails(err, linmem.ErrOutOfMemory)
			}
		})
	})
	full := func(t *testing.T, opts ...linmem.Option) *linmem.Pages {
		p, err := linmem.NewPages(&toyMemory{size: 1, max: 6}, opts...)
		if err == nil {
			_, err = p.Alloc(5)
		}
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	noSource := func(n uint64) (linmem.Range, error) {
		if n == 5 {
			return linmem.Range{Start: 1, Len: 5}, nil // once, so that there is a run
		}
		return linmem.Range{}, errMaximum
	}
	badSource := func(uint64) (linmem.Range, error) { return linmem.Range{Start: 1, Len: 5}, nil }
	for name, tt := range map[string]struct {
		opts []linmem.Option
		err  error
	}{
		"RefusedTwice":    {with(growDouble), linmem.ErrOutOfMemory},
		"RefusedBy":       {with(growBy(4)), linmem.ErrOutOfMemory},
		"RefusedByBudget": {with(growDouble, linmem.WithMaxPages(5)), linmem.ErrOutOfMemory},
	} {
		t.Run(name, func(t *testing.T) {
			p := full(t, tt.opts...)
			noGoAllocations(t, func() {
				_, err := p.Alloc(2)
				fails(err, tt.err)
				_, err = p.AllocAligned(2, 4)
				fails(err, tt.err)
				fails(p.Reserve(2), tt.err)
				_, err = p.Resize(linmem.Range{Start: 1, Len: 5}, 7)
				fails(err, tt.err)
			})
		})
	}
	for name, tt := range map[string]struct {
		source func(uint64) (linmem.Range, error)
		err    error
	}{
		"SourceFails":              {noSource, linmem.ErrOutOfMemory},
		"SourceGivesWhatItMustNot": {badSource, linmem.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := linmem.NewPages(&toyMemory{size: 6, max: 6}, linmem.WithSource(tt.source))
			if err == nil {
				_, err = p.Alloc(5)
			}
			if err != nil {
				t.Fatal(err)
			}
			noGoAllocations(t, func() {
				_, err := p.Alloc(2)
				fails(err, tt.err)
				fails(p.Reserve(2), tt.err)
				_, err = p.Resize(linmem.Range{Start: 1, Len: 5}, 7)
				fails(err, linmem.ErrOutOfMemory)
			})
		})
	}
	t.Run("Gap", func(t *testing.T) {
		p, err := linmem.NewPages(&toyMemory{size: 1, max: 4}, linmem.WithGap(3))
		if err != nil {
			t.Fatal(err)
		}
		noGoAllocations(t, func() {
			_, err := p.Alloc(1)
			fails(err, linmem.ErrOutOfMemory)
		})
	})
}
