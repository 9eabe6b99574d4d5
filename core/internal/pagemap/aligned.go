package pagemap

import (
	"slices"

	"github.com/linmem/linmem/core/internal/lanes"
)

const (
	// Blocks of an alignedIndex have 512 pages at least: 8 words to visit, and 0.04 bits a page.
	minAlignedShift = 9

	maxLeft = 1<<15 - 1
)

// alignedIndex bounds, for one alignment, how many pages are left of a run from its first aligned page on. A run counts in
// the block in which that page is; where alignments are less than a word, in which the run starts.
type alignedIndex struct {
	log2  uint8 // of the alignment
	shift uint8 // log2 of the positions in a block
	left  lanes.Tree
}

// FindAligned is Find of a page that is a multiple of align, a power of two. The cost is that of a way down a tree and of a
// visit to each block of 512 pages (or align, if that is more) in which runs have appeared or shrunk since the last search
// of that alignment, and to one for each run of more than 32,767 pages. The first search of an alignment makes its index on
// the Go heap, 0.044 bits a page at most.
func (m *Map) FindAligned(n, align uint64) (page uint64, ok bool) {
	if align == 1 {
		return m.Find(n)
	}
	if n > maxLeft && n > m.Longest() {
		return 0, false // bounds do not tell such lengths apart
	}
	m.settle()
	a := m.alignedTo(align)
	floor := min(n, maxLeft)
	for block, ok := a.left.First(floor); ok; block, ok = a.left.Next(block+1, floor) {
		page, most := m.visit(a, block, n)
		if most >= n {
			return page, true
		}
		a.left.Set(block, min(most, maxLeft))
	}
	return 0, false
}

// alignedTo returns the index of an alignment, made if need be.
func (m *Map) alignedTo(align uint64) *alignedIndex {
	log2 := uint8(trailingZeros(align))
	i := 0
	for ; i < len(m.aligned) && m.aligned[i].log2 <= log2; i++ {
		if m.aligned[i].log2 == log2 {
			return &m.aligned[i]
		}
	}
	m.aligned = slices.Insert(m.aligned, i, m.newAligned(log2))
	return &m.aligned[i]
}

// newAligned returns the index of an alignment. It knows nothing of any block yet.
func (m *Map) newAligned(log2 uint8) alignedIndex {
	shift := max(log2, minAlignedShift)
	blocks := uint64(len(m.words))*wordBits>>shift + 1
	a := alignedIndex{log2: log2, shift: shift, left: lanes.New(lanes.Bits16, blocks)}
	for i := range blocks {
		a.left.Set(i, maxLeft)
	}
	return a
}

// raise notes in every index of alignments that a run has appeared, and changes no bound that holds already.
func (m *Map) raise(pos, n uint64) {
	page := m.PageAt(pos)
	for i := range m.aligned {
		a := &m.aligned[i]
		skip := -page & (1<<a.log2 - 1)
		if skip >= n {
			return // and it only grows with the alignment
		}
		block := (pos + skip) >> a.shift
		if a.log2 < log2WordBits {
			block = pos >> a.shift
		}
		a.left.Raise(block, min(n-skip, maxLeft))
	}
}

// visit returns the first aligned page of a block from which on n pages are free, and how many are. If there is none, it
// returns how many are free from any, or more.
func (m *Map) visit(a *alignedIndex, block, n uint64) (page, most uint64) {
	from, end := block<<a.shift, min((block+1)<<a.shift, m.size*wordBits)
	if a.log2 < log2WordBits {
		pos, length := m.visitWords(from/wordBits, end/wordBits, a.log2, n)
		if length < n {
			return 0, length
		}
		return m.PageAt(pos), length
	}
	for _, e := range m.extents[m.extentAt(from):] {
		first, last := max(from, e.pos), min(end, e.pos+e.n)
		if first >= last {
			break
		}
		skip := -(e.page + first - e.pos) & (1<<a.log2 - 1)
		pos, length := m.visitPages(first+skip, last, 1<<a.log2, n)
		if length >= n {
			return e.page + pos - e.pos, length
		}
		most = max(most, length)
	}
	return 0, most
}

// alignedBits are the pages of a word that are multiples of a power of two.
var alignedBits = [log2WordBits]uint64{
	0xffffffffffffffff, 0x5555555555555555, 0x1111111111111111, 0x0101010101010101, 0x0001000100010001, 0x0000000100000001,
}

// visitWords visits the runs that start in words [i, end) as visit does, for an alignment of less than a word. Of words
// whose runs are all too short it takes the length of the longest, aligned or not, so a block is visited in vain eight times
// at most, for smaller and smaller requests, before its bound is exact.
func (m *Map) visitWords(i, end uint64, log2 uint8, n uint64) (pos, most uint64) {
	at := alignedBits[log2]
	for ; i < end; i++ {
		if short := m.short.Get(i); short < min(n, maxShort) {
			most = max(most, short)
			continue
		}
		x := m.starting(i)
		top := leadingOnes(x)
		inside := x << top >> top
		if n < wordBits {
			if fits := runsOf(inside, n) & at; fits != 0 {
				return i*wordBits + trailingZeros(fits), n
			}
		}
		most = max(most, longestOnes(inside, inside&at))
		if top == 0 {
			continue
		}
		// The run at the top may have its first aligned page, and all others, in the next word.
		start := (i+1)*wordBits - top
		first := (start + 1<<log2 - 1) &^ (1<<log2 - 1)
		if length := m.lenAt(start); first-start < length {
			left := length - (first - start)
			if left >= n {
				return first, left
			}
			most = max(most, left)
		}
	}
	return 0, most
}

// visitPages visits every step-th page from pos on, below end, as visit does; step is a word or more.
func (m *Map) visitPages(pos, end, step, n uint64) (_, most uint64) {
	for ; pos < end; pos += step {
		if m.words[pos/wordBits].free&1 == 0 || m.startBefore(pos)+step <= pos {
			continue // the run counts at an aligned page further down
		}
		if most = max(most, m.freeFrom(pos)); most >= n {
			return pos, most
		}
	}
	return 0, most
}

// freeFrom returns how many pages are free from the one at pos on, which is the first of a word, but need not be of its run.
func (m *Map) freeFrom(pos uint64) uint64 {
	n := trailingOnes(m.words[pos/wordBits].free)
	if n < wordBits {
		return n
	}
	return m.endAbove(pos/wordBits) - pos
}

// endAbove returns the end of the run that covers the highest page of word i.
func (m *Map) endAbove(i uint64) uint64 {
	if x := m.words[i+1].free; x != ^uint64(0) {
		return (i+1)*wordBits + trailingOnes(x)
	}
	start := m.topRun(i)
	return start + m.lenAt(start)
}
