package linmem

import "slices"

// ranges is a list of disjoint ranges, ascending, of which no two touch. A memory whose guest grows now and then has a
// handful of them.
type ranges []Range

// push appends a range that lies behind all others. It reports whether the range is a new element: one that touches
// the last range extends it.
func (l *ranges) push(r Range) (isNew bool) {
	if n := len(*l); n > 0 && (*l)[n-1].End() == r.Start {
		(*l)[n-1].Len += r.Len
		return false
	}
	*l = append(*l, r)
	return true
}

// find returns the index of the element that holds page, with ok = false if there is none.
func (l ranges) find(page Page) (i int, ok bool) {
	return slices.BinarySearchFunc(l, page, func(r Range, page Page) int {
		switch {
		case r.End() <= page:
			return -1
		case r.Start > page:
			return 1
		}
		return 0
	})
}

// end returns the end of the last element; 0 if there is none.
func (l ranges) end() uint64 {
	if len(l) == 0 {
		return 0
	}
	return uint64(l[len(l)-1].End())
}

// has reports whether some element holds page.
func (l ranges) has(page uint64) bool {
	_, ok := l.find(Page(page))
	return ok
}

// contains reports whether one element holds all of r.
func (l ranges) contains(r Range) bool {
	i, ok := l.find(r.Start)
	return ok && r.End() <= l[i].End()
}

// cut takes r out of the element that contains it, and returns that element as it was.
func (l *ranges) cut(r Range) (was Range) {
	i, _ := l.find(r.Start)
	was = (*l)[i]
	left := Range{was.Start, uint64(r.Start - was.Start)}
	right := Range{r.End(), uint64(was.End() - r.End())}
	rest := slices.DeleteFunc([]Range{left, right}, func(r Range) bool { return r.Len == 0 })
	*l = slices.Replace(*l, i, i+1, rest...)
	return was
}
