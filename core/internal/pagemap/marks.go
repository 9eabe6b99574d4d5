package pagemap

// Mark marks a page, if it is covered, as the first of a run.
func (m *Map) Mark(page uint64) {
	if pos, ok := m.Position(page); ok {
		m.words[pos/wordBits].marks |= 1 << (pos % wordBits)
	}
}

// Unmark takes the mark off a page.
func (m *Map) Unmark(page uint64) {
	if pos, ok := m.Position(page); ok {
		m.words[pos/wordBits].marks &^= 1 << (pos % wordBits)
	}
}

// Marked reports whether a page is marked.
func (m *Map) Marked(page uint64) bool {
	pos, ok := m.Position(page)
	return ok && m.words[pos/wordBits].marks>>(pos%wordBits)&1 != 0
}

// IsRun reports whether [page, page+n) is all of a run that is not free: page is marked, and the next page that is free or
// marked is page+n. The cost is that of n/64 words.
func (m *Map) IsRun(page, n uint64) bool {
	pos, ok := m.Position(page)
	return ok && m.isRun(pos, n)
}

func (m *Map) isRun(pos, n uint64) bool {
	i, b := pos/wordBits, pos%wordBits
	w := &m.words[i]
	if w.marks>>b&1 == 0 || n == 0 {
		return false
	}
	next := (w.free | w.marks) >> b &^ 1
	for ; n > wordBits-b; b = 0 {
		if next != 0 {
			return false
		}
		n -= wordBits - b
		i++ // up to a guard, which is marked
		w = &m.words[i]
		next = w.free | w.marks
	}
	if n < wordBits-b {
		return trailingZeros(next) == n
	}
	if next != 0 {
		return false // also at the last guard, behind which there may be no word
	}
	above := &m.words[i+1]
	return (above.free|above.marks)&1 != 0
}

// Marks yields the marked pages, ascending.
func (m *Map) Marks() func(yield func(page uint64) bool) {
	return func(yield func(page uint64) bool) {
		for _, e := range m.extents {
			for i := range e.n / wordBits {
				for x := m.words[e.pos/wordBits+i].marks; x != 0; x &= x - 1 {
					if !yield(e.page + i*wordBits + trailingZeros(x)) {
						return
					}
				}
			}
		}
	}
}

// RunLen returns the length of the run that is not free and starts at page, which is marked. The cost is that of its words.
func (m *Map) RunLen(page uint64) uint64 {
	pos := m.mustPos(page)
	i, b := pos/wordBits, pos%wordBits
	next := (m.words[i].free | m.words[i].marks) >> b >> 1 << 1 << b
	for next == 0 {
		i++ // up to a guard, which is marked
		next = m.words[i].free | m.words[i].marks
	}
	return i*wordBits + trailingZeros(next) - pos
}
