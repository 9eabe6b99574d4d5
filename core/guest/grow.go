package guest

// refusesGrow returns why memory.grow is not safe.
func (o *opening) refusesGrow() string {
	late, early := o.verdict.Late, o.verdict.Early
	switch {
	case o.report.importsAllocator() && o.ready == nil:
		return "the guest's allocator is the host's, and is not served from this heap, so nothing is known of it: pass WithBind"
	case late.Outcome != Tolerates:
		return "growth by the host: " + late.Outcome.String() + ": " + late.Reason
	case early.Outcome != Tolerates && o.firstAlloc == nil && o.allocates() == nil:
		return "growth before the guest's first allocation: " + early.Outcome.String() + ": " + early.Reason +
			"; and there is no way to have it allocate first: see WithFirstAllocation"
	}
	return ""
}

func (o *opening) openGrow() (*Guest, error) {
	o.plan.Reason = o.verdict.Late.Reason
	if o.report.importsAllocator() && o.ready != nil {
		// What it allocates while it is initialized comes from the heap.
		g, err := o.withRegions(o.newGuest(), fromGrowth(o.mem))
		if err != nil {
			return nil, err
		}
		return o.initializeLast(g)
	}
	if err := o.initialize(); err != nil {
		return nil, err
	}
	if o.verdict.Early.Outcome != Tolerates {
		if err := o.allocateFirst(); err != nil {
			return nil, err
		}
	}
	return o.withRegions(o.newGuest(), fromGrowth(o.mem))
}

// allocates returns an allocator whose first allocation is the guest's, or nil. Sbrk is below that.
func (o *opening) allocates() *Allocator {
	for i := range o.allocators {
		if o.allocators[i].Convention != Sbrk {
			return &o.allocators[i]
		}
	}
	return nil
}

// allocateFirst has the guest allocate, so that it claims now what it claims at its first allocation.
func (o *opening) allocateFirst() error {
	if o.firstAlloc != nil {
		o.plan.did("called the function of WithFirstAllocation")
		return o.firstAlloc(o.ctx, o.inst)
	}
	a := o.allocates()
	if a == nil {
		return nil // forced
	}
	o.plan.did("had the guest allocate with %q", a.Alloc.Name)
	const size = 16
	addr, err := a.alloc(o.ctx, o.inst, size)
	if err != nil {
		return err
	}
	return a.free(o.ctx, o.inst, addr, size)
}
