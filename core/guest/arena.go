package guest

import "context"

func (o *opening) openArena() (*Guest, error) {
	if err := o.initialize(); err != nil {
		return nil, err
	}
	a := &o.allocators[0]
	o.plan.Allocator = a
	o.plan.Reason = "what the guest's own allocator gave away it leaves alone"
	o.plan.did("took the guest's allocator %q", a.Alloc.Name)
	g := o.newGuest()
	g.arena = a
	return o.withRegions(g, fromAllocator(context.WithoutCancel(o.ctx), o.inst, a))
}
