package heaps

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/linmem/linmem/integration/traces"
)

// Trace is a recorded trace, prepared to be replayed: a replay frees in the end what the program left live, so that it can
// begin again.
type Trace struct {
	Name string

	// PeakLive is the most bytes that are live at a time, as the program asked for them.
	PeakLive uint64

	ops    []op
	blocks uint32 // live at a time, at most
}

// op is a call in 16 bytes, with all that the allocators want to know.
type op struct {
	id, size  uint32
	oldSize   uint32 // of the block that is reallocated
	kind      traces.Kind
	log2Align uint8 // 0 if the default will do
}

// Prepare prepares the first calls of a trace, at most so many. It fails if a block is too large for 32 bits.
func Prepare(t *traces.Trace, most int) (*Trace, error) {
	calls := t.Ops[:min(most, len(t.Ops))]
	p := &Trace{Name: t.Name, ops: make([]op, 0, len(calls)+int(t.MaxLive)), blocks: t.MaxLive}
	sizes := make([]int64, t.MaxLive) // of the live blocks, by ID; below 0 is none
	for i := range sizes {
		sizes[i] = -1
	}
	live := uint64(0) // bytes
	for i, call := range calls {
		if call.Size > math.MaxUint32 {
			return nil, fmt.Errorf("trace %s, call %d: %d bytes are too many for 32 bits", t.Name, i, call.Size)
		}
		o := op{id: call.ID, size: uint32(call.Size), kind: call.Kind}
		old := max(0, sizes[call.ID])
		sizes[call.ID] = int64(call.Size)
		switch call.Kind {
		case traces.Alloc:
			if align := call.Align(); align > 1<<log2Align {
				o.log2Align = uint8(bits.TrailingZeros64(align))
			}
		case traces.Realloc:
			o.oldSize = uint32(old)
		case traces.Free:
			o.size = uint32(old)
			sizes[call.ID] = -1
		}
		live += uint64(max(0, sizes[call.ID])) - uint64(old)
		p.PeakLive = max(p.PeakLive, live)
		p.ops = append(p.ops, o)
	}
	for id, size := range sizes {
		if size >= 0 {
			p.ops = append(p.ops, op{kind: traces.Free, id: uint32(id), size: uint32(size)})
		}
	}
	return p, nil
}

// Len returns the number of calls in a replay, the frees in the end among them.
func (t *Trace) Len() int { return len(t.ops) }

// replayer does a trace.
type replayer struct {
	ops   []op
	addrs []uint64 // by ID
}

func (t *Trace) replayer() replayer { return replayer{t.ops, make([]uint64, t.blocks)} }

func (r replayer) replay(a Allocator) (err error) {
	aligner, _ := a.(Aligner)
	for i := range r.ops {
		o := &r.ops[i]
		addr := &r.addrs[o.id]
		switch {
		case o.kind == traces.Free:
			err = a.Free(*addr, uint64(o.size))
		case o.kind == traces.Realloc:
			*addr, err = a.Realloc(*addr, uint64(o.oldSize), uint64(o.size))
		case o.log2Align == 0 || aligner == nil:
			*addr, err = a.Alloc(uint64(o.size))
		default:
			*addr, err = aligner.AllocAligned(uint64(o.size), 1<<o.log2Align)
		}
		if err != nil {
			return fmt.Errorf("call %d: %w", i, err)
		}
	}
	return nil
}

// Warm returns the workload of an allocator that does the trace in each turn, over and over.
func (t *Trace) Warm(a Allocator) Workload { return &warm{t.replayer(), a} }

type warm struct {
	replayer
	a Allocator
}

func (w *warm) Turns(n int) error {
	for range n {
		if err := w.replay(w.a); err != nil {
			return err
		}
	}
	return nil
}

// Cold returns the workload of opening an allocator, doing the trace once and closing the allocator, in each turn.
func (t *Trace) Cold(k Kind) Workload { return &cold{t.replayer(), k} }

type cold struct {
	replayer
	kind Kind
}

func (w *cold) Turns(n int) error {
	for range n {
		o, err := w.kind.Open()
		if err != nil {
			return err
		}
		err = w.replay(o.Allocator)
		if closeErr := o.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Peak returns by how many pages the linear memory of an allocator is larger after the trace than before it. Since it never
// shrinks, that is the most that the trace needs. ok is false if the allocator has no linear memory.
func (t *Trace) Peak(k Kind) (pages uint64, ok bool, err error) {
	o, err := k.Open()
	if err != nil {
		return 0, false, err
	}
	defer func() { _ = o.Close() }()
	if o.Memory == nil {
		return 0, false, nil
	}
	before := o.Memory.NumPages()
	if err := t.replayer().replay(o.Allocator); err != nil {
		return 0, false, err
	}
	return o.Memory.NumPages() - before, true, nil
}
