// Package wasm reads the binary format of WebAssembly, as far as one must to know what a guest does to its memory.
//
// [Parse] decodes every section and every instruction once, in the order of the bytes. What it keeps are declarations and
// places, never code: types, imports, memories, exports, the bytes of data and custom sections, and each memory.grow and
// memory.size. It is a decoder and no validator: lengths, encodings, nesting and those indices are checked that something
// here relies on; types of operands are not.
//
// [Module.FollowGrowths] then says what becomes of the result of each memory.grow. It interprets the functions that have
// one, and those that get such a result from another, with tags for values (see flow); all other functions were skipped,
// one instruction after another.
//
// The input may be hostile. No allocation follows a count that the bytes behind it cannot hold, nothing is recursive, and
// time is linear in the size of the input.
//
// The format is that of WebAssembly 3.0, and of the proposals threads, legacy exceptions, custom page sizes, wide arithmetic
// and stack switching. See https://webassembly.github.io/spec/core/binary/index.html
package wasm

import "fmt"

// Module is what a binary declares.
type Module struct {
	Types     []Type
	Imports   []Import
	Functions []uint32 // the type of each function; imported ones come first
	Memories  []Memory // imported ones first
	Globals   []Global // imported ones first
	Exports   []Export
	Start     bool     // there is a start function
	Data      [][]byte // the contents of each data segment, inside the input
	Customs   []Custom

	// DataEnd is the first address of memory 0 behind all data that is put there at instantiation, at constant addresses.
	DataEnd uint64

	// Grows are the instructions memory.grow, in the order of the code.
	Grows []Site

	// Sizes are the first instructions memory.size, [MaxSizes] at most, and NumSizes is how many there are.
	Sizes    []Site
	NumSizes int

	nImportedFunctions int
	nTables, nTags     int
	nDefinedFunctions  int    // by the function section
	nData              int64  // by the data count section, or -1
	referenced         []bool // of each function: a table, a global or an export has it
	growing            []body // the functions with a memory.grow, in the order of the code
	code               []byte // the input up to the end of the code section
	codeStart          int    // where the first body begins in code
}

// MaxSizes is how many places of memory.size are kept.
const MaxSizes = 32

// Site is an instruction.
type Site struct {
	Offset   int    // from the beginning of the input
	Function uint32 // the index of the function that has it
	Memory   uint32 // the index of the memory that it is about
}

// Kind is what an import or export is.
type Kind byte

// The kinds, as they are encoded.
const (
	KindFunction Kind = iota
	KindTable
	KindMemory
	KindGlobal
	KindTag
)

// Import is an import of any kind. Type is a function's, as an index.
type Import struct {
	Module, Name string
	Kind         Kind
	Type         uint32
}

// Export is an export of any kind. Index is in range.
type Export struct {
	Name  string
	Kind  Kind
	Index uint32
}

// Memory is the type of a memory.
type Memory struct {
	Min      uint64  // pages
	Max      *uint64 // pages; nil if there is none
	Is64     bool
	Shared   bool
	Imported bool
	PageSize uint64 // bytes
}

// Global is a global variable.
type Global struct {
	Type    byte // as value types are encoded
	Mutable bool
	Const   *uint64 // the value if it is that of one i32.const or i64.const, else nil; the upper half of an i32 is zero
}

// Custom is a custom section. Contents is inside the input.
type Custom struct {
	Name     string
	Contents []byte
}

// sections are in the order in which they come in a binary, where each may appear once.
//
// See https://webassembly.github.io/spec/core/binary/modules.html#binary-module
var sections = []struct {
	id   byte
	name string
	read func(*Module, *reader)
}{
	{1, "type", (*Module).readTypes},
	{2, "import", (*Module).readImports},
	{3, "function", (*Module).readFunctions},
	{4, "table", (*Module).readTables},
	{5, "memory", (*Module).readMemories},
	{13, "tag", (*Module).readTags},
	{6, "global", (*Module).readGlobals},
	{7, "export", (*Module).readExports},
	{8, "start", (*Module).readStart},
	{9, "element", (*Module).readElements},
	{12, "data count", (*Module).readDataCount},
	{10, "code", (*Module).readCode},
	{11, "data", (*Module).readData},
}

const headerSize = 8

// Parse decodes a module. The error is an [*Error]. The module refers to the input, which must not change.
func Parse(input []byte) (*Module, error) {
	r := &reader{b: input}
	m := &Module{nData: -1}
	r.header()
	for next := 0; r.err == nil && r.at < len(r.b); {
		next = m.readSection(r, next)
	}
	if r.err == nil && m.code == nil && m.nDefinedFunctions > 0 {
		r.failf(len(input), "expected a code section with the bodies of %d functions", m.nDefinedFunctions)
	}
	if r.err == nil && m.nData > int64(len(m.Data)) {
		r.failf(len(input), "expected a data section with the %d segments that the data count announces", m.nData)
	}
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

func (r *reader) header() {
	const magic = "\x00asm"
	if len(r.b) < headerSize || string(r.b[:len(magic)]) != magic {
		r.failf(0, "expected the header of a WebAssembly binary, 00 61 73 6d and four bytes more")
		return
	}
	if layer := r.b[6]; layer == 1 && r.b[7] == 0 {
		r.failf(4, "expected a core module, and this is a component: inspect the core module inside "+
			"(`wasm-tools component unbundle` takes it out)")
		return
	}
	if string(r.b[4:headerSize]) != "\x01\x00\x00\x00" {
		r.failf(4, "expected version 1 of the binary format, 01 00 00 00, not % x", r.b[4:headerSize])
		return
	}
	r.at = headerSize
}

// readSection reads a section, of which next is the first that may come by the order of sections. It returns the next
// such.
func (m *Module) readSection(r *reader, next int) int {
	start := r.at
	id := r.byte("a section")
	size := r.count("the size of a section")
	if r.err != nil {
		return next
	}
	in := &reader{b: r.b[:r.at+size], at: r.at}
	r.at += size
	if id == 0 {
		m.readCustom(in)
		r.err = in.err
		return next
	}
	for i, s := range sections {
		if s.id != id {
			continue
		}
		if i < next {
			r.failf(start, "expected each section once and in order, and the %s section comes after the %s section",
				s.name, sections[next-1].name)
			return next
		}
		s.read(m, in)
		in.finish(s.name + " section")
		r.err = in.err
		return i + 1
	}
	r.failf(start, "expected a section that is known, and its id is %d", id)
	return next
}

// Error says where an input is no module, and why.
type Error struct {
	Offset int    // of what was not as expected, in bytes from the beginning
	Reason string // what was expected there
}

func (e *Error) Error() string { return fmt.Sprintf("at byte %#x: %s", e.Offset, e.Reason) }
