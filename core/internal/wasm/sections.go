package wasm

func (m *Module) readImports(r *reader) {
	for range r.count("the number of imports") {
		i := Import{Module: r.name("the module of an import"), Name: r.name("the name of an import")}
		start := r.at
		i.Kind = Kind(r.byte("the kind of an import"))
		switch i.Kind {
		case KindFunction:
			i.Type = m.readFunctionType(r)
			m.Functions = append(m.Functions, i.Type)
			m.nImportedFunctions++
		case KindTable:
			r.table()
			m.nTables++
		case KindMemory:
			mem := r.memory()
			mem.Imported = true
			m.Memories = append(m.Memories, mem)
		case KindGlobal:
			m.Globals = append(m.Globals, Global{Type: r.valueType(), Mutable: r.mutability()})
		case KindTag:
			m.readTag(r)
		default:
			r.failf(start, "expected the kind of an import, 0 to 4, not %#x", i.Kind)
		}
		if r.err != nil {
			return
		}
		m.Imports = append(m.Imports, i)
	}
	m.referenced = make([]bool, len(m.Functions))
}

// readFunctionType reads the index of a type of functions.
func (m *Module) readFunctionType(r *reader) uint32 {
	start := r.at
	i := r.index(len(m.Types), "the index of a type")
	if r.err == nil && !m.Types[i].IsFunction {
		r.failf(start, "expected the type of a function, and type %d is none", i)
	}
	return i
}

func (m *Module) readFunctions(r *reader) {
	m.nDefinedFunctions = r.count("the number of functions")
	for range m.nDefinedFunctions {
		m.Functions = append(m.Functions, m.readFunctionType(r))
	}
	m.referenced = make([]bool, len(m.Functions))
}

// tableWithInit is how a table begins that says what is in its slots.
const tableWithInit = 0x40

func (m *Module) readTables(r *reader) {
	for range r.count("the number of tables") {
		if r.at < len(r.b) && r.b[r.at] == tableWithInit {
			r.at++
			r.zero("0 behind the 0x40 of a table")
			r.table()
			m.readConstant(r)
		} else {
			r.table()
		}
		m.nTables++
	}
}

func (r *reader) zero(what string) {
	start := r.at
	if c := r.byte(what); c != 0 {
		r.failf(start, "expected %s, not %#x", what, c)
	}
}

func (m *Module) readMemories(r *reader) {
	for range r.count("the number of memories") {
		m.Memories = append(m.Memories, r.memory())
	}
}

func (m *Module) readTags(r *reader) {
	for range r.count("the number of tags") {
		m.readTag(r)
	}
}

func (m *Module) readTag(r *reader) {
	r.zero("the attribute of a tag, 0")
	m.readFunctionType(r)
	m.nTags++
}

func (m *Module) readGlobals(r *reader) {
	for range r.count("the number of globals") {
		g := Global{Type: r.valueType(), Mutable: r.mutability()}
		if value, ok := m.readConstant(r); ok {
			g.Const = &value
		}
		m.Globals = append(m.Globals, g)
	}
}

func (m *Module) readExports(r *reader) {
	for range r.count("the number of exports") {
		e := Export{Name: r.name("the name of an export")}
		start := r.at
		e.Kind = Kind(r.byte("the kind of an export"))
		switch e.Kind {
		case KindFunction:
			e.Index = m.readReferenced(r)
		case KindTable:
			e.Index = r.index(m.nTables, "the index of a table")
		case KindMemory:
			e.Index = r.index(len(m.Memories), "the index of a memory")
		case KindGlobal:
			e.Index = r.index(len(m.Globals), "the index of a global")
		case KindTag:
			e.Index = r.index(m.nTags, "the index of a tag")
		default:
			r.failf(start, "expected the kind of an export, 0 to 4, not %#x", e.Kind)
		}
		if r.err != nil {
			return
		}
		m.Exports = append(m.Exports, e)
	}
}

// readReferenced reads the index of a function that can be called other than by its index from then on.
func (m *Module) readReferenced(r *reader) uint32 {
	i := r.index(len(m.Functions), "the index of a function")
	if r.err == nil {
		m.referenced[i] = true
	}
	return i
}

func (m *Module) readStart(r *reader) {
	r.index(len(m.Functions), "the index of the start function")
	m.Start = true
}

// The flags of an element segment.
const (
	elementsPassive  = 1 // or declared
	elementsExplicit = 2 // a table's index; or declared, if passive
	elementsConstant = 4 // elements are expressions
	elementsAll      = elementsPassive | elementsExplicit | elementsConstant
)

func (m *Module) readElements(r *reader) {
	for range r.count("the number of element segments") {
		start := r.at
		flags := r.u32("the flags of an element segment")
		if flags > elementsAll {
			r.failf(start, "expected the flags of an element segment, 0 to 7, not %#x", flags)
			return
		}
		if flags&elementsPassive == 0 {
			if flags&elementsExplicit != 0 {
				r.index(m.nTables, "the index of a table")
			}
			m.readConstant(r)
		}
		isTyped := flags&(elementsPassive|elementsExplicit) != 0
		if flags&elementsConstant == 0 {
			if isTyped {
				r.zero("the kind of elements, 0")
			}
			for range r.count("the number of elements") {
				m.readReferenced(r)
			}
			continue
		}
		if isTyped {
			r.refType()
		}
		for range r.count("the number of elements") {
			m.readConstant(r)
		}
	}
}

func (m *Module) readDataCount(r *reader) { m.nData = int64(r.u32("the number of data segments")) }

func (m *Module) readData(r *reader) {
	start := r.at
	n := r.count("the number of data segments")
	if r.err == nil && m.nData >= 0 && int64(n) != m.nData {
		r.failf(start, "expected the %d data segments that the data count announces, not %d", m.nData, n)
		return
	}
	m.Data = make([][]byte, 0, n)
	for range n {
		start := r.at
		memory, addr, isPlaced := uint32(0), uint64(0), false
		switch flags := r.u32("the flags of a data segment"); flags {
		case 1: // passive
		case 2:
			memory = r.index(len(m.Memories), "the index of a memory")
			addr, isPlaced = m.readConstant(r)
		case 0:
			addr, isPlaced = m.readConstant(r)
		default:
			r.failf(start, "expected the flags of a data segment, 0 to 2, not %#x", flags)
		}
		data := r.bytes(r.count("the number of bytes of data"), "data")
		if r.err != nil {
			return
		}
		m.Data = append(m.Data, data)
		if size := uint64(len(data)); isPlaced && memory == 0 && addr+size > addr {
			m.DataEnd = max(m.DataEnd, addr+size)
		}
	}
}

// readConstant reads an expression that is evaluated at instantiation. It returns the value if it is one i32.const or
// i64.const; the upper half of an i32 is zero.
func (m *Module) readConstant(r *reader) (value uint64, ok bool) {
	var in instruction
	for n := 0; r.err == nil; n++ {
		r.next(&in)
		if r.err != nil || in.op == opEnd {
			return value, ok && n == 1
		}
		if !in.op.isConstant() {
			r.failf(in.at, "expected an instruction that a constant expression may have, and %#x is none", r.b[in.at])
			return 0, false
		}
		switch in.op {
		case opI32Const:
			value, ok = uint64(uint32(in.a)), true
		case opI64Const:
			value, ok = in.a, true
		case opRefFunc:
			if in.a >= uint64(len(m.Functions)) {
				r.failf(in.at, "expected the index of a function below %d, not %d", len(m.Functions), in.a)
				return 0, false
			}
			m.referenced[in.a] = true
		}
	}
	return 0, false
}
