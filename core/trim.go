package linmem

// Trim hands the physical pages behind every free page back to the operating system, and returns their number.
// They stay the allocator's, and free; they read as zero afterwards. A memory keeps its size: trimming is how one that
// cannot shrink gives memory back.
//
// It fails with [ErrUnsupported] if the memory is no [Discarder], or cannot do it, and with whatever else Discard reports;
// the free runs below the one that the error names are discarded then. The cost is one Discard for each free run.
func (p *Pages) Trim() (discarded uint64, err error) {
	const op = "Pages.Trim"
	d, ok := p.g.(Discarder)
	if !ok {
		return 0, p.errs.Get(op, 0, 0, ErrUnsupported)
	}
	for r := range p.FreeRanges() {
		if err := d.Discard(r.Addr(), r.Bytes()); err != nil {
			return discarded, p.errs.GetPages(op, r.Addr(), r.Len, err)
		}
		discarded += r.Len
	}
	return discarded, nil
}
