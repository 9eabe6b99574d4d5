package wasm

// step interprets one instruction. Code that cannot be reached is only looked at for its blocks.
func (f *flow) step() {
	switch f.in.op {
	case opBlock, opLoop, opIf, opTry, opTryTable:
		f.begin()
	case opElse:
		f.otherwise()
	case opEnd, opDelegate:
		f.end()
	default:
		if f.isLive {
			f.apply()
		}
	}
}

// begin begins a block.
func (f *flow) begin() {
	fr := frame{op: f.in.op, isDead: !f.isLive}
	if fr.isDead {
		f.frames = append(f.frames, fr)
		return
	}
	if f.in.op == opTry || f.in.op == opTryTable {
		f.giveUp() // an exception takes the locals as they are anywhere inside
		return
	}
	if f.in.op == opIf {
		f.pop()
	}
	switch f.in.b {
	case blockResult:
		fr.nResults = 1
	case blockIndexed:
		t, ok := f.functionType(f.in.a)
		if !ok {
			return
		}
		fr.nParams, fr.nResults = len(t.Params), len(t.Results)
	}
	if f.top(fr.nParams); f.gaveUp {
		return
	}
	fr.height = len(f.stack) - fr.nParams
	switch f.in.op {
	case opIf:
		f.join(&fr.otherwise, fr.nParams)
	case opLoop:
		fr.loop = f.loops[f.in.at]
		if fr.loop == nil {
			fr.loop = &state{}
			f.loops[f.in.at] = fr.loop
		}
		f.join(fr.loop, fr.nParams)
		f.resume(fr.height, *fr.loop)
	}
	f.frames = append(f.frames, fr)
}

// functionType returns the type of functions with that index.
func (f *flow) functionType(index uint64) (t Type, ok bool) {
	if index < uint64(len(f.m.Types)) {
		t = f.m.Types[index]
	}
	if !t.IsFunction {
		f.giveUp()
	}
	return t, t.IsFunction
}

// otherwise goes from the first part of an if to the second.
func (f *flow) otherwise() {
	fr := &f.frames[len(f.frames)-1]
	if fr.isDead {
		return
	}
	f.fallThrough(fr)
	fr.op = opElse
	f.resume(fr.height, fr.otherwise)
}

// end ends a block, or the function.
func (f *flow) end() {
	fr := &f.frames[len(f.frames)-1]
	if len(f.frames) == 1 {
		if f.isLive {
			f.doReturn()
		}
		f.frames = f.frames[:0]
		return
	}
	if !fr.isDead {
		f.fallThrough(fr)
		if fr.op == opIf {
			f.resume(fr.height, fr.otherwise)
			f.fallThrough(fr)
		}
		if f.gaveUp {
			return
		}
		f.resume(fr.height, fr.out)
	}
	f.frames = f.frames[:len(f.frames)-1]
}

// fallThrough comes to the end of a block, or of its first part, with nothing but results on the stack.
func (f *flow) fallThrough(fr *frame) {
	if !f.isLive {
		return
	}
	if len(f.stack) != fr.height+fr.nResults {
		f.giveUp()
		return
	}
	f.join(&fr.out, fr.nResults)
}

// branch goes to a label, or stays.
func (f *flow) branch(label uint64) {
	if label >= uint64(len(f.frames)) {
		f.giveUp()
		return
	}
	fr := &f.frames[len(f.frames)-1-int(label)]
	switch {
	case label == uint64(len(f.frames)-1):
		f.doReturn()
	case fr.loop != nil:
		if f.join(fr.loop, fr.nParams) {
			f.isStable = false
		}
	default:
		f.join(&fr.out, fr.nResults)
	}
}

// branchTable goes to any of several labels.
func (f *flow) branchTable() {
	f.pop()
	labels := reader{b: f.r.b[:f.r.at], at: f.in.vector}
	for labels.at < len(labels.b) && !f.gaveUp {
		f.spend(1)
		f.branch(uint64(labels.u32("a label")))
	}
	f.isLive = false
}

// doReturn returns from the function, or may do so.
func (f *flow) doReturn() {
	for _, v := range f.top(f.nResults) {
		if f.nResults == 1 {
			f.returned |= v.raw
			v.raw = 0
		}
		f.keep(v)
	}
}

// call calls a function of a type.
func (f *flow) call(t Type, isTail bool) {
	for range len(t.Params) {
		if f.lose(f.pop()); f.gaveUp {
			return
		}
	}
	var s value
	if f.in.op.isDirectCall() && f.wrappers[uint32(f.in.a)] {
		s.raw = f.source()
	}
	f.pushUntagged(len(t.Results))
	if len(t.Results) == 1 && !f.gaveUp {
		f.stack[len(f.stack)-1] = s
	}
	if isTail {
		f.doReturn()
		f.isLive = false
	}
}
