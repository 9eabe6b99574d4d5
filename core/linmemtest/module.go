package linmemtest

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/linmem/linmem/core/guest"
)

// Module returns a wasm module, in the binary format, that exports a memory of the given size and maximum in pages (at
// most 65,536 each) as "memory", and functions that act on it:
//
//	(module
//	  (memory (export "memory") pages max)
//	  (func (export "grow") (param $delta i32) (result i32) (memory.grow (local.get $delta)))
//	  (func (export "load") (param $addr i32) (result i32) (i32.load8_u (local.get $addr)))
//	  (func (export "store") (param $addr i32) (param $byte i32) (i32.store8 (local.get $addr) (local.get $byte))))
func Module(pages, max uint64) []byte {
	m := module{memory: binary.AppendUvarint(binary.AppendUvarint([]byte{hasMax}, pages), max)}
	m.function("grow", []byte{i32}, []byte{i32}, localGet, 0, memoryGrow, 0)
	m.function("load", []byte{i32}, []byte{i32}, localGet, 0, i32Load8U, 0, 0)
	m.function("store", []byte{i32, i32}, nil, localGet, 0, localGet, 1, i32Store8, 0, 0)
	return m.encode()
}

// callModule is the module that [RunInstance] calls:
//
//	(module
//	  (memory (export "memory") 1 10)
//	  (table (export "table") 1 funcref)
//	  (global (export "i32-global") i32 (i32.const -1))
//	  (global (export "f64-global") f64 (f64.const 1.5))
//	  (func (export "i32") (param i32) (result i32) (local.get 0))
//	  (func (export "i64") (param i64) (result i64) (local.get 0))
//	  (func (export "f32") (param f32) (result f32) (local.get 0))
//	  (func (export "f64") (param f64) (result f64) (local.get 0))
//	  (func (export "swap") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
//	  (func (export "nothing"))
//	  (func (export "reference") (param funcref))
//	  (func (export "trap") (unreachable))
//	  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
//	  (global (export "initialized") (mut i32) (i32.const 0))
//	  (func (export "_initialize") (global.set 2 (i32.add (global.get 2) (i32.const 1)))))
func callModule() []byte {
	m := module{memory: []byte{hasMax, 1, 10}}
	m.table("table", funcref, noMax, 1)
	m.global("i32-global", i32, i32Const, 0x7f) // -1 in signed LEB128
	m.global("f64-global", f64, binary.LittleEndian.AppendUint64([]byte{f64Const}, math.Float64bits(1.5))...)
	for _, t := range []struct {
		name string
		typ  byte
	}{{"i32", i32}, {"i64", i64}, {"f32", f32}, {"f64", f64}} {
		m.function(t.name, []byte{t.typ}, []byte{t.typ}, localGet, 0)
	}
	m.function("swap", []byte{i32, i64}, []byte{i64, i32}, localGet, 1, localGet, 0)
	m.function("nothing", nil, nil)
	m.function("reference", []byte{funcref}, nil)
	m.function("trap", nil, nil, unreachable)
	m.function("grow", []byte{i32}, []byte{i32}, localGet, 0, memoryGrow, 0)
	m.variable("initialized", i32, i32Const, 0)
	m.function("_initialize", nil, nil, globalGet, 2, i32Const, 1, i32Add, globalSet, 2)
	return m.encode()
}

// AllocatorModule returns a guest, in the binary format, that imports the functions that the imports name, as [RunAllocator]
// needs it. It exports one that calls each, by the name that C has for it. This is that of [guest.CImports]:
//
//	(module
//	  (import "env" "malloc" (func $malloc (param i32) (result i32)))
//	  (import "env" "calloc" (func $calloc (param i32 i32) (result i32)))
//	  (import "env" "realloc" (func $realloc (param i32 i32) (result i32)))
//	  (import "env" "free" (func $free (param i32)))
//	  (import "env" "aligned_alloc" (func $aligned_alloc (param i32 i32) (result i32)))
//	  (memory (export "memory") 2 9)
//	  (global (export "__heap_base") i32 (i32.const 1024))
//	  (global $first (export "first") (mut i32) (i32.const 0))
//	  (func (export "call_malloc") (param i32) (result i32) (call $malloc (local.get 0)))
//	  (func (export "call_calloc") (param i32 i32) (result i32) (call $calloc (local.get 0) (local.get 1)))
//	  (func (export "call_realloc") (param i32 i32) (result i32) (call $realloc (local.get 0) (local.get 1)))
//	  (func (export "call_free") (param i32) (call $free (local.get 0)))
//	  (func (export "call_aligned_alloc") (param i32 i32) (result i32) (call $aligned_alloc (local.get 0) (local.get 1)))
//	  (func (export "_initialize") (global.set $first (call $malloc (i32.const 64))))
//	  (func (export "pairs") (param $n i32)
//	    (loop $again
//	      (call $free (call $malloc (i32.const 64)))
//	      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
//
// Without malloc there is no _initialize, and without malloc and free no pairs. With Is64 it is i64 for i32, but for
// __heap_base and the parameter of pairs.
func AllocatorModule(imports guest.Imports) []byte {
	m := module{memory: []byte{hasMax, 2, 9}}
	address, constant := i32, byte(i32Const)
	if imports.Is64 {
		address, constant = i64, i64Const
	}
	m.global("__heap_base", i32, i32Const, 0x80, 0x08) // 1024 in signed LEB128
	m.variable("first", address, constant, 0)

	one, two := []byte{address}, []byte{address, address}
	functions := []struct {
		name, imported  string
		params, results []byte
		index           byte
	}{
		{"malloc", imports.Malloc, one, one, 0},
		{"calloc", imports.Calloc, two, one, 0},
		{"realloc", imports.Realloc, two, one, 0},
		{"free", imports.Free, one, nil, 0},
		{"aligned_alloc", imports.AlignedAlloc, two, one, 0},
	}
	for i, f := range functions {
		if f.imported != "" {
			functions[i].index = m.importFunction(imports.Module, f.imported, f.params, f.results)
		}
	}
	for _, f := range functions {
		if f.imported == "" {
			continue
		}
		var body []byte
		for i := range f.params {
			body = append(body, localGet, byte(i))
		}
		m.function("call_"+f.name, f.params, f.results, append(body, call, f.index)...)
	}
	first := []byte{constant, 0xc0, 0x00, call, functions[0].index} // 64 in signed LEB128
	if imports.Malloc != "" {
		m.function("_initialize", nil, nil, append(first, globalSet, 1)...)
	}
	if imports.Malloc != "" && imports.Free != "" {
		body := append([]byte{loop, noResult}, first...)
		body = append(body, call, functions[3].index, localGet, 0, i32Const, 1, i32Sub, localTee, 0, brIf, 0, end)
		m.function("pairs", []byte{i32}, nil, body...)
	}
	return m.encode()
}

// Codes of the binary format, see https://webassembly.github.io/spec/core/binary/.
const (
	sectionType     = 1
	sectionImport   = 2
	sectionFunction = 3
	sectionTable    = 4
	sectionMemory   = 5
	sectionGlobal   = 6
	sectionExport   = 7
	sectionCode     = 10

	kindFunction, kindTable, kindMemory, kindGlobal = 0, 1, 2, 3

	functionType                     = 0x60
	i32, i64, f32, f64, funcref byte = 0x7f, 0x7e, 0x7d, 0x7c, 0x70
	noMax, hasMax                    = 0, 1
	immutable, mutable               = 0, 1

	unreachable, end             = 0x00, 0x0b
	loop, noResult, brIf, call   = 0x03, 0x40, 0x0d, 0x10
	localGet, localTee           = 0x20, 0x22
	globalGet, globalSet         = 0x23, 0x24
	i32Load8U, i32Store8         = 0x2d, 0x3a
	memoryGrow                   = 0x40
	i32Const, i64Const, f64Const = 0x41, 0x42, 0x44
	i32Add, i32Sub               = 0x6a, 0x6b
)

// module collects the parts of a wasm module with one memory, exported as "memory". Each function has a type of its own, of
// the same index: so what is imported comes first.
type module struct {
	memory                                                     []byte // its limits
	types, imports, functions, tables, globals, codes, exports [][]byte
}

func (m *module) signature(params, results []byte) (index byte) {
	signature := append([]byte{functionType}, counted(len(params), params)...)
	m.types = append(m.types, append(signature, counted(len(results), results)...))
	return byte(len(m.types) - 1)
}

func (m *module) importFunction(module, name string, params, results []byte) (index byte) {
	index = m.signature(params, results)
	names := append(counted(len(module), []byte(module)), counted(len(name), []byte(name))...)
	m.imports = append(m.imports, append(names, kindFunction, index))
	return index
}

func (m *module) function(name string, params, results []byte, body ...byte) {
	index := m.signature(params, results)
	m.functions = append(m.functions, []byte{index})
	m.export(name, kindFunction, index)
	body = append(append([]byte{0}, body...), end) // 0 locals
	m.codes = append(m.codes, counted(len(body), body))
}

func (m *module) table(name string, typ ...byte) {
	m.export(name, kindTable, byte(len(m.tables)))
	m.tables = append(m.tables, typ)
}

func (m *module) global(name string, typ byte, value ...byte) {
	m.addGlobal(name, []byte{typ, immutable}, value)
}

func (m *module) variable(name string, typ byte, value ...byte) {
	m.addGlobal(name, []byte{typ, mutable}, value)
}

func (m *module) addGlobal(name string, typ, value []byte) {
	m.export(name, kindGlobal, byte(len(m.globals)))
	m.globals = append(m.globals, append(append(typ, value...), end))
}

func (m *module) export(name string, kind, index byte) {
	m.exports = append(m.exports, append(counted(len(name), []byte(name)), kind, index))
}

func (m *module) encode() []byte {
	m.export("memory", kindMemory, 0)
	b := []byte("\x00asm\x01\x00\x00\x00")
	for _, section := range []struct {
		id    byte
		items [][]byte
	}{
		{sectionType, m.types},
		{sectionImport, m.imports},
		{sectionFunction, m.functions},
		{sectionTable, m.tables},
		{sectionMemory, [][]byte{m.memory}},
		{sectionGlobal, m.globals},
		{sectionExport, m.exports},
		{sectionCode, m.codes},
	} {
		if len(section.items) > 0 {
			items := counted(len(section.items), bytes.Join(section.items, nil))
			b = append(append(b, section.id), counted(len(items), items)...)
		}
	}
	return b
}

// counted encodes n in LEB128, then what it counts.
func counted(n int, body []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(n)), body...)
}
