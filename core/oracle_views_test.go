package linmem_test

import linmem "github.com/linmem/linmem/core"

// runs returns the maximal ranges of pages that have the same owner, if that is one to be listed.
func (o *oracle) runs(listed func(owner) bool) []linmem.Range {
	var runs []linmem.Range
	for i, who := range o.pages {
		switch {
		case !listed(who):
		case i > 0 && o.pages[i-1] == who:
			runs[len(runs)-1].Len++
		default:
			runs = append(runs, linmem.Range{Start: linmem.Page(i), Len: 1})
		}
	}
	return runs
}

func (o *oracle) freeRanges() []linmem.Range {
	return o.runs(func(who owner) bool { return who == ownerNone })
}

func (o *oracle) allocated() []linmem.Range {
	return o.runs(func(who owner) bool { return who > 0 })
}

func (o *oracle) foreign() []linmem.Range {
	return o.runs(func(who owner) bool { return who == ownerGuest })
}

func (o *oracle) largestFree() (n uint64) {
	for _, r := range o.freeRanges() {
		n = max(n, r.Len)
	}
	return n
}

func (o *oracle) stats() linmem.PageStats {
	return linmem.PageStats{
		Size:        uint64(len(o.pages)),
		Owned:       o.owned(),
		Free:        o.count(func(who owner) bool { return who == ownerNone }),
		Allocated:   o.count(func(who owner) bool { return who > 0 }),
		Foreign:     o.count(func(who owner) bool { return who == ownerGuest }),
		LargestFree: o.largestFree(),
		FreeRuns:    uint64(len(o.freeRanges())),
		Runs:        uint64(len(o.allocated())),
		Grows:       o.grows,
		Refused:     o.refused,
	}
}

// event is something that a stream of operations is to come across, and that no call tells by its result.
type event string

const (
	eventMore             event = "the growth policy asks for more than is needed"
	eventCut              event = "what the growth policy asks for is cut to what there is room for"
	eventNoRoomForMore    event = "there is room for what is needed, and no more"
	eventFellBack         event = "the larger growth is refused, and the exact one is not"
	eventBestIsNotFirst   event = "the best fit is not the first fit"
	eventGap              event = "a gap is left"
	eventGapRefused       event = "the growth that would leave a gap is refused"
	eventPageZeroTaken    event = "the guest takes a page 0 that was free of charge"
	eventSource           event = "the source gives pages"
	eventSourceGaveMore   event = "the source gives more pages than it was asked for"
	eventSourceOverBudget event = "the source gives more pages than the budget allows"
	eventSourceRefused    event = "the source fails"
	eventBadSource        event = "the source gives what it must not"
	eventSurplus          event = "a snapshot is restored to a memory that has grown since"
)

// events are all of them.
var events = []event{
	eventMore, eventCut, eventNoRoomForMore, eventFellBack, eventBestIsNotFirst, eventGap, eventGapRefused,
	eventPageZeroTaken, eventSource, eventSourceGaveMore, eventSourceOverBudget, eventSourceRefused, eventBadSource,
	eventSurplus,
}

func (o *oracle) notice(e event) { o.noticed[e]++ }
