package wasm

// Type is a type that a module defines. Those that are not of functions are kept for their index only.
type Type struct {
	IsFunction      bool
	Params, Results []byte // as value types are encoded, references without what they refer to
}

// The first bytes of types.
//
// See https://webassembly.github.io/spec/core/binary/types.html
const (
	typeI32      = 0x7f
	typeI64      = 0x7e
	typeV128     = 0x7b
	typeI8       = 0x78
	typeI16      = 0x77
	typeNoCont   = 0x75 // the abstract heap types are from here …
	typeCont     = 0x68 // … to here
	typeRef      = 0x64
	typeRefNull  = 0x63
	typeFunction = 0x60
	typeStruct   = 0x5f
	typeArray    = 0x5e
	typeContOf   = 0x5d
	typeSub      = 0x50
	typeSubFinal = 0x4f
	typeRec      = 0x4e
	typeEmpty    = 0x40 // of a block
)

func (m *Module) readTypes(r *reader) {
	for range r.count("the number of types") {
		if r.at < len(r.b) && r.b[r.at] == typeRec {
			r.at++
			for range r.count("the number of types of a recursive group") {
				m.readType(r)
			}
			continue
		}
		m.readType(r)
	}
}

func (m *Module) readType(r *reader) {
	start := r.at
	form := r.byte("a type")
	if form == typeSub || form == typeSubFinal {
		for range r.count("the number of supertypes") {
			r.u32("the index of a type")
		}
		start = r.at
		form = r.byte("a type")
	}
	t := Type{}
	switch form {
	case typeFunction:
		t = Type{IsFunction: true, Params: r.valueTypes("the number of parameters"), Results: r.valueTypes("the number of results")}
	case typeStruct:
		for range r.count("the number of fields") {
			r.fieldType()
		}
	case typeArray:
		r.fieldType()
	case typeContOf:
		r.heapType()
	default:
		r.failf(start, "expected the type of a function, structure, array or continuation, not %#x", form)
	}
	if r.err == nil {
		m.Types = append(m.Types, t)
	}
}

func (r *reader) valueTypes(what string) []byte {
	n := r.count(what)
	types := make([]byte, n)
	for i := range types {
		types[i] = r.valueType()
	}
	return types
}

func (r *reader) fieldType() {
	if r.at < len(r.b) && (r.b[r.at] == typeI8 || r.b[r.at] == typeI16) {
		r.at++
	} else {
		r.valueType()
	}
	r.mutability()
}

func (r *reader) mutability() bool {
	start := r.at
	c := r.byte("a mutability")
	if c > 1 {
		r.failf(start, "expected a mutability, 0 or 1, not %#x", c)
	}
	return c == 1
}

// valueType returns the first byte of a value type.
func (r *reader) valueType() byte {
	start := r.at
	c := r.byte("a value type")
	if typeV128 <= c && c <= typeI32 {
		return c
	}
	return r.reference(start, c, "a value type")
}

func (r *reader) refType() {
	start := r.at
	r.reference(start, r.byte("a reference type"), "a reference type")
}

// reference reads the rest of a reference type that begins with c.
func (r *reader) reference(start int, c byte, what string) byte {
	switch {
	case typeCont <= c && c <= typeNoCont:
	case c == typeRef || c == typeRefNull:
		r.heapType()
	default:
		if r.err == nil {
			r.failf(start, "expected %s, not %#x", what, c)
		}
	}
	return c
}

// heapType reads an index, or a type of the format's own: a negative number, in one byte.
func (r *reader) heapType() {
	start := r.at
	v := r.signed(33, "a heap type")
	if v < typeCont-0x80 || v > typeNoCont-0x80 && v < 0 {
		r.failf(start, "expected a heap type, not %d", v)
	}
}

// limits reads the sizes of a table or memory, whose flags are returned. A memory has more flags than a table.
func (r *reader) limits(what string, flagsKnown byte) (flags byte, lo uint64, hi *uint64) {
	start := r.at
	flags = r.byte("the limits of a " + what)
	if flags&^flagsKnown != 0 {
		r.failf(start, "expected limits of a %s whose flags are among %#x, not %#x", what, flagsKnown, flags)
		return flags, 0, nil
	}
	bits := uint(32)
	if flags&limits64 != 0 {
		bits = 64
	}
	lo = r.unsigned(bits, "the minimum of a "+what)
	if flags&limitsMax != 0 {
		v := r.unsigned(bits, "the maximum of a "+what)
		hi = &v
	}
	return flags, lo, hi
}

// The flags of limits.
const (
	limitsMax      = 1
	limitsShared   = 2
	limits64       = 4
	limitsPageSize = 8
)

// defaultPageSize is that of memories which do not say another.
const defaultPageSize = 1 << 16

// maxPageSizeLog is the logarithm of the largest page that the proposal speaks of.
const maxPageSizeLog = 16

func (r *reader) memory() Memory {
	flags, lo, hi := r.limits("memory", limitsMax|limitsShared|limits64|limitsPageSize)
	mem := Memory{Min: lo, Max: hi, Is64: flags&limits64 != 0, Shared: flags&limitsShared != 0, PageSize: defaultPageSize}
	if flags&limitsPageSize != 0 {
		start := r.at
		log := r.u32("the logarithm of a page's size")
		if log > maxPageSizeLog {
			r.failf(start, "expected a page of 2^0 to 2^16 bytes, not 2^%d", log)
			return mem
		}
		mem.PageSize = 1 << log
	}
	return mem
}

func (r *reader) table() {
	r.refType()
	r.limits("table", limitsMax|limitsShared|limits64)
}
