package pagemap

// FreeLen returns the length of the run of free pages that starts at page; 0 if page is not free. The page before it is not
// free, or page would not be a start. The cost is constant.
func (m *Map) FreeLen(page uint64) uint64 {
	pos, ok := m.Position(page)
	if !ok || !m.isFree(pos) {
		return 0
	}
	m.settle()
	return m.lenAt(pos)
}

// StartBefore returns the start of the run of free pages that ends just below page, or page if there is none.
func (m *Map) StartBefore(page uint64) uint64 {
	if page == 0 {
		return 0
	}
	pos, ok := m.Position(page - 1)
	if !ok {
		return page
	}
	return page - (pos + 1 - m.startBefore(pos+1))
}

// FreeRuns yields the maximal runs of free pages, ascending, as first page and length.
func (m *Map) FreeRuns() func(yield func(page, n uint64) bool) {
	return func(yield func(page, n uint64) bool) {
		for pos, n := range m.runsFrom(0) {
			if !yield(m.PageAt(pos), n) {
				return
			}
		}
	}
}
