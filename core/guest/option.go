package guest

import (
	"context"

	linmem "github.com/linmem/linmem/core"
)

// OpenOption configures [Open].
type OpenOption interface {
	apply(*openOptions)
}

type openOptions struct {
	verdict     *Verdict
	alloc, free string
	strategy    Strategy
	accepted    bool
	forbidden   []Strategy
	heap        []linmem.Option
	firstAlloc  func(context.Context, Instance) error
	ready       func(*linmem.Heap) error
	guestPages  uint64
	hostPages   uint64
}

type openOptionFunc func(*openOptions)

func (f openOptionFunc) apply(o *openOptions) { f(o) }

// WithVerdict has Open go by what [Probe] found as well as by the report. What one of them leaves undecided the other
// decides; where they contradict each other, the guest corrupts.
func WithVerdict(v *Verdict) OpenOption {
	return openOptionFunc(func(o *openOptions) { o.verdict = v })
}

// WithAllocator names the exports by which the guest allocates and frees, where they are not among those that [Inspect]
// knows, and has Open try them first. They take sizes and addresses in bytes, as [Malloc] says; free may be "". A guest in
// Go can have them: a //go:wasmexport function that makes a slice, keeps it in a global map by its address, and returns
// that; and one that deletes it from the map. A slice that nothing in the guest refers to is collected, under the host's
// heap.
func WithAllocator(alloc, free string) OpenOption {
	return openOptionFunc(func(o *openOptions) { o.alloc, o.free = alloc, free })
}

// WithStrategy has Open use this strategy or fail. With [AcceptCorruption] it is used even if nothing says that it is safe
// for the guest.
func WithStrategy(s Strategy, acknowledgements ...Acknowledgement) OpenOption {
	return openOptionFunc(func(o *openOptions) {
		o.strategy = s
		for _, a := range acknowledgements {
			o.accepted = o.accepted || a == AcceptCorruption
		}
	})
}

// Acknowledgement is what a caller has to say to get what may be unsafe.
type Acknowledgement int

// AcceptCorruption acknowledges that guest and host may overwrite each other's memory.
const AcceptCorruption Acknowledgement = 1

// Forbid has Open not use these strategies.
func Forbid(s ...Strategy) OpenOption {
	return openOptionFunc(func(o *openOptions) { o.forbidden = append(o.forbidden, s...) })
}

// WithHeapOptions are options for the heap: a budget, an observer, a growth. Regions are of a multiple of 16 pages unless a
// growth says otherwise; each has a page or two more for canaries. Where pages come from is Open's: WithSource, WithPages
// and WithGap have no effect, and a budget is cut to what there is.
func WithHeapOptions(opts ...linmem.Option) OpenOption {
	return openOptionFunc(func(o *openOptions) { o.heap = append(o.heap, opts...) })
}

// WithFirstAllocation is for a guest that tolerates pages of the host once it has allocated, but not before, and exports no
// allocator: f calls a function of the guest that is known to allocate. A guest that has done so already needs none: f does
// nothing then.
func WithFirstAllocation(f func(context.Context, Instance) error) OpenOption {
	return openOptionFunc(func(o *openOptions) { o.firstAlloc = f })
}

// WithBind has Open call f with the heap as soon as there is one. If the guest imports its allocator, that is before it is
// initialized, so that what it allocates then comes from the heap. A guest that does is opened by [HeapBase] or [Grow] only
// with this. If Open fails after that, the heap is [linmem.ErrClosed], and what f has done is the caller's to undo.
func WithBind(f func(*linmem.Heap) error) OpenOption {
	return openOptionFunc(func(o *openOptions) { o.ready = f })
}

// WithGuestPages says how many more pages a guest gets that can have no others later: those of [Donate], or of the [Gap].
// The default is 256, which is 16 MiB.
func WithGuestPages(n uint64) OpenOption {
	return openOptionFunc(func(o *openOptions) { o.guestPages = n })
}

// WithHostPages says how many pages the host gets with a [Gap], where it can have no others later. The default is 256, which
// is 16 MiB.
func WithHostPages(n uint64) OpenOption {
	return openOptionFunc(func(o *openOptions) { o.hostPages = n })
}
