package linmem

import "iter"

// FreeRanges yields the maximal runs of free pages, ascending. The allocator must not be changed meanwhile.
func (p *Pages) FreeRanges() iter.Seq[Range] {
	return func(yield func(Range) bool) {
		for start, n := range p.m.FreeRuns() {
			if !yield(Range{Page(start), n}) {
				return
			}
		}
	}
}

// Allocated yields the live allocations, ascending. The allocator must not be changed meanwhile.
func (p *Pages) Allocated() iter.Seq[Range] {
	return func(yield func(Range) bool) {
		for start := range p.m.Marks() {
			if p.mayOwn(start) && !yield(Range{Page(start), p.m.RunLen(start)}) {
				return
			}
		}
	}
}

// kind is the state of a range of pages.
type kind uint8

const (
	kindFree kind = iota
	kindAllocated
	kindForeign
	numKinds
)

// walk yields the free runs, the allocations and the foreign ranges that the memory consists of, ascending.
func (p *Pages) walk() iter.Seq2[kind, Range] {
	return func(yield func(kind, Range) bool) {
		foreign := p.foreign
		for at := uint64(0); at < p.end; {
			k, r := kindFree, Range{Page(at), p.m.FreeLen(at)}
			switch {
			case len(foreign) > 0 && uint64(foreign[0].Start) == at:
				k, r, foreign = kindForeign, foreign[0], foreign[1:]
			case r.Len == 0:
				k, r.Len = kindAllocated, p.m.RunLen(at)
			}
			if !yield(k, r) {
				return
			}
			at = uint64(r.End())
		}
	}
}
