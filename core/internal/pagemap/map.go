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
	short   lanes.Tree[uint8]
	long    lanes.Tree[uint16]
	longest lanes.Tree[uint32]
	low     uint64 // no word below it has a free page
	runs    uint64 // maximal runs of free pages

	aligned []alignedIndex
}

// Alloc takes the lowest run of n > 0 free pages and marks its first page; with ok = false there is none. The cost is that of
// [Map.Find] and of n/64 words.
func (m *Map) Alloc(n uint64) (page uint64, ok bool) {
	pos, ok := m.find(n)
	if !ok {
		return 0, false
	}
	total := m.lenAt(pos)
	m.clear(pos, n)
	m.words[pos/wordBits].marks |= 1 << (pos % wordBits)
	m.split(pos, total, 0, pos+n)
	return m.page(pos), true
}

// Free makes [page, page+n) free if it is all of a run, and reports whether it was. The cost is that of n/64 words.
func (m *Map) Free(page, n uint64) (ok bool) {
	pos, ok := m.pos(page)
	if !ok || !m.isRun(pos, n) {
		return false
	}
	m.words[pos/wordBits].marks &^= 1 << (pos % wordBits)
	m.add(pos, n)
	return true
}

// Add makes pages free that are covered and not free. Marks stay as they are. The cost is that of n/64 words.
func (m *Map) Add(page, n uint64) { m.add(m.mustPos(page), n) }

func (m *Map) add(pos, n uint64) {
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
	behind, total := pos+n, pos+n+right-pos
	m.update(pos/wordBits, 0, total)
	if right > 0 && behind/wordBits != pos/wordBits {
		m.update(behind/wordBits, right, 0)
	}
	if total >= maxShort {
		merge(&m.long, longShift, maxShort, pos, total, behind, right)
	}
	if total >= maxLong {
		merge(&m.longest, longestShift, maxLong, pos, total, behind, right)
	}
	m.low = min(m.low, pos/wordBits)
	m.raise(pos, total)
}

// Remove takes pages that are free. Marks stay as they are. The cost is that of n/64 words.
func (m *Map) Remove(page, n uint64) { m.remove(m.mustPos(page), n) }

func (m *Map) remove(pos, n uint64) {
	start := m.startBefore(pos)
	total := m.lenAt(start)
	m.clear(pos, n)
	m.split(start, total, pos-start, pos+n)
}

// split notes that of the run of total free pages at pos, left pages are left, and those from behind on.
func (m *Map) split(pos, total, left, behind uint64) {
	right := pos + total - behind
	m.runs--
	if left > 0 {
		m.runs++
	}
	if right > 0 {
		m.runs++
	}
	if behind/wordBits == pos/wordBits {
		m.update(pos/wordBits, total, max(left, right))
	} else {
		m.update(pos/wordBits, total, left)
		if right > 0 {
			m.update(behind/wordBits, 0, right)
		}
	}
	if total >= maxShort {
		place(&m.long, longShift, maxShort, pos, left, behind, right)
	}
	if total >= maxLong {
		place(&m.longest, longestShift, maxLong, pos, left, behind, right)
	}
	if left > 0 {
		m.raise(pos, left)
	}
	if right > 0 {
		m.raise(behind, right)
	}
}

// place notes in a tree of long runs which run starts at pos and which one at behind, where runs of that tree started or
// start; those below floor are not the tree's.
func place[L uint16 | uint32](t *lanes.Tree[L], blockShift int, floor, pos, n, behind, right uint64) {
	if n < floor {
		n = 0
	}
	if right < floor {
		right = 0
	}
	top := lanes.Top[L]()
	if pos>>blockShift == behind>>blockShift {
		t.Set(pos>>blockShift, min(max(n, right), top)) // one of them is 0
		return
	}
	t.Set(pos>>blockShift, min(n, top))
	if right > 0 {
		t.Set(behind>>blockShift, min(right, top))
	}
}

// merge notes in a tree of long runs that the one at pos has total pages now, and has swallowed the one of right pages at
// behind.
func merge[L uint16 | uint32](t *lanes.Tree[L], blockShift int, floor, pos, total, behind, right uint64) {
	if right >= floor && pos>>blockShift != behind>>blockShift {
		t.Set(behind>>blockShift, 0)
	}
	t.Set(pos>>blockShift, min(total, lanes.Top[L]()))
}

// update sets the number of word i in the tree of short runs: of the runs that start in it, one of gone pages has become
// one of come pages, 0 being none. The bits are up to date.
func (m *Map) update(i, gone, come uint64) {
	was := m.short.Get(i)
	come = min(come, maxShort)
	if come < was {
		if gone < was {
			return // another run is the longest
		}
		// The run at the top of the word may go on in the next one. If it ends there, it is counted in full; if it goes
		// on still further, then it is longer than any other that starts here, and so it is the one that has come.
		come = max(come, m.longestIn(i))
	}
	if come != was {
		m.short.Set(i, come)
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

// lenAt returns the length of the run of free pages that starts at pos, in constant time. The index is up to date.
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
