package pagemap

// Position returns where the state of a page is kept, with ok = false if it is not covered. Positions are dense and ascend
// with the pages, so that a user can keep an array of its own beside the map; the least one is not 0. They hold until
// [Map.Cover] moves them: see [Layout]. The cost is constant for the extent that was last used.
func (m *Map) Position(page uint64) (pos uint64, ok bool) {
	if d := page - m.near.page; d < m.near.n {
		return m.near.pos + d, true
	}
	return m.findPos(page)
}

// Window is a range of pages, of which the positions follow each other.
type Window struct{ Page, N, Pos uint64 }

// Window returns the largest window that a page is in, with ok = false if it is not covered.
func (m *Map) Window(page uint64) (w Window, ok bool) {
	if _, ok = m.Position(page); !ok {
		return Window{}, false
	}
	return Window{m.near.page, m.near.n, m.near.pos}, true
}

// End returns the first page behind all that are covered.
func (m *Map) End() uint64 {
	if len(m.extents) == 0 {
		return 0
	}
	return m.extents[len(m.extents)-1].end()
}

// Layout is how pages were given positions at one moment.
type Layout []extent

// Layout returns how pages are given positions now.
func (m *Map) Layout() Layout { return m.extents }

// Moved reports whether pages have other positions now than they had in the layout l.
func (m *Map) Moved(l Layout) bool {
	for i, e := range l {
		if i >= len(m.extents) || m.extents[i].page != e.page || m.extents[i].pos != e.pos {
			return true
		}
	}
	return false
}

// All yields the windows of a layout, ascending.
func (l Layout) All() func(yield func(Window) bool) {
	return func(yield func(Window) bool) {
		for _, e := range l {
			if !yield(Window{e.page, e.n, e.pos}) {
				return
			}
		}
	}
}

// WholeWords returns how many of the words of 64 pages that [page, page+n) touches have no page in use but those: just after
// these became free, how many words became all free; just after they were taken, how many were. They must be covered. The
// cost is that of n/64 words.
func (m *Map) WholeWords(page, n uint64) (words uint64) {
	pos := m.mustPos(page)
	i, b := pos/wordBits, pos%wordBits
	for ; b+n > wordBits; i++ {
		if m.words[i].free|^uint64(0)<<b == ^uint64(0) {
			words++
		}
		n -= wordBits - b
		b = 0
	}
	if m.words[i].free|^uint64(0)>>(wordBits-n)<<b == ^uint64(0) {
		words++
	}
	return words
}

// RunStart returns the first page of the run that is not free and holds page: the last marked page up to it. With ok = false
// page is free, or not covered, or no marked page is below it. The cost is that of the words in between.
func (m *Map) RunStart(page uint64) (start uint64, ok bool) {
	pos, ok := m.Position(page)
	if !ok {
		return 0, false
	}
	i, least := pos/wordBits, m.near.pos/wordBits
	w := m.words[i]
	mask := ^uint64(0) >> (wordBits - 1 - pos%wordBits)
	for (w.free|w.marks)&mask == 0 {
		if i == least {
			return 0, false
		}
		i--
		w, mask = m.words[i], ^uint64(0)
	}
	top := wordBits - 1 - leadingZeros((w.free|w.marks)&mask)
	return m.PageAt(i*wordBits + top), w.marks>>top&1 != 0
}

// FreeRunsOf yields the maximal runs of n > 0 free pages and more, ascending, as first page and length. The map must not be
// changed meanwhile. Words of 64 pages in which none starts are not visited.
func (m *Map) FreeRunsOf(n uint64) func(yield func(page, length uint64) bool) {
	return func(yield func(page, length uint64) bool) {
		for pos, length := range m.runsOfAtLeast(n) {
			if !yield(m.PageAt(pos), length) {
				return
			}
		}
	}
}
