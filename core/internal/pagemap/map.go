package pagemap

import "github.com/linmem/linmem/core/internal/lanes"

// The lengths that a tree cannot tell from larger ones, and the sizes of blocks in which only one run of such a length can
// start, as powers of two.
const (
	maxShort   = 1<<7 - 1
	maxLong    = 1<<15 - 1
	maxLongest = 1<<31 - 1

	longShift    = 7
	longestShift = 15
)

// word is the state of 64 pages.
type word struct{ free, marks uint64 }

// Map is the state of the pages of a memory, 2^48 at most. The zero value covers none.
type Map struct {
	extents []extent // ascending
	near    extent   // the one that was last used
	size    uint64   // words in use, guards included

	words   []word
	short   lanes.Tree
	long    lanes.Tree
	longest lanes.Tree
	aligned []alignedIndex // ascending by alignment
	runs    uint64         // maximal runs of free pages

	// What follows spares work where the same is asked for again.

	low   uint64 // no word below it has a free page
	again again

	// A run of maxShort pages or more starts at the top of word hot and ends at position hotEnd. The trees of long runs may
	// still have the length that it had. 0 is none; see settle.
	hot, hotEnd uint64
}

// Alloc takes the lowest run of n > 0 free pages and marks its first page; with ok = false there is none. The cost is that
// of [Map.Find] and of n/64 words.
func (m *Map) Alloc(n uint64) (page uint64, ok bool) {
	// This is the first half of findOne, which together with find would be two calls more (Pages/Empty).
	var pos uint64
	if n == 1 && m.low < uint64(len(m.words)) && m.words[m.low].free != 0 {
		pos = m.low*wordBits + trailingZeros(m.words[m.low].free)
	} else if pos, ok = m.find(n); !ok {
		return 0, false
	}
	i, b := pos/wordBits, pos%wordBits
	w := &m.words[i]
	if total := trailingOnes(w.free >> b); b+total < wordBits {
		// All of it happens in this word, and nothing changes outside unless the run was the longest one here.
		w.free &^= (1<<n - 1) << b
		if total == n {
			m.runs--
		}
		if total >= m.short.Get(i) {
			m.shortened(i, total-n)
		}
	} else if i == m.hot && b+n < wordBits && m.hotEnd-pos-n >= maxShort {
		w.free &^= (1<<n - 1) << b
		if len(m.aligned) > 0 {
			m.raise(pos+n, m.hotEnd-pos-n)
		}
	} else {
		m.remove(pos, pos, n)
	}
	w.marks |= 1 << b
	if d := pos - m.near.pos; d < m.near.n {
		return m.near.page + d, true
	}
	return m.findPage(pos), true
}

// Free makes [page, page+n) free if it is all of a run, and reports whether it was. The cost is that of n/64 words.
func (m *Map) Free(page, n uint64) (ok bool) {
	pos := page - m.near.page + m.near.pos
	if page-m.near.page >= m.near.n {
		if pos, ok = m.findPos(page); !ok {
			return false
		}
	}
	i, b := pos/wordBits, pos%wordBits
	w := &m.words[i]
	if b+n >= wordBits || n >= wordBits {
		if !m.isRun(pos, n) {
			return false
		}
		w.marks &^= 1 << b
		m.add(pos, n)
		return true
	}
	if next := (w.free | w.marks) >> b &^ 1; w.marks>>b&1 == 0 || trailingZeros(next) != n {
		return false
	}
	w.marks &^= 1 << b
	free := w.free | (1<<n-1)<<b
	left, right := leadingOnes(w.free<<(wordBits-b)), trailingOnes(free>>b)
	if b+right == wordBits && i != m.hot || left == b && m.words[i-1].free>>63 != 0 {
		m.add(pos, n) // a run has changed that goes on in other words
		return true
	}
	w.free = free
	m.runs++
	if left > 0 {
		m.runs--
	}
	if right > n {
		m.runs--
	}
	m.appeared(i, left+right)
	if left+right > m.short.Get(i) { // mostly not
		m.short.Raise(i, left+right)
	}
	if len(m.aligned) > 0 {
		if b+right == wordBits {
			right = m.hotEnd - pos
		}
		m.raise(pos-left, left+right)
	}
	return true
}

// again remembers a search, for callers that ask for the same length again: below word i, no run of n pages starts.
type again struct{ n, i uint64 }

// Add makes pages free that are covered and not free. Marks stay as they are. The cost is that of n/64 words.
func (m *Map) Add(page, n uint64) { m.add(m.mustPos(page), n) }

func (m *Map) add(pos, n uint64) {
	m.settle()
	start, right := m.startBefore(pos), uint64(0)
	m.runs++
	if start < pos {
		m.runs--
	}
	if m.isFree(pos + n) {
		right = m.lenAt(pos + n)
		m.runs--
	}
	m.fill(pos, n)
	m.joined(start, pos+n-start, right)
}

// joined notes that a run of n free pages that starts at pos, now or before, has been joined with the run of right pages
// behind it, which may be none.
func (m *Map) joined(pos, n, right uint64) {
	behind, total := pos+n, n+right
	i, j := pos/wordBits, behind/wordBits
	m.short.Raise(i, min(total, maxShort))
	if right > 0 && j != i && min(right, maxShort) >= m.short.Get(j) {
		m.shortened(j, 0)
	}
	switch {
	case total < maxShort:
	case right >= maxShort && i == j:
		m.hot, m.hotEnd = i, behind+right
	default:
		if right >= maxShort && behind>>longShift != pos>>longShift {
			m.setLong(behind, 0)
		}
		m.setLong(pos, total)
	}
	m.appeared(i, total)
	if len(m.aligned) > 0 {
		m.raise(pos, total)
	}
}

// appeared notes that a run of n pages starts in word i.
func (m *Map) appeared(i, n uint64) {
	m.low = min(m.low, i)
	if i < m.again.i && n >= m.again.n {
		m.again.i = i
	}
}

// Remove takes pages that are free. Marks stay as they are. The cost is that of n/64 words.
func (m *Map) Remove(page, n uint64) {
	pos := m.mustPos(page)
	m.remove(m.startBefore(pos), pos, n)
}

// remove takes n pages at pos from the run that starts at start.
func (m *Map) remove(start, pos, n uint64) {
	m.settle()
	total := m.lenAt(start)
	m.clear(pos, n)
	m.split(start, total, pos-start, pos+n)
}

// split notes that of the run of total free pages at pos, left pages are left, and those from behind on.
func (m *Map) split(pos, total, left, behind uint64) {
	right := pos + total - behind
	m.runs--
	i, j, come := pos/wordBits, behind/wordBits, left
	if left > 0 {
		m.runs++
	}
	if right > 0 {
		m.runs++
		if i == j {
			come = max(left, right)
		} else {
			m.short.Raise(j, min(right, maxShort))
		}
	}
	if min(total, maxShort) >= m.short.Get(i) {
		m.shortened(i, come)
	}
	if total >= maxShort {
		m.splitLong(pos, left, behind, right)
	}
	if len(m.aligned) > 0 {
		if left > 0 {
			m.raise(pos, left)
		}
		if right > 0 {
			m.raise(behind, right)
		}
	}
}

// splitLong is split for the trees of long runs.
func (m *Map) splitLong(pos, left, behind, right uint64) {
	switch {
	case left == 0 && right >= maxShort && behind/wordBits == pos/wordBits:
		m.hot, m.hotEnd = pos/wordBits, behind+right
		return
	case left >= maxShort:
		m.setLong(pos, left)
	case right < maxShort || behind>>longShift != pos>>longShift:
		m.setLong(pos, 0)
	}
	if right >= maxShort {
		m.setLong(behind, right)
	}
}

// settle notes the length of the run of the hot word. Such a run is taken from, and given back to, at its front, over and
// over, in a memory that is free for the most part; the index is not asked for its exact length, and so need not follow.
func (m *Map) settle() {
	if m.hot != 0 {
		pos := (m.hot+1)*wordBits - leadingOnes(m.starting(m.hot))
		m.setLong(pos, m.hotEnd-pos)
		m.hot = 0
	}
}

// setLong notes in the trees of long runs that the run that starts at pos has n pages: maxShort at least, or none.
func (m *Map) setLong(pos, n uint64) {
	block := pos >> longShift
	was, long := m.long.Get(block), min(n, maxLong)
	if long != was {
		m.long.Set(block, long)
	}
	switch {
	case long == maxLong:
		m.longest.Set(pos>>longestShift, min(n, maxLongest))
	case was == maxLong:
		m.longest.Set(pos>>longestShift, 0)
	}
}

// shortened notes in the tree of short runs that the longest run which starts in word i has become one of come pages, fewer
// or none. The bits are up to date.
func (m *Map) shortened(i, come uint64) {
	if come < maxShort {
		// The run at the top of the word may go on in the next one. If it ends there, it is counted in full; if it goes
		// on still further, then it is longer than any other that starts here, and so it is the one that has come.
		m.short.Set(i, max(come, m.longestIn(i)))
	}
}

// longestIn returns the length of the longest run that starts in word i, as far as it goes to the end of the next word.
func (m *Map) longestIn(i uint64) uint64 {
	x := m.starting(i)
	top := leadingOnes(x)
	if top == 0 {
		return longestOnes(x, x)
	}
	inside := x << top >> top
	return max(longestOnes(inside, inside), top+trailingOnes(m.words[i+1].free))
}

// starting returns the free pages of word i without those of a run that starts before it.
func (m *Map) starting(i uint64) uint64 {
	x := m.words[i].free
	if m.words[i-1].free>>63 != 0 {
		x &= x + 1
	}
	return x
}

// isFree reports whether the page at pos is free.
func (m *Map) isFree(pos uint64) bool {
	return m.words[pos/wordBits].free>>(pos%wordBits)&1 != 0
}

// lenAt returns the length of the run of free pages that starts at pos, in constant time. The index is settled.
func (m *Map) lenAt(pos uint64) uint64 {
	i := pos / wordBits
	n := trailingOnes(m.words[i].free >> (pos % wordBits))
	if pos%wordBits+n < wordBits {
		return n
	}
	// Of the runs that start in a word, only the one at its top can be longer than a word.
	switch short := m.short.Get(i); {
	case short <= wordBits:
		return n + trailingOnes(m.words[i+1].free)
	case short < maxShort:
		return short
	}
	if n = m.long.Get(pos >> longShift); n < maxLong {
		return n
	}
	if n = m.longest.Get(pos >> longestShift); n < maxLongest {
		return n
	}
	return m.walk(pos+n) - pos
}

// walk returns the end of the run of free pages that the one before pos belongs to, word for word.
func (m *Map) walk(pos uint64) uint64 {
	for {
		n := trailingOnes(m.words[pos/wordBits].free >> (pos % wordBits))
		pos += n
		if n == 0 || pos%wordBits != 0 {
			return pos
		}
	}
}

// startBefore returns the start of the run of free pages that ends where pos begins, or pos if there is none.
func (m *Map) startBefore(pos uint64) uint64 {
	i := (pos - 1) / wordBits
	below := pos - i*wordBits // pages of the word that lie before pos
	n := leadingOnes(m.words[i].free << (wordBits - below))
	if n < below {
		return pos - n
	}
	above := leadingOnes(m.words[i-1].free)
	if above < wordBits {
		return i*wordBits - above
	}
	return m.topRun(i - 1)
}

// topRun returns the start of the run that covers the highest page of word i: it is in the last word in which one starts.
func (m *Map) topRun(i uint64) uint64 {
	i, _ = m.short.Last(i)
	return (i+1)*wordBits - leadingOnes(m.starting(i))
}

// fill sets the free bits of [pos, pos+n).
func (m *Map) fill(pos, n uint64) {
	i, b := pos/wordBits, pos%wordBits
	for ; b+n > wordBits; i++ {
		m.words[i].free |= ^uint64(0) << b
		n -= wordBits - b
		b = 0
	}
	m.words[i].free |= ^uint64(0) >> (wordBits - n) << b
}

// clear is the opposite of fill.
func (m *Map) clear(pos, n uint64) {
	i, b := pos/wordBits, pos%wordBits
	for ; b+n > wordBits; i++ {
		m.words[i].free &^= ^uint64(0) << b
		n -= wordBits - b
		b = 0
	}
	m.words[i].free &^= ^uint64(0) >> (wordBits - n) << b
}
