package linmem

import (
	"errors"
	"testing"
)

// fixedMemory is as large as it is told to be.
type fixedMemory struct{ size uint64 }

func (m *fixedMemory) NumPages() uint64 { return m.size }

func (m *fixedMemory) Grow(delta uint64) (uint64, error) {
	prev := m.size
	m.size += delta
	return prev, nil
}

// healthy returns an allocator with something of everything:
//
//	page   0 1 2 3 4 5 6 7 8 9 10 11 12
//	       # # # . a a a . # # b  c  .
func healthy(t *testing.T) (*Pages, *fixedMemory) {
	t.Helper()
	mem := &fixedMemory{size: 3}
	p, err := NewPages(mem)
	if err != nil {
		t.Fatal(err)
	}
	var runs []Range
	for _, n := range []uint64{1, 3, 1, 0, 1, 1, 1} {
		if n == 0 {
			mem.size += 2
			continue
		}
		r, err := p.Alloc(n)
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, r)
	}
	for _, i := range []int{0, 2, 5} {
		if err := p.Free(runs[i]); err != nil {
			t.Fatal(err)
		}
	}
	want := PageStats{Size: 13, Owned: 8, Free: 3, Allocated: 5, Foreign: 5, LargestFree: 1, FreeRuns: 3, Runs: 3, Grows: 6}
	if got := p.Stats(); got != want {
		t.Fatalf("the state is %+v, want %+v", got, want)
	}
	return p, mem
}

func TestCheckHealthy(t *testing.T) {
	p, mem := healthy(t)
	if err := p.Check(); err != nil {
		t.Errorf("found %v", err)
	}
	mem.size += 5 // the guest may grow at any time
	if err := p.Check(); err != nil {
		t.Errorf("found %v after the guest grew", err)
	}
}

func TestCheckCorrupt(t *testing.T) {
	tests := []struct {
		name    string
		corrupt func(p *Pages, mem *fixedMemory)
	}{
		{"MemoryShrank", func(_ *Pages, mem *fixedMemory) { mem.size = 12 }},
		{"MemoryGone", func(_ *Pages, mem *fixedMemory) { mem.size = 0 }},
		{"EndTooHigh", func(p *Pages, mem *fixedMemory) { p.end++; mem.size++ }},
		{"EndTooLow", func(p *Pages, _ *fixedMemory) { p.end-- }},
		{"BudgetExceeded", func(p *Pages, _ *fixedMemory) { p.opts.maxPages = 7 }},

		{"FreeCounterHigh", func(p *Pages, _ *fixedMemory) { p.nFree++ }},
		{"FreeCounterLow", func(p *Pages, _ *fixedMemory) { p.nFree-- }},
		{"ForeignCounterHigh", func(p *Pages, _ *fixedMemory) { p.nForeign++ }},
		{"ForeignCounterLow", func(p *Pages, _ *fixedMemory) { p.nForeign-- }},
		{"RunCounterHigh", func(p *Pages, _ *fixedMemory) { p.nRuns++ }},
		{"RunCounterLow", func(p *Pages, _ *fixedMemory) { p.nRuns-- }},

		{"FreePageLost", func(p *Pages, _ *fixedMemory) { p.m.Remove(3, 1) }},
		{"FreePageLostBehindRun", func(p *Pages, _ *fixedMemory) { p.m.Remove(7, 1) }},
		{"FreePageLostAtTheEnd", func(p *Pages, _ *fixedMemory) { p.m.Remove(12, 1) }},
		{"FirstPageOfRunFree", func(p *Pages, _ *fixedMemory) { p.m.Add(4, 1) }},
		{"InteriorOfRunFree", func(p *Pages, _ *fixedMemory) { p.m.Add(5, 1) }},
		{"LastPageOfRunFree", func(p *Pages, _ *fixedMemory) { p.m.Add(6, 1) }},
		{"WholeRunFree", func(p *Pages, _ *fixedMemory) { p.m.Add(4, 3) }},
		{"ForeignPageFree", func(p *Pages, _ *fixedMemory) { p.m.Add(8, 1) }},
		{"SecondForeignPageFree", func(p *Pages, _ *fixedMemory) { p.m.Add(9, 1) }},
		{"PageZeroFree", func(p *Pages, _ *fixedMemory) { p.m.Add(0, 1) }},
		{"FreePastTheEnd", func(p *Pages, _ *fixedMemory) { p.m.Add(13, 1) }},
		{"FreeFarPastTheEnd", func(p *Pages, _ *fixedMemory) {
			p.m.Cover(1<<40, 1)
			p.m.Add(1<<40, 1)
		}},

		{"StartLost", func(p *Pages, _ *fixedMemory) { p.m.Unmark(4) }},
		{"StartLostBehindRun", func(p *Pages, _ *fixedMemory) { p.m.Unmark(11) }},
		{"StartInRun", func(p *Pages, _ *fixedMemory) { p.m.Mark(5) }},
		{"StartInFree", func(p *Pages, _ *fixedMemory) { p.m.Mark(7) }},
		{"StartInForeign", func(p *Pages, _ *fixedMemory) { p.m.Mark(9) }},
		{"StartPastTheEnd", func(p *Pages, _ *fixedMemory) { p.m.Mark(14) }},
		{"EndUnmarked", func(p *Pages, _ *fixedMemory) { p.m.Unmark(13) }},
		{"StartOfPrefixLost", func(p *Pages, _ *fixedMemory) { p.m.Unmark(0) }},
		{"StartOfForeignLost", func(p *Pages, _ *fixedMemory) { p.m.Unmark(8) }},

		{"PrefixUnlisted", func(p *Pages, _ *fixedMemory) { p.foreign = p.foreign[1:] }},
		{"ForeignUnlisted", func(p *Pages, _ *fixedMemory) { p.foreign = p.foreign[:1] }},
		{"ForeignTooLong", func(p *Pages, _ *fixedMemory) { p.foreign[1].Len++ }},
		{"ForeignTooShort", func(p *Pages, _ *fixedMemory) { p.foreign[1].Len-- }},
		{"ForeignTooLow", func(p *Pages, _ *fixedMemory) { p.foreign[1].Start-- }},
		{"ForeignTooHigh", func(p *Pages, _ *fixedMemory) { p.foreign[1].Start++ }},
		{"ForeignOutOfOrder", func(p *Pages, _ *fixedMemory) {
			p.foreign[0], p.foreign[1] = p.foreign[1], p.foreign[0]
		}},
		{"ForeignTwice", func(p *Pages, _ *fixedMemory) { p.foreign = append(p.foreign, p.foreign[1]) }},
		{"ForeignListedOverRun", func(p *Pages, _ *fixedMemory) { p.foreign = append(p.foreign, Range{11, 1}) }},
		{"ForeignPastTheEnd", func(p *Pages, _ *fixedMemory) { p.foreign = append(p.foreign, Range{13, 2}) }},
		{"EmptyForeign", func(p *Pages, _ *fixedMemory) { p.foreign = append(p.foreign, Range{13, 0}) }},

		// The counters agree in these.
		{"ForeignLengthsExchanged", func(p *Pages, _ *fixedMemory) { p.foreign[0].Len--; p.foreign[1].Len++ }},
		{"PageZeroFreeAndOwned", func(p *Pages, _ *fixedMemory) {
			p.foreign[0] = Range{1, 2}
			p.m.Unmark(0)
			p.m.Mark(1)
			p.m.Add(0, 1)
			p.nForeign--
			p.nFree++
		}},
		{"ForeignRangesTouch", func(p *Pages, _ *fixedMemory) {
			p.foreign = ranges{{0, 3}, {8, 1}, {9, 1}}
			p.m.Mark(9)
		}},
		{"PageZeroAllocated", func(p *Pages, _ *fixedMemory) {
			p.foreign[0] = Range{1, 2}
			p.m.Mark(1)
			p.nForeign--
			p.nRuns++
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, mem := healthy(t)
			tt.corrupt(p, mem)
			err := p.Check()
			var e *Error
			if !errors.Is(err, ErrCorrupt) || !errors.As(err, &e) || e.Op != "Pages.Check" {
				t.Errorf("returned %v, want an *Error of Pages.Check that wraps %q", err, ErrCorrupt)
			}
		})
	}
}
