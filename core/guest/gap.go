package guest

import (
	"fmt"

	linmem "github.com/linmem/linmem/core"
)

// A guest in Go believes that its memory is one piece, ignores where memory.grow puts new pages, and counts how many it was
// granted. With a memory of S pages, a gap of G and a region of N behind it, and at most M pages in all, it is granted
// M-S-G-N pages at most, and believes that its memory ends at page M-G-N. So it stays below the region, which begins at S+G,
// if
//
//	M <= S + 2G + N

// refusesGap returns why no gap keeps the guest from the host's region.
func (o *opening) refusesGap() string {
	switch {
	case o.report.Toolchain.Name != Go:
		return "it is known to be safe only for Go, whose memory grows in its own mind by what it was granted, and no faster"
	case o.sharesMemory():
		return "the guest's memory is imported or shared, so others may grow it"
	case o.maxPages() <= o.gapLimit():
		return ""
	}
	why := o.refusesLimit(o.gapLimit())
	if why == "" {
		return ""
	}
	return fmt.Sprintf("%s; without a limit the memory may grow to %d pages, and that is safe with WithGuestPages(%d) or more",
		why, o.maxPages(), o.guestPages+(o.maxPages()-o.gapLimit()+1)/2)
}

// gapLimit returns how large the memory may become.
func (o *opening) gapLimit() uint64 { return o.mem.NumPages() + 2*o.guestPages + o.hostPages }

// maxPages returns how large the memory may become by its type.
func (o *opening) maxPages() uint64 {
	if len(o.report.Memories) > 0 {
		m := o.report.Memories[0]
		switch {
		case m.Max != nil:
			return *m.Max
		case m.Is64:
			return 1 << 48
		}
	}
	return 1 << 16
}

func (o *opening) openGap() (*Guest, error) {
	o.limitForced(o.gapLimit())
	if err := o.initialize(); err != nil {
		return nil, err
	}
	// If the guest has grown while it was initialized, S is more than the limit was made for, which is then lower than it must
	// be.
	size := o.mem.NumPages()
	region, err := o.claimBehindGap()
	if err != nil {
		return nil, err
	}
	if start := linmem.Page(size + o.guestPages); region.Start != start {
		return nil, fmt.Errorf("%w: the region begins at page %d instead of %d: somebody else grew the memory",
			linmem.ErrCorrupt, region.Start, start)
	}
	o.plan.GuestPages = o.guestPages
	o.plan.Reason = "the guest runs out of memory before it comes to the end of the gap"
	o.plan.did("left %d pages to the guest, and took the %d behind them", o.guestPages, region.Len)
	return o.withRegions(o.newGuest(), once(pagesOf(region)))
}

// claimBehindGap grows the memory by the gap and the host's region at once, and returns the latter.
func (o *opening) claimBehindGap() (region linmem.Range, err error) {
	const canaries = 2
	if o.hostPages <= canaries {
		return region, fmt.Errorf("%w: %d pages of WithHostPages: it must be 3 at least, two for canaries",
			linmem.ErrInvalid, o.hostPages)
	}
	pages, err := linmem.NewPages(o.mem, linmem.WithGap(o.guestPages))
	if err != nil {
		return region, err
	}
	return pages.Alloc(o.hostPages)
}
