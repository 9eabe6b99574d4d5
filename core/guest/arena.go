package guest

import (
	"context"
	"fmt"

	linmem "github.com/linmem/linmem/core"
)

// refusesArena returns why no region can be had from the guest's own allocator.
func (o *opening) refusesArena() string {
	switch {
	case len(o.allocators) == 0:
		return "the guest exports no allocator that is known"
	case o.allocators[0].Convention != Sbrk:
		return ""
	case o.verdict.Early.Outcome != Tolerates && o.firstAlloc == nil:
		return "the guest exports sbrk, and what that returns may lie in what malloc claims at the guest's first allocation: " +
			"see WithFirstAllocation"
	}
	return ""
}

func (o *opening) openArena() (*Guest, error) {
	if len(o.allocators) == 0 {
		return nil, fmt.Errorf("%w: the guest exports no allocator that is known: see WithAllocator", linmem.ErrInvalid)
	}
	if err := o.initialize(); err != nil {
		return nil, err
	}
	a := &o.allocators[0]
	if a.Convention == Sbrk && o.firstAlloc != nil {
		if err := o.allocateFirst(); err != nil {
			return nil, err
		}
	}
	o.plan.Allocator = a
	o.plan.Reason = "what the guest's own allocator gave away it leaves alone"
	o.plan.did("took the guest's allocator %q", a.Alloc.Name)
	g := o.newGuest()
	g.arena = a
	return o.withRegions(g, fromAllocator(context.WithoutCancel(o.ctx), o.inst, o.report, a))
}
