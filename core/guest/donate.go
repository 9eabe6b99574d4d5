package guest

import (
	"fmt"

	linmem "github.com/linmem/linmem/core"
)

// refusesDonate returns why the guest cannot be given all that it will ever have before it is initialized.
func (o *opening) refusesDonate() string {
	_, uninitialized := o.inst.(Initializer)
	switch t := o.report.Toolchain.Name; {
	case t != Go && t != TinyGo:
		return "it is known to be safe only for Go and TinyGo, which claim the whole memory when they are initialized"
	case !o.report.Initialize:
		return "the guest exports no _initialize, so nothing can be done between its instantiation and its start"
	case !uninitialized:
		return "the instance is initialized already, or its backend does not say that it is not"
	case o.sharesMemory():
		return "the guest's memory is imported or shared, so others may grow it"
	}
	return o.refusesLimit(o.mem.NumPages() + o.guestPages)
}

// refusesLimit limits the memory, as the first step of a strategy, or returns why that cannot be.
func (o *opening) refusesLimit(nPages uint64) string {
	l, ok := o.inst.(Limiter)
	if !ok {
		return "the backend cannot limit the memory"
	}
	if err := l.LimitPages(nPages); err != nil {
		return "the memory cannot be limited: " + err.Error()
	}
	o.limiter = l
	o.plan.did("limited the memory to %d pages", nPages)
	return ""
}

// limitForced limits the memory, if that can be, for a strategy that was refused before it came to that.
func (o *opening) limitForced(nPages uint64) {
	if o.plan.Unsafe && o.limiter == nil {
		_ = o.refusesLimit(nPages)
	}
}

// openDonate gives the guest what it may have, which is all that the limit leaves: so the memory is frozen from then on.
func (o *opening) openDonate() (*Guest, error) {
	if _, ok := o.inst.(Limiter); !ok {
		return nil, fmt.Errorf("%w: the backend cannot limit the memory", linmem.ErrUnsupported)
	}
	o.limitForced(o.mem.NumPages() + o.guestPages)
	if _, err := o.mem.Grow(o.guestPages); err != nil {
		return nil, fmt.Errorf("the %d pages of WithGuestPages: %w", o.guestPages, err)
	}
	o.plan.did("grew the memory by %d pages for the guest", o.guestPages)
	o.plan.GuestPages = o.guestPages
	if err := o.initialize(); err != nil {
		return nil, err
	}
	o.plan.Reason = "the guest claimed its memory when it was initialized, and can have no more; the host's lies behind it"
	take := fromGrowth(o.mem)
	if o.limiter != nil {
		take = fromFrozenGrowth(o.mem, o.limiter)
	}
	return o.withRegions(o.newGuest(), take)
}
