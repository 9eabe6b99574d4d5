package pagemap

// Find returns the lowest page at which n > 0 free pages begin, with ok = false if there is none. The cost is that of a way
// down a tree.
func (m *Map) Find(n uint64) (page uint64, ok bool) {
	pos, ok := m.find(n)
	if !ok {
		return 0, false
	}
	return m.PageAt(pos), true
}

func (m *Map) find(n uint64) (pos uint64, ok bool) {
	switch {
	case n == 1:
		return m.findOne()
	case n <= maxShort:
		i := m.again.i
		if n != m.again.n || m.short.Get(i) < n {
			if i, ok = m.short.First(n); !ok {
				return 0, false
			}
			m.again = again{n, i}
		}
		x := m.words[i].free
		if n < wordBits {
			if fits := runsOf(x, n); fits != 0 {
				return i*wordBits + trailingZeros(fits), true
			}
		}
		return (i+1)*wordBits - leadingOnes(x), true
	}
	m.settle()
	if n <= maxLong {
		block, ok := m.long.First(n)
		if !ok {
			return 0, false
		}
		return m.longRun(block), true
	}
	block, ok := m.longest.First(min(n, maxLongest))
	for ; ok; block, ok = m.longest.Next(block+1, maxLongest) {
		if pos = m.longestRun(block); n <= maxLongest || m.lenAt(pos) >= n {
			return pos, true
		}
	}
	return 0, false
}

// findOne finds the lowest free page. The word that had one the last time mostly has another.
func (m *Map) findOne() (pos uint64, ok bool) {
	if m.low >= m.size {
		return 0, false
	}
	x := m.words[m.low].free
	if x == 0 {
		low, ok := m.short.First(1)
		if !ok {
			m.low = m.size
			return 0, false
		}
		m.low = low
		x = m.words[low].free
	}
	return m.low*wordBits + trailingZeros(x), true
}

// longRun returns the start of the run, maxShort pages long at least, that starts in a block of the tree of long runs.
func (m *Map) longRun(block uint64) (pos uint64) {
	i := block << (longShift - 6)
	if m.short.Get(i) < maxShort {
		i++
	}
	return (i+1)*wordBits - leadingOnes(m.starting(i))
}

// longestRun is longRun for the next tree.
func (m *Map) longestRun(block uint64) (pos uint64) {
	block, _ = m.long.Next(block<<(longestShift-longShift), maxLong)
	return m.longRun(block)
}

// FindBest returns the first page of the smallest run of free pages that holds n > 0 of them from a multiple of align on, a
// power of two; of equal ones, the lowest. The cost is that of a visit to each word of 64 pages in which a run of n pages
// starts, up to one of exactly n.
func (m *Map) FindBest(n, align uint64) (page uint64, ok bool) {
	best := ^uint64(0)
	for pos, length := range m.runsOfAtLeast(n) {
		first := m.PageAt(pos)
		start := (first + align - 1) &^ (align - 1)
		if length >= best || start-first > length-n {
			continue
		}
		page, best = start, length
		if length == n {
			break
		}
	}
	return page, best != ^uint64(0)
}

// runsOfAtLeast yields the maximal runs of n > 0 free pages and more, ascending, by position. Words without one are not
// visited.
func (m *Map) runsOfAtLeast(n uint64) func(yield func(pos, length uint64) bool) {
	return func(yield func(pos, length uint64) bool) {
		m.settle()
		for i, ok := m.short.First(min(n, maxShort)); ok; i, ok = m.short.Next(i+1, min(n, maxShort)) {
			for x := m.starting(i); x != 0; {
				pos := i*wordBits + trailingZeros(x)
				length := m.lenAt(pos)
				if length >= n && !yield(pos, length) {
					return
				}
				if pos%wordBits+length >= wordBits {
					break
				}
				x &= ^uint64(0) << (pos%wordBits + length)
			}
		}
	}
}

// Longest returns the length of the longest run of free pages, in constant time but for runs of more than 2^31 pages.
func (m *Map) Longest() uint64 {
	m.settle()
	n := m.longest.Max()
	switch {
	case n == maxLongest:
		for _, length := range m.runsOfAtLeast(maxLongest) {
			n = max(n, length)
		}
		return n
	case n > 0:
		return n
	}
	if n = m.long.Max(); n > 0 {
		return n
	}
	return m.short.Max()
}

// NumFreeRuns returns the number of maximal runs of free pages, in constant time.
func (m *Map) NumFreeRuns() uint64 { return m.runs }
