package linmem

// own moves the known end of the memory up to end; the pages up to it are free.
func (p *Pages) own(end uint64) {
	start := p.end
	p.advance(end)
	p.give(start, end-start)
}

// advance moves the known end of the memory up to end; the pages up to it are the allocator's, and nothing yet.
func (p *Pages) advance(end uint64) {
	start := p.end
	p.m.Cover(start, end-start)
	if len(p.foreign) > 0 {
		p.m.Mark(uint64(p.foreign[len(p.foreign)-1].Start)) // may be covered only now
	}
	p.m.Unmark(start)
	p.end = end
	p.m.Mark(end)
}

// addForeign moves the known end of the memory up to end; the pages up to it are foreign.
func (p *Pages) addForeign(end uint64) {
	if end <= p.end {
		return
	}
	r := Range{Page(p.end), end - p.end}
	if isNew := p.foreign.push(r); !isNew {
		p.m.Unmark(p.end)
	}
	p.end = end
	p.m.Mark(end)
	p.nForeign += r.Len
}

// disown turns foreign pages into free ones.
func (p *Pages) disown(r Range) {
	was := p.foreign.cut(r)
	p.m.Cover(uint64(r.Start), r.Len)
	// These two may be covered only now; all else that Cover fills in is of the same foreign range.
	p.m.Mark(uint64(was.Start))
	p.m.Mark(p.end)
	if was.Start == r.Start {
		p.m.Unmark(uint64(r.Start))
	}
	if was.End() != r.End() {
		p.m.Mark(uint64(r.End()))
	}
	p.nForeign -= r.Len
	p.give(uint64(r.Start), r.Len)
}
