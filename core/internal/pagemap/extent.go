package pagemap

import (
	"slices"

	"github.com/linmem/linmem/core/internal/lanes"
)

const (
	// maxHole is how many pages between two extents are better covered than left out: 1.2 KiB of bits and index.
	maxHole = 4096

	// spare is which part of the array is left empty as it grows, so that a memory that grows page by page is copied 16
	// times at most for each time that its size doubles; more would not keep to 3 bits a page.
	spare = 16

	// minSpare keeps small memories from copying for every word.
	minSpare = 2
)

// extent is a range of pages that are covered.
type extent struct {
	page uint64 // the first one, a multiple of 64
	n    uint64 // pages, a multiple of 64
	pos  uint64 // position of the first one, a multiple of 64
}

func (e extent) end() uint64 { return e.page + e.n }

func (m *Map) findPos(page uint64) (pos uint64, ok bool) {
	i, ok := m.findExtent(page)
	if !ok {
		return 0, false
	}
	m.near = m.extents[i]
	return m.near.pos + page - m.near.page, true
}

// mustPos returns the position of a page that is covered.
func (m *Map) mustPos(page uint64) uint64 {
	pos, ok := m.Position(page)
	if !ok {
		panic("pagemap: page is not covered")
	}
	return pos
}

// findExtent returns the index of the extent that covers page, or of the first behind it.
func (m *Map) findExtent(page uint64) (i int, ok bool) {
	return slices.BinarySearchFunc(m.extents, page, func(e extent, page uint64) int {
		switch {
		case e.end() <= page:
			return -1
		case e.page > page:
			return 1
		}
		return 0
	})
}

// PageAt returns the page at a position, which is not a guard's.
func (m *Map) PageAt(pos uint64) uint64 {
	if d := pos - m.near.pos; d < m.near.n {
		return m.near.page + d
	}
	return m.findPage(pos)
}

func (m *Map) findPage(pos uint64) uint64 {
	m.near = m.extents[m.extentAt(pos)]
	return m.near.page + pos - m.near.pos
}

// extentAt returns the index of the first extent that ends behind pos.
func (m *Map) extentAt(pos uint64) int {
	i, _ := slices.BinarySearchFunc(m.extents, pos, func(e extent, pos uint64) int {
		if e.pos+e.n <= pos {
			return -1
		}
		return 1
	})
	return i
}

// Cover makes room for the state of [page, page+n), neither free nor marked where it was not covered before. A hole of up to
// 4,096 pages between them and other covered pages is filled. Covering pages right behind those that are covered costs
// amortized constant time a page; anywhere else, it costs that of all words. It allocates on the Go heap, as no other method
// does but the first FindAligned of an alignment.
func (m *Map) Cover(page, n uint64) {
	if n == 0 {
		return
	}
	from := page &^ (wordBits - 1)
	end := (page + n + wordBits - 1) &^ (wordBits - 1)
	if len(m.extents) > 0 {
		last := &m.extents[len(m.extents)-1]
		switch {
		case from >= last.page && end <= last.end():
			return
		case from >= last.page && from <= last.end()+maxHole && (last.pos+end-last.page)/wordBits < uint64(len(m.words)):
			m.words[m.size-1].marks = 0
			last.n = end - last.page
			m.near = *last
			m.size = (last.pos+last.n)/wordBits + 1
			m.words[m.size-1].marks = 1
			return
		}
	}
	i, ok := m.findExtent(from)
	switch {
	case ok && end <= m.extents[i].end():
		return
	case !ok && i < len(m.extents):
		// More pages below this one may follow. It stops at the extent below, so as to fill no hole but the one at hand.
		from &^= maxHole - 1
		if i > 0 {
			from = max(from, m.extents[i-1].end())
		}
	}
	m.rebuild(union(m.extents, extent{page: from, n: end - from}))
}

// Covered reports whether a page has bits.
func (m *Map) Covered(page uint64) bool {
	_, ok := m.Position(page)
	return ok
}

// union returns extents with another one, merged with those that it overlaps, touches or almost touches. Positions are to
// be given out anew.
func union(extents []extent, add extent) []extent {
	var all []extent
	for _, e := range extents {
		switch {
		case e.end()+maxHole < add.page:
			all = append(all, e)
		case add.end()+maxHole < e.page:
			all = append(all, add)
			add = e
		default:
			end := max(e.end(), add.end())
			add.page = min(e.page, add.page)
			add.n = end - add.page
		}
	}
	return append(all, add)
}

// rebuild lays the bits out in new extents, which cover the old ones, and makes the index anew.
func (m *Map) rebuild(extents []extent) {
	size := uint64(1)
	for i := range extents {
		extents[i].pos = size * wordBits
		size += extents[i].n/wordBits + 1
	}
	capacity := size + max(size/spare, minSpare)
	old := *m
	*m = Map{
		extents: extents,
		near:    extents[len(extents)-1],
		size:    size,
		words:   make([]word, capacity),
		short:   lanes.New(lanes.Bits8, capacity),
		long:    lanes.New(lanes.Bits16, capacity>>(longShift-6)+1),
		longest: lanes.New(lanes.Bits32, capacity>>(longestShift-6)+1),
		low:     size,
		runs:    old.runs,
	}
	for _, e := range old.extents {
		pos := m.mustPos(e.page)
		copy(m.words[pos/wordBits:], old.words[e.pos/wordBits:][:e.n/wordBits])
	}
	for _, e := range extents {
		m.words[(e.pos+e.n)/wordBits].marks = 1
	}
	for pos, n := range m.runsFrom(0) {
		m.joined(pos, n, 0)
	}
	for _, a := range old.aligned {
		m.aligned = append(m.aligned, m.newAligned(a.log2))
	}
}

// runsFrom yields the maximal runs of free pages from word i on, by position, without the help of the index.
func (m *Map) runsFrom(i uint64) func(yield func(pos, n uint64) bool) {
	return func(yield func(pos, n uint64) bool) {
		for ; i < m.size; i++ {
			for x := m.words[i].free; x != 0; {
				pos := i*wordBits + trailingZeros(x)
				end := m.walk(pos)
				if !yield(pos, end-pos) {
					return
				}
				if end/wordBits > i {
					i = end / wordBits
					x = m.words[i].free
				}
				x &= ^uint64(0) << (end % wordBits)
			}
		}
	}
}
