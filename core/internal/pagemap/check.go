package pagemap

import (
	"fmt"

	"github.com/linmem/linmem/core/internal/lanes"
)

// Check returns the first contradiction between the bits and what is derived from them.
func (m *Map) Check() error {
	if err := m.checkHot(); err != nil {
		return err
	}
	m.settle()
	if err := m.checkExtents(); err != nil {
		return err
	}
	for i := range m.size {
		if both := m.words[i].free & m.words[i].marks; both != 0 {
			return fmt.Errorf("page %d is free and marked", m.PageAt(i*wordBits+trailingZeros(both)))
		}
		if i < m.again.i && m.short.Get(i) >= m.again.n {
			return fmt.Errorf("a run of %d pages starts in word %d, below the lowest such word %d", m.again.n, i, m.again.i)
		}
		if m.words[i].free != 0 && i < m.low {
			return fmt.Errorf("word %d has free pages, below the lowest such word %d", i, m.low)
		}
	}
	for i := m.size; i < uint64(len(m.words)); i++ {
		if m.words[i] != (word{}) {
			return fmt.Errorf("word %d is in use, past the last guard", i)
		}
	}
	words := uint64(len(m.words))
	short := expected{name: "short", tree: &m.short}
	long := expected{name: "long", tree: &m.long}
	longest := expected{name: "longest", tree: &m.longest}
	runs := uint64(0)
	for pos, n := range m.runsFrom(0) {
		runs++
		err := short.run(pos/wordBits, min(n, maxShort))
		if err == nil && n >= maxShort {
			err = long.run(pos>>longShift, min(n, maxLong))
		}
		if err == nil && n >= maxLong {
			err = longest.run(pos>>longestShift, min(n, maxLongest))
		}
		for i := range m.aligned {
			if err == nil {
				err = m.checkBound(&m.aligned[i], pos, n)
			}
		}
		if err != nil {
			return err
		}
	}
	if runs != m.runs {
		return fmt.Errorf("there are %d runs of free pages, counted are %d", runs, m.runs)
	}
	if words == 0 {
		return nil
	}
	if err := short.end(words); err != nil {
		return err
	}
	if err := long.end(words>>(longShift-6) + 1); err != nil {
		return err
	}
	return longest.end(words>>(longestShift-6) + 1)
}

// checkHot checks that a run of maxShort pages and more leads from the top of the hot word to hotEnd.
func (m *Map) checkHot() error {
	if m.hot == 0 {
		return nil
	}
	top := leadingOnes(m.starting(m.hot))
	if start := (m.hot+1)*wordBits - top; top == 0 || m.walk(start) != m.hotEnd || m.hotEnd-start < maxShort {
		return fmt.Errorf("word %d is hot, but no long run leads from position %d to %d", m.hot, start, m.hotEnd)
	}
	return nil
}

// checkExtents checks that extents follow each other, in pages and in positions, with a guard behind each.
func (m *Map) checkExtents() error {
	pos, page := uint64(wordBits), uint64(0)
	for i, e := range m.extents {
		switch {
		case e.page%wordBits != 0 || e.n%wordBits != 0 || e.n == 0 || e.pos != pos || i > 0 && e.page <= page:
			return fmt.Errorf("extent %d, pages %d to %d at %d, does not follow page %d, position %d",
				i, e.page, e.end(), e.pos, page, pos)
		case m.words[e.pos/wordBits-1].free != 0 || m.words[(e.pos+e.n)/wordBits] != word{marks: 1}:
			return fmt.Errorf("a guard of the extent of pages %d to %d is written to", e.page, e.end())
		}
		pos, page = e.pos+e.n+wordBits, e.end()
	}
	if len(m.extents) > 0 && m.size*wordBits != pos {
		return fmt.Errorf("%d words are in use, want %d", m.size, pos/wordBits)
	}
	return nil
}

// checkBound checks that a run is within the bound of its block.
func (m *Map) checkBound(a *alignedIndex, pos, n uint64) error {
	skip := -m.PageAt(pos) & (1<<a.log2 - 1)
	if skip >= n {
		return nil
	}
	block := (pos + skip) >> a.shift
	if a.log2 < log2WordBits {
		block = pos >> a.shift
	}
	if got := a.left.Get(block); got < min(n-skip, maxLeft) {
		return fmt.Errorf("at the alignment of 2^%d, block %d has the bound %d, but %d pages are free at page %d",
			a.log2, block, got, n-skip, m.PageAt(pos+skip))
	}
	return nil
}

// expected compares a tree with the runs that it is told of in ascending order.
type expected struct {
	name    string
	tree    *lanes.Tree
	block   uint64 // whose longest run so far is longest; the blocks below it are as they should be
	longest uint64
	most    uint64
}

func (e *expected) run(block, n uint64) error {
	for ; e.block < block; e.block++ {
		if got := e.tree.Get(e.block); got != e.longest {
			return fmt.Errorf("the longest run in block %d of the %s runs is %d pages, want %d", e.block, e.name, got, e.longest)
		}
		e.longest = 0
	}
	e.longest = max(e.longest, n)
	e.most = max(e.most, n)
	return nil
}

// end tells that there are no more runs in any of the tree's blocks.
func (e *expected) end(blocks uint64) error {
	if err := e.run(blocks, 0); err != nil {
		return err
	}
	if got := e.tree.Max(); got != e.most {
		return fmt.Errorf("the longest of the %s runs is %d pages, want %d", e.name, got, e.most)
	}
	return nil
}
