package pagemap_test

// slowMap is a map that is obviously right. Every method walks the pages. They lie in windows that are apart, so that no two
// of them come to lie in one extent.
type slowMap struct {
	windows []window // ascending
}

// window is the state of the pages from base on. Those of [low, high) are covered.
type window struct {
	base      uint64
	low, high uint64
	pages     []state
}

type state struct{ free, marked bool }

// size returns how many pages are covered.
func (s *slowMap) size() (n uint64) {
	for i := range s.windows {
		n += s.windows[i].high - s.windows[i].low
	}
	return n
}

// nth returns a covered page.
func (s *slowMap) nth(n uint64) uint64 {
	for i := range s.windows {
		w := &s.windows[i]
		if size := w.high - w.low; n >= size {
			n -= size
			continue
		}
		return w.base + w.low + n
	}
	panic("there are less pages")
}

// at returns the state of a page, nil if it is not covered.
func (s *slowMap) at(page uint64) *state {
	for i := range s.windows {
		w := &s.windows[i]
		if i := page - w.base; page >= w.base && i >= w.low && i < w.high {
			return &w.pages[i]
		}
	}
	return nil
}

// set makes pages free or not.
func (s *slowMap) set(r span, free bool) {
	for page := r.page; page < r.end(); page++ {
		s.at(page).free = free
	}
}

// room returns how many pages from page on are covered and free, or covered and not, up to limit.
func (s *slowMap) room(page, limit uint64, free bool) (n uint64) {
	for n < limit {
		if p := s.at(page + n); p == nil || p.free != free {
			break
		}
		n++
	}
	return n
}

// free returns the runs of free pages.
func (s *slowMap) free() (runs []span) {
	for i := range s.windows {
		w := &s.windows[i]
		start := w.low
		for p := w.low; p <= w.high; p++ {
			if p < w.high && w.pages[p].free {
				continue
			}
			if start < p {
				runs = append(runs, span{w.base + start, p - start})
			}
			start = p + 1
		}
	}
	return runs
}

// marks returns the marked pages.
func (s *slowMap) marks() (pages []uint64) {
	for i := range s.windows {
		w := &s.windows[i]
		for p := w.low; p < w.high; p++ {
			if w.pages[p].marked {
				pages = append(pages, w.base+p)
			}
		}
	}
	return pages
}

// aligned returns the lowest place for n pages, or that in the smallest run.
func (s *slowMap) aligned(n, align uint64, smallest bool) (uint64, bool) {
	search := aligned
	if smallest {
		search = best
	}
	f := search(0, s.free(), n, align)
	return f.page, f.ok
}

func (s *slowMap) Find(n uint64) (uint64, bool)               { return s.aligned(n, 1, false) }
func (s *slowMap) FindAligned(n, align uint64) (uint64, bool) { return s.aligned(n, align, false) }
func (s *slowMap) FindBest(n, align uint64) (uint64, bool)    { return s.aligned(n, align, true) }

func (s *slowMap) Alloc(n uint64) (page uint64, ok bool) {
	if page, ok = s.Find(n); ok {
		s.Remove(page, n)
		s.Mark(page)
	}
	return page, ok
}

func (s *slowMap) Free(page, n uint64) bool {
	if !s.IsRun(page, n) {
		return false
	}
	s.Unmark(page)
	s.Add(page, n)
	return true
}

func (s *slowMap) Add(page, n uint64)    { s.set(span{page, n}, true) }
func (s *slowMap) Remove(page, n uint64) { s.set(span{page, n}, false) }
func (s *slowMap) Mark(page uint64)      { s.at(page).marked = true }
func (s *slowMap) Unmark(page uint64)    { s.at(page).marked = false }

func (s *slowMap) Marked(page uint64) bool {
	p := s.at(page)
	return p != nil && p.marked
}

func (s *slowMap) RunLen(page uint64) uint64 {
	end := page + 1
	for p := s.at(end); p != nil && !p.free && !p.marked; p = s.at(end) {
		end++
	}
	return end - page
}

func (s *slowMap) IsRun(page, n uint64) bool { return s.Marked(page) && s.RunLen(page) == n }

func (s *slowMap) FreeLen(page uint64) uint64 { return s.room(page, space, true) }

func (s *slowMap) StartBefore(page uint64) uint64 {
	for page > 0 && s.room(page-1, 1, true) > 0 {
		page--
	}
	return page
}

func (s *slowMap) Longest() (longest uint64) {
	for _, r := range s.free() {
		longest = max(longest, r.n)
	}
	return longest
}

func (s *slowMap) NumFreeRuns() uint64 { return uint64(len(s.free())) }

// Cover covers whole words, and what lies between them and what is covered of the window, as extents do.
func (s *slowMap) Cover(page, n uint64) {
	for i := range s.windows {
		w := &s.windows[i]
		if page < w.base || page-w.base >= uint64(len(w.pages)) {
			continue
		}
		low, high := (page-w.base)&^63, (page-w.base+n+63)&^63
		if w.low < w.high {
			low, high = min(low, w.low), max(high, w.high)
		}
		w.low, w.high = low, high
	}
}
