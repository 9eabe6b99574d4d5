package guest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	linmem "github.com/linmem/linmem/core"
)

// Guest is a guest with a heap of the host's in its memory. Like the instance, it is for one goroutine at a time.
type Guest struct {
	// Heap is the host's. It must not be used any more once the guest is closed: what needs the memory is
	// [linmem.ErrClosed] then.
	Heap *linmem.Heap

	// Plan is what Open did.
	Plan Plan

	inst     Instance
	mem      *memory
	canaries *canaries
	regions  *regions   // nil if the heap's pages come from elsewhere
	arena    *Allocator // what the regions come from; nil if from growth

	options   []linmem.Option // of the heap
	allocates bool            // the guest has its blocks in the heap, too
}

// Open makes a heap of the host's in a guest's memory, in a place that the guest leaves alone, or fails with [*UnsafeError]
// and has done nothing then. The report is that of [Inspect] for the binary that inst was made from.
//
// It tries, in this order: [Arena], [HeapBase], [Grow], [Donate], [Gap]; each says what it needs. What the report leaves
// undecided counts as unsafe, unless [WithVerdict] decides it. An instance that is an [Initializer] is initialized by Open,
// and must not have been before; any other is taken for one that is initialized, or needs nothing of the kind.
//
// The context is passed to the functions of the guest that Open calls. Those that the heap calls later, to get regions, get
// one that is never done and has the same values.
func Open(ctx context.Context, inst Instance, r *Report, opts ...OpenOption) (*Guest, error) {
	fail := func(err error) (*Guest, error) { return nil, &linmem.Error{Op: "guest.Open", Err: err} }
	if inst == nil || inst.Memory() == nil {
		return fail(fmt.Errorf("%w: the instance is nil, or has no memory", linmem.ErrInvalid))
	}
	if r == nil {
		return fail(fmt.Errorf("%w: the report is nil: pass that of Inspect", linmem.ErrInvalid))
	}
	o := &opening{ctx: ctx, inst: inst, report: r, verdict: r.Verdict, mem: &memory{Pinned: linmem.NewPinned(inst.Memory())}}
	o.guestPages, o.hostPages = defaultPages, defaultPages
	for _, opt := range opts {
		if opt != nil {
			opt.apply(&o.openOptions)
		}
	}
	if err := o.prepare(); err != nil {
		return fail(err)
	}
	strategy, err := o.choose()
	if err != nil {
		return nil, err
	}
	g, err := o.open(strategy)
	if err != nil {
		return fail(fmt.Errorf("strategy %s: %w", strategy, err))
	}
	return g, nil
}

// defaultPages is how many pages guest and host get where one of them can have no others later.
const defaultPages = 256

// opening is what a call of Open knows.
type opening struct {
	openOptions
	ctx        context.Context
	inst       Instance
	report     *Report
	verdict    Verdict
	mem        *memory
	allocators []Allocator
	limiter    Limiter // that has limited the memory; nil before that
	plan       Plan
}

// prepare checks the options, and does nothing to the guest.
func (o *opening) prepare() error {
	if v := o.openOptions.verdict; v != nil {
		o.verdict.Late = o.verdict.Late.and(v.Late)
		o.verdict.Early = o.verdict.Early.and(v.Early)
	}
	for _, s := range append(slices.Clone(o.forbidden), o.strategy) {
		if s != "" && !slices.Contains(strategies, s) {
			return fmt.Errorf("%w: there is no strategy %q", linmem.ErrInvalid, s)
		}
	}
	o.allocators = o.report.Allocators
	switch {
	case o.alloc == "" && o.free != "":
		return fmt.Errorf("%w: WithAllocator names %q to free with, and nothing to allocate with", linmem.ErrInvalid, o.free)
	case o.alloc == "":
		return nil
	}
	a, err := newAllocator(o.alloc, o.free, o.report.Function)
	if err != nil {
		return err
	}
	o.allocators = append([]Allocator{a}, o.allocators...)
	return nil
}

// choose returns the first strategy that is safe, and has done nothing to the guest but to limit its memory, where that is
// the first step of the strategy.
func (o *opening) choose() (Strategy, error) {
	unsafe := &UnsafeError{Toolchain: o.report.Toolchain, Verdict: o.verdict}
	for _, s := range strategies {
		if o.strategy != "" && s != o.strategy {
			continue
		}
		why := "it is forbidden by the caller"
		if !slices.Contains(o.forbidden, s) {
			why = o.refusal(s)
			if o.strategy == s && o.accepted {
				o.plan.Unsafe = why != ""
				why = ""
			}
		}
		if why == "" {
			return s, nil
		}
		unsafe.Refused = append(unsafe.Refused, Refusal{s, why})
	}
	unsafe.Remedies = remediesFor(o)
	return "", unsafe
}

// refusal returns why a strategy is not safe, or cannot be followed; "" if it can.
func (o *opening) refusal(s Strategy) string {
	if n := len(o.report.Memories); n > 1 {
		return fmt.Sprintf("the guest has %d memories, and what is known of it is not known to be about this one", n)
	}
	switch s {
	case Arena:
		return o.refusesArena()
	case HeapBase:
		return o.refusesHeapBase()
	case Grow:
		return o.refusesGrow()
	case Donate:
		return o.refusesDonate()
	case Gap:
		return o.refusesGap()
	}
	return ""
}

// open follows a strategy.
func (o *opening) open(s Strategy) (*Guest, error) {
	o.plan.Strategy = s
	switch s {
	case Arena:
		return o.openArena()
	case HeapBase:
		return o.openHeapBase()
	case Grow:
		return o.openGrow()
	case Donate:
		return o.openDonate()
	}
	return o.openGap()
}

// initialize has the guest initialized, if that is still to be done.
func (o *opening) initialize() error {
	i, ok := o.inst.(Initializer)
	if !ok {
		return nil
	}
	if o.report.Initialize {
		o.plan.did("initialized the guest")
	}
	return i.Initialize(o.ctx)
}

// newGuest returns a guest without a heap.
func (o *opening) newGuest() *Guest {
	return &Guest{inst: o.inst, mem: o.mem, canaries: newCanaries(o.mem)}
}

// withRegions gives a guest a heap whose pages are regions, and has the heap get the first one, so that what goes wrong
// with it goes wrong now.
func (o *opening) withRegions(g *Guest, take func(nPages uint64) (byteRange, error)) (*Guest, error) {
	g.regions = &regions{mem: o.mem, canaries: g.canaries, take: take}
	byDefault := []linmem.Option{linmem.WithGrowth(linmem.GrowBy(regionPages))}
	g.options = slices.Concat(byDefault, o.options(linmem.WithSource(g.regions.source)))
	pages, err := linmem.NewPages(o.mem, g.options...)
	if err != nil {
		return nil, err
	}
	if err := pages.Reserve(1); err != nil {
		if g.regions.refused != nil {
			err = g.regions.refused
		}
		return nil, o.giveUp(g, err)
	}
	o.plan.did("took a region of %d pages with canaries at both ends", pages.Stats().Free)
	return o.withPages(g, pages)
}

// options returns the caller's options for pages, and ours, which prevail.
func (o *opening) options(ours ...linmem.Option) []linmem.Option {
	return slices.Concat(o.heap, []linmem.Option{linmem.WithSource(nil), linmem.WithGap(0)}, ours)
}

// withPages gives a guest a heap, and tells the caller.
func (o *opening) withPages(g *Guest, pages *linmem.Pages) (*Guest, error) {
	h, err := linmem.NewHeap(o.mem, append(slices.Clone(o.heap), linmem.WithPages(pages))...)
	if err != nil {
		return nil, o.giveUp(g, err)
	}
	g.Heap = h
	g.allocates = g.regions == nil || o.ready != nil && len(o.report.AllocatorImports) > 0
	if o.ready != nil {
		if err := o.ready(h); err != nil {
			return nil, o.giveUp(g, fmt.Errorf("the function of WithBind: %w", err))
		}
	}
	g.Plan = o.plan
	return g, nil
}

// giveUp gives back what a guest has got, and returns err with what went wrong with that.
func (o *opening) giveUp(g *Guest, err error) error {
	return errors.Join(err, g.Close(context.WithoutCancel(o.ctx)))
}

// Verify returns an error if somebody wrote to the canaries around the host's regions: an [*linmem.Error] with the address
// of the first byte that is not as it was, around [linmem.ErrCorrupt]. That the bytes between them are whole does not follow
// from a nil.
//
// Canaries are a page or more for each region, of which there are few. The cost is one look at each of their bytes, a few
// microseconds a region.
func (g *Guest) Verify() error {
	damaged, addr, err := g.canaries.verify()
	if err != nil {
		return &linmem.Error{Op: "Guest.Verify", Addr: addr, Size: damaged.end - addr, Err: err}
	}
	return nil
}

// Pin pins the guest's memory, as [linmem.Pinned] says: until [Guest.Unpin] the Heap does not touch the runtime, so that a
// [linmem.Shared] on it may be used while the guest runs. Heap.Reserve first what will be needed: the heap gets no pages
// while it is pinned, by whatever strategy, and says that their source had none. The guest must not grow its memory
// meanwhile, where that can move it, and a [Limiter] can see to that.
func (g *Guest) Pin() error { return g.mem.Pin() }

// Unpin ends that, and fails with [linmem.ErrCorrupt] if the memory has moved meanwhile.
func (g *Guest) Unpin() error { return g.mem.Unpin() }

// Close gives the regions of an [Arena] back to the guest's allocator, all of them even if that fails for some. Other
// strategies leave the pages where they are, as a memory cannot shrink. The heap must not be used any more. A second call
// does nothing.
func (g *Guest) Close(ctx context.Context) error {
	if g.mem.closed.Swap(true) {
		return nil
	}
	if g.arena == nil {
		return nil
	}
	var errs []error
	for _, r := range g.regions.all {
		if err := g.arena.free(ctx, g.inst, r.addr, r.end-r.addr); err != nil {
			errs = append(errs, &linmem.Error{Op: "Guest.Close", Addr: r.addr, Size: r.end - r.addr, Err: err})
		}
	}
	return errors.Join(errs...)
}
