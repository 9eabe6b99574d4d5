package linmem

// Option configures an allocator. The options are the functions of this package whose names begin with With.
type Option interface {
	apply(*options)
}

type options struct {
	maxPages uint64
	pageZero bool
	observer Observer
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

// WithPageZero allows page 0 to be adopted and handed out. Without it the page is withheld, since address 0 is the
// null pointer of most guests: a memory of 0 pages grows by one page more, which nobody gets.
func WithPageZero() Option {
	return optionFunc(func(o *options) { o.pageZero = true })
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
	// Grow: the memory grew by delta pages from prev.
	Grow func(prev, delta uint64)

	// GrowRefused: a growth by delta pages was needed and not had. The cause is what the memory answered, or an
	// error that says that the budget or a freeze forbade to ask.
	GrowRefused func(delta uint64, cause error)

	// Foreign: these pages were found to be the guest's. They were there at the start, or the guest has added them since
	// the allocator last looked. A page 0 that the allocator withholds is not among them.
	Foreign func(r Range)
}
