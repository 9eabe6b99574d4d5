package wasm

import (
	"cmp"
	"slices"
)

// apply interprets an instruction that begins or ends no block.
func (f *flow) apply() {
	o := ops[f.in.op]
	switch o.effect {
	case unmodeled:
		f.giveUp()
	case controls:
		f.applyControl()
	case computes:
		f.compute(int(o.pop))
		f.pushUntagged(int(o.push))
	case tests:
		f.popN(int(o.pop))
		f.pushUntagged(int(o.push))
	case converts:
		v := f.pop()
		f.push(value{raw: v.raw, address: v.address})
	case shifts:
		by, v := f.pop(), f.pop()
		f.pageToAddress(v, by, pageShift)
	case multiplies:
		v, by := f.pop(), f.pop()
		if v.constant == pageSize {
			v, by = by, v
		}
		f.pageToAddress(v, by, pageSize)
	case accesses:
		f.compute(int(o.pop) - 1)
		f.lose(f.pop())
		f.pushUntagged(int(o.push))
	case stores:
		for range o.pop - 1 {
			f.keep(f.pop())
		}
		f.lose(f.pop())
		f.pushUntagged(int(o.push))
	}
}

// applyControl interprets an instruction that goes elsewhere, or that has an effect of its own.
func (f *flow) applyControl() {
	in := &f.in
	switch in.op {
	case opUnreachable:
		f.isLive = false
	case opThrow, opThrowRef:
		for _, v := range f.stack[f.frames[len(f.frames)-1].height:] {
			f.keep(v)
		}
		f.isLive = false
	case opBr:
		f.branch(in.a)
		f.isLive = false
	case opBrIf:
		f.pop()
		f.branch(in.a)
	case opBrTable:
		f.branchTable()
	case opReturn:
		f.doReturn()
		f.isLive = false
	case opCall, opReturnCall:
		if in.a >= uint64(len(f.m.Functions)) {
			f.giveUp()
			return
		}
		f.call(f.m.Types[f.m.Functions[in.a]], in.op == opReturnCall)
	case opCallIndirect, opReturnIndir, opCallRef, opReturnRef:
		f.compute(1)
		if t, ok := f.functionType(in.a); ok {
			f.call(t, in.op == opReturnIndir || in.op == opReturnRef)
		}
	case opSelect, opSelectTyped:
		f.pop()
		f.push(f.pop().join(f.pop()))
	case opLocalGet:
		v := value{}
		if i, ok := f.locals.find(in.a); ok {
			v = f.locals[i].value
		}
		f.push(v)
	case opLocalSet:
		f.setLocal(in.a, f.pop())
	case opLocalTee:
		v := f.pop()
		f.setLocal(in.a, v)
		f.push(v)
	case opGlobalSet:
		f.keep(f.pop())
	case opMemoryGrow:
		f.compute(1)
		f.push(value{raw: f.source()})
	case opI32Const, opI64Const:
		v := value{}
		if in.a == pageShift || in.a == pageSize {
			v.constant = uint32(in.a)
		}
		f.push(v)
	}
}

// source returns the tag of the growth that the instruction is.
func (f *flow) source() growths {
	i, ok := slices.BinarySearchFunc(f.sources, f.in.at, func(s source, at int) int { return cmp.Compare(s.at, at) })
	if !ok || i >= maxSources {
		return 0
	}
	f.seen |= 1 << i
	return 1 << i
}

// setLocal sets a local.
func (f *flow) setLocal(index uint64, v value) {
	v.constant = 0
	i, ok := f.locals.find(index)
	if !ok && !v.isTagged() {
		return
	}
	f.spend(len(f.locals) + 1)
	behind := i
	if ok {
		behind++
	}
	changed := append(make(locals, 0, len(f.locals)+1), f.locals[:i]...)
	if v.isTagged() {
		changed = append(changed, local{index, v})
	}
	f.locals = append(changed, f.locals[behind:]...)
}

// pageToAddress is a shift or a product, by what makes an address of a page's number.
func (f *flow) pageToAddress(v, by value, wanted uint32) {
	var result value
	if by.constant == wanted {
		result.address = v.raw
	} else {
		f.computed |= v.raw
	}
	f.computed |= v.address | by.raw | by.address
	f.push(result)
}

// compute pops n values whose tags are not followed.
func (f *flow) compute(n int) {
	for range n {
		v := f.pop()
		f.computed |= v.raw | v.address
	}
}

func (f *flow) popN(n int) {
	for range n {
		f.pop()
	}
}

// keep is what becomes of a value that goes into memory, a global or a result: to keep the address itself is to remember where
// the pages are.
func (f *flow) keep(v value) {
	f.addresses |= v.address
	f.escaped |= v.raw
}

// lose is what becomes of a value that memory is accessed through, or that is passed to a call: it is not followed, since that
// may be all that is done to new pages, like clearing them.
func (f *flow) lose(v value) {
	f.computed |= v.address
	f.escaped |= v.raw
}
