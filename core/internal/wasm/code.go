package wasm

// body is the code of a function, inside the code section.
type body struct {
	function   uint32
	start, end int // of its instructions
}

func (m *Module) readCode(r *reader) {
	start := r.at
	n := r.count("the number of functions")
	if r.err == nil && n != m.nDefinedFunctions {
		r.failf(start, "expected the code of the %d functions that are declared, not of %d", m.nDefinedFunctions, n)
		return
	}
	m.code, m.codeStart = r.b, r.at
	first := len(m.Functions) - n
	var s scanner
	for i := range n {
		if m.readBody(r, &s, uint32(first+i)); r.err != nil {
			return
		}
	}
}

func (m *Module) readBody(r *reader, s *scanner, function uint32) {
	in := r.body()
	b := body{function: function, start: in.at, end: len(in.b)}
	nBefore := len(m.Grows)
	m.scan(&in, s, function)
	r.err = in.err
	if len(m.Grows) > nBefore {
		m.growing = append(m.growing, b)
	}
}

// body returns a reader for the next function's instructions, and goes behind it.
func (r *reader) body() (in reader) {
	size := r.count("the size of a function")
	in = reader{b: r.b[:r.at+size], at: r.at, err: r.err}
	r.at += size
	nLocals := uint64(0)
	for range in.count("the number of groups of locals") {
		start := in.at
		nLocals += uint64(in.u32("the number of locals"))
		in.valueType()
		if nLocals > maxLocals {
			in.failf(start, "expected at most %d locals, not %d", uint64(maxLocals), nLocals)
			break
		}
	}
	return in
}

const maxLocals = 1<<32 - 1

// scanner is what a scan of instructions needs, kept from one function to the next.
type scanner struct {
	in   instruction
	open []opcode // the blocks around an instruction, by what opened them or their present part
}

// scan reads the instructions of a function, and checks that its blocks nest.
func (m *Module) scan(r *reader, s *scanner, function uint32) {
	s.open = append(s.open[:0], opBlock)
	in := &s.in
	for {
		if r.next(in); r.err != nil {
			return
		}
		switch in.op {
		case opMemoryGrow, opMemorySize:
			m.addSite(r, in, function)
		case opBlock, opLoop, opIf, opTry, opTryTable:
			s.open = append(s.open, in.op)
		case opElse, opCatch, opCatchAll:
			s.part(r)
		case opEnd, opDelegate:
			inner := s.open[len(s.open)-1]
			s.open = s.open[:len(s.open)-1]
			if in.op == opDelegate && inner != opTry {
				r.failf(in.at, "expected a delegate at the end of a try, and there is none here")
			}
			if len(s.open) == 0 {
				r.finish("function")
				return
			}
		}
	}
}

// part goes on to another part of the innermost block.
func (s *scanner) part(r *reader) {
	inner := &s.open[len(s.open)-1]
	switch {
	case s.in.op == opElse && *inner == opIf,
		s.in.op != opElse && (*inner == opTry || *inner == opCatch):
		*inner = s.in.op
	default:
		r.failf(s.in.at, "expected an else only once in an if, and catches only in a try, before the one for all")
	}
}

func (m *Module) addSite(r *reader, in *instruction, function uint32) {
	if in.a >= uint64(len(m.Memories)) {
		r.failf(in.at, "expected the index of a memory below %d, not %d", len(m.Memories), in.a)
		return
	}
	site := Site{Offset: in.at, Function: function, Memory: uint32(in.a)}
	if in.op == opMemoryGrow {
		m.Grows = append(m.Grows, site)
		return
	}
	if m.NumSizes++; m.NumSizes <= MaxSizes {
		m.Sizes = append(m.Sizes, site)
	}
}
