package wasm

// instruction is one that was read. It says where a vector of immediates begins, which are read and checked, but not kept.
type instruction struct {
	at     int
	op     opcode
	a, b   uint64 // the first two immediates that are numbers or indices
	vector int    // of the immediate labels: its labels, one after another, begin here
}

// The kinds of a block type, in instruction.b. In a there is the type's index if it has one.
const (
	blockEmpty = iota
	blockResult
	blockIndexed
)

// next reads an instruction.
func (r *reader) next(in *instruction) {
	in.at = r.at
	if r.at >= len(r.b) {
		r.failf(r.at, "expected an instruction, and the bytes end")
		return
	}
	c := r.b[r.at]
	r.at++
	o := opcode(c)
	if firstPrefix <= c && int(c-firstPrefix) < len(prefixes) {
		p := prefixes[c-firstPrefix]
		sub := r.u32("the number behind an instruction's prefix")
		if sub >= uint32(p.end-p.base) {
			r.failf(in.at, "expected an instruction that is known, not %#x %d", c, sub)
			return
		}
		o = p.base + opcode(sub)
	}
	in.op = o
	switch ops[o].immediate {
	case none:
	case index:
		if c, ok := r.short(); ok {
			in.a = uint64(c)
		} else {
			in.a = r.unsigned(32, "an index")
		}
	case memArg:
		r.memArg()
	case signed32:
		if c, ok := r.short(); ok {
			in.a = uint64(extend(c))
		} else {
			in.a = uint64(r.signed(32, "an i32"))
		}
	case signed64:
		if c, ok := r.short(); ok {
			in.a = uint64(extend(c))
		} else {
			in.a = uint64(r.signed(64, "an i64"))
		}
	case blockType:
		r.blockType(in)
	case index2:
		in.a, in.b = uint64(r.u32("an index")), uint64(r.u32("an index"))
	default:
		r.rareImmediate(in)
	}
}

// memArg reads where memory is accessed, relative to an address.
func (r *reader) memArg() {
	const hasMemory = 1 << 6
	start := r.at
	align := r.u32("the alignment of an access")
	if align >= hasMemory {
		if align >= 2*hasMemory {
			r.failf(start, "expected the alignment of an access, below %d, not %d", 2*hasMemory, align)
			return
		}
		r.u32("the index of a memory")
	}
	if _, ok := r.short(); !ok {
		r.unsigned(64, "the offset of an access")
	}
}

func (r *reader) blockType(in *instruction) {
	start := r.at
	in.b = blockResult
	c := r.byte("the type of a block")
	switch {
	case c == typeEmpty:
		in.b = blockEmpty
	case typeV128 <= c && c <= typeI32:
	case typeEmpty < c && c < 0x80:
		r.reference(start, c, "the type of a block")
	default:
		r.at = start
		v := r.signed(33, "the type of a block")
		if v < 0 {
			r.failf(start, "expected the type of a block, not %d", v)
			return
		}
		in.a, in.b = uint64(v), blockIndexed
	}
}

// rareImmediate is the part of next for what is seldom seen in code.
func (r *reader) rareImmediate(in *instruction) {
	switch ops[in.op].immediate {
	case bytes1:
		r.byte("a lane")
	case bytes4:
		r.bytes(4, "an f32")
	case bytes8:
		r.bytes(8, "an f64")
	case bytes16:
		r.bytes(16, "a v128")
	case memArgLane:
		r.memArg()
		r.byte("a lane")
	case labels:
		in.a = uint64(r.count("the number of labels"))
		in.vector = r.at
		for range in.a + 1 {
			r.u32("a label")
		}
	case types:
		for range r.count("the number of types") {
			r.valueType()
		}
	case heapType:
		r.heapType()
	case castBranch:
		r.byte("the flags of a cast")
		r.u32("a label")
		r.heapType()
		r.heapType()
	case tryTable:
		r.blockType(in)
		r.clauses("a catch clause", []int{2, 2, 1, 1})
	case handlers2:
		r.u32("the index of a type")
		fallthrough
	case handlers:
		r.u32("an index")
		r.clauses("a handler", []int{2, 1})
	case fence:
		r.zero("the 0 of a fence")
	default:
		if r.err == nil {
			r.failf(in.at, "expected an instruction that is known, not % x", r.b[in.at:r.at])
		}
	}
}

// clauses reads a vector of clauses, each of which begins with its kind: it has that many indices.
func (r *reader) clauses(what string, nIndices []int) {
	for range r.count("the number of clauses") {
		start := r.at
		kind := int(r.byte(what))
		if kind >= len(nIndices) {
			r.failf(start, "expected %s, whose kind is below %d, not %d", what, len(nIndices), kind)
			return
		}
		for range nIndices[kind] {
			r.u32("an index")
		}
	}
}
