package linmem

// Option configures an allocator. The options are the functions of this package whose names begin with With.
type Option interface {
	apply(*options)
}

type options struct {
	maxPages  uint64
	growth    Growth
	placement Placement
	gap       uint64
	source    func(n uint64) (Range, error)
	pageZero  bool
	observer  Observer
	pages     *Pages
}

func newOptions(opts []Option) options {
	o := options{maxPages: maxPages}
	for _, opt := range opts {
		if opt != nil {
			opt.apply(&o)
		}
	}
	return o
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// WithMaxPages sets the budget: the allocator never owns more than n pages, adopted ones included. The default is
// the address space. Foreign pages do not count, nor does a page 0 that is withheld.
func WithMaxPages(n uint64) Option {
	return optionFunc(func(o *options) { o.maxPages = n })
}

// WithGrowth sets by how much the memory grows. The default is [GrowExact].
func WithGrowth(g Growth) Option {
	return optionFunc(func(o *options) { o.growth = g })
}

// Growth says by how many pages to grow a memory that is short of some. Whatever it says is cut to what the budget leaves;
// and if the memory refuses, it is asked once more, for what is needed. Fewer, larger growths pay where a growth is dear:
// where the runtime copies the memory, or calls into C.
type Growth uint64 // the unit in pages, or growDouble

const (
	// GrowExact grows by what is needed.
	GrowExact Growth = 0

	// GrowDouble grows by as many pages as the allocator owns, if those are more. The allocator ends up with at most twice
	// what it needs.
	GrowDouble Growth = 1<<64 - 1
)

// GrowBy grows by what is needed, rounded up to a multiple of n pages.
func GrowBy(n uint64) Growth { return Growth(min(n, maxPages)) }

// extend returns how many pages to grow by where need are needed and owned are the allocator's. None is above 2^49.
func (g Growth) extend(need, owned uint64) uint64 {
	unit := uint64(g)
	switch {
	case g == GrowDouble:
		return max(need, owned)
	case unit > 1:
		return (need + unit - 1) / unit * unit
	}
	return need
}

// WithPlacement sets which free run an allocation is taken from. The default is [FirstFit].
func WithPlacement(p Placement) Option {
	return optionFunc(func(o *options) { o.placement = p })
}

// Placement says which free run an allocation is taken from.
type Placement uint8

const (
	// FirstFit takes the lowest run that holds the request. It is quick, and keeps what is in use at the low end.
	FirstFit Placement = iota

	// BestFit takes the smallest run that holds the request, and of equal ones the lowest. It keeps long runs whole where
	// lengths vary much, and costs a visit to every word of 64 pages in which a run starts that is long enough, up to one
	// that fits exactly.
	BestFit
)

// WithGap leaves n pages to the guest between what it has when the allocator first grows the memory and what the allocator
// gets, for guests that go on past their end without asking. They are foreign: never handed out, and not charged to the
// budget. Adopted pages lie where they lie. It helps only a guest that runs out of memory before it comes to the end of the
// gap.
func WithGap(n uint64) Option {
	return optionFunc(func(o *options) { o.gap = min(n, maxPages) })
}

// WithSource has pages come from a function instead of [Grower.Grow]: an arena of the guest's own allocator, say. It is
// asked for n pages and returns n or more, anywhere in the memory, which were the guest's (foreign) and become the
// allocator's, as by [Pages.Adopt]; more than the budget leaves stays the guest's. It may grow the memory, and must not call
// the allocator. A [WithGap] has no effect.
//
// It is asked for a whole run, since what it returns need not touch any free page, and for an alignment of a pages, for a-1
// pages more. An error is [ErrOutOfMemory] for the caller, and goes to the [Observer]; a range that cannot be adopted is
// [ErrInvalid]. [Pages.Resize] does not ask it.
func WithSource(source func(n uint64) (Range, error)) Option {
	return optionFunc(func(o *options) { o.source = source })
}

// WithPageZero allows page 0 to be adopted and handed out. Without it the page is withheld, since address 0 is the
// null pointer of most guests: a memory of 0 pages grows by one page more, which nobody gets.
func WithPageZero() Option {
	return optionFunc(func(o *options) { o.pageZero = true })
}

// WithPages has [NewHeap] take its pages from p, which may have other users. The options of pages are then those that p was
// made with; of those given to NewHeap beside this one, only [WithObserver] has an effect, for the heap's own events. Other
// functions do not take it.
func WithPages(p *Pages) Option {
	return optionFunc(func(o *options) { o.pages = p })
}

// WithObserver has the allocator report its dealings with the memory. The struct is copied.
func WithObserver(obs *Observer) Option {
	return optionFunc(func(o *options) {
		if obs != nil {
			o.observer = *obs
		}
	})
}

// Observer is told of what happens between an allocator and its memory. Nil functions are skipped. They are called
// on the goroutine that called the allocator, and must not call it back.
type Observer struct {
	// Grow: the memory grew by delta pages from prev. A gap, and what [WithGrowth] adds, are among them.
	Grow func(prev, delta uint64)

	// Source: these pages came from the function of [WithSource], and are the allocator's.
	Source func(r Range)

	// GrowRefused: a growth by delta pages, or as many from a source, was needed and not had. The cause is what the memory
	// or the source answered, or an error that says that the budget or a freeze forbade to ask.
	GrowRefused func(delta uint64, cause error)

	// Foreign: these pages were found to be the guest's. They were there at the start, or the guest has added them since
	// the allocator last looked. A page 0 that the allocator withholds is not among them, nor is a gap.
	Foreign func(r Range)

	// HeapGained: a [Heap] took these pages from its Pages.
	HeapGained func(r Range)

	// HeapReturned: a [Heap] returned these pages to its Pages, since nothing in them was in use.
	HeapReturned func(r Range)

	// Misuse: a call of a [Heap] named an address that is not of a live allocation, or a range that runs over its end. The
	// error is the one that the call returns.
	Misuse func(err error)
}
