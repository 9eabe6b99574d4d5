package wasm

// Use says what becomes of the result of a memory.grow.
type Use uint8

const (
	// UseUnknown says that it goes where it is not followed.
	UseUnknown Use = iota
	// UseAddress says that it is multiplied by the size of a page, and the product itself stored or returned.
	UseAddress
	// UseStatus says that it is compared or dropped.
	UseStatus
)

// maxRounds bounds how many functions deep a result is followed to those that return it: each takes a look at all code.
const maxRounds = 4

// FollowGrowths returns what becomes of the result of each of m.Grows.
//
// A function that returns the result of a memory.grow as it is makes its calls growths as well, whose uses are that of the
// memory.grow, if nothing else than a direct call can call it: those that get it through a table, a reference or an export
// are not known.
func (m *Module) FollowGrowths() []Use {
	f := follower{m: m, wrappers: map[uint32]bool{}, found: map[uint32][]source{}}
	bodies := m.growing
	isComplete := false
	for round := 0; round < maxRounds && !isComplete; round++ {
		isComplete = true
		for _, b := range bodies {
			sources := followGrowths(m, b, f.wrappers)
			f.found[b.function] = sources
			if f.addWrapper(b.function, sources) {
				isComplete = false
			}
		}
		if !isComplete {
			bodies = f.callers()
		}
	}
	if isComplete {
		f.resolve()
	}
	uses := make([]Use, 0, len(m.Grows))
	for _, b := range m.growing {
		for _, s := range f.found[b.function] {
			if !s.isCall {
				uses = append(uses, f.use(b.function, s))
			}
		}
	}
	return uses
}

// follower is the state of [Module.FollowGrowths].
type follower struct {
	m        *Module
	wrappers map[uint32]bool     // the functions that return a growth and nothing else than direct calls can call
	found    map[uint32][]source // the growths in each function that was interpreted, in the order of its code
	results  map[uint32]Use      // what all callers do with the result of a wrapper
}

// addWrapper reports whether a function is a wrapper that was none so far.
func (f *follower) addWrapper(function uint32, sources []source) bool {
	if f.wrappers[function] || f.m.referenced[function] {
		return false
	}
	for _, s := range sources {
		if s.isReturned {
			f.wrappers[function] = true
			return true
		}
	}
	return false
}

// callers returns the bodies that call a wrapper.
func (f *follower) callers() (bodies []body) {
	var in instruction
	r := &reader{b: f.m.code, at: f.m.codeStart}
	first := len(f.m.Functions) - f.m.nDefinedFunctions
	for i := range f.m.nDefinedFunctions {
		code := r.body()
		b := body{function: uint32(first + i), start: code.at, end: len(code.b)}
		for code.at < len(code.b) {
			code.next(&in)
			if in.op.isDirectCall() && f.wrappers[uint32(in.a)] {
				bodies = append(bodies, b)
				break
			}
		}
	}
	return bodies
}

func (o opcode) isDirectCall() bool { return o == opCall || o == opReturnCall }

// resolve finds the results. A wrapper whose result a wrapper returns takes its from that one, so that there are rounds
// here as well; what they do not reach is in a circle, and stays unknown.
func (f *follower) resolve() {
	f.results = map[uint32]Use{}
	calls := map[uint32][]call{}
	for function, sources := range f.found {
		for _, s := range sources {
			if s.isCall {
				calls[s.callee] = append(calls[s.callee], call{function, s})
			}
		}
	}
	for range maxRounds {
		for wrapper := range f.wrappers {
			if _, ok := f.results[wrapper]; !ok {
				f.resolveWrapper(wrapper, calls[wrapper])
			}
		}
	}
}

type call struct {
	caller uint32
	source
}

func (f *follower) resolveWrapper(wrapper uint32, calls []call) {
	result := UseUnknown
	for i, c := range calls {
		if _, ok := f.results[c.caller]; c.isReturned && f.wrappers[c.caller] && !ok {
			return
		}
		use := f.use(c.caller, c.source)
		if i > 0 && use != result {
			use = UseUnknown
		}
		if result = use; result == UseUnknown {
			break
		}
	}
	f.results[wrapper] = result
}

// use returns what becomes of a growth in a function.
func (f *follower) use(function uint32, s source) Use {
	if !s.isReturned || s.use == UseUnknown {
		return s.use
	}
	result := f.results[function] // UseUnknown if it is no wrapper
	if result == UseStatus {
		return s.use
	}
	return result
}
