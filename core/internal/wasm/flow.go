package wasm

import (
	"cmp"
	"slices"
)

// flow interprets a function with tags for values, to see what becomes of the results of memory.grow in it.
//
// A tag is a set of growths: those whose result a value may be, and those that it may be an address of. Compilers use a
// local for one thing after another, so that tags belong to a place in the code: a state is the tags on the operand stack
// and those of the locals that have any. Where control flow comes together, states are joined: tags are united. The
// constants 16 and 65,536 are known on the stack only, where they stand beside the instruction that uses them.
//
// Control is structured, so that one pass over the instructions sees each join before it is needed, but for loops: the state
// at the beginning of each is kept, and as long as a branch back adds to one there is another pass.
//
// It errs towards [UseUnknown]: that is the use of all, where it comes to an instruction that it has no model of, to code
// that contradicts itself, or to the end of its fuel; and of what it never comes to, as code that is not reachable.
type flow struct {
	m        *Module
	wrappers map[uint32]bool
	nResults int // of the function

	r       reader
	in      instruction
	sources []source
	fuel    int

	stack    []value
	locals   locals
	isLive   bool // the instruction can be reached
	frames   []frame
	loops    map[int]*state // at the beginning of the loop at an offset
	isStable bool           // no branch back has added to one of loops
	gaveUp   bool

	seen, addresses, escaped, computed, returned growths // what has become of each
}

// growths is a set of sources: bit i is the source i. Those from maxSources on are in none, and unknown.
type growths uint64

const maxSources = 64

// source is a growth: a memory.grow or a call of a wrapper.
type source struct {
	at         int // offset of the instruction
	isCall     bool
	callee     uint32
	use        Use
	isReturned bool // as it is
}

// value is what is known of a value.
type value struct {
	raw      growths // it is the result
	address  growths // it is the address of that page
	constant uint32  // 16, 65,536 or 0 for any other
}

const (
	pageShift = 16
	pageSize  = 1 << pageShift
)

func (v value) isTagged() bool { return v.raw|v.address != 0 }

func (v value) join(w value) value {
	if v.constant != w.constant {
		v.constant = 0
	}
	return value{v.raw | w.raw, v.address | w.address, v.constant}
}

// locals are those that are tagged, sorted. They never change, so that states can share them.
type locals []local

type local struct {
	index uint64
	value value
}

func (l locals) find(index uint64) (i int, ok bool) {
	return slices.BinarySearchFunc(l, index, func(a local, b uint64) int { return cmp.Compare(a.index, b) })
}

func (l locals) join(m locals) (joined locals, changed bool) {
	joined = make(locals, 0, max(len(l), len(m)))
	for len(l) > 0 || len(m) > 0 {
		switch {
		case len(m) == 0 || len(l) > 0 && l[0].index < m[0].index:
			joined, l = append(joined, l[0]), l[1:]
		case len(l) == 0 || m[0].index < l[0].index:
			joined, m = append(joined, m[0]), m[1:]
			changed = true
		default:
			v := l[0].value.join(m[0].value)
			joined, changed = append(joined, local{l[0].index, v}), changed || v != l[0].value
			l, m = l[1:], m[1:]
		}
	}
	return joined, changed
}

// state is what is known where control flow comes together: of the values that are passed there, and of locals.
type state struct {
	isReached bool
	values    []value
	locals    locals
}

// frame is a block around an instruction.
type frame struct {
	op                opcode
	isDead            bool // it cannot be reached
	height            int  // of the stack below its parameters
	nParams, nResults int
	out               state  // at its end
	otherwise         state  // at the else of an if
	loop              *state // at its beginning
}

// fuelPerByte and maxFuel bound the steps of a function, and with them what states take: a step is an instruction or a
// value that is copied. Functions of libraries with 10 KB of code take 3 to 4 passes, which is 2 steps a byte.
const (
	fuelPerByte = 32
	minFuel     = 1 << 10
	maxFuel     = 1 << 21
)

// followGrowths returns the growths in a function, in the order of its code.
func followGrowths(m *Module, b body, wrappers map[uint32]bool) []source {
	f := &flow{
		m: m, wrappers: wrappers, nResults: len(m.Types[m.Functions[b.function]].Results),
		loops: map[int]*state{}, fuel: min(minFuel+fuelPerByte*(b.end-b.start), maxFuel),
	}
	begin := reader{b: m.code[:b.end], at: b.start}
	for f.r = begin; f.r.at < b.end; {
		f.r.next(&f.in)
		switch {
		case f.in.op == opMemoryGrow:
			f.sources = append(f.sources, source{at: f.in.at})
		case f.in.op.isDirectCall() && wrappers[uint32(f.in.a)]:
			f.sources = append(f.sources, source{at: f.in.at, isCall: true, callee: uint32(f.in.a)})
		}
	}
	for !f.isStable && !f.gaveUp {
		f.r = begin
		f.pass()
	}
	if !f.gaveUp {
		f.conclude()
	}
	return f.sources
}

// pass interprets all instructions once.
func (f *flow) pass() {
	f.isStable, f.isLive = true, true
	f.stack, f.locals = f.stack[:0], nil
	f.frames = append(f.frames[:0], frame{op: opBlock, nResults: f.nResults})
	for len(f.frames) > 0 && !f.gaveUp {
		f.r.next(&f.in)
		f.spend(1)
		f.step()
	}
}

// conclude sets what becomes of each source.
func (f *flow) conclude() {
	for i := range min(len(f.sources), maxSources) {
		s, bit := &f.sources[i], growths(1)<<i
		s.isReturned = f.returned&bit != 0
		switch {
		case f.seen&bit == 0 || f.escaped&bit != 0:
			s.use = UseUnknown
		case f.addresses&bit != 0:
			s.use = UseAddress
		case f.computed&bit != 0:
			s.use = UseUnknown
		default:
			s.use = UseStatus
		}
	}
}

func (f *flow) giveUp() { f.gaveUp = true }

func (f *flow) spend(n int) {
	if f.fuel -= n; f.fuel < 0 {
		f.giveUp()
	}
}

// join adds what is known now to a state, with the uppermost n values of the stack, and reports whether it has changed.
func (f *flow) join(s *state, n int) (changed bool) {
	values := f.top(n)
	f.spend(n + len(f.locals) + len(s.locals))
	if f.gaveUp {
		return false
	}
	if !s.isReached {
		*s = state{true, slices.Clone(values), f.locals}
		return true
	}
	for i, v := range values {
		joined := s.values[i].join(v)
		changed = changed || joined != s.values[i]
		s.values[i] = joined
	}
	if len(f.locals) > 0 {
		joined, hasMore := s.locals.join(f.locals)
		if hasMore {
			s.locals, changed = joined, true
		}
	}
	return changed
}

// top returns the uppermost n values of the stack.
func (f *flow) top(n int) []value {
	if n > len(f.stack)-f.frames[len(f.frames)-1].height {
		f.giveUp()
		return nil
	}
	return f.stack[len(f.stack)-n:]
}

func (f *flow) pop() (v value) {
	if top := f.top(1); len(top) == 1 {
		v = top[0]
		f.stack = f.stack[:len(f.stack)-1]
	}
	return v
}

func (f *flow) push(v value) { f.stack = append(f.stack, v) }

// pushUntagged pushes what an instruction or a call returns.
func (f *flow) pushUntagged(n int) {
	f.spend(n)
	for i := 0; i < n && !f.gaveUp; i++ {
		f.push(value{})
	}
}

// resume goes on from a state, in the innermost frame.
func (f *flow) resume(height int, s state) {
	f.isLive = s.isReached
	f.stack, f.locals = f.stack[:height], nil
	if s.isReached {
		f.stack, f.locals = append(f.stack, s.values...), s.locals
	}
}
