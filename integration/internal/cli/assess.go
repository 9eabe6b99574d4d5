package cli

import (
	"context"
	"errors"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// assessment says whether guest.Open would follow a strategy.
type assessment struct {
	Strategy guest.Strategy `json:"strategy"`
	Refused  string         `json:"refused,omitempty"` // why it would not; "" if it would
}

// assess returns what guest.Open would say of each strategy, in its order, and how to have it follow one if it follows none.
// It asks Open itself, with an instance that does nothing: Open chooses before it touches an instance. Allocator imports are
// taken to be served.
func assess(r *guest.Report) (all []assessment, remedies []guest.Remedy) {
	if len(r.Memories) == 0 {
		return nil, nil
	}
	inst := idle{nPages: r.Memories[0].Min}
	open := func(opts ...guest.OpenOption) (unsafe *guest.UnsafeError) {
		opts = append(opts, guest.WithBind(func(*linmem.Heap) error { return nil }))
		_, err := guest.Open(context.Background(), inst, r, opts...)
		errors.As(err, &unsafe)
		return unsafe
	}
	if unsafe := open(); unsafe != nil {
		remedies = unsafe.Remedies
	}
	for _, s := range []guest.Strategy{guest.Arena, guest.HeapBase, guest.Grow, guest.Donate, guest.Gap} {
		a := assessment{Strategy: s}
		if unsafe := open(guest.WithStrategy(s)); unsafe != nil {
			a.Refused = unsafe.Refused[0].Reason
		}
		all = append(all, a)
	}
	return all, remedies
}

// idle is an instance of which every call fails, with a memory that cannot be used.
type idle struct{ nPages uint64 }

var (
	_ guest.Instance    = idle{}
	_ guest.Initializer = idle{}
	_ guest.Limiter     = idle{}
	_ linmem.Memory     = idle{}
)

var errIdle = errors.New("there is no instance")

func (i idle) Memory() linmem.Memory                                     { return i }
func (i idle) Call(context.Context, string, ...uint64) ([]uint64, error) { return nil, errIdle }
func (i idle) HasExport(string) bool                                     { return false }
func (i idle) Global(string) (uint64, bool)                              { return 0, false }
func (i idle) Initialize(context.Context) error                          { return errIdle }
func (i idle) LimitPages(uint64) error                                   { return nil }
func (i idle) NumPages() uint64                                          { return i.nPages }
func (i idle) Grow(uint64) (uint64, error)                               { return 0, errIdle }
func (i idle) View(uint64, uint64) ([]byte, error)                       { return nil, errIdle }
